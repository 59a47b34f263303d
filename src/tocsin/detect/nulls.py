"""Histories in which nothing happened, and how often a detector speaks of them all the same. Pure.

A p-value that means what it says is at most a in a share a of them. Series are negative binomial around means with
trend, season and day of week: those of a standard grid, or a city's own, fitted by the negative-binomial baseline.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import special

from tocsin.calendar import DAY
from tocsin.detect import baseline
from tocsin.detect.contract import Detector, steps_per_year
from tocsin.types import Bools, Floats, Ints, Panel, Times

MEANS = (0.1, 0.5, 2.0, 10.0, 50.0)  # of the grid: one to a stratum
RATIOS = (1.0, 2.0)  # variance over mean
EDGES = (0.2, 1.0, 5.0, 20.0)  # of the strata, in cases a step
LEVELS = (0.05, 0.01, 0.001)
SEASON, WEEKEND, TREND = 0.4, 0.7, 0.05  # of the grid: amplitude of the log mean, factor, log a year
FIRST = "2024-12-30"  # the last step of the grid: a Monday


class Null(NamedTuple):
    """Means (N, T) and variance over mean (N,) of series in which nothing happens; time, holiday (T,); step minutes."""

    mean: Floats
    ratio: Floats
    time: Times
    step: int
    holiday: Bools


class Rate(NamedTuple):
    """A share with its 95 % interval; NaN where there was nothing to count."""

    value: float
    low: float
    high: float


class FalseAlarms(NamedTuple):
    """Of one stratum of mean counts: shares of the steps that are alarms, and of those with a p where it is ≤ a level.

    p: a rate for each level. cells: steps tested; claims: those of them that have a p.
    """

    stratum: int
    cells: int
    claims: int
    alarms: Rate
    p: tuple[Rate, ...]


def grid(step: int, steps: int, seasonal: bool = True) -> Null:
    """Every mean with every variance; seasonal: a yearly wave, quieter weekends (days) and a slow trend, else flat."""
    time = (np.datetime64(FIRST, "m") + step * np.arange(1 - steps, 1)).astype("datetime64[m]")
    days = time.astype("datetime64[D]").astype(np.int64)
    log = np.zeros(steps)
    if seasonal:
        log = SEASON * np.cos(2 * np.pi * days / 365.25) + TREND * (days - days[-1]) / 365.25
        if step == DAY:
            log = log + np.where((days + 3) % 7 >= 5, np.log(WEEKEND), 0.0)
    level = np.array([m for m in MEANS for _ in RATIOS])
    ratio = np.array([r for _ in MEANS for r in RATIOS])
    return Null(level[:, None] * np.exp(log), ratio, time, step, np.zeros(steps, np.bool_))


def fitted(panel: Panel, time: Times, holiday: Bools) -> Null:
    """The panel's series as the baseline sees them, at steps `time` (T,): past outbreaks weighed down, trend held.

    Before the first step known the trend stands still: a rise of two years is not drawn out over ten. Series without
    28 days and 8 steps, or with nothing in them, are left out.
    """
    known = (~np.isnan(panel.y)).sum(axis=1)
    able = (known >= max(28 * DAY // panel.step, 8)) & (np.nansum(panel.y, axis=1) > 0)
    y, n = panel.y[able], panel.y.shape[1]
    whole = np.concatenate([panel.time, time])
    of = baseline.design(whole, np.concatenate([panel.holiday, holiday]), panel.step, n, harmonics=2, trend=True)
    found = baseline.fit(y, np.zeros_like(y), of, "count", threshold=2.58)
    ahead = of.X[n:]
    if n >= 2 * steps_per_year(panel.step):  # then the second column is the trend
        ahead[:, 1] = np.clip(ahead[:, 1], of.X[0, 1], of.X[n - 1, 1])
    mean = np.exp(np.clip(found.effects @ ahead.T, -30, 40))
    return Null(mean, found.dispersion, time, panel.step, holiday)


def stratum(mean: Floats) -> Ints:
    """The stratum, from 0, of mean counts a step."""
    return np.searchsorted(EDGES, mean, side="right").astype(np.int64)


def strata() -> list[str]:
    """What the strata are called."""
    return [f"< {EDGES[0]:g}", *(f"{a:g} – {b:g}" for a, b in pairwise(EDGES)), f"≥ {EDGES[-1]:g}"]


def draw(null: Null, rng: np.random.Generator, series: int, tested: int) -> tuple[Panel, Ints]:
    """`series` histories for each stratum that the null has, and the stratum of each; a row of it may serve again.

    A series is of the stratum of its mean over the last `tested` steps.
    """
    which = stratum(null.mean[:, -tested:].mean(axis=1))
    rows = [rng.permutation(np.resize(np.flatnonzero(which == s), series)) for s in np.unique(which)]
    row = np.concatenate(rows) if rows else np.empty(0, np.int64)
    mean, excess = null.mean[row], (null.ratio[row] - 1)[:, None]
    wide = (excess > 1e-9) & (mean > 0)
    drawn = np.where(wide, rng.gamma(mean / np.where(wide, excess, 1.0)) * excess, mean)
    y = rng.poisson(np.minimum(drawn, 1e15)).astype(np.float64)
    return Panel(y, np.full_like(y, np.nan), null.time, null.step, "count", null.holiday), which[row]


def false_alarms(
    detector: Detector, panel: Panel, of: Ints, tested: int, levels: Sequence[float] = LEVELS
) -> list[FalseAlarms]:
    """What the detector says of the last `tested` steps of the histories, by their stratum (N,)."""
    need = min(detector.history(panel.step), panel.y.shape[1] - tested) + tested
    seen = panel._replace(
        y=panel.y[:, -need:], exposure=panel.exposure[:, -need:], time=panel.time[-need:], holiday=panel.holiday[-need:]
    )
    told = detector.run(seen, need - tested)
    alarming = detector.alarming(told)
    found = []
    for s in np.unique(of).tolist():
        inside = of == s
        p, spoke = told.p[inside], ~np.isnan(told.p[inside])
        rates = tuple(_rate(p <= a, spoke) for a in levels)
        everything = np.ones_like(spoke)
        found.append(FalseAlarms(s, p.size, int(spoke.sum()), _rate(alarming[inside], everything), rates))
    return found


def _rate(hits: Bools, among: Bools) -> Rate:
    """Wilson's interval, for as many independent steps as these are worth: those of one series go together."""
    n = among.sum(axis=1).astype(np.float64)
    total = n.sum()
    if not total:
        return Rate(np.nan, np.nan, np.nan)
    k = (hits & among).sum(axis=1)
    value = k.sum() / total
    # The variance of the share between series over that of independent steps: Kish's design effect, at least 1.
    apart = ((k - value * n) ** 2).sum() / max(total * value * (1 - value), 1e-300) if 0 < value < 1 else 1.0
    worth = total / max(apart, 1.0)
    z = special.ndtri(0.975)
    centre = (value + z * z / (2 * worth)) / (1 + z * z / worth)
    half = z * np.sqrt(value * (1 - value) / worth + z * z / (4 * worth * worth)) / (1 + z * z / worth)
    return Rate(float(value), float(max(centre - half, 0.0)), float(min(centre + half, 1.0)))
