"""`tocsin rebuild`: count all events anew after a change of city.toml. I/O."""

from pathlib import Path

import click

from tocsin.cli.common import city_option, json_option, open_city, print_json, progress
from tocsin.store import totals
from tocsin.store.rebuild import rebuild


@click.command("rebuild")
@city_option
@json_option
def command(city: Path, as_json: bool) -> None:
    """Count all events anew: needed when a signal's step or kind, or the city's zone, has changed in city.toml.

    \b
    Example:
      tocsin rebuild --city my-city

    Stop `tocsin serve` first. Events and alerts stay as they are; only the counts are made again, all of them or none.
    """
    desk = open_city(city, agree=False)
    with progress() as bar:
        task = bar.add_task("counting", total=max(totals.events(desk.store), 1))
        zone = desk.settings.city.zone
        events = rebuild(desk.store, desk.stored_as, zone, desk.step_of, lambda n: bar.update(task, completed=n))
    if as_json:
        print_json({"events": events})
    else:
        click.echo(f"{events:,} events counted anew")
