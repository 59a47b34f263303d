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
    for table in desk.settings.scans:
        seen = ", ".join(s.name for s in desk.settings.scanned(table))
        often = f"told if chance shows it once in {table.recurrence_days:g} days or less often"
        days = f"clusters of {table.min_days} to {table.max_days} days in {table.study_days}"
        click.echo(f"  scan {table.name}: {table.model} by {desk.scan_level(table)}; {days}; {often}; of {seen}")
