"""`tocsin explain`: why a step is an alarm or is not: baseline, weights, trend, what would suppress it. I/O."""

from datetime import date
from pathlib import Path
from typing import Any

import click
import numpy as np

from tocsin import views
from tocsin.cli import detect, tabled
from tocsin.cli.common import city_option, day_option, json_option, now, open_city, print_json, print_table
from tocsin.detect.sentences import day
from tocsin.detect.why import why
from tocsin.errors import InputError
from tocsin.views.explain import title_of, told_of
from tocsin.views.plain import civils, numbers
from tocsin.views.series import MOST

FEW = 40  # baseline steps that are printed without being asked for


@click.command("explain")
@click.argument("what", nargs=-1, required=True)
@city_option
@click.option("--as-of", help="As known at this date (its end) or date-time; default: now, for an alert when judged.")
@click.option("--detector", help="One of the signal's detectors; default: all.")
@click.option("--method", help="Explain a table's step: a detector's name, as for `tocsin detect`.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter; VALUE is JSON or a word.")
@day_option("--date", "The step of the table that holds this date; default: the last.")
@click.option("--series", help="Which series of the table; default: the only one.")
@day_option("--from", "Where judging began, for methods that add up from there.")
@click.option("--freq", type=click.IntRange(1, 366 * 288), help="Steps in a year of a table with t; default 52.")
@click.option("--measure", is_flag=True, help="The table holds readings instead of counts.")
@click.option("--rows", is_flag=True, help="Print every row of the baseline.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the baseline on the curve here (.png or .svg).")
@json_option
def command(
    what: tuple[str, ...], city: Path, as_of: str | None, detector: str | None, method: str | None,
    settings: tuple[str, ...], date_day: date | None, series: str | None, from_day: date | None, freq: int | None,
    measure: bool, rows: bool, plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Explain WHAT: an ALERT, or a SIGNAL, an AREA and a DATE, of a city; or, with --method, a step of a FILE.

    \b
    Examples:
      tocsin explain 3f2a9c01d4e5 --city my-city
      tocsin explain ed.ili 310101 2026-03-02 --city my-city --plot why.png
      tocsin explain weekly.csv --method farrington_flexible --set 'limit54=[5,4]' --date 2026-03-02
    """
    if method is not None:
        if len(what) != 1:
            raise click.UsageError("--method explains a step of one FILE")
        table = tabled.read(Path(what[0]), "measure" if measure else "count", freq)
        found, curve = _of_table(table, method, settings, date_day, series, from_day)
    else:
        found, curve = _of_city(what, city, as_of, detector)
    if plot is not None:
        from tocsin.cli import explain_plot

        explain_plot.draw(plot, found, *curve)
    if as_json:
        print_json(found)
    else:
        _show(found, rows)


Curve = tuple[list[str], list[float | None]]


def _of_table(
    table: tabled.Tabled, method: str, settings: tuple[str, ...], on: date | None, series: str | None,
    begun: date | None,
) -> tuple[dict[str, Any], Curve]:  # fmt: skip
    """The explanation of one step of a table, and the series up to it."""
    if series is None and len(table.series) > 1:
        names = ", ".join(table.series[:8]) + (", …" if len(table.series) > 8 else "")
        raise InputError(f"there are {len(table.series)} series; say --series, one of: {names}")
    if series is not None and series not in table.series:
        raise InputError(f"there is no series {series!r}; there are: {', '.join(table.series[:8])}")
    row = 0 if series is None else table.series.index(series)
    chosen = detect._configured(method, settings, table)
    times = table.panel.time
    step = len(times) - 1 if on is None else int(np.searchsorted(times, np.datetime64(on, "m"), side="right")) - 1
    if step < 0:
        raise InputError(f"--date {on} is before the first step, {str(times[0])[:10]}")
    start = step
    if chosen.allowed().get("memory_years", 0) is None or begun is not None:
        start = min(detect._monitored(table, chosen, begun, None)[0], step)
    w = why(chosen, table.panel, row, step, start, table.outbreak)
    found: dict[str, Any] = {"series": table.series[row], "time": day(w.time, w.step), "text": []}
    found["detectors"] = [told_of(w, title_of(chosen), False)]
    y = table.panel.y[row, : step + 1]
    return found, (civils(times[: step + 1], w.step), numbers(y))


def _of_city(
    what: tuple[str, ...], city: Path, as_of: str | None, detector: str | None
) -> tuple[dict[str, Any], Curve]:
    """The explanation of an alert's newest step, or of a named one, and the series up to it."""
    desk, at = open_city(city), now()
    if len(what) == 1:
        alert = views.alert(desk, what[0], as_of, at)
        newest = max(alert["evidence"], key=lambda e: (e["time"], e["at"]), default=None)
        signal, area, time = alert["signal"], alert["area"], newest["time"] if newest else alert["last"]
        as_of = as_of or (newest["at"] if newest else None)
    elif len(what) == 3:
        signal, area, time = what
    else:
        raise click.UsageError("give an ALERT, or SIGNAL AREA DATE, or with --method a FILE")
    found = views.explain(desk, signal, area, time, detector, as_of, at)
    steps = [b["time"] for d in found["detectors"] for b in d["baseline"]]
    # What is longer than one answer may be is drawn from where it is not.
    longest = np.datetime64(found["time"], "m") - np.timedelta64((MOST - 1) * desk.step(signal).minutes, "m")
    first = max(min([*steps, found["time"]]), str(longest)[: len(found["time"])])
    curve = views.series(desk, signal, area, first, found["time"], found["as_of"], at)
    return found, (curve["times"], curve["values"])


def _show(found: dict[str, Any], rows: bool) -> None:
    head = [found.get("signal"), found.get("area"), found.get("series"), found["time"]]
    click.echo("  ".join(str(h) for h in head if h))
    for text in found["text"]:
        click.echo(f"{text['zh']}\n{text['en']}")
    for d in found["detectors"]:
        click.echo("")
        for text in d["text"]:
            click.echo(f"{text['zh']}\n    {text['en']}")
        shown = d["baseline"]
        if not rows and len(shown) > FEW:
            low = sorted((b for b in shown if (b["weight"] or 1) < 0.995), key=lambda b: (b["weight"], b["time"]))[:10]
            least = f"the {len(low)} that count least:" if low else "all count alike."
            click.echo(f"    Of {len(shown):,} baseline steps (--rows prints all) {least}")
            shown = sorted(low, key=lambda b: str(b["time"]))
        if shown:
            table = [[b["time"], b["value"], _weight(b), "outbreak" if b["left_out"] else ""] for b in shown]
            print_table(["baseline", "observed", "weight", ""], table)


def _weight(b: dict[str, Any]) -> str:
    return "" if b["weight"] is None else f"{b['weight']:.2f}"
