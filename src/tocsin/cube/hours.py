"""Whether a source still sends at the hours it used to: from morning to night is a shift. Pure."""

from typing import NamedTuple

import numpy as np

from tocsin.calendar import DAY
from tocsin.cube.arrivals import Heard
from tocsin.types import Floats, Ints, Minute

LEARNT, NEW, LEAST = 28, 7, 14  # days that are learnt from; newest days that are no habit yet; days that must be known
FAR = 4.0  # hours that records must have been moved around the clock
ROUND = 0.3  # mean resultant length under which records come all around the clock, and no hour is theirs


class Moved(NamedTuple):
    """The newest day (civil minute), its mean hour, and the usual one; NaN: none, records came around the clock."""

    day: Minute
    observed: float
    expected: float


def moved(heard: Heard, now: Minute, off: Ints) -> Moved | None:
    """Whether both of the last two days on which the source told something new, yesterday one of them, are far off.

    Far: the records' hours would have to be moved by over `FAR` hours on average to be the usual ones, and by over half
    as much again as those of 95 of 100 earlier days. Days off (civil minutes) are left out; what comes at or after
    `now`'s midnight is not looked at.
    """
    span = LEARNT + NEW + 1
    first = now // DAY - span
    row = heard.minute // DAY - first
    inside = (row >= 0) & (row < span)
    hours = np.zeros((span, 24))
    np.add.at(hours, (row[inside], heard.minute[inside] % DAY // 60), heard.events[inside])
    told = np.flatnonzero((hours.sum(axis=1) > 0) & ~np.isin((first + np.arange(span)) * DAY, off))
    newest, past = told[-2:], told[told < span - 1 - NEW]
    if len(newest) < 2 or newest[-1] != span - 1 or len(past) < LEAST:
        return None
    shares = hours / np.maximum(hours.sum(axis=1, keepdims=True), 1)
    usual = shares[past].mean(axis=0)
    limit = max(FAR, 1.5 * float(np.quantile(apart(shares[past], usual), 0.95)))
    if (apart(shares[newest], usual) <= limit).any():
        return None
    return Moved((now // DAY - 1) * DAY, mean_hour(hours[newest].sum(axis=0)), mean_hour(usual))


def apart(days: Floats, usual: Floats) -> Floats:
    """Hours (D,) by which the records of days (D, 24) must move around the clock to lie as usual (24,); all are shares.

    The first Wasserstein distance on the circle: the mean absolute deviation of the difference of the distribution
    functions from its median (Werman et al. 1986, J Algorithms 7:277; Rabin et al. 2011, J Math Imaging Vis 41:147).
    """
    difference = np.cumsum(days - usual, axis=1)
    return np.asarray(np.abs(difference - np.median(difference, axis=1, keepdims=True)).sum(axis=1))


def mean_hour(counts: Floats) -> float:
    """The mean direction of counts by hour (24,), as hours after midnight; NaN where they lie all around the clock."""
    middle = np.exp(2j * np.pi * (np.arange(24) + 0.5) / 24) @ counts / max(counts.sum(), 1e-9)
    return float(np.angle(middle) / (2 * np.pi) * 24 % 24) if abs(middle) >= ROUND else float("nan")
