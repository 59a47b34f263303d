"""How late reports come: development factors by delay and weekday that follow the data, pooled for sparse strata. Pure.

Shapes: S strata, T reference steps, D + 1 delays, A as-of steps (the last A of the T), L = period (7 for days, 1 else).
A factor f says by how much what is known grows in the d-th step: E n_d = f · (n_0 + … + n_{d−1}), the chain ladder of
Mack 1993 (ASTIN Bulletin 23:213-225). Three levels, each a ratio of what came to what the level above expects, drawn
towards that level by KAPPA pseudo-cases: delay; report weekday by group of delays; delay × reference weekday. Strata are
drawn towards all strata together in the same way. Old steps fade. Net corrections (factors below 0) are allowed.
"""

import numba as nb
import numpy as np
from numpy.typing import NDArray

from tocsin.errors import MethodError
from tocsin.types import Floats

HALF_LIFE = 56  # steps (days); for longer steps see `memory`
WEEKDAY_HALF_LIFE = 182
KAPPA = 30.0  # pseudo-cases for weekday ratios: within 18 % of the level above, one standard deviation
CELL_KAPPA = 300.0  # and for what is left in single cells, which is little: within 6 %
GROUPS = 6  # delays 1, 2, 3, 4-6, 7-13, 14 and more


def checked(triangle: Floats) -> Floats:
    """The counts (S, T, D + 1) with cells not yet due set to 0; MethodError if a due cell is missing.

    A cell of reference step t and delay d is due when t + d ≤ T − 1: the last row's first delay is the newest.
    """
    triangle = np.asarray(triangle, dtype=np.float64)
    if triangle.ndim == 2:
        triangle = triangle[None]
    if triangle.ndim != 3 or triangle.shape[1] < 2:
        raise MethodError(
            f"reporting triangle {triangle.shape}: needs (strata, reference steps, delays), two steps or more"
        )
    steps, delays = triangle.shape[1:]
    due = np.add.outer(np.arange(steps), np.arange(delays)) < steps
    missing = np.isnan(triangle) & due
    if missing.any():
        _, step, delay = np.argwhere(missing)[0]
        raise MethodError(f"step {step + 1}, delay {delay} is due but missing: write 0 where nothing was reported")
    return np.where(due, np.nan_to_num(triangle), 0.0)


def memory(step_days: float) -> tuple[float, float]:
    """How much one step keeps of the older ones, for delays and for weekdays."""
    return 0.5 ** (max(step_days, 1) ** 0.5 / HALF_LIFE), 0.5 ** (1 / WEEKDAY_HALF_LIFE)


def factors(counts: Floats, *, weekday: int | None, keep: int, step_days: float = 1.0) -> Floats:
    """Development factors (S, A, D + 1, L) as they stood at each of the last `keep` as-of steps.

    counts (S, T, D + 1) as `checked` gives them; `weekday` of the first step (Monday 0), None for longer steps.
    """
    keep = min(keep, counts.shape[1])
    fade, weekday_fade = memory(step_days)
    period, first = (1, 0) if weekday is None else (7, weekday)
    known = np.cumsum(counts, axis=2)
    pool, nobody = counts.sum(axis=0), np.ones((0, 0, 0))
    none = np.zeros((1, 1)), np.zeros((1, 1, 1)), nobody
    own = _Level(*_learn(pool, pool.cumsum(axis=1), period, first, fade, weekday_fade, counts.shape[1], *none))
    if len(counts) == 1:
        return _join(own, keep, first)[None]
    out = np.empty((len(counts), keep, counts.shape[2], period))
    for s in range(len(counts)):
        level = _Level(*_learn(counts[s], known[s], period, first, fade, weekday_fade, keep, *own))
        out[s] = _join(level, keep, first)
    return out


class _Level(tuple[Floats, Floats, Floats]):
    """Factors by delay (A, D + 1), weekday ratios (A, GROUPS, L), cell ratios (A, D + 1, L)."""

    __slots__ = ()

    def __new__(cls, delay: Floats, weekday: Floats, cell: Floats) -> "_Level":
        return super().__new__(cls, (delay, weekday, cell))


def _join(level: _Level, keep: int, first: int) -> Floats:
    delay, ratio, cell = (part[-keep:] for part in level)
    size, period = cell.shape[1:]
    if period == 1:
        return delay[:, :, None] * np.ones((1, 1, 1))
    lag, day = np.meshgrid(np.arange(size), np.arange(period), indexing="ij")
    group = np.searchsorted([2, 3, 4, 7, 14], lag, side="right")
    joined: Floats = delay[:, :, None] * ratio[:, group, (day + lag) % period] * cell
    return joined


@nb.njit(cache=True)
def _group(d: int) -> int:
    return 0 if d < 2 else 1 if d == 2 else 2 if d == 3 else 3 if d < 7 else 4 if d < 14 else 5


@nb.njit(cache=True)
def _learn(
    n: Floats,
    known: Floats,
    period: int,
    first: int,
    fade: float,
    weekday_fade: float,
    keep: int,
    above_delay: Floats,
    above_ratio: Floats,
    above_cell: NDArray[np.float64],
) -> tuple[Floats, Floats, Floats]:
    """One pass over report steps; `above_*` are the pooled levels at every as-of step, or empty."""
    steps, size = n.shape
    pooled = above_cell.size > 0
    weekly = period == 1
    come, base = np.zeros(size), np.zeros(size)
    ratio_come, ratio_due = np.zeros((GROUPS, period)), np.zeros((GROUPS, period))
    cell_come, cell_due = np.zeros((size, period)), np.zeros((size, period))
    delay = np.zeros((keep, size))
    ratio, cell = np.ones((keep, GROUPS, period)), np.ones((keep, size, period))
    factor = np.zeros(size)
    today_ratio, today_cell = np.ones((GROUPS, period)), np.ones((size, period))
    start = steps - keep
    for a in range(steps):
        day = (a + first) % period
        for g in range(GROUPS):
            ratio_come[g, day] *= weekday_fade**period
            ratio_due[g, day] *= weekday_fade**period
        for d in range(1, min(size, a + 1)):
            t = a - d
            w, g = (t + first) % period, _group(d)
            if not weekly and a >= 2 * period and factor[d] != 0:
                due = factor[d] * known[t, d - 1]
                ratio_come[g, day] += n[t, d]
                ratio_due[g, day] += due
                cell_come[d, w] = cell_come[d, w] * weekday_fade**period + n[t, d]
                cell_due[d, w] = cell_due[d, w] * weekday_fade**period + due * today_ratio[g, day]
            come[d] = fade * come[d] + n[t, d]
            base[d] = fade * base[d] + known[t, d - 1]
        for d in range(1, size):
            prior = above_delay[a, d] if pooled else 0.0
            if base[d] > 0 and prior != 0:  # KAPPA/3 pseudo-cases that follow the pool
                weight = KAPPA / 3 / abs(prior)
                factor[d] = (come[d] + weight * prior) / (base[d] + weight)
            elif base[d] > 0:
                factor[d] = come[d] / base[d]
            else:
                factor[d] = prior
        if not weekly:
            for g in range(GROUPS):
                for w in range(period):
                    up = above_ratio[a, g, w] if pooled else 1.0
                    today_ratio[g, w] = _drawn(ratio_come[g, w], ratio_due[g, w], up, KAPPA)
            for d in range(1, size):
                for w in range(period):
                    up = above_cell[a, d, w] if pooled else 1.0
                    today_cell[d, w] = _drawn(cell_come[d, w], cell_due[d, w], up, CELL_KAPPA)
        if a >= start:
            delay[a - start] = factor
            ratio[a - start] = today_ratio
            cell[a - start] = today_cell
    return delay, ratio, cell


@nb.njit(cache=True)
def _drawn(come: float, due: float, above: float, kappa: float) -> float:
    """The ratio come / due drawn towards `above`, kept within a factor of 5 of it."""
    if due <= 0:  # nothing was due, or corrections outweigh cases: weekdays tell nothing
        return above
    ratio = (come + kappa * above) / (due + kappa)
    return min(max(ratio, above / 5), above * 5)
