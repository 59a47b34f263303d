"""`tocsin score`: compare a simulated city's alerts with the outbreaks that were planted in it. I/O."""

import json
import math
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.console import Console
from rich.table import Table

from tocsin.alert import episode
from tocsin.calendar import day_of
from tocsin.cli.common import open_city
from tocsin.desk import Desk
from tocsin.errors import InputError, StoreError
from tocsin.feeds import feed_of
from tocsin.sim.score import Raised, Score, parse_truth, score
from tocsin.store import notes


class Judged(NamedTuple):
    """The alerts that a city's store holds, and the first and last day that were judged."""

    alerts: Sequence[Raised]
    first: date
    last: date


def alerts_of(desk: Desk) -> Judged:
    """The alerts in a city's store, each on the day it was first known; StoreError where nothing was judged yet."""
    ticks = notes.ticked(desk.store)
    if ticks is None:
        raise StoreError(f"{desk.directory}: nothing was judged yet; run `tocsin replay` over the days to be scored")
    found = [
        Raised(a.signal, a.area, desk.day(a.began), day_of(a.last))
        for a in episode.fold(notes.read_notes(desk.store, ticks[1])).values()
        if feed_of(desk.settings, a.signal) is None  # what is said of a feed claims no outbreak
    ]
    return Judged(found, desk.day(ticks[0]), desk.day(ticks[1]))


@click.command("score")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="First day.  [default: first day judged]")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Last day.  [default: last day judged]")
@click.option("--json", "as_json", is_flag=True, help="Print the score as JSON.")
def command(directory: Path, first: datetime | None, last: datetime | None, as_json: bool) -> None:
    """Score the alerts of the simulated city in DIRECTORY: sensitivity, days to detection, false alerts a week, PPV.

    \b
    Example:
      tocsin demo made-up --no-serve && tocsin score made-up
    """
    truth_file = directory / "truth.csv"
    if not truth_file.exists():
        raise InputError(f"{truth_file} is not there: only a city made by `tocsin sim` knows its outbreaks")
    truth = parse_truth(truth_file.read_text(encoding="utf-8"), str(truth_file))
    desk = open_city(directory)
    judged = alerts_of(desk)
    found = score(
        judged.alerts,
        truth,
        desk.tree,
        first.date() if first else judged.first,
        last.date() if last else judged.last,
    )
    if as_json:
        click.echo(json.dumps(_plain(found), ensure_ascii=False))
    else:
        _show(found)


def _plain(found: Score) -> dict[str, Any]:
    def number(x: float) -> float | None:
        return None if math.isnan(x) else round(x, 4)

    return {
        "first": found.first.isoformat(),
        "last": found.last.isoformat(),
        "planted": len(found.outcomes),
        "detected": found.detected,
        "sensitivity": number(found.sensitivity),
        "median_delay_days": number(found.median_delay_days),
        "alerts": found.alerts,
        "false_alerts": len(found.false),
        "false_alerts_per_week": number(found.false_per_week),
        "ppv": number(found.ppv),
        "outbreaks": [
            {
                "id": o.outbreak.id,
                "kind": o.outbreak.kind,
                "start": o.outbreak.start.isoformat(),
                "end": o.outbreak.end.isoformat(),
                "size": o.outbreak.size,
                "detected": o.first is not None,
                "delay_days": o.delay_days,
                "first_alert": o.first
                and {**o.first._asdict(), "opened": str(o.first.opened), "last": str(o.first.last)},
                "alerts": o.alerts,
                "running": o.running,
            }
            for o in found.outcomes
        ],
    }


def _show(found: Score) -> None:
    table = Table("outbreak", "kind", "start", "end", "size", "detected", "days", "by", "alerts")
    for o in found.outcomes:
        by = f"{o.first.signal} in {o.first.area}" if o.first else "an alert was already open" if o.running else ""
        mark = f"[green]{o.first.opened}[/]" if o.first else "[red]missed[/]"
        days = "" if o.delay_days is None else str(o.delay_days)
        p = o.outbreak
        table.add_row(p.id, p.kind, str(p.start), str(p.end), str(p.size), mark, days, by, str(o.alerts))
    console = Console()
    console.print(table)
    console.print(
        f"{found.first} to {found.last}: sensitivity {_number(found.sensitivity, '.0%')} "
        f"({found.detected} of {len(found.outcomes)} planted outbreaks), "
        f"median {_number(found.median_delay_days, '.1f')} days from start to detection, "
        f"{found.false_per_week:.1f} false alerts a week, "
        f"PPV {_number(found.ppv, '.0%')} ({found.alerts - len(found.false)} of {found.alerts} alerts)."
    )


def _number(x: float, form: str) -> str:
    return "none" if math.isnan(x) else format(x, form)
