"""ESSENCE's three: a smoothed average, a regression on trend and weekday, and the switch between them. Pure.

Burkom HS, Murphy SP, Shmueli G (2007), Statistics in Medicine 26(22): 4202-4218; Burkom HS (2003), J Urban Health
80(2 Suppl 1): i57-i65.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from tocsin.calendar import DAY
from tocsin.detect import contract, predictive, reference
from tocsin.detect.contract import require
from tocsin.types import Alarms, Floats, Panel

GOOD = 0.6  # adjusted R² from which the regression is trusted


class _Told(NamedTuple):
    """Of each cell (N, H): what is expected, the threshold, and the statistic over its own threshold."""

    expected: Floats
    upper: Floats
    score: Floats


def ewma(
    panel: Panel,
    start: int,
    *,
    baseline: int = 28,
    guard: int = 2,
    w1: float = 0.4,
    w2: float = 0.9,
    alpha: float = 0.01,
) -> Alarms:
    """Two moving averages, for slow rises (w1) and spikes (w2), against the mean and spread of the baseline.

    E = w · y + (1 - w) · E before, begun at the mean; an alarm when (E - mean) / (sd · √(w / (2 - w))) is over
    t(1 - alpha; baseline - 1) for either. upper: the least value that makes it so. The `guard` steps just before are
    not in the baseline. p is not claimed. All of the baseline must have been reported.
    """
    _check("ewma", baseline, guard, alpha)
    return _alarms(_ewma(panel, start, baseline, guard, (w1, w2), alpha))


def regression(panel: Panel, start: int, *, baseline: int = 28, guard: int = 2, alpha: float = 0.01) -> Alarms:
    """upper: the prediction of a line and, with daily steps, a level for each weekday, plus t(1 - alpha) errors.

    Least squares on the `baseline` steps that end `guard` steps before. p is not claimed: t is for large counts.
    """
    _check("regression", baseline, guard, alpha)
    return _alarms(_regression(panel, start, baseline, guard, alpha)[0])


def regression_ewma_switch(
    panel: Panel,
    start: int,
    *,
    baseline: int = 28,
    guard: int = 2,
    w1: float = 0.4,
    w2: float = 0.9,
    alpha: float = 0.01,
) -> Alarms:
    """regression where it explains its baseline (adjusted R² over 0.6), else ewma."""
    _check("regression_ewma_switch", baseline, guard, alpha)
    line, explained = _regression(panel, start, baseline, guard, alpha)
    smooth = _ewma(panel, start, baseline, guard, (w1, w2), alpha)
    return _alarms(_Told(*(np.where(explained > GOOD, a, b) for a, b in zip(line, smooth, strict=True))))


def needs(step: int, baseline: int = 28, guard: int = 2) -> int:
    """The baseline and the guard."""
    return baseline + guard


def _check(name: str, baseline: int, guard: int, alpha: float) -> None:
    require(baseline >= 12, f"{name}: baseline is {baseline}; it is at least 12 steps")
    require(guard >= 0, f"{name}: guard is {guard}; it is at least 0")
    require(0 < alpha < 0.5, f"{name}: alpha is {alpha}; it lies between 0 and 0.5")


def _alarms(told: _Told) -> Alarms:
    return Alarms(*told, np.full_like(told.score, np.nan))


def _ewma(panel: Panel, start: int, baseline: int, guard: int, weights: tuple[float, float], alpha: float) -> _Told:
    require(all(0 < w <= 1 for w in weights), f"ewma: w1 and w2 are {weights}; they lie over 0 and up to 1")
    y = panel.y[:, start:]
    back = reference.before(panel.y, start, list(range(1, baseline + guard + 1)))  # newest first
    window = back[guard:]
    mean = window.mean(axis=0)
    sd = predictive.settled(window.std(axis=0, ddof=1), mean)
    t = float(stdtrit(baseline - 1, 1 - alpha))
    uppers, scores = [], []
    for w in weights:
        shares = w * (1 - w) ** np.arange(len(back))
        before = np.tensordot(shares, back, axes=(0, 0)) + (1 - w) ** len(back) * mean
        reach = mean + t * sd * np.sqrt(w / (2 - w))
        uppers.append((reach - (1 - w) * before) / w)
        scores.append(contract.score(w * y + (1 - w) * before, mean, reach))
    return _Told(mean, np.minimum(*uppers), np.maximum(*scores))


def _regression(panel: Panel, start: int, baseline: int, guard: int, alpha: float) -> tuple[_Told, Floats]:
    """What the line says, and its adjusted R² over the baseline."""
    lags = np.arange(guard + 1, guard + baseline + 1)
    # A step's weekday is told by its lag alone, so one design serves every step.
    X, ahead = _row(-lags.astype(np.float64), panel.step), _row(np.zeros(1), panel.step)
    inverse = np.linalg.pinv(X.T @ X)
    hat, freedom = X @ inverse, baseline - int(np.linalg.matrix_rank(X))
    window = reference.before(panel.y, start, lags.tolist())
    fitted = np.tensordot(hat @ ahead[0], window, axes=(0, 0))
    rest = window - np.tensordot(hat @ X.T, window, axes=(1, 0))
    variance = (rest**2).sum(axis=0) / freedom
    mean = window.mean(axis=0)
    sd = predictive.settled(np.sqrt(variance * (1 + float((ahead @ inverse @ ahead.T)[0, 0]))), np.abs(mean) * 1e3)
    upper = fitted + float(stdtrit(freedom, 1 - alpha)) * sd
    total = window.var(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = np.where(total > 0, 1 - variance / total, 0.0)
    y = panel.y[:, start:]
    fitted, upper = np.where(sd > 0, fitted, mean), np.where(sd > 0, upper, mean)
    return _Told(fitted, upper, contract.score(y, fitted, upper)), explained


def _row(at: Floats, step: int) -> Floats:
    """Intercept, line and, for daily steps, six weekdays."""
    columns = [np.ones(len(at)), at]
    if step == DAY:
        columns += [(at % 7 == d).astype(np.float64) for d in range(6)]
    return np.stack(columns, axis=1)
