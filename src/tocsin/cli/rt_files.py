"""The files of `tocsin rt`: cases, windows and serial intervals in, a table of R out. I/O."""

from pathlib import Path

import click
import numpy as np
import polars as pl

from tocsin.cli.csv_sheet import Sheet
from tocsin.errors import InputError, MethodError
from tocsin.estimate import interval, rt
from tocsin.types import Floats, Ints

ALSO_LOCAL = ("cases", "count")  # what people call local cases where there are no imported ones
MOST = 10_000  # steps: 27 years of days; the work grows with their square
WEEK = 7


def cases(path: Path, weekly: bool = False) -> tuple[list[str] | None, Floats, Floats | None]:
    """Series names (None without the column), local and imported cases (N, T); steps without a line are NaN."""
    sheet = Sheet(path, ())
    local = _local(sheet)
    if not len(sheet):
        raise InputError(f"{path}: no rows under the header; a row a step is needed")
    labels = sheet.texts("series") if "series" in sheet.columns else [""] * len(sheet)
    place = {name: i for i, name in enumerate(dict.fromkeys(labels))}
    row, (column, step) = np.array([place[label] for label in labels]), _steps(sheet, weekly)
    again = "this step stands twice, in two lines; sum them, or name the series in a column series"
    sheet.once(list(zip(row.tolist(), step.tolist(), strict=True)), column, again)
    shape = (len(place), int(step.max()) + 1)
    found = []
    for name in (local, "imported"):
        values = np.full(shape, np.nan)
        if name in sheet.columns:
            values[row, step] = sheet.numbers(name, empty=np.nan)
        found.append(values)
    names = list(place) if "series" in sheet.columns else None
    return names, found[0], found[1] if "imported" in sheet.columns else None


def _local(sheet: Sheet) -> str:
    """The column of local cases."""
    if "local" in sheet.columns:
        return "local"
    other = next((c for c in ALSO_LOCAL if c in sheet.columns), None)
    if other is None or "imported" in sheet.columns:
        doubt = "" if other is None else f" (are the imported among {other}?)"
        raise InputError(
            f"{sheet.path}, line 1: no column local{doubt}; name the cases infected here local, and those infected "
            f"elsewhere imported; found {', '.join(sheet.columns)}"
        )
    return other


def windows(path: Path, steps: int) -> Ints:
    """Windows (W, 2) of `steps` steps: columns t_start and t_end."""
    sheet = Sheet(path, ("t_start", "t_end"))
    if not len(sheet):
        raise InputError(f"{path}: no windows under the header; write a line a window, or leave --windows out")
    start, end = sheet.whole("t_start", 2, steps), sheet.whole("t_end", 2, steps)
    sheet.refuse_any(end < start, "t_end", "the window ends before it starts")
    return np.stack([start, end], axis=1)


def weights(path: Path) -> Floats:
    """Interval weights (K,) of lags 0 …: columns k and w."""
    sheet = Sheet(path, ("k", "w"))
    return _weights(sheet, np.arange(len(sheet)))


def samples(path: Path) -> Floats:
    """Interval weights (M, K): columns sample, k and w; shorter ones are filled up with 0."""
    sheet = Sheet(path, ("sample", "k", "w"))
    labels = np.array(sheet.texts("sample"), dtype=object)
    rows = [_weights(sheet, np.flatnonzero(labels == name)) for name in dict.fromkeys(labels)]
    if not rows:
        raise InputError(f"{path}: no rows under the header; write sample, k and w")
    longest = max(r.size for r in rows)
    return np.stack([np.pad(r, (0, longest - r.size)) for r in rows])


def write(names: list[str] | None, found: list[rt.Rt], out: Path | None) -> None:
    """A line a window: [series,] t_start, t_end, mean, sd, q…; empty where nothing is claimed."""
    parts = []
    for i, one in enumerate(found):
        columns: dict[str, object] = {} if names is None else {"series": [names[i]] * len(one.windows)}
        columns |= {"t_start": one.windows[:, 0], "t_end": one.windows[:, 1], "mean": one.mean[0], "sd": one.sd[0]}
        columns |= {f"q{level:g}": one.quantiles[0, :, j] for j, level in enumerate(one.levels)}
        parts.append(pl.DataFrame(columns).with_columns(pl.col(pl.Float64).fill_nan(None)))
    table = pl.concat(parts)
    if out is None:
        click.echo(table.write_csv(), nl=False)
    else:
        out.write_text(table.write_csv(), "utf-8")


def _steps(sheet: Sheet, weekly: bool) -> tuple[str, Ints]:
    """The column of time, and the step index (from 0) of each line; dates may lie a day, a week, … apart."""
    if "t" in sheet.columns:
        step = sheet.whole("t", 1, MOST) - 1
        if step.min() > 0:
            first = int(step.min()) + 1
            click.echo(f"tocsin: {sheet.path}: column t begins at {first}; the steps before count as 0 cases", err=True)
        return "t", step
    if "date" not in sheet.columns:
        found = ", ".join(sheet.columns)
        raise InputError(f"{sheet.path}, line 1: no column t (1, 2, 3, …) or date (2026-01-31); found {found}")
    day = np.array(sheet.dates("date"), dtype="datetime64[D]").astype(np.int64)
    since = day - day.min()
    apart = int(np.gcd.reduce(since)) or 1
    if weekly:
        sheet.refuse_any(since % WEEK != 0, "date", "with --weekly, dates lie whole weeks apart")
        apart = WEEK
    elif apart > 1:
        click.echo(
            f"tocsin: {sheet.path}: dates lie {apart} days apart, so a step is {apart} days, of the interval too; for "
            "days write those without cases as well (0), for weeks and an interval in days use --weekly",
            err=True,
        )
    step = since // apart
    sheet.refuse_any(step >= MOST, "date", f"more than {MOST:,} steps after the first date")
    return "date", step


def _weights(sheet: Sheet, rows: Ints) -> Floats:
    """The weights (K,) that stand in some rows of a sheet."""
    lag, weight = sheet.whole("k", 0, MOST)[rows], sheet.numbers("w")[rows]
    if not len(rows):
        raise InputError(f"{sheet.path}: no weights under the header; write a line a lag: k, w")
    full, first = np.zeros(int(lag.max()) + 1), {}
    for row, k, w in zip(rows.tolist(), lag.tolist(), weight.tolist(), strict=True):
        if k in first:
            sheet.refuse(row, "k", "this lag has a weight already")
        if k == 0 and w:
            sheet.refuse(row, "w", "the weight of lag 0 must be 0: nobody infects in the step of their own infection")
        first[k], full[k] = row, w
    try:
        return interval.checked(full)
    except MethodError as e:
        raise InputError(f"{sheet.path}: {e}") from e
