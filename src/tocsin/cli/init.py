"""`tocsin init`: a city directory to fill in. I/O."""

from importlib import resources
from pathlib import Path

import click

from tocsin.errors import ConfigError
from tocsin.store import open_store

AREAS = """\
code,parent,level,name_zh,name_en,longitude,latitude,population
1,,city,我的城市,My city,,,
101,1,district,东区,East district,,,
102,1,district,西区,West district,,,
"""


@click.command("init")
@click.argument("directory", type=click.Path(path_type=Path))
def command(directory: Path) -> None:
    """Make DIRECTORY a city: a commented city.toml, an areas.csv, an inbox and an empty store.

    \b
    Example:
      tocsin init my-city
    """
    if (directory / "city.toml").exists():
        raise ConfigError(f"{directory / 'city.toml'} is there already; choose another directory, or edit that one")
    (directory / "inbox").mkdir(parents=True, exist_ok=True)
    text = (resources.files("tocsin") / "init.toml").read_text("utf-8")
    (directory / "city.toml").write_text(text, "utf-8")
    if not (directory / "areas.csv").exists():
        (directory / "areas.csv").write_text(AREAS, "utf-8")
    open_store(directory).close()
    click.echo(
        f"{directory}: city.toml (read its comments), areas.csv (put your areas in), inbox/, and an empty store."
    )
    click.echo(f"Next: edit city.toml, then  tocsin check --city {directory}")
