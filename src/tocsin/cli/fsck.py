"""`tocsin fsck`: is the store whole? I/O."""

from pathlib import Path

import click

from tocsin.cli.common import city_option, json_option, open_city, plain, print_json, progress
from tocsin.store.fsck import FEW, fsck


@click.command("fsck")
@city_option
@json_option
def command(city: Path, as_json: bool) -> int:
    """Check that the store is whole; nothing is changed, and the city may be in use.

    \b
    Example:
      tocsin fsck --city my-city

    Pages and references; rows that are gone; what each delivery brought; the index of keys and every count, made again
    from the events; the bytes that were kept. Ends with 1 if anything is wrong. A wrong index and wrong counts are
    mended by `tocsin rebuild`, the rest by `tocsin restore`.
    """
    desk = open_city(city)
    with progress() as bar:
        task = bar.add_task("checking", total=None)
        checks = list(fsck(desk.store, desk.directory, desk.step_of, lambda name: bar.update(task, description=name)))
    whole = not any(check.problems for check in checks)
    if as_json:
        print_json({"whole": whole, "checks": [check._asdict() for check in checks]})
        return int(not whole)
    for check in checks:
        said = f"{len(check.problems):,} problems" if check.problems else "whole"
        click.echo(f"{check.name}: {said} ({check.asked:,} looked at)")
        for problem in check.problems[:FEW]:
            click.echo(f"  {plain(problem)}")
        if len(check.problems) > FEW:
            click.echo(f"  … and {len(check.problems) - FEW:,} more; --json lists all")
    return int(not whole)
