"""`tocsin nowcast`: a line list with two dates in, the final counts of recent days or weeks out. I/O."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click
import numpy as np
import polars as pl

from tocsin.errors import InputError
from tocsin.estimate import nowcast
from tocsin.types import Floats, Ints

MOST_DELAYS = {"day": 60, "week": 20}
USUALLY = 0.995  # the longest delay looked at, unless said: this share of cases is in by then


@dataclass(frozen=True, slots=True)
class _Lines:
    """What the file says by the as-of date: reference and report step (0 = newest, counted back), stratum, count."""

    back: Ints
    report_back: Ints
    stratum: Ints
    count: Floats
    names: list[str]
    newest: date


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options, as given."""

    reference: str
    report: str
    as_of: str
    step: str
    by: str | None
    total: bool
    count: str | None
    max_delay: int | None
    window: int
    draws: int
    seed: int


@click.command("nowcast")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--reference", required=True, help="Column of the date it happened (onset, visit, specimen).")
@click.option("--report", required=True, help="Column of the date it became known.")
@click.option("--as-of", required=True, help="Date up to which reports are used, as if it were today.")
@click.option("--step", type=click.Choice(["day", "week"]), default="day", show_default=True, help="ISO weeks.")
@click.option("--by", help="Column of strata (age, district); delays are shared between them.")
@click.option("--total", is_flag=True, help="With --by: also the sum over strata, as the stratum 'total'.")
@click.option("--count", help="Column of counts, if a line is many cases; corrections may be below 0.")
@click.option("--max-delay", type=click.IntRange(1), help="In steps; the final count is the count by then.")
@click.option("--window", type=click.IntRange(1), default=1, show_default=True, help="Sum over this many steps.")
@click.option("--draws", type=click.IntRange(100), default=2000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="CSV to write (else standard output).")
def command(file: Path, out: Path | None, **options: Any) -> None:
    """Nowcast the newest steps of a line list FILE (CSV or Parquet): one line a case, with two dates.

    \b
    Example:
      tocsin nowcast cases.csv --reference onset --report reported --as-of 2026-03-01 --out nowcast.csv
      tocsin nowcast counts.csv --reference day --report known --count n --by age --window 7 --as-of 2026-03-01

    The result has reference (the step's first day; with --window the last step's), age in steps, reported, mean and
    quantiles of the count there will be --max-delay steps on.
    """
    asked = _Asked(**options)
    day = _date(asked.as_of, "--as-of")
    days = 1 if asked.step == "day" else 7
    lines = _lines(file, _table(file, asked), day, days)
    triangle = _triangle(lines, asked.max_delay or _longest(lines, MOST_DELAYS[asked.step]))
    steps = triangle.shape[1]
    if steps < 2 or asked.window >= steps:
        raise InputError(f"{file}: {steps} steps of data by {day} are too few for --window {asked.window}")
    first = lines.newest - timedelta(days=(steps - 1) * days)
    found = nowcast.nowcast(
        triangle,
        np.random.default_rng(asked.seed),
        weekday=first.weekday() if days == 1 else None,
        step_days=float(days),
        draws=asked.draws,
    )
    summed = nowcast.windowed(found, triangle, asked.window)
    reported = _windows(np.nansum(triangle, axis=2)[:, ::-1], asked.window)[:, : summed.shape[1]]
    names = lines.names
    if asked.total and asked.by is not None:
        summed = np.concatenate([summed, summed.sum(axis=0, keepdims=True)])
        reported = np.concatenate([reported, reported.sum(axis=0, keepdims=True)])
        names = [*names, "total"]
    reference = [lines.newest - timedelta(days=age * days) for age in range(summed.shape[1])]
    table = _result(asked.by, names, reference, reported, summed)
    if out is None:
        click.echo(table.write_csv(), nl=False)
    else:
        table.write_csv(out)


def _date(text: str, what: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as e:
        raise click.UsageError(f"{what} {text!r}: write a date like 2026-03-01") from e


def _table(file: Path, asked: _Asked) -> pl.DataFrame:
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
    frame = frame.select(
        _day(frame, asked.reference).alias("reference"),
        _day(frame, asked.report).alias("report"),
        (pl.lit("") if asked.by is None else pl.col(asked.by).cast(pl.String).fill_null("")).alias("by"),
        (pl.lit(1.0) if asked.count is None else pl.col(asked.count).cast(pl.Float64).fill_null(0.0)).alias("count"),
    )
    dated = frame.drop_nulls(["reference", "report"])
    if dated.height < frame.height:
        click.echo(f"tocsin: {frame.height - dated.height} lines without both dates are left out", err=True)
    return dated


def _lines(file: Path, dated: pl.DataFrame, as_of: date, days: int) -> _Lines:
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
    return _Lines(back.to_numpy(), report_back.to_numpy(), stratum, known["count"].to_numpy(), names, newest)


def _day(frame: pl.DataFrame, column: str) -> pl.Expr:
    if frame.schema[column] == pl.String:
        return pl.col(column).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    return pl.col(column).cast(pl.Date)


def _longest(lines: _Lines, most: int) -> int:
    """The delay by which USUALLY all is in, judged by steps old enough to tell; at least 1, at most `most`."""
    delay = np.maximum(lines.back - lines.report_back, 0)
    old = lines.back >= min(most, int(lines.back.max()) // 2)
    if not old.any():
        return 1
    weight = np.bincount(delay[old], weights=np.abs(lines.count[old]))
    share = np.cumsum(weight) / max(weight.sum(), 1e-9)
    return int(np.clip(np.searchsorted(share, USUALLY), 1, most))


def _triangle(lines: _Lines, size: int) -> Floats:
    """Counts (S, T, size + 1), NaN where not yet due; reports later than `size` steps are beyond the final count."""
    steps = int(lines.back.max()) + 1
    delay = np.maximum(lines.back - lines.report_back, 0)
    within = delay <= size
    late = lines.count[~within].sum()
    if late:
        click.echo(f"tocsin: {late:g} cases came later than --max-delay {size} and are not counted", err=True)
    triangle = np.zeros((len(lines.names), steps, size + 1))
    where = (lines.stratum[within], steps - 1 - lines.back[within], delay[within])
    np.add.at(triangle, where, lines.count[within])
    due = np.add.outer(np.arange(steps), np.arange(size + 1)) < steps
    return np.where(due, triangle, np.nan)


def _windows(by_age: Floats, window: int) -> Floats:
    total = np.cumsum(np.concatenate([np.zeros_like(by_age[:, :1]), by_age], axis=1), axis=1)
    sums: Floats = total[:, window:] - total[:, :-window]
    return sums


def _result(by: str | None, names: list[str], steps: list[date], reported: Floats, draws: Floats) -> pl.DataFrame:
    """A line a stratum and step, oldest first."""
    quantiles = np.quantile(draws, nowcast.LEVELS, axis=-1)
    parts = []
    for s, name in enumerate(names):
        columns: dict[str, object] = {} if by is None else {by: [name] * len(steps)}
        columns |= {"reference": steps, "age": np.arange(len(steps)), "reported": reported[s]}
        columns |= {"mean": draws[s].mean(axis=-1)}
        columns |= {f"q{level:g}": quantiles[i, s] for i, level in enumerate(nowcast.LEVELS)}
        parts.append(pl.DataFrame(columns).reverse())
    return pl.concat(parts)
