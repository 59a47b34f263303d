"""EARS C1, C2, C3: today against the mean and spread of last week, for when there is no more history than that. Pure.

C1 compares with the `baseline` steps just before; C2 leaves a gap of two steps, so that a slow rise does not hide in
its own baseline; C3 sums what the last steps had beyond one standard deviation, so that a slow rise is heard.

Hutwagner, Thompson, Seeman, Treadwell (2003), J Urban Health 80(2 Suppl 1): i89-i96.
"""

import numpy as np
from scipy.special import ndtri

from tocsin.detect import contract, predictive
from tocsin.detect.contract import require
from tocsin.types import Alarms, Floats, Panel

GAP = 2  # steps between C2's baseline and the step it judges


def c1(panel: Panel, start: int, *, baseline: int = 7, alpha: float = 0.001, min_sigma: float = 0.0) -> Alarms:
    """upper = mean + z(1 - alpha) · max(sd, min_sigma) over the `baseline` steps just before."""
    z = _quantile(baseline, alpha, min_sigma)
    return _against(panel, start, _window(panel.y, start, baseline, 0), z, min_sigma)


def c2(panel: Panel, start: int, *, baseline: int = 7, alpha: float = 0.001, min_sigma: float = 0.0) -> Alarms:
    """As C1, over the `baseline` steps that end three steps before."""
    z = _quantile(baseline, alpha, min_sigma)
    return _against(panel, start, _window(panel.y, start, baseline, GAP), z, min_sigma)


def c3(
    panel: Panel, start: int, *, baseline: int = 7, alpha: float = 0.025, min_sigma: float = 0.0, today: bool = False
) -> Alarms:
    """An alarm when the last steps' excesses over C2's baselines add up to more than z(1 - alpha); p is not claimed.

    A step's excess is max(0, (y - mean) / max(sd, min_sigma) - 1). today=False sums the two steps before the one it
    speaks of, as R surveillance does, and upper = max(0, y + sd · (z - their sum)) as it has it; today=True adds the
    step's own, as the paper defines C3, and upper is the value at which that sum meets z. No alarm at a count of 0.
    """
    z = _quantile(baseline, alpha, min_sigma)
    first = max(start - 2, 0)
    mean, sd = _published(_window(panel.y, first, baseline, GAP), min_sigma)
    y = panel.y[:, first:]
    least = 0.0 if panel.kind == "count" else -np.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.maximum(0.0, (y - mean) / sd - 1)
        before = _later(excess, 1) + _later(excess, 2)
        if today:
            upper = np.where(before > z, least, mean + sd * (1 + z - before))
            score = (before + excess) / z
        else:
            upper = y + sd * (z - before)
            score = before / z
    upper = np.maximum(upper, least)
    score = np.where(np.isnan(upper) | np.isnan(y), np.nan, np.where(y > upper, score, np.minimum(score, 1.0)))
    keep = slice(start - first, None)
    return Alarms(mean[:, keep], upper[:, keep], score[:, keep], np.full_like(score[:, keep], np.nan))


def needs_c1(step: int, baseline: int = 7) -> int:
    """The baseline."""
    return baseline


def needs_c2(step: int, baseline: int = 7) -> int:
    """The baseline and the gap."""
    return baseline + GAP


def needs_c3(step: int, baseline: int = 7) -> int:
    """What C2 needs two steps before."""
    return baseline + GAP + 2


def _against(panel: Panel, start: int, window: Floats, z: float, min_sigma: float) -> Alarms:
    y = panel.y[:, start:]
    mean, sd = _published(window, min_sigma)
    upper = mean + z * sd
    return Alarms(mean, upper, contract.score(y, mean, upper), predictive.p_value(y, window, panel.kind))


def _quantile(baseline: int, alpha: float, min_sigma: float) -> float:
    require(baseline >= 3, f"EARS: baseline is {baseline}; it takes at least 3 steps")
    require(0 < alpha < 0.5, f"EARS: alpha is {alpha}; it lies between 0 and 0.5")
    require(min_sigma >= 0, f"EARS: min_sigma is {min_sigma}; it is at least 0")
    return float(ndtri(1 - alpha))


def _window(y: Floats, start: int, baseline: int, gap: int) -> Floats:
    """The baseline of each step from `start` on: (baseline, N, H), NaN before the first step."""
    first = start - baseline - gap
    absent = np.full((len(y), max(-first, 0)), np.nan)
    seen = np.concatenate([absent, y[:, max(first, 0) :]], axis=1)
    steps = y.shape[1] - start
    return np.stack([seen[:, i : i + steps] for i in range(baseline)])


def _published(window: Floats, min_sigma: float) -> tuple[Floats, Floats]:
    """Mean and spread; the spread is NaN unless all of the baseline was reported, as published.

    The mean is that of what was reported, if it is enough to speak of (see predictive.p_value).
    """
    mean = window.mean(axis=0)
    sd = predictive.settled(window.std(axis=0, ddof=1), mean)
    if (gaps := np.isnan(mean)).any():
        n, part, _ = predictive.moments(window[:, gaps])
        mean[gaps] = np.where(n >= predictive.LEAST, part, np.nan)
    return mean, np.maximum(sd, min_sigma)


def _later(x: Floats, by: int) -> Floats:
    """x, `by` steps later; NaN where nothing is known before."""
    return np.concatenate([np.full((len(x), by), np.nan), x], axis=1)[:, : x.shape[1]]
