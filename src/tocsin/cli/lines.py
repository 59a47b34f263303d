"""A line list with two dates as a reporting triangle: what `tocsin nowcast` and `score-estimates` read. I/O."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import click
import numpy as np
import polars as pl

from tocsin.errors import InputError
from tocsin.types import Floats, Ints

YEARS = 1900, 2200  # what a date of a case can be
MOST_DELAYS = {"day": 60, "week": 20}
USUALLY = 0.995  # the longest delay looked at, unless said: this share of cases is in by then


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of the file: date it happened, date it became known, stratum, count of a line."""

    reference: str
    report: str
    by: str | None = None
    count: str | None = None


@dataclass(frozen=True, slots=True)
class Lines:
    """What the file says by the as-of date: reference and report step (0 = newest, counted back), stratum, count."""

    back: Ints
    report_back: Ints
    stratum: Ints
    count: Floats
    names: list[str]
    newest: date


def day(text: str, what: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as e:
        raise click.UsageError(f"{what} {text!r}: write a date like 2026-03-01") from e


def table(file: Path, asked: Columns) -> pl.DataFrame:
    """Columns reference, report, by, count of all lines with both dates."""
    try:
        frame = pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_csv(file, infer_schema_length=None)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as e:
        raise InputError(f"{file}: not readable as CSV or Parquet ({e})") from e
    wanted = [c for c in (asked.reference, asked.report, asked.by, asked.count) if c is not None]
    missing = [c for c in wanted if c not in frame.columns]
    if missing:
        raise InputError(f"{file}: no column {', '.join(missing)}; found {', '.join(frame.columns)}")
    if asked.count is not None and not frame.schema[asked.count].is_numeric():
        raise InputError(f"{file}: column {asked.count} must hold numbers")
    if asked.count is not None and frame[asked.count].cast(pl.Float64).fill_null(0.0).is_finite().not_().any():
        raise InputError(f"{file}: column {asked.count} holds a count that is no finite number")
    frame = frame.select(
        _day(frame, asked.reference).alias("reference"),
        _day(frame, asked.report).alias("report"),
        (pl.lit("") if asked.by is None else pl.col(asked.by).cast(pl.String).fill_null("")).alias("by"),
        (pl.lit(1.0) if asked.count is None else pl.col(asked.count).cast(pl.Float64).fill_null(0.0)).alias("count"),
    )
    dated = frame.drop_nulls(["reference", "report"])
    if dated.height < frame.height:
        click.echo(f"tocsin: {frame.height - dated.height} lines without both dates are left out", err=True)
    likely = dated.filter(pl.all_horizontal(pl.col("reference", "report").dt.year().is_between(*YEARS)))
    if likely.height < dated.height:  # one slip of the pen would make a table of two thousand years
        years = f"before {YEARS[0]} or after {YEARS[1]}"
        click.echo(f"tocsin: {dated.height - likely.height} lines with a date {years} are left out", err=True)
    return likely


def known_by(file: Path, dated: pl.DataFrame, as_of: date, days: int) -> Lines:
    """What was known by the as-of date, in steps back from it."""
    known = dated.filter((pl.col("report") <= as_of) & (pl.col("reference") <= as_of))
    if not known.height:
        raise InputError(f"{file}: no line was reported by {as_of}; check --as-of and the columns")
    early = known.filter(pl.col("report") < pl.col("reference")).height
    if early:
        click.echo(f"tocsin: {early} lines reported before they happened count as reported at once", err=True)
    newest = as_of if days == 1 else as_of - timedelta(days=as_of.weekday())
    back = -((known["reference"] - newest).dt.total_days() // days)
    # Report weeks end on the as-of date's weekday, so that the newest diagonal is as full as the older ones.
    report_back = (as_of - known["report"]).dt.total_days() // days
    names = known["by"].unique().sort().to_list()
    place = {name: i for i, name in enumerate(names)}
    stratum = np.array([place[name] for name in known["by"]])
    return Lines(back.to_numpy(), report_back.to_numpy(), stratum, known["count"].to_numpy(), names, newest)


def _day(frame: pl.DataFrame, column: str) -> pl.Expr:
    if frame.schema[column] == pl.String:
        return pl.col(column).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    return pl.col(column).cast(pl.Date)


def longest(lines: Lines, most: int) -> int:
    """The delay by which USUALLY all is in, judged by steps old enough to tell; at least 1, at most `most`."""
    delay = np.maximum(lines.back - lines.report_back, 0)
    old = lines.back >= min(most, int(lines.back.max()) // 2)
    if not old.any():
        return 1
    weight = np.bincount(delay[old], weights=np.abs(lines.count[old]))
    share = np.cumsum(weight) / max(weight.sum(), 1e-9)
    return int(np.clip(np.searchsorted(share, USUALLY), 1, most))


def triangle(lines: Lines, size: int) -> Floats:
    """Counts (S, T, size + 1), NaN where not yet due; reports later than `size` steps are beyond the final count."""
    steps = int(lines.back.max()) + 1
    delay = np.maximum(lines.back - lines.report_back, 0)
    within = delay <= size
    late = lines.count[~within].sum()
    if late:
        click.echo(f"tocsin: {late:g} cases came later than --max-delay {size} and are not counted", err=True)
    counts = np.zeros((len(lines.names), steps, size + 1))
    where = (lines.stratum[within], steps - 1 - lines.back[within], delay[within])
    np.add.at(counts, where, lines.count[within])
    due = np.add.outer(np.arange(steps), np.arange(size + 1)) < steps
    return np.where(due, counts, np.nan)
