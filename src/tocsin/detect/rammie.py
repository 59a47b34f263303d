"""A multi-level count model after RAMMIE: the areas of a panel share season and weekdays, each has its level. Pure.

Morbey et al. (2015), Bioinformatics 31(22): 3660, fit one mixed model of daily counts to all areas of a region. Here
the areas' levels are gamma distributed around their mean (Lee and Nelder 1996, J R Stat Soc B 58: 619), which gives
them in closed form; the shared effects are one regression, whatever the number of areas.
"""

from typing import Any, NamedTuple

import numpy as np

from tocsin.calendar import DAY
from tocsin.detect import baseline, bounds, contract, predictive
from tocsin.detect.baseline_lanes import FEW
from tocsin.detect.contract import require, steps_per_year
from tocsin.types import Alarms, Floats, Ints, Panel

BLOCK_DAYS = 28  # one fit serves so long
LEAST_DAYS, LEAST_STEPS = 28, 8  # of history, to speak at all
ROUNDS = 3  # of weighing
PASSES = 2  # between levels and shared effects; without gaps the first is already right
SD_RECENT = 0.5  # how far an area's last weeks may be off the model, on the log scale


class _Control(NamedTuple):
    years: float
    harmonics: int
    trend: bool
    alpha: float
    against: str
    recent_days: float
    threshold: float
    gap_weeks: float


class _Fit(NamedTuple):
    """Shared log effects at the steps asked for (H,) and their variance (H,); of N areas: level, the relative variance
    of the level per unit of dispersion, dispersion, degrees of freedom (N,), past steps' weights (N, T). effects (p,).
    """

    shared: Floats
    unsure: Floats
    level: Floats
    level_unsure: Floats
    dispersion: Floats
    freedom: Floats
    effects: Floats
    weights: Floats


class Explained(NamedTuple):
    """Baseline steps (R,), the first step a spike is told from (none: the judged one), and the fit, if there is one."""

    row: Ints
    recent: int
    fit: _Fit | None


def rammie(
    panel: Panel,
    start: int,
    *,
    years: float = 2.0,
    harmonics: int = 2,
    trend: bool = True,
    alpha: float = 0.01,
    against: str = "historical",
    recent_days: float = 14.0,
    weights_threshold: float = 2.58,
    gap_weeks: float = 2.0,
    population_offset: bool = False,
) -> Alarms:
    """upper: the 1 - alpha quantile of the predictive, p its mid-p; the panel's series are areas of one region.

    The model is fitted to `years` years up to the last 28-day mark and `gap_weeks` before it; past steps over
    weights_threshold deviations count less. against: "historical", the model; or "spike", the model moved to where the
    area's last recent_days have been, for what rises within a wave. population_offset: rates by the panel's exposure.
    """
    c = _Control(years, harmonics, trend, alpha, against, recent_days, weights_threshold, gap_weeks)
    _check(c)
    usable, exposure = _scaled(panel, population_offset)
    out = np.full((4, len(panel.y), panel.y.shape[1] - start), np.nan)
    for first, last, until in _blocks(panel, start, c) if len(panel.y) else []:
        begin = _begin(panel.step, until, c.years)
        back = max(first - _recent(panel.step, c), 0)
        fit = _fit(panel, usable, exposure, begin, until, slice(back, last), c)
        told = _judged(usable[:, back:last], exposure[:, back:last], fit, first - back, _recent(panel.step, c), c)
        known = (~np.isnan(usable[:, begin:until])).sum(axis=1)
        out[:, :, first - start : last - start] = np.where(known[:, None] >= _least(panel.step), told, np.nan)
    return Alarms(*out)


def explain(panel: Panel, series: int, population_offset: bool = False, **parameters: Any) -> Explained:
    """What the last step of a series rests on, in the panel whose series it is judged with."""
    given = dict(parameters)
    c = _Control(**{f: given[f if f != "threshold" else "weights_threshold"] for f in _Control._fields})
    t = panel.y.shape[1] - 1
    usable, exposure = _scaled(panel, population_offset)
    recent, blocks = max(t - _recent(panel.step, c), 0), _blocks(panel, t, c)
    if not blocks:
        return Explained(np.zeros(0, np.int64), recent, None)
    until = blocks[0][2]
    row = np.arange(_begin(panel.step, until, c.years), until)
    if (~np.isnan(usable[series, row])).sum() < _least(panel.step):
        return Explained(row, recent, None)
    return Explained(row, recent, _fit(panel, usable, exposure, int(row[0]), until, slice(t, t + 1), c))


def needs_rammie(step: int, years: float = 2.0, gap_weeks: float = 2.0) -> int:
    """The years, the gap and two blocks; MethodError for steps shorter than a day."""
    require(step >= DAY, "rammie: steps are days or weeks; choose ears_c2 for shorter ones")
    return round(years * steps_per_year(step)) + _steps(step, 7 * gap_weeks) + 2 * _block(step)


def _check(c: _Control) -> None:
    require(0 < c.years <= 20, f"rammie: years is {c.years}; it is over 0 and at most 20")
    require(0 <= c.harmonics <= 6, f"rammie: harmonics is {c.harmonics}; it lies between 0 and 6")
    require(0 < c.alpha < 0.5, f"rammie: alpha is {c.alpha}; it lies between 0 and 0.5")
    require(c.against in ("historical", "spike"), f'rammie: against is {c.against!r}; it is "historical" or "spike"')
    require(0 < c.recent_days <= 366, f"rammie: recent_days is {c.recent_days}; it is over 0 and at most 366")
    require(c.threshold > 0, f"rammie: weights_threshold is {c.threshold}; it is more than 0")
    require(0 <= c.gap_weeks <= 52, f"rammie: gap_weeks is {c.gap_weeks}; it lies between 0 and 52")


def _steps(step: int, days: float) -> int:
    return round(days * DAY / step)


def _block(step: int) -> int:
    return max(_steps(step, BLOCK_DAYS), 1)


def _least(step: int) -> int:
    return max(_steps(step, LEAST_DAYS), LEAST_STEPS)


def _recent(step: int, c: _Control) -> int:
    return max(_steps(step, c.recent_days), 1) if c.against == "spike" else 0


def _begin(step: int, until: int, years: float) -> int:
    """Where the baseline begins: `years` before, or, with less than one year there, a quarter before."""
    year = steps_per_year(step)
    begin = max(until - round(years * year), 0)
    return begin if until - begin >= year else max(begin, until - max(_steps(step, 91), _least(step)))


def _blocks(panel: Panel, start: int, c: _Control) -> list[tuple[int, int, int]]:
    """Steps [first, last) that one fit serves, and where its baseline ends; marks stand at the same civil times."""
    steps, size = panel.y.shape[1], _block(panel.step)
    if start >= steps:
        return []
    offset = int(panel.time[0].astype("datetime64[m]").astype(np.int64)) // panel.step
    marks = [m * size - offset for m in range((offset + start) // size, (offset + steps - 1) // size + 1)]
    found = [(max(m, start), min(m + size, steps), m - _steps(panel.step, 7 * c.gap_weeks)) for m in marks]
    return [block for block in found if block[2] >= _least(panel.step)]


def _scaled(panel: Panel, population_offset: bool) -> tuple[Floats, Floats]:
    """Counts, missing where the population is, and exposures."""
    exposure = np.where(panel.exposure > 0, panel.exposure, np.nan) if population_offset else np.ones_like(panel.y)
    return np.where(np.isnan(exposure), np.nan, panel.y), np.nan_to_num(exposure)


def _fit(panel: Panel, y: Floats, exposure: Floats, begin: int, until: int, ahead: slice, c: _Control) -> _Fit:
    """The model of steps [begin, until), and what it says of those ahead."""
    rows = np.r_[begin:until, ahead]
    of = baseline.design(panel.time[rows], panel.holiday[rows], panel.step, until - begin, c.harmonics, c.trend)
    return _fitted(y[:, begin:until], exposure[:, begin:until], of, c.threshold)


def _fitted(y: Floats, exposure: Floats, of: baseline.Design, threshold: float) -> _Fit:
    """Quasi-likelihood of log mean = log level_i + shared_t + log exposure_it, past steps that stand out weighed down.

    Levels and shared effects are found in turn: given the levels, the shared effects are a regression of the sums over
    areas, each over its dispersion; given these, a level is cases over cases expected at level 1.
    """
    n, steps = y.shape
    seen = ~np.isnan(y)
    counts = np.where(seen, y, 0.0)
    weights, dispersion, shared = seen.astype(np.float64), np.ones(n), np.zeros(steps)
    for _ in range(ROUNDS):
        for _ in range(PASSES):
            expected = (weights * exposure) @ np.exp(shared)
            # Half a case keeps an area without any from a level of nothing, which no later step could raise.
            level = np.where(expected > 0, ((weights * counts).sum(axis=1) + 0.5) / np.maximum(expected, 1e-300), 0.0)
            share = (level / dispersion) @ (weights * exposure)
            total = (1 / dispersion) @ (weights * counts)
            there = share > 0
            sums = np.where(there, total, np.nan)[None]
            found = baseline.fit(sums, np.log(np.where(there, share, 1.0))[None], of, "count", np.inf)
            shared = of.X[:steps] @ found.effects[0]
        mean = np.maximum(level[:, None] * exposure * np.exp(shared), 1e-300)
        freedom = np.maximum(weights.sum(axis=1) - 1 - len(of.precision) / n, 1.0)
        dispersion = np.maximum((weights * (counts - mean) ** 2 / mean).sum(axis=1) / freedom, 1.0)
        apart = 1.5 * (np.cbrt(counts) ** 2 - np.cbrt(mean) ** 2) / mean ** (1 / 6) / np.sqrt(dispersion[:, None])
        over = (apart > threshold) & (counts >= FEW)
        again = np.where(seen, np.where(over, (threshold / np.maximum(apart, threshold)) ** 2, 1.0), 0.0)
        if np.abs(again - weights).max(initial=0) < 1e-3:
            break
        weights = again
    cases = (weights * counts).sum(axis=1)
    expected = (weights * exposure) @ np.exp(shared)
    level, unsure = _levels(cases, expected, dispersion)
    ahead = of.X[steps:]
    shared_unsure = np.einsum("hp,pq,hq->h", ahead, found.covariance[0], ahead) * found.dispersion[0]
    return _Fit(ahead @ found.effects[0], shared_unsure, level, unsure, dispersion, freedom, found.effects[0], weights)


def _levels(cases: Floats, expected: Floats, dispersion: Floats) -> tuple[Floats, Floats]:
    """The areas' levels (N,), drawn towards their mean by as much as they are alike, and their relative variances.

    Levels are Gamma(k) around m; cases have mean level · expected and variance dispersion times that. 1/k is what the
    levels vary beyond what chance makes of them. Variances are per unit of dispersion.
    """
    told = expected > 0
    mean = (cases / dispersion).sum() / max(float((expected / dispersion).sum()), 1e-300) + 1e-300
    apart = (cases[told] / expected[told] / mean - 1) ** 2 - dispersion[told] / (mean * expected[told])
    k = 1 / max(float(apart.sum()) / max(int(told.sum()), 1), 1e-6)
    level = (cases / dispersion + k) / (expected / dispersion + k / mean)
    return level, 1 / (cases + k * dispersion)


def _judged(y: Floats, exposure: Floats, f: _Fit, skip: int, recent: int, c: _Control) -> Floats:
    """expected, upper, score and p (4, N, H) of the steps from `skip` on; those before are a spike's recent past."""
    mean = f.level[:, None] * exposure * np.exp(np.clip(f.shared, -30, 40))
    unsure = f.level_unsure[:, None] + f.unsure / f.dispersion[:, None]
    if recent:
        factor, doubt = _moved(y, mean, f.dispersion, skip, recent)
        mean, unsure = mean[:, skip:] * factor, unsure[:, skip:] + doubt
    y = y[:, y.shape[1] - mean.shape[1] :]
    ratio = np.broadcast_to(f.dispersion[:, None], mean.shape)
    n = np.broadcast_to((f.freedom + 1)[:, None], mean.shape)
    mean = np.maximum(mean, 1e-12)
    ratio, freedom = predictive.granted(mean, ratio, n)
    wide = mean * unsure
    upper = bounds.nbinom_quantile(c.alpha, mean, np.maximum(ratio * (1 + wide), 1.0))
    p = predictive.averaged(y, mean, ratio, freedom, wide)
    return np.stack([mean, upper, contract.score(y, mean, upper), np.where(np.isnan(y), np.nan, p)])


def _moved(y: Floats, mean: Floats, dispersion: Floats, skip: int, recent: int) -> tuple[Floats, Floats]:
    """By what factor an area's last `recent` steps lie over the model (N, H), drawn towards 1, and its variance."""
    seen = ~np.isnan(y)
    at: Ints = np.arange(skip, y.shape[1])
    before = np.maximum(at - recent, 0)

    def over(values: Floats) -> Floats:
        sums = np.concatenate([np.zeros((len(y), 1)), np.cumsum(np.where(seen, values, 0.0), axis=1)], axis=1)
        return np.asarray(sums[:, at] - sums[:, before])

    cases, expected, k = over(y), over(mean), 1 / SD_RECENT**2
    scaled = k * dispersion[:, None]
    return (cases + scaled) / (expected + scaled), 1 / (cases + scaled)
