"""`tocsin detect`: one method on one table, no city needed. I/O."""

import io
import sys
from datetime import date
from pathlib import Path

import click
import numpy as np
import polars as pl

from tocsin import detect
from tocsin.calendar import DAY
from tocsin.cli import tabled
from tocsin.cli.common import day_option, errors, progress
from tocsin.cli.methods import setting
from tocsin.detect import Detector, left_out
from tocsin.errors import InputError, MethodError
from tocsin.plot import curves, paper
from tocsin.types import Alarms

LARGE = 1 << 21  # bytes of a table that takes a while


@click.command("detect")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--method", required=True, help="A detector's name: see `tocsin detectors`.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter; VALUE is JSON or a word.")
@day_option("--from", "First date to judge; default: the first with all the history the method asks for.")
@click.option("--range", "positions", metavar="FIRST:LAST", help="Steps to judge by position, from 1.")
@click.option("--freq", type=click.IntRange(1, 366 * 288), help="Steps in a year of a table with t; default 52.")
@click.option("--measure", is_flag=True, help="Readings, averaged and of either sign, instead of counts.")
@click.option("--out", type=click.Path(path_type=Path), help="Write here (.csv, .parquet), not to the standard output.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the series here (.png or .svg).")
def command(
    file: Path, method: str, settings: tuple[str, ...], from_day: date | None, positions: str | None, freq: int | None,
    measure: bool, out: Path | None, plot: Path | None,
) -> None:  # fmt: skip
    """Judge the series of a table: columns date (or t, with year and period) and count, perhaps series and population.

    Where a column outbreak holds 1, a step is judged like any other but is in no other step's baseline.

    Prints series, t, date, observed, expected, upper, score, p, alarm; what is not known is empty. Of a table that is
    shorter than the history asked for, all steps are judged with what there is before them.

    \b
    Examples:
      tocsin detect cases.csv --method ears_c2 --set alpha=0.01
      tocsin detect weekly.csv --method farrington_flexible --set b=5 --set 'limit54=[5,4]' --from 2025-01-06
      tocsin detect weekly.csv --method cusum --set trans=rossi --range 209:312 --plot cusum.png
    """
    if plot is not None:
        paper.check(plot)
    with progress(wanted=file.stat().st_size > LARGE) as bar:
        task = bar.add_task(f"reading {file.name}", total=3)
        table = tabled.read(file, "measure" if measure else "count", freq)
        chosen = _configured(method, settings, table)
        first, last, short = _monitored(table, chosen, from_day, positions)
        table = _until(table, last)
        bar.update(task, advance=1, description=f"judging {len(table.series):,} series")
        alarms = left_out.run(chosen, table.panel, first, table.outbreak)
        if short and np.isnan(alarms.score).all():
            raise MethodError(f"{short}; too little for it to say anything; choose ears_c1, which asks for little")
        alarming = chosen.alarming(alarms)
        bar.update(task, advance=1, description="writing")
        shown = _shown(table, chosen, first, alarms)
        if plot is not None:
            along = table.panel.time if table.dated else table.t
            paper.save(curves(table.panel, chosen, first, alarms, table.series, along), plot)
    _written(shown, out)
    if short:
        errors.print(f"{short}; steps are judged with what there is before them, --from says from which on")
    errors.print(_summary(chosen, alarms, int(alarming.sum()), int(alarming.any(axis=1).sum())))


def _until(table: tabled.Tabled, last: int) -> tabled.Tabled:
    """The table up to a step, it left out."""
    p = table.panel
    seen = p._replace(y=p.y[:, :last], exposure=p.exposure[:, :last], time=p.time[:last], holiday=p.holiday[:last])
    return table._replace(panel=seen, t=table.t[:last], outbreak=table.outbreak[:, :last])


def _configured(method: str, settings: tuple[str, ...], table: tabled.Tabled) -> Detector:
    """The method with what was set; a table without dates counts years by its steps where the method can."""
    given = dict(setting(s) for s in settings)
    chosen = detect.detector(method, **given)
    parameters = chosen.allowed()
    if not table.dated and parameters.get("freq", 0) is None:
        chosen = chosen.configured(freq=table.freq)
    if "memory_years" in parameters and "memory_years" not in chosen.parameters:
        chosen = chosen.configured(memory_years=None)  # one run over what is monitored, as published
    return chosen


def _monitored(
    table: tabled.Tabled, chosen: Detector, from_day: date | None, positions: str | None
) -> tuple[int, int, str]:
    """The first step to judge and the one after the last, counted from 0; what is to be said of too short a table.

    Where there is less than the method asks for, all steps are given to it: many methods make do with less.
    """
    steps = table.panel.y.shape[1]
    if positions is not None:
        if from_day is not None:
            raise click.UsageError("--range and --from both say where to begin; give one of them")
        ends = positions.split(":")
        if len(ends) != 2 or not all(e.isdigit() for e in ends) or not 1 <= int(ends[0]) <= int(ends[1]) <= steps:
            message = f"{positions!r}: write FIRST:LAST with 1 <= FIRST <= LAST <= {steps}, the number of steps"
            raise click.BadParameter(message, param_hint="--range")
        return int(ends[0]) - 1, int(ends[1]), ""
    if from_day is not None:
        first = int(np.searchsorted(table.panel.time, np.datetime64(from_day, "m")))
        if first >= steps:
            raise InputError(f"--from {from_day} is after the last step, {str(table.panel.time[-1])[:10]}")
        return first, steps, ""
    history = chosen.history(table.panel.step)
    if history >= steps:
        return 0, steps, f"{chosen.name} asks for {history:,} steps of history and the table has {steps:,} in all"
    return history, steps, ""


def _shown(table: tabled.Tabled, chosen: Detector, first: int, alarms: Alarms) -> pl.DataFrame:
    """One row a series and step, series by series."""
    n, steps = alarms.score.shape
    observed = table.panel.y[:, first:]
    if table.dated:
        texts = np.datetime_as_string(table.panel.time[first:], unit="D" if table.panel.step >= DAY else "m")
    else:
        texts = np.full(steps, "")
    alarm = np.where(chosen.undecided(table.panel, first, alarms), np.nan, chosen.alarming(alarms))
    rows = {
        "series": pl.Series(table.series, dtype=pl.String).gather(np.repeat(np.arange(n), steps)),
        "t": np.tile(table.t[first:], n),
        "date": pl.Series(texts.tolist(), dtype=pl.String).replace("", None).gather(np.tile(np.arange(steps), n)),
        "observed": observed.reshape(-1),
        **{f: getattr(alarms, f).reshape(-1) for f in ("expected", "upper", "score", "p")},
        "alarm": alarm.reshape(-1),
    }
    numbers = ("observed", "expected", "upper", "score", "p", "alarm")
    shown = pl.DataFrame(rows).with_columns(pl.col(c).fill_nan(None) for c in numbers)
    whole = [c for c in ("observed", "alarm") if bool((shown[c].drop_nulls() % 1 == 0).all())]
    return shown.with_columns(pl.col(c).cast(pl.Int64, strict=False) for c in whole)


def _written(shown: pl.DataFrame, out: Path | None) -> None:
    if out is not None and out.suffix == ".parquet":
        shown.write_parquet(out)
    elif out is not None:
        shown.write_csv(out)
    else:
        buffer = io.BytesIO()
        shown.write_csv(buffer)
        sys.stdout.buffer.write(buffer.getvalue())


def _summary(chosen: Detector, alarms: Alarms, found: int, series: int) -> str:
    n, steps = alarms.score.shape
    silent = int(np.isnan(alarms.score).sum())
    text = f"{chosen.name}: {found:,} alarms in {series:,} of {n:,} series, {steps:,} steps each"
    return text + (f"; {silent:,} cells could not be judged (missing, or too little history)" if silent else "")
