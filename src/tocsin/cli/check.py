"""`tocsin check`: is the city's configuration usable? I/O."""

from pathlib import Path

import click

from tocsin.cli.common import city_option, open_city


@click.command("check")
@city_option
def command(city: Path) -> None:
    """Read city.toml, the areas and the store, and say what is wrong, or what is there.

    \b
    Example:
      tocsin check --city my-city
    """
    desk = open_city(city)
    counts = ", ".join(f"{len(desk.tree.at(level))} {level}" for level in desk.tree.levels)
    click.echo(f"{desk.settings.city.name}: areas {counts}")
    for s in desk.settings.signals:
        spoken = ", ".join(x.name for x in desk.sources_of(s.name)) or "no source (events may be pushed)"
        judged = ", ".join(d.name for d in desk.detectors[s.name]) or "not judged"
        click.echo(f"  {s.name}: {s.kind} by {s.step} at {', '.join(desk.levels(s))}; {judged}; from {spoken}")
