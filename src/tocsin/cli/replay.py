"""`tocsin replay`: live any past days again, each as of that day. I/O."""

from datetime import date
from pathlib import Path

import click

from tocsin import loop
from tocsin.cli.common import city_option, day_option, json_option, open_city, print_json, progress
from tocsin.errors import InputError
from tocsin.views.plain import iso


@click.command("replay")
@day_option("--from", "First day.", required=True)
@day_option("--to", "Last day.", required=True)
@city_option
@json_option
def command(from_day: date, to_day: date, city: Path, as_json: bool) -> None:
    """Tick each day from --from to --to, as of that day's end, exactly as live would have.

    \b
    Example:
      tocsin replay --from 2014-01-01 --to 2014-12-31 --city my-city

    A second replay of the same days writes nothing new. Interrupted, it goes on when called again.
    """
    if to_day < from_day:
        raise InputError(f"--to {to_day} lies before --from {from_day}")
    desk = open_city(city)
    opened: list[str] = []
    faults: set[tuple[str, str]] = set()
    rows = 0
    with progress() as bar:
        task = bar.add_task("replay", total=(to_day - from_day).days + 1)
        for done in loop.replay(desk, from_day, to_day):
            opened += done.opened
            faults |= set(done.faults)
            rows += done.rows
            bar.update(task, advance=1, description=f"{iso(done.as_of)[:10]}  {len(opened)} alerts")
    if as_json:
        print_json({"from": str(from_day), "to": str(to_day), "opened": opened, "rows": rows, "faults": sorted(faults)})
    else:
        click.echo(f"{from_day} to {to_day}: {len(opened)} alerts opened, {rows} rows written")
    for part, message in sorted(faults):
        click.echo(f"fault: {part}: {message}", err=True)
    raise SystemExit(1 if faults else 0)
