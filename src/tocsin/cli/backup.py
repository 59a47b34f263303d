"""`tocsin backup`: a city in one file, while it is in use. I/O."""

import os
from pathlib import Path

import click

from tocsin import __version__
from tocsin.cli.common import city_option, json_option, now, open_city, plain, print_json, progress
from tocsin.config.feeds import secret_files
from tocsin.desk import Desk
from tocsin.errors import InputError
from tocsin.store.backup import backup
from tocsin.views.plain import iso


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@city_option
@click.option("--no-raw", is_flag=True, help="Leave out the bytes that came: smaller, but a mapping cannot be mended.")
@json_option
def command(file: Path, city: Path, no_raw: bool, as_json: bool) -> None:
    """Write a city to FILE: its store as of one moment, its settings and areas, the bytes that came.

    \b
    Example:
      tocsin backup --city my-city backups/my-city.tar.gz

    The city may be in use, on SQLite or PostgreSQL; the archive always holds an SQLite file. It appears under its
    name only when it is whole. `tocsin restore` opens it. Tokens, passwords and private keys are not in it.
    """
    if file.exists():
        raise InputError(f"{file} is there already; a backup is never overwritten")
    file.parent.mkdir(parents=True, exist_ok=True)
    desk = open_city(city)
    said = {"city": desk.settings.city.name, "at": iso(now()), "tocsin": __version__, "raw": not no_raw}
    with progress() as bar:
        task = bar.add_task("writing", total=None)
        files, hidden = backup(
            desk.directory, desk.store, file, said, raw=not no_raw, secret=_secrets(desk),
            progress=lambda name: bar.update(task, description=name),
        )  # fmt: skip
    size = file.stat().st_size
    if as_json:
        print_json({"file": str(file), "files": files, "bytes": size, "left_out": hidden, **said})
    else:
        click.echo(f"{file}: {files:,} files, {size:,} bytes")
        if hidden:
            click.echo(f"left out, since they are secrets: {', '.join(map(plain, hidden))}; keep them elsewhere")


def _secrets(desk: Desk) -> set[Path]:
    """The files of passwords, keys and the operator's token that city.toml and the environment name."""
    named = [name for s in desk.settings.sources for name in secret_files(s.feed)]
    found = {(desk.directory / name).resolve() for name in named}
    return found | {Path(os.environ[n]).resolve() for n in ("TOCSIN_TOKEN_FILE", "PGPASSFILE") if os.environ.get(n)}
