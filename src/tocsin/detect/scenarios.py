"""The simulated surveillance series by which outbreak detection is compared in the literature. Pure.

Weekly: the 42 scenarios of Noufaily et al. (2013), Stat Med 32: 1206-1222, as used by Bédubourg and Le Strat (2017),
PLoS ONE 12(7): e0181227. Daily: the 16 syndromic signals of Noufaily, Morbey, Colón-González, Elliot, Smith, Lake,
McCarthy (2019), Bioinformatics 35: 3110-3118.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from tocsin.types import Bools, Floats, Ints, Panel, Times

WEEKS, TESTED_WEEKS, PAST_FROM = 624, 49, 312  # past outbreaks begin in the half before the tested weeks
SIZES = (0, 2, 5, 10)  # the current outbreak in standard deviations of its first step; 0 = none
PAST_SIZES = (2, 3, 5, 10)
PAST_OUTBREAKS = 4
DAILY_YEARS = 7

# theta, beta (for the scenarios with a trend), gamma1, gamma2 (for those with a season), phi
GROUPS = (
    (0.1, 0.0025, 0.6, 0.6, 1.5),
    (-2.0, 0.005, 0.1, 0.3, 2.0),
    (1.5, 0.003, 0.2, -0.4, 1.0),
    (0.5, 0.002, 0.5, 0.5, 5.0),
    (2.5, 0.001, 1.0, 0.1, 3.0),
    (3.75, 0.001, 0.1, -0.1, 1.1),
    (5.0, 0.0001, 0.05, 0.01, 1.2),
)


class Weekly(NamedTuple):
    """log mean = theta + beta t + Σ_{j ≤ m} gamma1 cos(2πjt/52) + gamma2 sin(2πjt/52); variance phi times the mean."""

    theta: float
    beta: float
    gamma1: float
    gamma2: float
    phi: float
    m: int


class Daily(NamedTuple):
    """As Weekly with `annual` harmonics of the year and `weekly` of the week, of `days` days each, in working days."""

    name: int
    days: int
    annual: int
    weekly: int
    alpha: float
    beta: float
    gamma1: float
    gamma2: float
    gamma3: float
    gamma4: float
    phi: float
    shift: int
    divide_by: float


class Drawn(NamedTuple):
    """Series and the truth about them.

    cases (N, H): those of the current outbreak in the tested steps start … T-1; size (N,): its size in standard
    deviations, 0 for none; past (N,): whether there were outbreaks in the baseline; scenario (N,).
    """

    panel: Panel
    start: int
    cases: Floats
    size: Ints
    past: Bools
    scenario: Ints


WEEKLY = tuple(
    Weekly(theta, beta * trend, g1 if m else 0.0, g2 if m else 0.0, phi, m)
    for theta, beta, g1, g2, phi in GROUPS
    for trend in (0, 1)
    for m in (0, 1, 2)
)

DAILY = (
    Daily(1, 7, 1, 2, 6, 0, 0.2, 0.2, 0.5, 0.4, 2, 29, 1),
    Daily(3, 7, 1, 2, 0.5, 0, 1.5, 1.4, 0.5, 0.4, 1, -167, 1),
    Daily(4, 7, 0, 2, 5.5, 0, 0, 0, 0.3, 0.25, 1, 1, 1),
    Daily(5, 7, 0, 2, 2, 0, 0, 0, 0.3, 0.25, 1, 1, 1),
    Daily(6, 5, 1, 1, 6, 0, 0.3, 2, 0.3, 0.5, 1.5, -50, 10),
    Daily(7, 5, 1, 1, 1, 0, 0.1, 2, 0.05, 0.05, 1, -50, 1),
    Daily(8, 5, 0, 1, 6, 0.0001, 0, 0, 0.6, 0.9, 1.5, 0, 10),
    Daily(9, 5, 1, 1, 3, 0, 1.5, 0.1, 0.2, 0.3, 1, -150, 1),
    Daily(10, 5, 1, 1, 3, 0, 0.2, 0.1, 0.05, 0.15, 1, -200, 1),
    Daily(11, 5, 1, 1, 5, 0, 0.2, 0.1, 0.05, 0.1, 1, 0, 1),
    Daily(12, 5, 2, 1, 0.5, 0, 0.4, 0, 0.05, 0.15, 1, 0, 1),
    Daily(13, 5, 1, 1, 9, 0, 0.5, 0.2, 0.2, 0.5, 1, 0, 100),
    Daily(14, 7, 1, 2, 2, 0.0005, 0.8, 0.8, 0.8, 0.4, 4, 57, 1),
    Daily(15, 7, 4, 1, 0.05, 0, 0.01, 0.01, 1.8, 0.1, 1, -85, 1),
    Daily(16, 7, 1, 2, 3, 0, 0.8, 0.6, 0.8, 0.4, 4, 29, 1),
    Daily(17, 7, 0, 2, 6, 0, 0, 0, 0.8, 0.4, 4, 1, 1),
)


def weekly(
    rng: np.random.Generator, replicates: int = 10, sizes: Sequence[int] = SIZES, only: Sequence[int] | None = None
) -> Drawn:
    """`replicates` series of 624 weeks for each scenario, size of the current outbreak, and with and without past ones.

    only: positions in WEEKLY of the scenarios wanted, all by default.

    Outbreaks begin at a uniform week, have Poisson(k · sd of that week) cases, one at least, each floor(lognormal(0,
    0.5)) weeks after it. Past ones: four, k drawn from 2, 3, 5, 10. The current one begins within the last 49 weeks.
    """
    design = _design(range(len(WEEKLY)) if only is None else only, replicates, sizes)
    t = np.arange(1, WEEKS + 1)
    means = np.array([np.exp(_waves(s, t)) for s in WEEKLY])
    one = np.ones(len(WEEKLY), np.int64)
    time = (np.datetime64("2010-01-04", "m") + 7 * 1440 * np.arange(WEEKS)).astype("datetime64[m]")
    return _drawn(rng, design, means, np.array([s.phi for s in WEEKLY]), time, 7 * 1440, WEEKS - TESTED_WEEKS, one)


def daily(
    rng: np.random.Generator, replicates: int = 3, sizes: Sequence[int] = SIZES, only: Sequence[int] | None = None
) -> Drawn:
    """`replicates` series of seven years of days for each of the 16 signals, with outbreaks as in `weekly`.

    only: positions in DAILY of the signals wanted, all by default.

    Signals of five-day services are zero at weekends and on public holidays, and half as high again on the working day
    after; t counts working days. An outbreak of k has k · sd cases for each of a week's days, and lags of lognormal(0,
    0.5) weeks in whole working days. Seasons are 52 weeks long; outbreaks of the past lie in the two years before.
    """
    days = DAILY_YEARS * 364
    time = (np.datetime64("2010-01-04", "m") + 1440 * np.arange(days)).astype("datetime64[m]")
    off = public_holidays(time)
    means = np.array([_daily_mean(s, off) for s in DAILY])
    design = _design(range(len(DAILY)) if only is None else only, replicates, sizes)
    phi, worked = np.array([s.phi for s in DAILY]), np.array([s.days for s in DAILY])
    drawn = _drawn(rng, design, means, phi, time, 1440, days - 7 * TESTED_WEEKS, worked)
    return drawn._replace(panel=drawn.panel._replace(holiday=off))


def public_holidays(time: Times) -> Bools:
    """England's eight: New Year, Good Friday, Easter Monday, three bank holidays, 25 and 26 December."""
    days = time.astype("datetime64[D]")
    years = np.unique(days.astype("datetime64[Y]").astype(np.int64) + 1970).tolist()
    return np.isin(days, np.array([d for y in years for d in _holidays(y)], dtype="datetime64[D]"))


def _holidays(year: int) -> Iterator[np.datetime64]:
    yield from (np.datetime64(f"{year}-{day}", "D") for day in ("01-01", "12-25", "12-26"))
    may, june, september = (np.datetime64(f"{year}-{month}-01", "D") for month in ("05", "06", "09"))
    yield np.busday_offset(may, 0, "forward", "1000000")  # first Monday
    yield from (np.busday_offset(after - 1, 0, "backward", "1000000") for after in (june, september))  # last Mondays
    # Easter after Gauss, for 1900 to 2099.
    moon = (19 * (year % 19) + 24) % 30
    sunday = (2 * (year % 4) + 4 * (year % 7) + 6 * moon + 5) % 7
    late = 1 if (moon == 29 and sunday == 6) or (moon == 28 and sunday == 6 and year % 19 > 10) else 0
    easter = np.datetime64(f"{year}-03-22", "D") + moon + sunday - 7 * late
    yield from (easter - 2, easter + 1)


def _design(which: Sequence[int], replicates: int, sizes: Sequence[int]) -> list[tuple[int, bool, int]]:
    return [(i, past, k) for i in which for past in (False, True) for k in sizes for _ in range(replicates)]


def _waves(s: Weekly, t: Ints) -> Floats:
    angles = [2 * np.pi * j * t / 52 for j in range(1, s.m + 1)]
    season = sum((s.gamma1 * np.cos(a) + s.gamma2 * np.sin(a) for a in angles), np.zeros(len(t)))
    return np.asarray(s.theta + s.beta * t + season)


def _daily_mean(s: Daily, off: Bools) -> Floats:
    weekday = np.arange(len(off)) % 7  # the first day is a Monday
    working = (weekday < s.days) & (~off | (s.days == 7))
    t = np.cumsum(weekday < s.days) + s.shift
    log = s.alpha + s.beta * t
    for j in range(1, s.annual + 1):
        angle = 2 * np.pi * j * t / (52 * s.days)
        log = log + s.gamma1 * np.cos(angle) + s.gamma2 * np.sin(angle)
    for j in range(1, s.weekly + 1):
        angle = 2 * np.pi * j * t / s.days
        log = log + s.gamma3 * np.cos(angle) + s.gamma4 * np.sin(angle)
    mean = np.where(working, np.exp(log) / s.divide_by, 0.0)
    if s.days == 5:
        after = np.flatnonzero(off & (weekday < 5)) + 1
        for day in after[after < len(off)]:
            following = day + np.argmax(working[day:])
            mean[following] *= 1.5
    return mean


def _drawn(
    rng: np.random.Generator,
    design: Sequence[tuple[int, bool, int]],
    means: Floats,
    phis: Floats,
    time: Times,
    step: int,
    start: int,
    days_a_week: Ints,
) -> Drawn:
    scenario, past, size = (np.array(x) for x in zip(*design, strict=True))
    mean, phi = means[scenario], phis[scenario]
    y = _counts(rng, mean, phi)
    n, steps = y.shape
    days = days_a_week[scenario]
    past_from = start - 2 * 364 if step == 1440 else PAST_FROM
    for _ in range(PAST_OUTBREAKS):
        k = np.where(past, rng.choice(PAST_SIZES, n), 0)
        y += _outbreak(rng, k, mean, phi, _starts(rng, past_from, start, n), days)
    now = _outbreak(rng, size, mean, phi, _starts(rng, start, steps, n), days)
    y += now
    panel = Panel(y, np.full_like(y, np.nan), time, step, "count", np.zeros(steps, np.bool_))
    return Drawn(panel, start, now[:, start:], size, past, scenario)


def _starts(rng: np.random.Generator, low: int, high: int, n: int) -> Ints:
    return np.asarray(rng.integers(low, high, n))


def _counts(rng: np.random.Generator, mean: Floats, phi: Floats) -> Floats:
    """Negative binomial with variance phi · mean, Poisson where phi is 1: a Poisson of a gamma distributed mean."""
    excess = np.broadcast_to((phi - 1)[:, None], mean.shape)
    wide = (excess > 0) & (mean > 0)
    shape = np.where(wide, mean / np.where(wide, excess, 1.0), 1.0)
    drawn = np.where(wide, rng.gamma(shape) * excess, mean)
    return rng.poisson(drawn).astype(np.float64)


def _outbreak(rng: np.random.Generator, k: Ints, mean: Floats, phi: Floats, begin: Ints, days: Ints) -> Floats:
    """Cases added (N, T): Poisson(k · sd · days) of them, at least one where k > 0, on steps that are worked."""
    added = np.zeros_like(mean)
    for i in np.flatnonzero(k > 0):
        worked = np.flatnonzero(mean[i] > 0)
        first = min(int(np.searchsorted(worked, begin[i])), len(worked) - 1)
        expected = k[i] * days[i] * np.sqrt(phi[i] * mean[i, worked[first]])
        # Poisson given one or more, by inversion: redrawing takes for ever where next to none are expected.
        none = np.exp(-expected)
        cases = int(stats.poisson.ppf(none + rng.random() * (1 - none), expected))
        at = first + np.floor(rng.lognormal(0.0, 0.5, max(cases, 1)) * days[i]).astype(np.int64)
        np.add.at(added[i], worked[at[at < len(worked)]], 1)
    return added
