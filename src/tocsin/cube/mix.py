"""Whether what a source sends is still the same kind of thing: where, how late, in which units. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from tocsin.types import Floats

Aspect = Literal["area", "delay", "value"]
LEAST_DAYS, LEAST_EVENTS = 14, 20
APART = 0.5  # share of the events that would have to move for the areas to be the usual ones
UNITS = 3.0  # times the usual mean value, or that share of it
LATER = 2.0  # days


class Mix(NamedTuple):
    """What one day of a source was made of."""

    areas: Mapping[str, int]  # events by area
    delay_days: float  # median days from reference to report
    mean: float  # mean value


class Shift(NamedTuple):
    """What changed, from what it usually is to what it was; an area's figure is the share of events that moved."""

    aspect: Aspect
    observed: float
    expected: float


def shifted(day: Mix, past: Sequence[Mix]) -> list[Shift]:
    """What of a day is unlike every earlier day. Each must be far from the usual, and farther than any day before.

    Days of fewer than `LEAST_EVENTS` events say nothing, and nothing is said before there are `LEAST_DAYS` others.
    """
    past = [m for m in past if sum(m.areas.values()) >= LEAST_EVENTS]
    if sum(day.areas.values()) < LEAST_EVENTS or len(past) < LEAST_DAYS:
        return []
    found = []
    names = _names(past, day)
    usual = np.asarray(np.stack([_shares(m, names) for m in past]).mean(axis=0))
    apart, before = _apart(_shares(day, names), usual), [_apart(_shares(m, names), usual) for m in past]
    if apart > max(APART, 1.5 * float(np.quantile(before, 0.95))):
        found.append(Shift("area", apart, float(np.median(before))))
    delays = np.array([m.delay_days for m in past])
    middle = float(np.median(delays))
    if abs(day.delay_days - middle) > max(LATER, 3 * float(np.quantile(np.abs(delays - middle), 0.95))):
        found.append(Shift("delay", day.delay_days, middle))
    means = np.array([m.mean for m in past])
    middle = float(np.median(means))
    if middle > 0 and (means > 0).all():
        spread = float(np.quantile(np.abs(np.log(means / middle)), 0.95))
        moved = abs(np.log(max(day.mean, 1e-12) / middle))
        if moved > max(np.log(UNITS), 3 * spread):
            found.append(Shift("value", day.mean, middle))
    return found


def _names(past: Sequence[Mix], day: Mix) -> list[str]:
    return sorted({a for m in [*past, day] for a in m.areas})


def _shares(m: Mix, names: Sequence[str]) -> Floats:
    counts = np.array([m.areas.get(n, 0) for n in names], dtype=np.float64)
    return np.asarray(counts / counts.sum())


def _apart(one: Floats, other: Floats) -> float:
    """Half the sum of the differences: total variation."""
    return float(np.abs(one - other).sum() / 2)
