"""`tocsin tick`: one beat. I/O."""

from pathlib import Path

import click

from tocsin import loop
from tocsin.calendar import parse_as_of
from tocsin.cli.common import city_option, json_option, now, open_city, print_json
from tocsin.errors import InputError
from tocsin.views.plain import iso


@click.command("tick")
@city_option
@click.option("--as-of", help="Judge as of this date (its end) or date-time; default: now.")
@json_option
def command(city: Path, as_of: str | None, as_json: bool) -> None:
    """Judge all counts once, as known now, and write what changed.

    \b
    Example:
      tocsin tick --city my-city

    Exit code 1: a part broke (named in the output); everything else was judged.
    """
    desk = open_city(city)
    try:
        at = now() if as_of is None else parse_as_of(as_of, desk.tz)
    except (ValueError, OverflowError) as e:
        raise InputError(f"--as-of {as_of!r}: write a date (2014-09-01) or a date and time") from e
    done = loop.tick(desk, at)
    if as_json:
        print_json({**done._asdict(), "as_of": iso(done.as_of)})
    else:
        click.echo(
            f"as of {iso(done.as_of)}: {len(done.opened)} opened, {len(done.changed)} changed, {len(done.closed)} ended"
        )
    for part, message in done.faults:
        click.echo(f"fault: {part}: {message}", err=True)
    raise SystemExit(1 if done.faults else 0)
