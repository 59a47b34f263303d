"""`tocsin token`: who may send records or work on alerts, each with a token of their own. I/O."""

from pathlib import Path
from typing import Any

import click

from tocsin.cli.common import city_option, json_option, now, open_city, print_json, print_table
from tocsin.errors import InputError
from tocsin.server import tokens
from tocsin.server.tokens import Holder, Role
from tocsin.views.plain import iso

HOUR, DAY = 3_600_000_000, 86_400_000_000
COLUMNS = ["name", "may", "sources", "signals", "areas", "rate", "back days", "made", "until"]


@click.group("token")
def command() -> None:
    """Who may send records or work on alerts: `new`, `rotate`, `revoke`, `list`.

    \b
    Example:
      tocsin token new east-hospital --source east-ed --city my-city
      tocsin token new duty-desk --triage --city my-city

    A token is printed once and kept only as a digest, in tokens.json beside city.toml. A running server knows of every
    change at its next request.
    """


@command.command("new")
@click.argument("name")
@click.option("--source", "sources", multiple=True, help="May send records of this source; may be given again.")
@click.option("--signal", "signals", multiple=True, help="… of these signals alone.")
@click.option("--area", "areas", multiple=True, help="… in these areas, and what lies within, alone.")
@click.option("--triage", is_flag=True, help="May work on alerts; the notes say whose token it was.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), default=100.0, show_default=True,
              help="Requests a second; ten seconds' worth may come at once.")  # fmt: skip
@click.option("--back-days", type=click.IntRange(0), default=31, show_default=True,
              help="A report may come so late; later would change what was known long ago. 0: ever.")  # fmt: skip
@click.option("--days", type=click.IntRange(1), help="The token ends after so many days.  [default: never]")
@city_option
def new(
    name: str, sources: tuple[str, ...], signals: tuple[str, ...], areas: tuple[str, ...], triage: bool, rate: float,
    back_days: int, days: int | None, city: Path,
) -> None:  # fmt: skip
    """Make a token for NAME, a sender or a desk, and print it. It cannot be shown again."""
    desk = open_city(city)
    for kind, given, there in (
        ("source", sources, [s.name for s in desk.settings.sources]),
        ("signal", signals, [s.name for s in desk.settings.signals]),
        ("area", areas, [a.code for a in desk.tree.areas]),
    ):
        for one in given:
            if one not in there:
                known = ", ".join(there[:20]) + (", …" if len(there) > 20 else "")
                raise InputError(f"no {kind} {one!r} in this city; there are: {known or 'none'}")
    may: list[Role] = ["push"] if sources else []
    if triage:
        may.append("triage")
    if not may:
        raise InputError("a token is for something: name its --source, or say --triage")
    holder = Holder(name, may, list(sources), list(signals), list(areas), rate, back_days)
    at = now()
    click.echo(tokens.new(desk.directory, holder, at, None if days is None else at + days * DAY))


@command.command("rotate")
@click.argument("name")
@click.option("--overlap", type=click.FloatRange(min=0), default=24.0, show_default=True, metavar="HOURS",
              help="The token there was holds for so long.")  # fmt: skip
@city_option
def rotate(name: str, overlap: float, city: Path) -> None:
    """Make another token for NAME and print it; the one there was ends after the overlap."""
    click.echo(tokens.rotate(open_city(city).directory, name, now(), int(overlap * HOUR)))


@command.command("revoke")
@click.argument("name")
@city_option
def revoke(name: str, city: Path) -> None:
    """End all tokens of NAME now."""
    tokens.revoke(open_city(city).directory, name)
    click.echo(f"{name} may no longer write")


@command.command("list")
@city_option
@json_option
def list_(city: Path, as_json: bool) -> None:
    """Say who has a token, and for what. Nothing that is printed lets anybody in."""
    rows = [_row(holder) for holder in tokens.read(open_city(city).directory)]
    if as_json:
        print_json(rows)
        return
    print_table(COLUMNS, [[_plain(v) for v in row.values()] for row in rows])


def _row(h: Holder) -> dict[str, Any]:
    return {
        "name": h.name, "may": h.may, "sources": h.sources, "signals": h.signals, "areas": h.areas, "rate": h.rate,
        "back_days": h.back_days, "made": [iso(s.made) for s in h.secrets],
        "until": [None if s.until is None else iso(s.until) for s in h.secrets],
    }  # fmt: skip


def _plain(value: Any) -> str:
    return ", ".join("-" if v is None else str(v) for v in value) if isinstance(value, list) else str(value)
