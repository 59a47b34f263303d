"""`tocsin restore`: a city out of a backup, checked. I/O."""

from pathlib import Path

import click

from tocsin.cli.common import json_option, print_json, progress
from tocsin.store.backup import restore


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@json_option
def command(file: Path, directory: Path, as_json: bool) -> None:
    """Unpack the backup FILE into the new city DIRECTORY; every byte is compared with what was backed up.

    \b
    Example:
      tocsin restore backups/my-city.tar.gz my-city-again && tocsin fsck --city my-city-again

    A city that ran on PostgreSQL comes back as an SQLite file: take [store] out of its city.toml, or
    give it an empty schema and `tocsin migrate-store` into it.
    """
    with progress() as bar:
        task = bar.add_task("unpacking", total=None)
        manifest = restore(file, directory, lambda name: bar.update(task, description=name))
    if as_json:
        print_json({"directory": str(directory), **manifest})
    else:
        click.echo(f"{directory}: {manifest['city']} as of {manifest['at']}, {len(manifest['files']):,} files")
