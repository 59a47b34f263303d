"""R that moves smoothly, from counts or from nowcast draws, with growth rate, doubling time and P(R > 1). Pure.

Shapes: N series, T steps, M draws. Local cases ~ negative binomial around R_t Λ_t (renewal equation, Fraser 2007, PLoS
ONE 2:e758), log R a random walk. A Kalman filter on log R with count observations (West & Harrison 1997, ch. 14) goes
forward, one path per draw is sampled backward (Frühwirth-Schnatter 1994, J Time Ser Anal 15:183-202). How fast R moves
and how spread counts are is chosen per series by the likelihood of each next count. Every answer is read off the same
draws.

Given nowcast draws (N, T, M), each draw is one possible past: cases not yet reported are then no fall of R.
"""

import math
from dataclasses import dataclass
from itertools import product

import numba as nb
import numpy as np
from scipy.special import logsumexp

from tocsin.errors import MethodError
from tocsin.estimate import rt
from tocsin.types import Floats, Ints

DRIFTS = (3e-4, 1e-3, 4e-3, 1.5e-2)  # variance of a step of log R
SPREADS = (0.0, 0.03, 0.1, 0.3)  # 1/size of the negative binomial
START_VARIANCE = 1.0  # of log R before the first case, about R = 1
APART_VARIANCE, APART_KEPT = 0.04, 0.97  # an area's log R about the city's: variance, and what a step keeps of it


@dataclass(frozen=True, slots=True)
class Renewal:
    """Draws of log R (N, T, M), NaN where no case could infect, and the interval weights they were found with.

    `length`: how many lags of the weights make one step of log R (7: weeks, and an interval in days).
    """

    log_r: Floats
    weights: Floats
    length: int = 1

    def by_window(self, windows: Ints, levels: Floats = rt.LEVELS) -> rt.Rt:
        """Mean, sd and quantiles of R averaged over each window (step numbers from 1, both ends in)."""
        windows = rt.checked_windows(windows, self.log_r.shape[1])
        r = np.exp(self.log_r)
        average = np.stack([r[:, start - 1 : end].mean(axis=1) for start, end in windows], axis=1)  # (N, W, M)
        quantiles = np.moveaxis(np.quantile(average, levels, axis=-1), 0, -1)
        return rt.Rt(windows, average.mean(axis=-1), average.std(axis=-1), levels, quantiles)

    def above_one(self) -> Floats:
        """P(R > 1), (N, T)."""
        above: Floats = np.where(np.isnan(self.log_r[..., 0]), np.nan, (self.log_r > 0).mean(axis=-1))
        return above

    def growth(self) -> Floats:
        """Growth rate per step (N, T, M): the r with R Σ w e^(−rk) = 1 (Wallinga & Lipsitch 2007, eq. 2.7)."""
        lags = np.flatnonzero(self.weights > 1e-9)
        rate = np.linspace(-2, 2, 4001)
        share = self.weights[lags] / self.weights[lags].sum()
        log_r = -logsumexp(-np.outer(rate, lags), axis=1, b=share)
        found: Floats = self.length * np.interp(self.log_r, log_r, rate)
        return found

    def doubling(self) -> Floats:
        """Steps to double (N, T, M); negative = steps to halve; infinite where nothing grows."""
        with np.errstate(divide="ignore"):
            steps: Floats = np.log(2) / self.growth()
        return steps


def estimate(
    local: Floats,
    weights: Floats,
    imported: Floats | None = None,
    *,
    rng: np.random.Generator | None = None,
    draws: int = 1000,
    pooled: bool = False,
) -> Renewal:
    """Draws of log R from local cases (N, T), or nowcast draws of them (N, T, M), and imported cases (N, T).

    weights (K,) of lags 0 …; `pooled` draws each series to the R of all together, the more the fewer its cases. Without
    `rng` the draws are those of a fixed seed. Raises MethodError on unusable input.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    cases = np.asarray(local, dtype=np.float64)
    cases = cases[None] if cases.ndim == 1 else cases
    if cases.ndim not in (2, 3):
        raise MethodError(f"cases {cases.shape}: one array of (series, steps) or (series, steps, draws)")
    paths = np.moveaxis(cases, 2, 1) if cases.ndim == 3 else cases[:, None]  # (N, M or 1, T)
    series, given, steps = paths.shape
    abroad = None if imported is None else np.atleast_2d(np.asarray(imported, dtype=np.float64))
    count = given if given > 1 else draws
    if pooled and series > 1:
        whole = None if abroad is None else np.nansum(abroad, axis=0, keepdims=True)
        city = estimate(np.nansum(cases, axis=0, keepdims=True), weights, whole, rng=rng, draws=draws)
        centre, kept, start = np.nan_to_num(city.log_r[0].T), APART_KEPT, APART_VARIANCE
        drifts: tuple[float, ...] = (APART_VARIANCE * (1 - APART_KEPT**2),)
    else:
        centre, kept, start, drifts = np.zeros((1, steps)), 1.0, START_VARIANCE, DRIFTS
    log_r = np.empty((series, steps, count))
    for i in range(series):
        other = None if abroad is None else np.broadcast_to(abroad[i], paths[i].shape)
        own, total = rt.split(paths[i], other)
        force = np.nan_to_num(rt.infectivity(total, weights))
        middle = np.ascontiguousarray(own.mean(axis=0)), force.mean(axis=0), centre.mean(axis=0)
        chosen = max(product(drifts, SPREADS), key=lambda c: _likelihood(*middle, c[0], c[1], kept, start))
        chance = rng.standard_normal((count, steps))
        own, force, middles = (np.ascontiguousarray(x) for x in (own, force, centre))  # one layout, compiled once
        found = _sample(own, force, middles, chance, *chosen, kept, start)
        reach = np.cumsum(force, axis=1) > 0
        log_r[i] = np.where(np.broadcast_to(reach, found.shape), found, np.nan).T
    return Renewal(log_r, np.asarray(weights, dtype=np.float64))


@nb.njit(cache=True)
def _update(prior: float, variance: float, cases: float, force: float, spread: float) -> tuple[float, float]:
    """Posterior mode and variance of log R from one count around e^(log R)·force."""
    at = prior
    heed = 1 / (1 + spread * max(cases, force * np.exp(prior)))
    for _ in range(12):
        mu = force * np.exp(at)
        move = ((at - prior) / variance - heed * (cases - mu)) / (1 / variance + heed * mu)
        at -= min(max(move, -1.0), 1.0)
        if abs(move) < 1e-8:
            break
    return at, 1 / (1 / variance + heed * force * np.exp(at))


@nb.njit(cache=True)
def _likelihood(
    cases: Floats, force: Floats, centre: Floats, drift: float, spread: float, kept: float, start: float
) -> float:
    """Sum of log negative-binomial probabilities of each count, given those before it."""
    mean, variance, total = 0.0, start, 0.0
    for t in range(1, cases.size):
        mean, variance = kept * mean, kept * kept * variance + drift
        if force[t] <= 0:
            continue
        base = force[t] * np.exp(centre[t])
        mu, size = base * np.exp(mean), 1 / (spread + variance)
        c = cases[t]
        total += math.lgamma(c + size) - math.lgamma(size) - math.lgamma(c + 1.0)
        total += size * np.log(size / (size + mu)) + c * np.log(mu / (size + mu))
        mean, variance = _update(mean, variance, c, base, spread)
    return float(total)


@nb.njit(cache=True)
def _sample(
    cases: Floats,
    force: Floats,
    centre: Floats,
    chance: Floats,
    drift: float,
    spread: float,
    kept: float,
    start: float,
) -> Floats:
    """One path of log R per draw (M, T); cases, force and centre may be one row for all draws."""
    count, steps = chance.shape
    out = np.empty((count, steps))
    means, variances = np.zeros(steps), np.zeros(steps)
    for m in range(count):
        row, middle = min(m, cases.shape[0] - 1), min(m, centre.shape[0] - 1)
        if m == 0 or cases.shape[0] > 1 or centre.shape[0] > 1:
            mean, variance = 0.0, start
            for t in range(steps):
                if t:
                    mean, variance = kept * mean, kept * kept * variance + drift
                if t and force[row, t] > 0:
                    base = force[row, t] * np.exp(centre[middle, t])
                    mean, variance = _update(mean, variance, cases[row, t], base, spread)
                means[t], variances[t] = mean, variance
        at = means[-1] + np.sqrt(variances[-1]) * chance[m, -1]
        out[m, -1] = at + centre[middle, -1]
        for t in range(steps - 2, -1, -1):
            ahead = kept * kept * variances[t] + drift
            gain = kept * variances[t] / ahead
            at = means[t] + gain * (at - kept * means[t]) + np.sqrt(variances[t] * drift / ahead) * chance[m, t]
            out[m, t] = at + centre[middle, t]
    return out
