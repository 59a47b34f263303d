"""A table of dates and counts, long or wide, as the panel a detector takes. I/O.

Long: a column of time, `count`, perhaps `series`, `population`, `outbreak` (1: in no baseline). Wide: a column of
time, and each other column a series. Time is `date`, or `t`, a step's number from 1, with `year`, `period` and the
number of steps in a year.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from tocsin.calendar import DAY
from tocsin.detect.contract import YEAR
from tocsin.errors import InputError
from tocsin.types import Bools, Floats, Ints, Kind, Panel, Times

COUNTS = ("count", "observed", "value", "cases", "n")
SERIES = ("series", "unit", "area", "region", "signal")
TIMES = ("date", "time", "t")
BESIDE = (
    "year",
    "period",
    "population",
    "exposure",
    "holiday",
    "outbreak",
)  # columns that are no series of a wide table
MONTH = round(YEAR / 12)
MOST_STEPS = 2_000_000  # nineteen years of five minutes


class Tabled(NamedTuple):
    """The panel, the series' names, each step's number as the table has it, whether it had dates, its steps a year.

    outbreak (N, T): steps that the table marks, which no baseline is to use.
    """

    panel: Panel
    series: list[str]
    t: Ints
    dated: bool
    freq: int
    outbreak: Bools


def read(path: Path, kind: Kind, freq: int | None) -> Tabled:
    """The table at `path` (.csv, .csv.gz, .parquet, .xlsx); InputError in words for one that cannot be judged."""
    table = _opened(path)
    names = {c.strip().lower(): c for c in table.columns}
    at = _one_of(names, TIMES, path, "column of time: date, or t (steps from 1)")
    table = _long(table, names, at, path)
    step = _positions(table, path, freq)
    keys = table["series"].unique(maintain_order=True)
    rows = table.select(
        pl.col("series").replace_strict(keys, np.arange(len(keys)), return_dtype=pl.Int64), pl.lit(step.at).alias("at")
    )
    again = rows.select(pl.struct("series", "at").is_duplicated()).to_series()
    if again.any():
        twice = table["series"].filter(again)[0]
        raise InputError(f"{path}: the series {twice!r} has the same time twice; add its rows up, or rename one")
    row, column = rows["series"].to_numpy(), rows["at"].to_numpy()
    y = np.full((len(keys), len(step.time)), np.nan)
    exposure = np.full_like(y, np.nan)
    y[row, column] = _numbers(table["count"], "count", path)
    if "population" in table.columns:
        exposure[row, column] = _numbers(table["population"], "population", path)
    outbreak = np.zeros(y.shape, dtype=np.bool_)
    if "outbreak" in table.columns:
        outbreak[row, column] = _marks(table["outbreak"], path)
    holiday = np.zeros(len(step.time), dtype=np.bool_)
    panel = Panel(y, exposure, step.time, step.minutes, kind, holiday)
    return Tabled(
        panel, [str(k) for k in keys], step.t, not table["numbered"][0], freq or round(YEAR / step.minutes), outbreak
    )


class _Steps(NamedTuple):
    """Every step from the first to the last: its time and number, its length, and which of them each row speaks of."""

    time: Times
    t: Ints
    minutes: int
    at: Ints


def _opened(path: Path) -> pl.DataFrame:
    """Every column as text, so that what is no number can be shown as it was written."""
    try:
        if path.suffix == ".parquet":
            table = pl.read_parquet(path)
        elif path.suffix == ".xlsx":
            table = pl.read_excel(path, engine="calamine")
        else:
            table = pl.read_csv(path, infer_schema=False, encoding=_encoding(path))
    except (pl.exceptions.PolarsError, OSError, UnicodeError, ValueError) as e:
        reason = str(e).splitlines()[0][:200] if str(e) else type(e).__name__
        formats = "CSV in UTF-8 or GB18030, Parquet or xlsx"
        raise InputError(f"{path} cannot be read as a table ({reason}); give {formats}") from e
    if table.is_empty():
        raise InputError(f"{path} has no rows under its header")
    return table.with_columns(pl.all().cast(pl.String).str.strip_chars())


def _encoding(path: Path) -> str:
    if path.suffix == ".gz":
        return "utf8"
    with path.open("rb") as file:
        start = file.read(1 << 20)
    try:
        start[: start.rfind(b"\n") + 1].decode("utf-8-sig")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf8"


def _one_of(names: dict[str, str], wanted: Sequence[str], path: Path, what: str) -> str:
    found = [names[w] for w in wanted if w in names]
    if not found:
        raise InputError(f"{path}: there is no {what}; its columns are: {', '.join(names.values())}")
    # An empty date column beside a full t is that of a table without dates.
    return found[0]


def _long(table: pl.DataFrame, names: dict[str, str], at: str, path: Path) -> pl.DataFrame:
    """Columns at, series, count, and population, year, period where there are any."""
    if "t" in names and at != names["t"] and table[at].replace("", None).is_null().all():
        at = names["t"]
    beside = {b: names[b] for b in BESIDE if b in names}
    count = next((names[c] for c in COUNTS if c in names), None)
    if count is None:
        wide = [c for c in table.columns if c.strip().lower() not in {*BESIDE, *TIMES}]
        if not wide:
            raise InputError(f"{path}: there is no column of counts; name it count, or give each series its own column")
        table = table.unpivot(wide, index=[at, *beside.values()], variable_name="series", value_name="count")
        series, count = "series", "count"
    else:
        series = next((names[s] for s in SERIES if s in names), "")
    if "exposure" in beside:
        beside.setdefault("population", beside["exposure"])
    chosen = [pl.col(at).alias("at"), pl.col(count).alias("count")]
    chosen.append(pl.col(series).alias("series") if series else pl.lit("").alias("series"))
    chosen += [pl.col(c).alias(b) for b, c in beside.items() if b in {"population", "year", "period", "outbreak"}]
    return table.select(chosen).with_columns(pl.lit(at.strip().lower() == "t").alias("numbered"))


def _numbers(column: pl.Series, name: str, path: Path) -> Floats:
    """As floats, empty and NA missing; InputError shows the first that is neither."""
    text = column.replace(["", "NA", "NaN", "nan", "null"], None)
    values = text.cast(pl.Float64, strict=False)
    wrong = values.is_null() & text.is_not_null()
    if wrong.any():
        i = int(wrong.arg_max() or 0)
        raise InputError(f"{path}, row {i + 2}: {name} is {text[i]!r}; write a number, or nothing if not reported")
    return values.fill_null(np.nan).to_numpy().astype(np.float64)


def _marks(column: pl.Series, path: Path) -> Bools:
    """Of an outbreak column: 1 marks, 0 or nothing does not; InputError shows what is neither."""
    marks = np.nan_to_num(_numbers(column, "outbreak", path))
    if not np.isin(marks, (0.0, 1.0)).all():
        i = int(np.argmin(np.isin(marks, (0.0, 1.0))))
        raise InputError(f"{path}, row {i + 2}: outbreak is {column[i]!r}; write 1 for a step to leave out, else 0")
    return np.asarray(marks == 1)


def _positions(table: pl.DataFrame, path: Path, freq: int | None) -> _Steps:
    if bool(table["numbered"][0]):
        return _numbered(table, path, freq or 52)
    text = table["at"]
    parsed = _dates(text)
    if parsed.is_null().any():
        i = int(parsed.is_null().arg_max() or 0)
        raise InputError(f"{path}, row {i + 2}: date is {text[i]!r}; write 2026-03-02 or 2026-03-02T13:00")
    times = parsed.to_numpy().astype("datetime64[m]")
    distinct = np.unique(times)
    apart = np.diff(distinct).astype(np.int64)
    if len(distinct) < 2:
        raise InputError(f"{path}: all rows are of one time; a detector needs a history")
    shortest = int(apart.min())
    if 28 * DAY <= shortest <= 31 * DAY and (apart % (7 * DAY)).any():
        month = times.astype("datetime64[M]")
        at = (month - month.min()).astype(np.int64)
        time = (month.min() + np.arange(int(at.max()) + 1)).astype("datetime64[m]")
        return _Steps(time, np.arange(1, len(time) + 1), MONTH, at)
    step = int(np.gcd.reduce(apart))
    if step != shortest and step not in (DAY, 7 * DAY):
        mixed = f"steps of {_span(step)} and of {_span(shortest)} are mixed"
        raise InputError(f"{path}: dates are not evenly spaced ({mixed})")
    at = (times - distinct[0]).astype(np.int64) // step
    _reasonable(int(at.max()), path)
    time = distinct[0] + step * np.arange(int(at.max()) + 1)
    return _Steps(time.astype("datetime64[m]"), np.arange(1, len(time) + 1), step, at)


def _dates(text: pl.Series) -> pl.Series:
    """Dates or local date-times; what is neither is null."""
    found = text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("ms"))
    for form in ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S%.f"):
        if found.is_null().any():
            found = found.zip_with(found.is_not_null(), text.str.to_datetime(form, strict=False, time_unit="ms"))
    return found


def _numbered(table: pl.DataFrame, path: Path, freq: int) -> _Steps:
    """Steps without dates: a year is `freq` of them, and civil times are made up from the first year and period."""
    t = _numbers(table["at"], "t", path)
    if not (np.isfinite(t).all() and (t % 1 == 0).all()):
        raise InputError(f"{path}: t is a step's whole number, counted from 1, in every row")
    first = int(t.min())
    minutes = {52: 7 * DAY, 365: DAY, 12: MONTH}.get(freq, round(YEAR / freq))
    year, period = 2001, 1
    if {"year", "period"} <= set(table.columns):
        where = int(np.argmin(t))
        year, period = (int(_numbers(table[c][where : where + 1], c, path)[0]) for c in ("year", "period"))
    _reasonable(int(t.max()) - first, path)
    steps = np.arange(int(t.max()) - first + 1)
    if minutes == MONTH:
        time = (np.datetime64(f"{year:04d}", "M") + (period - 1 + steps)).astype("datetime64[m]")
    else:
        begin = date(year, 1, 1)
        begin -= timedelta(days=begin.weekday() if minutes == 7 * DAY else 0)
        time = np.datetime64(begin, "m") + minutes * (period - 1 + steps)
    return _Steps(time, steps + first, minutes, (t - first).astype(np.int64))


def _reasonable(steps: int, path: Path) -> None:
    if steps >= MOST_STEPS:
        raise InputError(f"{path}: its times span {steps:,} steps; one of them is mistyped, or steps are mixed")


def _span(minutes: int) -> str:
    return f"{minutes // DAY} days" if minutes % DAY == 0 else f"{minutes} minutes"
