"""The inner loops of the generalised likelihood ratio: one series, step by step, over all possible beginnings. Pure.

x (T,) counts, mu (T,) in-control means, alpha: variance = mu + alpha · mu². NaN in x or mu: the step adds nothing.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from tocsin.types import Floats

INTERCEPT, EPIDEMIC = 0, 1  # what changes: the level, or the share of the last step's cases that is passed on
CAP = 1e18  # no search for a count goes further


class Search(NamedTuple):
    """What is looked for: changes of one kind and direction that began `shortest` to `longest` steps ago (-1: any).

    least: steps a run must have before anything is said; silent: the count reported where no change is looked for.
    """

    alpha: float
    limit: float
    change: int
    up: bool
    shortest: int
    longest: int
    compat: bool
    least: int
    silent: float


class Series(NamedTuple):
    """One series (T,) with the counts of the steps before, and where to write the statistic and the count needed."""

    x: Floats
    last: Floats
    mu: Floats
    stat: Floats
    cases: Floats
    cases_from: int


@njit(cache=True, error_model="numpy")
def ratio(x: Floats, mu: Floats, alpha: float, log_rate: float) -> float:
    """Log-likelihood ratio of means mu · exp(log_rate) to mu."""
    total, rate = 0.0, np.exp(log_rate)
    for i in range(len(x)):
        if np.isnan(x[i]) or np.isnan(mu[i]):
            continue
        if alpha == 0:
            total += x[i] * log_rate + (1 - rate) * mu[i]
        else:
            total += x[i] * log_rate + (x[i] + 1 / alpha) * np.log((1 + alpha * mu[i]) / (1 + alpha * mu[i] * rate))
    return total


@njit(cache=True, error_model="numpy")
def level(x: Floats, mu: Floats, search: Search) -> float:
    """The greatest log-likelihood ratio over a rise (up) or fall of the level; 0 if it went the other way."""
    alpha, up = search.alpha, search.up
    cases, usual = 0.0, 0.0
    for i in range(len(x)):
        if not (np.isnan(x[i]) or np.isnan(mu[i])):
            cases += x[i]
            usual += mu[i]
    if usual == 0 or (cases == 0 and (up or (search.compat and alpha == 0))):
        return 0.0
    if cases == 0:  # a fall to nothing at all: the limit
        return ratio(x, mu, alpha, -745.0)
    rate = np.log(cases / usual)
    if alpha == 0:
        return ratio(x, mu, alpha, rate) if (rate > 0) == up else 0.0
    for _ in range(60):
        slope, bend, times = 0.0, 0.0, np.exp(rate)
        for i in range(len(x)):
            if np.isnan(x[i]) or np.isnan(mu[i]):
                continue
            mean = mu[i] * times
            slope += (x[i] - mean) / (1 + alpha * mean)
            bend += (1 + alpha * x[i]) * mean / (1 + alpha * mean) ** 2
        step = min(max(slope / bend, -2.0), 2.0)
        rate += step
        if abs(step) < 1e-8:  # the ratio is flat at its top: an error of 1e-8 is one of 1e-16 there
            break
    return ratio(x, mu, alpha, rate) if (rate > 0) == up else 0.0


@njit(cache=True, error_model="numpy")
def passed_on(x: Floats, last: Floats, mu: Floats, q: float, compat: bool) -> tuple[float, float]:
    """The greatest log-likelihood ratio of Poisson means mu + q · last over shares q >= 0, and that share.

    compat: Newton's steps on log q from the q given until q rests, which runs away where few steps hold a strong rise.
    """
    low, high = 0.0, np.inf
    for _ in range(1000):
        slope, bend = 0.0, 0.0
        for i in range(len(x)):
            if np.isnan(x[i]) or np.isnan(last[i]) or np.isnan(mu[i]):
                continue
            mean = mu[i] + q * last[i]
            slope += last[i] * (x[i] / mean - 1)
            bend += x[i] * (last[i] / mean) ** 2
        before = q
        if compat:
            q = np.exp(np.log(q) - q * slope / (q * slope - q * q * bend))
            if not np.isfinite(q):
                return 0.0, 0.5
            if abs(q - before) < 1e-8:
                q = before
        else:  # concave in q: keep the root bracketed
            if slope > 0:
                low = q
            else:
                high = q
            q = q + slope / bend if bend > 0 else 0.0
            if not low <= q <= high:
                q = (low + high) / 2 if np.isfinite(high) else 2 * low + 1
        if abs(q - before) < (1e-6 if compat else 1e-12 * (1 + q)):
            break
    return max(gain(x, last, mu, q), 0.0), q


@njit(cache=True, error_model="numpy")
def gain(x: Floats, last: Floats, mu: Floats, q: float) -> float:
    """Log-likelihood ratio of Poisson means mu + q · last to mu."""
    total = 0.0
    for i in range(len(x)):
        if not (np.isnan(x[i]) or np.isnan(last[i]) or np.isnan(mu[i])):
            total += x[i] * np.log1p(q * last[i] / mu[i]) - q * last[i]
    return total


@njit(cache=True, error_model="numpy")
def statistic(x: Floats, last: Floats, mu: Floats, first: int, search: Search) -> float:
    """The greatest ratio over changes that began at `first` or later, `shortest` steps ago at least; 0 if none can."""
    best, q = 0.0, 0.5
    for k in range(first, len(x) - search.shortest + 1):
        if search.change == EPIDEMIC:
            found, q = passed_on(x[k:], last[k:], mu[k:], q, search.compat)
            best = max(best, found)
        else:
            best = max(best, level(x[k:], mu[k:], search))
    return best


@njit(cache=True, error_model="numpy")
def needed(x: Floats, mu: Floats, first: int, search: Search) -> float:
    """The least whole count at the last step with which a rise reaches the limit; inf over CAP."""
    trial = x.copy()
    low, high = -1.0, 1.0
    while high < CAP:
        trial[-1] = high
        if statistic(trial, trial, mu, first, search) >= search.limit:
            break
        low, high = high, 2 * high
    if high >= CAP:
        return np.inf
    while high - low > 1:
        trial[-1] = np.floor((low + high) / 2)
        if statistic(trial, trial, mu, first, search) >= search.limit:
            high = trial[-1]
        else:
            low = trial[-1]
    return high


@njit(cache=True, error_model="numpy")
def windowed(series: Series, origin: int, search: Search) -> int:
    """Fill stat, and count from step series.cases_from on, up to the first alarm; return the step after it, or T."""
    x, last, mu = series.x, series.last, series.mu
    for n in range(origin, len(x)):
        if np.isnan(x[n]) or np.isnan(mu[n]):
            continue
        first = origin if search.longest < 0 else max(origin, n - search.longest)
        some = n - origin + 1 >= search.least and n - search.shortest + 1 >= first
        series.stat[n] = statistic(x[: n + 1], last[: n + 1], mu[: n + 1], first, search) if some else 0.0
        if n >= series.cases_from and search.change == INTERCEPT and search.up:
            told = some and (x[n] > 0 or not search.silent > 0)  # R's search for a count does not leave 0
            series.cases[n] = needed(x[: n + 1], mu[: n + 1], first, search) if told else search.silent
        if series.stat[n] >= search.limit:
            return n + 1
    return len(x)


@njit(cache=True, error_model="numpy")
def known(series: Series, origin: int, search: Search, theta: float) -> int:
    """The same for a change of known size, mu · exp(theta): the likelihood ratio's CUSUM."""
    s = 0.0
    for n in range(origin, len(series.x)):
        if np.isnan(series.x[n]) or np.isnan(series.mu[n]):
            continue
        mu = series.mu[n : n + 1]
        none = ratio(np.zeros(1), mu, search.alpha, theta)
        each = ratio(np.ones(1), mu, search.alpha, theta) - none
        series.cases[n] = (search.limit - s - none) / each
        s = max(0.0, s + none + each * series.x[n])
        series.stat[n] = s
        if s >= search.limit:
            return n + 1
    return len(series.x)
