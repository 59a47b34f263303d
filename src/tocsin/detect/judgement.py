"""Farrington's judgement, original and improved: baselines fitted, trends tested, counts weighed against them. Pure."""

from dataclasses import dataclass
from math import inf

import numpy as np
from scipy import special

from tocsin.detect import bounds, glm
from tocsin.detect.windows import Windows, recent, windows
from tocsin.types import Alarms, Bools, Floats, Ints, Panel

REASONS = (
    "",
    "too little history: the oldest baseline window begins before the series",
    "the count is missing",
    "no count in the baseline at this time of the year",
    "the regression did not converge",
    "too few cases in the last steps (limit54)",
)
OK, SHORT, MISSING, EMPTY, NOT_CONVERGED, FEW_CASES = range(len(REASONS))

TRENDS = (
    "kept",
    "not asked for",
    "fewer than three years",
    "not significant",
    "it would lead over the largest baseline count",
    "no convergence with it",
)
KEPT, NOT_ASKED, FEW_YEARS, NOT_SIGNIFICANT, RUNS_AWAY, NO_CONVERGENCE = range(len(TRENDS))


@dataclass(frozen=True, slots=True)
class Control:
    """The settings of both methods once all defaults are resolved; names as in farrington_flexible.

    threshold: weights_threshold, inf without reweighting. tail: one-sided probability beyond the upper bound.
    dispersion, trend_dispersion: which of a fit's dispersions scales standard errors and the trend's test. as_r: keep R
    surveillance's other slips (see docs/methods/farrington.md). even: the trend is per row, though months differ in days. iterations: at most, of each regression.
    """

    b: int
    w: int
    no_periods: int
    threshold: float
    past: int
    trend: bool
    p_threshold_trend: float
    method: str
    power: float
    limit54: tuple[int, int]
    tail: float
    offset: bool
    freq: int | None
    as_r: bool
    even: bool = False
    dispersion: str = "phi"
    trend_dispersion: str = "phi"
    iterations: int = 2 * glm.ITERATIONS


@dataclass(frozen=True, slots=True)
class Judgement:
    """Alarms and how they came about; fields (N, H).

    mean: of the count at the tested step; se: standard error of its logarithm; trend_p: of the trend's test, NaN where
    none was made; trend: index into TRENDS; reason: index into REASONS.
    """

    alarms: Alarms
    fits: glm.Fits
    mean: Floats
    se: Floats
    trend_p: Floats
    trend: Ints
    reason: Ints
    windows: Windows


def judge(panel: Panel, start: int, control: Control) -> Judgement:
    """Judge steps `start … T-1` of a panel of counts (N, T)."""
    c = control
    w = windows(
        panel.time, start, step=panel.step, b=c.b, w=c.w, no_periods=c.no_periods, past=c.past, freq=c.freq,
        even=c.even,
    )  # fmt: skip
    share = panel.exposure if c.offset else None
    now = np.log(panel.exposure[:, start:]) if c.offset else 0.0
    fits, trend_p, trend = _fits(panel.y, share, now, w, c)
    eta = _eta(fits, w, c) + now
    mean = np.exp(eta)
    if c.as_r and c.method == "delta":
        mean = np.maximum(mean, np.finfo(np.float64).eps)  # its Poisson family knows no smaller mean
    at = _slip(fits, w, c)
    se = np.sqrt((fits.level_var + (at - fits.centre) ** 2 * fits.trend_var) * getattr(fits, c.dispersion))
    y = panel.y[:, start:]
    upper = _upper(mean, se, fits.phi, c)
    reason = _reasons(panel.y, start, w, fits, c)
    alarms = (_as_r if c.as_r else _calibrated)(y, eta, mean, se, fits.phi, upper, reason, c)
    return Judgement(alarms, fits, mean, se, trend_p, trend, reason, w)


def _fits(y: Floats, share: Floats | None, now: Floats | float, w: Windows, c: Control) -> tuple[glm.Fits, Floats, Ints]:
    """The regression each step is judged by, the p value of its trend, and what became of the trend."""
    shape = (len(y), len(w.n))
    trend_p = np.full(shape, np.nan)
    if not c.trend or c.b < 3:
        fits = glm.fit(y, share, w, trend=False, threshold=c.threshold, limit=c.iterations)
        return fits, trend_p, np.full(shape, NOT_ASKED if not c.trend else FEW_YEARS)
    fits = glm.fit(y, share, w, trend=True, threshold=c.threshold, limit=c.iterations)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.abs(fits.trend) / np.sqrt(fits.trend_var * getattr(fits, c.trend_dispersion))
    trend_p = 2 * special.stdtr(fits.n - fits.rank, -t)
    trend = np.full(shape, KEPT)
    with np.errstate(over="ignore"):
        trend[~(np.exp(_eta(fits, w, c) + now) <= fits.largest)] = RUNS_AWAY
    flat = (fits.pearson < 1e-16) & (np.abs(fits.trend) < 1e-12)  # equal counts: all that is left is rounding
    trend[~(trend_p < c.p_threshold_trend) | flat] = NOT_SIGNIFICANT
    trend[fits.state == glm.NOT_CONVERGED] = NO_CONVERGENCE
    drop = (trend != KEPT) & (fits.state != glm.NO_ROWS)
    if drop.any():
        without = glm.fit(y, share, w, trend=False, threshold=c.threshold, limit=c.iterations, todo=drop)
        fits = glm.merged(drop, without, fits)
    return fits, trend_p, trend


def _slip(fits: glm.Fits, w: Windows, c: Control) -> Floats | float:
    """R counts the prediction's time from the first count that is not missing, the regression's from the first row."""
    return np.minimum(w.time[:, 0] - fits.first, 0.0) if c.as_r and c.freq is None and w.time.shape[1] else 0.0


def _eta(fits: glm.Fits, w: Windows, c: Control) -> Floats:
    return fits.intercept + fits.trend * _slip(fits, w, c)


def _upper(mean: Floats, se: Floats, phi: Floats, c: Control) -> Floats:
    z = special.ndtri(1 - c.tail)
    if c.method == "delta":
        return bounds.power_bound(mean, phi * mean + (mean * se) ** 2, z, c.power)
    with np.errstate(over="ignore"):
        quantile = bounds.nbinom_quantile(c.tail, mean * np.exp(z * se) if c.method == "muan" else mean, phi)
    return quantile if c.as_r else np.maximum(quantile, 1.0)


def _reasons(y: Floats, start: int, w: Windows, fits: glm.Fits, c: Control) -> Ints:
    cases, gap = recent(y, start, c.limit54[1])
    few = (cases < c.limit54[0]) | (gap if c.as_r else False)
    reason = np.where(few, FEW_CASES, OK)
    reason[fits.state == glm.NOT_CONVERGED] = NOT_CONVERGED
    reason[fits.state == glm.NO_ROWS] = EMPTY
    reason[np.isnan(y[:, start:])] = MISSING
    reason[:, w.n == 0] = SHORT
    return reason


def _as_r(
    y: Floats, eta: Floats, mean: Floats, se: Floats, phi: Floats, upper: Floats, reason: Ints, c: Control
) -> Alarms:
    """What R surveillance returns: no bound where limit54 holds an alarm back, but a score and a p value."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if c.method == "delta":
            score = (y - mean) / (upper - mean)
            p = bounds.power_tail(y, mean, phi * mean + (mean * se) ** 2, c.power)
        else:
            # Its negative binomial scores start from the logarithm of the mean.
            score = (y - eta) / (upper - eta)
            p = bounds.nbinom_tail(y, mean * np.exp(special.ndtri(1 - c.tail) * se) if c.method == "muan" else mean, phi)
    told = reason == OK
    known = told | (reason == FEW_CASES)
    blank = np.where(told & ~np.isnan(upper), 1.0, np.nan)
    expected = np.where(reason == NOT_CONVERGED, 0.0, mean * blank)
    return Alarms(expected, upper * blank, np.where(known, score, np.nan), np.where(known, p, np.nan))


def _calibrated(
    y: Floats, eta: Floats, mean: Floats, se: Floats, phi: Floats, upper: Floats, reason: Ints, c: Control
) -> Alarms:
    """Bounds as published; p from the negative binomial widened by the mean's own uncertainty.

    The mean is taken as gamma distributed around mean · (1 + se²/2), which is both the mean of a log-normal with this se
    and, for a level fitted to zeros alone, the posterior mean under Jeffreys' prior.
    """
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        wide = mean * se * se
        p = bounds.nbinom_tail(y, mean + wide / 2, phi + wide)
        score = (y - mean) / np.maximum(upper - mean, np.finfo(np.float64).tiny)
    told = reason == OK
    few = reason == FEW_CASES
    known = np.where(told | few, 1.0, np.nan)
    score = np.where(few, np.minimum(score, 1.0), score)
    return Alarms(mean * known, upper * known, score * known, np.where(told, p, np.nan))
