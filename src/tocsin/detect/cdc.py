"""CDC: the last four weeks against the four-week sums around the same time in the years before. Pure.

Stroup DF, Williamson GD, Herndon JL, Karon JM (1989), Statistics in Medicine 8(3): 323-329.
"""

import numpy as np
from scipy.special import ndtri

from tocsin.calendar import DAY
from tocsin.detect import contract, predictive, reference
from tocsin.detect.contract import require, steps_per_year
from tocsin.types import Alarms, Panel

WEEKS = 4


def cdc(panel: Panel, start: int, *, b: int = 5, m: int = 1, alpha: float = 0.025) -> Alarms:
    """The sum of the last 4 weeks against mean + z(1 - alpha/2) · sd · √(1 + 1/n) of n = b · (2m + 1) such sums.

    Those end at the same step of the `b` years before and 4, … 4m weeks either side of it. expected and upper are sums
    of 4 weeks too; upper needs every block whole, p makes do with four.
    """
    require(0 < alpha < 1, f"cdc: alpha is {alpha}; it lies between 0 and 1")
    back, width = _blocks(panel.step, b, m)
    now = reference.before(panel.y, start, list(range(width))).sum(axis=0)
    days = [reference.before(panel.y, start, [lag + i for lag in back]) for i in range(width)]
    blocks = np.asarray(sum(days[1:], start=days[0]))
    mean = blocks.mean(axis=0)
    sd = predictive.settled(blocks.std(axis=0, ddof=1), mean)
    upper = mean + ndtri(1 - alpha / 2) * sd * np.sqrt(1 + 1 / len(back))
    return Alarms(mean, upper, contract.score(now, mean, upper), predictive.p_value(now, blocks, panel.kind))


def needs_cdc(step: int, b: int = 5, m: int = 1) -> int:
    """Back to the first step of the first block."""
    back, width = _blocks(step, b, m)
    return max(back) + width - 1


def _blocks(step: int, b: int, m: int) -> tuple[list[int], int]:
    """How many steps before the blocks end, and their length in steps."""
    require(b >= 1 and 0 <= m <= 6, f"cdc: b is {b} and m is {m}; b is at least 1, m 0 to 6")
    require(b * (2 * m + 1) > 1, "cdc: one block has no spread; give b=2 or m=1")
    require(WEEKS * 7 * DAY % step == 0, "cdc: steps divide four weeks; choose another method for this signal")
    width, year = WEEKS * 7 * DAY // step, steps_per_year(step)
    return [year * i + width * j for i in range(1, b + 1) for j in range(m, -m - 1, -1)], width
