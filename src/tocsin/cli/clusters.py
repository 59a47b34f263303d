"""`tocsin clusters`: what the scans on the beat say. I/O."""

from pathlib import Path
from typing import Any

import click
from rich.table import Column

from tocsin import views
from tocsin.alert.gathered import LONG
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

    RR: relative risk. RI: recurrence interval, chance shows one such cluster in so many days. q: of a signal's best
    cluster, the share of false alarms if it and all signals of the scan with a smaller q are acted on.

    Scans are configured in city.toml, [[scans]]; they run on the beat, and on every day of a replay.
    """
    desk = open_city(city)
    found = views.clusters(desk, signal, as_of, now())
    if as_json:
        print_json(found)
        return
    told = [(c, scan["q"] if c["p"] == scan["p"] else None) for scan in found["scans"] for c in scan["clusters"]]
    click.echo(f"{len(told)} clusters as of {found['as_of']}, by {len(found['scans'])} scans of a signal")
    columns: list[str | Column] = [
        _whole("signal"),
        "change",
        "where",
        _whole("days"),
        "cases",
        "exp.",
        "RR",
        "RI days",
        "q",
    ]
    rows = [
        [c["signal"], c["change"], _where(desk, c), f"{c['start'][5:]}/{c['end'][5:]}", f"{c['observed']:.0f}",
         _short(c["expected"], 1), _short(c["relative_risk"], 1), _days(c["recurrence_days"]), _chance(q)]
        for c, q in told
    ]  # fmt: skip
    print_table(columns, rows)
    for scan in found["scans"]:
        if scan["ran"] is None:
            why = f"no run in the two days before: no beat (`tocsin tick`), or no cases by {scan['level']}"
            click.echo(f"{scan['scan']} of {scan['signal']}: {why}")


def _whole(name: str) -> Column:
    return Column(name, no_wrap=True)


def _where(desk: Desk, cluster: dict[str, Any]) -> str:
    center = desk.tree[cluster["center"]].title.en if cluster["center"] in desk.tree else cluster["center"]
    more = len(cluster["members"]) - 1
    return f"{center} +{more}" if more else center


def _short(x: float | None, digits: int) -> str:
    return "" if x is None else f"{x:,.{digits}f}"


def _chance(q: float | None) -> str:
    return "" if q is None else "<.0001" if q < 1e-4 else f"{q:.2g}"


def _days(x: float | None) -> str:
    return "" if x is None else f"{x:,.0f}" if x <= LONG else "> 36,500"
