"""`tocsin clusters`: what the scans on the beat say. I/O."""

from pathlib import Path
from typing import Any

import click

from tocsin import views
from tocsin.cli.common import city_option, json_option, now, open_city, print_json, print_table
from tocsin.desk import Desk


@click.command("clusters")
@city_option
@click.option("--signal", help="Of this signal only.")
@click.option("--as-of", help="As of this date (its end) or date-time; default: now.")
@json_option
def command(city: Path, signal: str | None, as_of: str | None, as_json: bool) -> None:
    """List the clusters in space and time that the city's scans told in their newest run.

    \b
    Example:
      tocsin clusters --city my-city
      tocsin clusters --signal ed.ili --as-of 2026-03-02 --json

    Scans are configured in city.toml, [[scans]]; they run on the beat, and on every day of a replay.
    """
    desk = open_city(city)
    found = views.clusters(desk, signal, as_of, now())
    if as_json:
        print_json(found)
        return
    told = [c for scan in found["scans"] for c in scan["clusters"]]
    click.echo(f"{len(told)} clusters as of {found['as_of']}, by {len(found['scans'])} scans of a signal")
    columns = ["id", "signal", "change", "where", "from", "to", "cases", "expected", "RR", "RI days"]
    rows = [
        [c["id"], c["signal"], c["change"], _where(desk, c), c["start"], c["end"][5:], f"{c['observed']:.0f}",
         _short(c["expected"], 1), _short(c["relative_risk"], 1), _days(c["recurrence_days"])]
        for c in told
    ]  # fmt: skip
    print_table(columns, rows)
    for scan in found["scans"]:
        if scan["ran"] is None:
            click.echo(f"{scan['scan']} of {scan['signal']}: has not run in the two days before; `tocsin tick` runs it")


def _where(desk: Desk, cluster: dict[str, Any]) -> str:
    center = desk.tree[cluster["center"]].title.en if cluster["center"] in desk.tree else cluster["center"]
    more = len(cluster["members"]) - 1
    return f"{center} and {more} more" if more else center


def _short(x: float | None, digits: int) -> str:
    return "" if x is None else f"{x:,.{digits}f}"


def _days(x: float | None) -> str:
    return "" if x is None else f"{x:,.0f}" if x < 1e6 else "over 1,000,000"
