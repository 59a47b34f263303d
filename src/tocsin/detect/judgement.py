"""Farrington's judgement, original and improved: baselines fitted, trends tested, counts weighed against them. Pure."""

from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from scipy import special

from tocsin.calendar import DAY
from tocsin.detect import bounds, calibration, glm
from tocsin.detect.contract import require
from tocsin.detect.contract import score as score_of
from tocsin.detect.windows import Windows, recent, windows
from tocsin.types import Alarms, Bools, Floats, Ints, Panel

REASONS = (
    "",
    "too little history: the oldest baseline window begins before the series",
    "the count is missing, or the population it is a rate of",
    "too few counts in the baseline, or none at this time of the year",
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
    surveillance's other slips (see docs/methods/farrington.md). even: the trend is per step, though months differ in
    days. bound_without_alarm: what R puts in place of the bound where limit54 holds an alarm back.
    """

    b: int
    w: int
    no_periods: int
    threshold: float
    past: int
    trend: bool
    p_threshold_trend: float
    method: str
    limit54: tuple[int, int]
    tail: float
    offset: bool
    freq: int | None
    as_r: bool
    power: float = 2 / 3
    even: bool = False
    dispersion: str = "phi"
    trend_dispersion: str = "phi"
    bound_without_alarm: float = np.nan

    @property
    def iterations(self) -> int:
        """R gives up after 25; a part of the year without a single case may take a few more."""
        return glm.ITERATIONS if self.as_r else 2 * glm.ITERATIONS


def checked(compat: str, power_transform: str, control: Control) -> Control:
    """The control with its power, or MethodError for a setting that cannot be."""
    c = control
    require(compat in ("", "surveillance"), f'compat is {compat!r}; it is "surveillance" or left out')
    allowed = ", ".join(bounds.POWERS)
    require(power_transform in bounds.POWERS, f"power_transform is {power_transform!r}; it is one of {allowed}")
    require(c.b >= 1 and c.w >= 0, f"b is {c.b} and w is {c.w}; at least one year and a half-window of 0")
    require(c.past >= 0, f"past_weeks_not_included is {c.past}; it is 0 or more")
    require(0 < c.tail < 0.5, f"alpha leaves {c.tail} over the bound; more than 0 and less than 0.5")
    require(c.limit54[1] >= 1, f"limit54 is {c.limit54}; (cases, steps) with at least one step")
    require(c.freq is None or c.freq > 2 * c.w, f"freq is {c.freq}; a year is longer than the window of {2 * c.w + 1}")
    return replace(control, power=bounds.POWERS[power_transform])


def needs(step: int, b: int = 5, w: int = 3) -> int:
    """b years, half a window, and the days by which weeks drift against dates."""
    return ceil((b * 366 + 4) * DAY / step) + w


@dataclass(frozen=True, slots=True)
class Judgement:
    """Alarms and how they came about; fields (N, H).

    mean: of the count at the tested step; se: standard error of its logarithm; trend_p: of the trend's test, NaN where
    none was made; trend: index into TRENDS; reason: index into REASONS; few: limit54 holds an alarm back.
    """

    alarms: Alarms
    fits: glm.Fits
    mean: Floats
    se: Floats
    trend_p: Floats
    trend: Ints
    reason: Ints
    few: Bools
    windows: Windows


def judge(panel: Panel, start: int, control: Control) -> Judgement:
    """Judge steps `start … T-1` of a panel of counts (N, T)."""
    c = control
    w = windows(
        panel.time,
        start,
        step=panel.step,
        b=c.b,
        w=c.w,
        no_periods=c.no_periods,
        past=c.past,
        freq=c.freq,
        even=c.even,
    )
    share = panel.exposure if c.offset else None
    now = _log(panel.exposure[:, start:], c.as_r) if c.offset else 0.0
    fits, trend_p, trend = _fits(panel.y, share, now, w, c)
    eta = _eta(fits, w, c) + now
    mean = np.exp(eta)
    if c.as_r and c.method == "delta":
        mean = np.maximum(mean, np.finfo(np.float64).eps)  # its Poisson family knows no smaller mean
    at = _slip(fits, w, c)
    se = np.sqrt((fits.level_var + (at - fits.centre) ** 2 * fits.trend_var) * getattr(fits, c.dispersion))
    y = panel.y[:, start:]
    upper = _upper(mean, se, fits.phi, c)
    few = _few(panel.y, start, c)
    reason = _reasons(few, np.isnan(y + now), w, fits)
    if c.as_r:
        alarms = _as_r(y, eta, mean, se, fits.phi, upper, reason, c)
    else:
        alarms = _corrected(y, mean, se, upper, reason, fits, c)
    return Judgement(alarms, fits, mean, se, trend_p, trend, reason, few, w)


def _fits(
    y: Floats, share: Floats | None, now: Floats | float, w: Windows, c: Control
) -> tuple[glm.Fits, Floats, Ints]:
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
    if c.p_threshold_trend < 1:  # at 1 there is no test, nor does rounding make one
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
    quantile = bounds.nbinom_quantile(c.tail, _plugged(mean, se, c), phi)
    return quantile if c.as_r else np.maximum(quantile, 1.0)


def _plugged(mean: Floats, se: Floats, c: Control) -> Floats:
    """The mean the negative binomial is given: nb_plugin its estimate, muan its own upper bound."""
    with np.errstate(over="ignore"):
        return mean * np.exp(special.ndtri(1 - c.tail) * se) if c.method == "muan" else mean


def _log(exposure: Floats, as_r: bool) -> Floats:
    """NaN where there is nobody to be ill; R expects no cases among them."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(exposure if as_r else np.where((exposure > 0) & (exposure < np.inf), exposure, np.nan))


def _few(y: Floats, start: int, c: Control) -> Bools:
    cases, gap = recent(y, start, c.limit54[1])
    return np.asarray((cases < c.limit54[0]) | (gap if c.as_r else False))


def _reasons(few: Bools, missing: Bools, w: Windows, fits: glm.Fits) -> Ints:
    reason = np.where(few, FEW_CASES, OK)
    reason[fits.state == glm.NOT_CONVERGED] = NOT_CONVERGED
    reason[fits.state == glm.NO_ROWS] = EMPTY
    reason[missing] = MISSING
    reason[:, w.n == 0] = SHORT
    return reason


def _as_r(
    y: Floats, eta: Floats, mean: Floats, se: Floats, phi: Floats, upper: Floats, reason: Ints, c: Control
) -> Alarms:
    """What R surveillance returns, where limit54 holds an alarm back and where nothing converges as well."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if c.method == "delta":
            score = (y - mean) / (upper - mean)
            p = bounds.power_tail(y, mean, phi * mean + (mean * se) ** 2, c.power)
        else:
            # Its negative binomial scores start from the logarithm of the mean.
            score = (y - eta) / (upper - eta)
            p = bounds.nbinom_tail(y, _plugged(mean, se, c), phi)
    few = reason == FEW_CASES
    known = (reason == OK) | few
    bounded = known & ~np.isnan(upper)
    if c.bound_without_alarm == 0:
        upper, score = np.where(few, 0.0, upper), np.where(few, np.minimum(score, 1.0), score)
    else:
        bounded &= ~few
    expected = np.where(bounded, mean, np.where(reason == NOT_CONVERGED, 0.0, np.nan))
    return Alarms(
        expected, np.where(bounded, upper, np.nan), np.where(known, score, np.nan), np.where(known, p, np.nan)
    )


def _corrected(y: Floats, mean: Floats, se: Floats, upper: Floats, reason: Ints, fits: glm.Fits, c: Control) -> Alarms:
    """Bounds as published, p calibrated. limit54 holds the score at 1: a rule of alarms, of which p knows nothing."""
    few = reason == FEW_CASES
    known = np.where((reason == OK) | few, 1.0, np.nan)
    p = calibration.p_value(y, mean, se, fits, c.threshold)
    score = score_of(y, mean, upper)
    return Alarms(mean * known, upper * known, np.where(few, np.minimum(score, 1.0), score) * known, p * known)
