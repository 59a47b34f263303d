"""What a run of a scenario comes to: fans, totals, peaks, beds, and what measures gain, each with its interval. Pure.

Shapes: A areas, H steps ahead, M draws, Q levels.
"""

from typing import NamedTuple

import numpy as np

from tocsin.estimate import scenario
from tocsin.types import Floats

LEVELS = np.array([0.025, 0.25, 0.5, 0.75, 0.975])


class Span(NamedTuple):
    """A number's median and its 95 % interval."""

    median: float
    low: float
    high: float


class Outlook(NamedTuple):
    """Of the whole city: infections in all, the highest day and its step (0 = first ahead), the most beds in use.

    `beds_short` is the probability that more beds are in use than there are; None where that number is not known.
    """

    infections: Span
    peak: Span
    peak_step: Span
    beds: Span
    beds_short: float | None


class Gain(NamedTuple):
    """Measures against none, draw by draw: fewer infections and beds, steps by which a level or full beds are put off.

    Steps are counted up to the end of the run, so that a level which is never reached counts as H steps away.
    """

    infections: Span
    beds: Span
    days: Span
    beds_days: Span | None


def span(draws: Floats) -> Span:
    """Median and 95 % interval of draws (M,)."""
    low, median, high = np.quantile(draws, [0.025, 0.5, 0.975])
    return Span(float(median), float(low), float(high))


def fan(draws: Floats, levels: Floats = LEVELS) -> Floats:
    """Quantiles (…, H, Q) of draws (…, H, M)."""
    return np.moveaxis(np.quantile(draws, levels, axis=-1), 0, -1)


def outlook(infections: Floats, beds: Floats, capacity: float | None = None) -> Outlook:
    """Infections and beds in use (A, H, M), summed over areas."""
    total, used = infections.sum(axis=0), beds.sum(axis=0)
    short = None if capacity is None else float((used.max(axis=0) > capacity).mean())
    sums = span(total.sum(axis=0))
    return Outlook(sums, span(total.max(axis=0)), span(total.argmax(axis=0)), span(used.max(axis=0)), short)


def gain(
    without: tuple[Floats, Floats], measured: tuple[Floats, Floats], level: float, capacity: float | None = None
) -> Gain:
    """What is gained, from (infections, beds), each (A, H, M), of two runs with one seed."""
    (plain, plain_beds), (done, done_beds) = (tuple(x.sum(axis=0) for x in run) for run in (without, measured))
    later = (
        None if capacity is None else span(scenario.days_gained(plain_beds, done_beds, np.nextafter(capacity, 1e300)))
    )
    return Gain(
        span(plain.sum(axis=0) - done.sum(axis=0)),
        span(plain_beds.max(axis=0) - done_beds.max(axis=0)),
        span(scenario.days_gained(plain, done, level)),
        later,
    )
