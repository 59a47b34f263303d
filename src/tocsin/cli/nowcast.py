"""`tocsin nowcast`: a line list with two dates in, the final counts of recent days or weeks with their spread out. I/O."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

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


@click.command("nowcast")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--reference", required=True, help="Column of the date it happened (onset, visit, specimen).")
@click.option("--report", required=True, help="Column of the date it became known.")
@click.option("--as-of", required=True, help="Date up to which reports are used, as if it were today.")
@click.option(
    "--step", type=click.Choice(["day", "week"]), default="day", show_default=True, help="Weeks are ISO weeks."
)
@click.option("--by", help="Column of strata (age, district); delays are shared between them.")
@click.option("--total", is_flag=True, help="With --by: also the sum over strata, as the series 'total'.")
@click.option("--count", help="Column of counts, if a line is many cases; corrections may be below 0.")
@click.option(
    "--max-delay", type=click.IntRange(1), help="Longest delay in steps; the final count is the count by then."
)
@click.option("--window", type=click.IntRange(1), default=1, show_default=True, help="Sum over this many steps.")
@click.option("--draws", type=click.IntRange(100), default=2000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="CSV to write (else to standard output).")
def command(
    file: Path,
    reference: str,
    report: str,
    as_of: str,
    step: str,
    by: str | None,
    total: bool,
    count: str | None,
    max_delay: int | None,
    window: int,
    draws: int,
    seed: int,
    out: Path | None,
) -> None:
    """Nowcast the newest steps of a line list FILE (CSV or Parquet): one line a case, with two dates.

    \b
    Examples:
      tocsin nowcast cases.csv --reference onset --report reported --as-of 2026-03-01 --out nowcast.csv
      tocsin nowcast counts.csv --reference day --report known --count n --by age --window 7 --as-of 2026-03-01

    The result has reference (the step's first day; with --window the last step's), age in steps, reported, mean and
    quantiles of the count there will be --max-delay steps on.
    """
    day = _date(as_of, "--as-of")
    lines = _read(file, reference, report, by, count, day, 1 if step == "day" else 7)
    size = max_delay if max_delay is not None else _longest(lines, MOST_DELAYS[step])
    triangle = _triangle(lines, size)
    steps = triangle.shape[1]
    first = lines.newest - timedelta(days=(steps - 1) * (1 if step == "day" else 7))
    if window >= steps:
        raise InputError(f"{file}: {steps} steps of data are too few for --window {window}")
    found = nowcast.nowcast(
        triangle,
        np.random.default_rng(seed),
        weekday=first.weekday() if step == "day" else None,
        step_days=1.0 if step == "day" else 7.0,
        draws=draws,
    )
    summed = nowcast.windowed(found, triangle, window)
    reported = _windows(np.nansum(triangle, axis=2)[:, ::-1], window)[:, : summed.shape[1]]
    names = lines.names
    if total and by is not None:
        summed = np.concatenate([summed, summed.sum(axis=0, keepdims=True)])
        reported = np.concatenate([reported, reported.sum(axis=0, keepdims=True)])
        names = [*names, "total"]
    table = _table(names if by is not None else None, by, lines.newest, step, reported, summed)
    if out is None:
        click.echo(table.write_csv(), nl=False)
    else:
        table.write_csv(out)


def _date(text: str, what: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as e:
        raise click.UsageError(f"{what} {text!r}: write a date like 2026-03-01") from e


def _read(file: Path, reference: str, report: str, by: str | None, count: str | None, as_of: date, days: int) -> _Lines:
    try:
        frame = pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_csv(file, infer_schema_length=None)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as e:
        raise InputError(f"{file}: not readable as CSV or Parquet ({e})") from e
    missing = [c for c in (reference, report, by, count) if c is not None and c not in frame.columns]
    if missing:
        raise InputError(f"{file}: no column {', '.join(missing)}; found {', '.join(frame.columns)}")
    frame = frame.select(
        _day(frame, reference).alias("reference"),
        _day(frame, report).alias("report"),
        (pl.lit("") if by is None else pl.col(by).cast(pl.String).fill_null("")).alias("by"),
        (pl.lit(1.0) if count is None else pl.col(count).cast(pl.Float64).fill_null(0.0)).alias("count"),
    )
    dated = frame.drop_nulls(["reference", "report"])
    if dated.height < frame.height:
        click.echo(f"tocsin: {frame.height - dated.height} lines without both dates are left out", err=True)
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


def _table(
    names: list[str] | None, by: str | None, newest: date, step: str, reported: Floats, draws: Floats
) -> pl.DataFrame:
    days = 1 if step == "day" else 7
    levels = nowcast.LEVELS
    quantiles = np.quantile(draws, levels, axis=-1)
    parts = []
    for s in range(len(draws)):
        ages = np.arange(draws.shape[1])
        columns: dict[str, object] = {} if names is None or by is None else {by: [names[s]] * len(ages)}
        columns |= {
            "reference": [newest - timedelta(days=int(age) * days) for age in ages],
            "age": ages,
            "reported": reported[s],
            "mean": draws[s].mean(axis=-1),
        }
        columns |= {f"q{level:g}": quantiles[i, s] for i, level in enumerate(levels)}
        parts.append(pl.DataFrame(columns).reverse())
    return pl.concat(parts)
