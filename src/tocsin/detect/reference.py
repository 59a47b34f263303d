"""The steps a step is compared with: those around the same time in earlier years, and those just before. Pure."""

import numpy as np

from tocsin.detect.contract import require, steps_per_year
from tocsin.types import Floats


def lags(step: int, b: int, w: int, act_y: bool) -> list[int]:
    """How many steps before: `w` steps either side of the same step of `b` years, and the last `w` of this year.

    The current year's steps are used if act_y is true, or b is 0. A year is 52 weeks, 365 days, 12 months.
    """
    require(b >= 0 and w >= 0, f"b is {b} and w is {w}: years and half-width are at least 0")
    year = steps_per_year(step)
    require(b == 0 or 2 * w < year, f"w is {w}; it is less than half a year, {year // 2} steps")
    current = list(range(w, 0, -1)) if act_y or b == 0 else []
    past = [year * i + j for i in range(1, b + 1) for j in range(w, -w - 1, -1)]
    require(bool(current or past), "b and w are both 0: there is nothing to compare with")
    return current + past


def before(y: Floats, start: int, back: list[int]) -> Floats:
    """The values so many steps before each step from `start` on: (lags, N, H); NaN where there is none."""
    steps = np.arange(start, y.shape[1]) - np.array(back)[:, None]
    if not y.size:
        return np.full((len(back), len(y), y.shape[1] - start), np.nan)
    return np.where(steps[:, None, :] >= 0, np.moveaxis(y[:, np.maximum(steps, 0)], 0, 1), np.nan)
