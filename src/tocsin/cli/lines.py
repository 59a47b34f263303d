"""A line list with two dates as a reporting triangle: what `tocsin nowcast` and `score-estimates` read. I/O."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import click
import numpy as np
import polars as pl

from tocsin.errors import InputError
from tocsin.types import Floats, Ints

MOST_DELAYS = {"day": 60, "week": 20}
MOST_STEPS = {"day": 1100, "week": 520}  # what one nowcast learns from; what is older has faded
MOST_CELLS = 30_000_000  # of a triangle: more would not fit into 3 GB with all that is made of it
QUIET = 7  # steps without a report are worth a word
USUALLY = 0.995  # the longest delay looked at, unless said: this share of cases is in by then


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


def known_by(file: Path, dated: pl.DataFrame, as_of: date, days: int, most: int | None = None) -> Lines:
    """What was known by the as-of date, in steps back from it; of the newest `most` steps, if said."""
    known = dated.filter((pl.col("report") <= as_of) & (pl.col("reference") <= as_of))
    if not known.height:
        raise InputError(f"{file}: no line was reported by {as_of}{_between(dated)}; check --as-of and the columns")
    newest = as_of if days == 1 else as_of - timedelta(days=as_of.weekday())
    if most is not None:
        near = known.filter(pl.col("reference") > newest - timedelta(days=min(most * days, (newest - date.min).days)))
        if not near.height:
            raise InputError(f"{file}: nothing of the last {most} steps before {as_of}{_between(dated)}; check --as-of")
        known = near
    early = known.filter(pl.col("report") < pl.col("reference"))["lines"].sum()
    if early:
        click.echo(f"tocsin: {early} lines reported before they happened count as reported at once", err=True)
    last = known["report"].max()
    if isinstance(last, date) and (as_of - last).days >= QUIET * days:
        click.echo(f"tocsin: nothing was reported after {last}; the time since counts as without cases", err=True)
    back = -((known["reference"] - newest).dt.total_days() // days)
    # Report weeks end on the as-of date's weekday, so that the newest diagonal is as full as the older ones.
    report_back = (as_of - known["report"]).dt.total_days() // days
    names = known["by"].unique().sort().to_list()
    stratum = known["by"].cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64)
    return Lines(back.to_numpy(), report_back.to_numpy(), stratum, known["count"].to_numpy(), names, newest)


def _between(dated: pl.DataFrame) -> str:
    if not dated.height:
        return ", nor any with both dates"
    first, last = (day.isoformat() for day in dated["report"].sort().gather([0, -1]))
    return f" (reports are from {first} to {last})"


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
    size = min(size, max(steps - 1, 1))  # later delays were never due
    cells = len(lines.names) * steps * (size + 1)
    if cells > MOST_CELLS:
        raise InputError(
            f"{len(lines.names)} strata × {steps} steps × {size + 1} delays are more than {MOST_CELLS:,} cells; "
            "is --by the right column? Else a smaller --max-delay, or fewer strata at a time"
        )
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
