"""What each place would see in each interval if nothing were going on. Pure.

All arrays are (L, T): locations × intervals.
"""

import math

import numpy as np

from tocsin.errors import MethodError
from tocsin.types import Floats, Ints


def from_margins(strata: list[Ints]) -> Floats:
    """Space-time permutation: Σ over strata of C(place)·C(interval)/C; Kulldorff et al. (2005), PLoS Med 2:e59."""
    total = np.zeros(strata[0].shape)
    for cases in strata:
        if n := cases.sum():
            total += np.outer(cases.sum(axis=1), cases.sum(axis=0)) / n
    return total


def weekdays(cases: Ints) -> list[Ints]:
    """Daily cases (L, T) split into seven strata by day of the week."""
    day = np.arange(cases.shape[1]) % 7
    return [np.where(day == d, cases, 0) for d in range(min(7, cases.shape[1]))]


def from_exposure(cases: Floats, exposure: list[Floats]) -> Floats:
    """Discrete Poisson, indirectly standardised: each stratum's own risk (its cases / all its exposure) × exposure."""
    total: Floats = np.zeros(exposure[0].shape)
    for n, persons in zip(cases, exposure, strict=True):
        if n and not persons.sum() > 0:
            raise MethodError("a stratum has cases but nobody at risk; give it a population, or take its cases out")
        if n:
            total += persons * (n / persons.sum())
    return total


def person_time(dates: Floats, people: Floats, edges: Ints) -> Floats:
    """Person-days of one population in each interval (T,): linear between its dates, constant outside them.

    dates (D,) ascending day numbers, people (D,); edges (T + 1,). Held in single precision, as SaTScan holds it.
    """
    people = people.astype(np.float32).astype(np.float64)
    if len(dates) == 1:
        return np.asarray(people[0] * np.diff(edges), dtype=np.float64)
    marks = np.unique(np.concatenate([dates, edges.astype(np.float64)]))
    height = np.interp(marks, dates, people)
    area = np.concatenate([[0.0], np.cumsum(np.diff(marks) * (height[1:] + height[:-1]) / 2)])
    return np.diff(area[np.searchsorted(marks, edges)])


def with_trend(expected: Floats, percent: float, years: Floats) -> Floats:
    """A log-linear trend of so many percent a year laid over the intervals; the total stays. years (T,)."""
    raised: Floats = expected * np.power(1 + percent / 100, years)
    return np.asarray(raised * (expected.sum() / raised.sum()))


def fitted_trend(cases: Ints, expected: Floats, years: Floats) -> float:
    """The trend, percent a year, that best explains cases (T,) with expected (T,): Poisson maximum likelihood."""
    middle = years - years.mean()
    a = b = 0.0
    for _ in range(100):
        mean = expected * np.exp(a + b * middle)
        if not np.all(np.isfinite(mean)):
            break
        slope = np.array([(cases - mean).sum(), ((cases - mean) * middle).sum()])
        curve = np.array([[mean.sum(), (mean * middle).sum()], [(mean * middle).sum(), (mean * middle**2).sum()]])
        step = np.linalg.solve(curve, slope)
        a, b = a + float(step[0]), b + float(step[1])
        if abs(step).max() < 1e-13:
            return math.expm1(b) * 100
    raise MethodError("no trend could be fitted (too few cases?); give one with a percentage, or stratify by time")


def each_place_its_own(cases: Ints, expected: Floats) -> Floats:
    """Spatial adjustment: each place's expected counts scaled to its own number of cases."""
    total = expected.sum(axis=1)
    scale = np.divide(cases.sum(axis=1), total, out=np.zeros_like(total), where=total > 0)
    return np.asarray(expected * scale[:, None])


def each_interval_its_own(cases: Ints, expected: Floats) -> Floats:
    """Stratified by time: each interval's expected counts scaled to its own number of cases."""
    total = expected.sum(axis=0)
    return np.asarray(expected * np.divide(cases.sum(axis=0), total, out=np.zeros_like(total), where=total > 0))


def with_known_risks(expected: Floats, risk: Floats) -> Floats:
    """Expected counts times known relative risks (L, T); the total stays."""
    raised = expected * risk
    if not raised.sum() > 0:
        raise MethodError("the known relative risks leave nothing expected anywhere; give some above 0")
    return np.asarray(raised * (expected.sum() / raised.sum()))


def from_history(cases: Ints, first: int, weekday: Ints | None = None) -> Floats:
    """A plain baseline for expectation-based scans (L, T): each place's mean before the interval `first`.

    With weekday (T,), 0 … 6, the city's own day-of-week pattern is laid over it. Better baselines (seasons, holidays,
    delays) come from the detectors and are given as they are.
    """
    if first < 1:
        raise MethodError("an expectation-based scan needs intervals before its longest window; give more history")
    past = cases[:, :first].astype(np.float64)
    shape = np.ones(cases.shape[1])
    if weekday is not None and first >= 28:
        means = np.array([past[:, weekday[:first] == d].mean() for d in range(7)])
        shape = means[weekday] / means[weekday[:first]].mean() if means.sum() > 0 else shape
    place = past.mean(axis=1) + past.mean() * 1e-6  # nobody is quite at zero
    return np.outer(place, shape)


def dispersion(cases: Ints, expected: Floats, first: int) -> float:
    """The negative binomial's θ from the intervals before `first`, by moments: var = mean + mean²/θ; inf = Poisson."""
    past, mean = cases[:, :first], expected[:, :first]
    extra = float(((past - mean) ** 2 - mean).sum())
    return float((mean**2).sum()) / extra if extra > 0 else math.inf
