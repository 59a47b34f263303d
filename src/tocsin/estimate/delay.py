"""How late reports come: development factors by delay and weekday that follow the data, pooled for sparse strata. Pure.

Shapes: S strata, T reference steps, D + 1 delays, A as-of steps (the last A of the T), L = period (7 for days, 1 else).
A factor f says by how much what is known grows in the d-th step: E n_d = f · (n_0 + … + n_{d−1}), the chain ladder of
Mack 1993 (ASTIN Bulletin 23:213-225). Three levels, each a ratio of what came to what the level above expects, drawn
towards that level by KAPPA pseudo-cases: delay; report weekday by group of delays; delay × reference weekday. Strata
are drawn towards all strata together in the same way. Old steps fade. Net corrections (factors below 0) are allowed.
"""

import numba as nb
import numpy as np

from tocsin.errors import MethodError
from tocsin.types import Floats

HALF_LIFE = 56  # steps (days); for longer steps see `memory`
WEEKDAY_HALF_LIFE = 182
KAPPA = 30.0  # pseudo-cases for weekday ratios: within 18 % of the level above, one standard deviation
CELL_KAPPA = 300.0  # and for what is left in single cells, which is little: within 6 %
CUT, SEEN = 4.0, 5.0  # standard deviations at which a report is cut, once so many were seen
USUAL = 10.0  # cases: where so many are usual, none is a failed delivery (by chance once in 20,000)
GROUPS = 6  # delays 1, 2, 3, 4-6, 7-13, 14 and more


def checked(triangle: Floats) -> Floats:
    """The counts (S, T, D + 1), D < T, with cells not yet due set to 0; MethodError if a due cell is missing.

    A cell of reference step t and delay d is due when t + d ≤ T − 1: the last row's first delay is the newest.
    """
    triangle = np.asarray(triangle, dtype=np.float64)
    if triangle.ndim == 2:
        triangle = triangle[None]
    if triangle.ndim != 3 or triangle.shape[1] < 2:
        raise MethodError(
            f"reporting triangle {triangle.shape}: needs (strata, reference steps, delays), two steps at least"
        )
    triangle = triangle[:, :, : triangle.shape[1]]  # later delays were never due
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
    pool, nobody = counts.sum(axis=0), np.zeros((0, 0, 0))
    none = np.zeros((1, 1)), nobody, nobody
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
    above_cell: Floats,
) -> tuple[Floats, Floats, Floats]:
    """One pass over report steps; `above_*` are the pooled levels at every as-of step, or empty."""
    steps, size = n.shape
    pooled = above_cell.size > 0
    sums = np.zeros((2, size))  # what came, and what was known before it, by delay
    miss = np.zeros((3, size))  # squared errors beyond chance, squares of what was due, and how many were seen
    ratio_sums = np.zeros((2, GROUPS, period))  # what came and what was due
    cell_sums = np.zeros((2, size, period))
    factor, today_ratio, today_cell = np.zeros(size), np.ones((GROUPS, period)), np.ones((size, period))
    one_ratio, one_cell = np.ones((GROUPS, period)), np.ones((size, period))
    begun = _first_report(n)  # what happened before anyone reported could not be reported in time
    delay = np.zeros((keep, size))
    ratio, cell = np.ones((keep, GROUPS, period)), np.ones((keep, size, period))
    for a in range(steps):
        if period > 1 and a >= 2 * period:
            _take_weekdays(n, known, a, first, weekday_fade**period, factor, today_ratio, ratio_sums, cell_sums)
        for d in range(1, min(size, a + 1 - begun)):
            if known[a - d, d - 1] <= 0 and miss[2, d] >= SEEN and sums[1, d] > USUAL * miss[2, d]:
                continue  # nothing where many are usual: a delivery that failed, from which no ratio can be learnt
            due = factor[d] * known[a - d, d - 1]
            if period > 1:
                w = (a - d + first) % period
                due *= today_ratio[_group(d), (a + first) % period] * today_cell[d, w]
            sums[0, d] = fade * sums[0, d] + _plausible(n[a - d, d], due, miss[:, d], fade)
            sums[1, d] = fade * sums[1, d] + known[a - d, d - 1]
        for d in range(1, size):
            prior = above_delay[a, d] if pooled else 0.0
            weight = KAPPA / 3 / abs(prior) if prior != 0 else 0.0  # KAPPA/3 pseudo-cases that follow the pool
            factor[d] = (sums[0, d] + weight * prior) / (sums[1, d] + weight) if sums[1, d] > 0 else prior
        if period > 1:
            _draw_ratios(ratio_sums, above_ratio[a] if pooled else one_ratio, KAPPA, today_ratio)
            _draw_ratios(cell_sums, above_cell[a] if pooled else one_cell, CELL_KAPPA, today_cell)
        if a >= steps - keep:
            _keep(a - steps + keep, factor, today_ratio, today_cell, delay, ratio, cell)
    return delay, ratio, cell


@nb.njit(cache=True)
def _keep(
    k: int, factor: Floats, today_ratio: Floats, today_cell: Floats, delay: Floats, ratio: Floats, cell: Floats
) -> None:
    """Put today's factors into row k of all, cell by cell, for the same reason as in `_take_weekdays`."""
    for d in range(factor.shape[0]):
        delay[k, d] = factor[d]
        for w in range(today_cell.shape[1]):
            cell[k, d, w] = today_cell[d, w]
    for g in range(today_ratio.shape[0]):
        for w in range(today_ratio.shape[1]):
            ratio[k, g, w] = today_ratio[g, w]


@nb.njit(cache=True)
def _first_report(n: Floats) -> int:
    """The report step of the first case, 0 if there is none."""
    steps, size = n.shape
    for a in range(steps):
        for d in range(min(size, a + 1)):
            if n[a - d, d] != 0:
                return a
    return 0


@nb.njit(cache=True)
def _plausible(came: float, due: float, miss: Floats, fade: float) -> float:
    """What came, cut at CUT standard deviations of past errors: one odd delivery must not teach for months.

    `miss` (3,) is brought up to date. A change that lasts widens those errors and is soon believed.
    """
    limit = CUT * np.sqrt(due + (miss[0] / miss[1] if miss[1] > 0 else 0.0) * due * due)
    error = came - due
    cut = min(max(error, -limit), limit) if miss[2] >= SEEN and due > 0 else error
    miss[0] = fade * miss[0] + max(cut * cut - due, 0.0)
    miss[1] = fade * miss[1] + due * due
    miss[2] = fade * miss[2] + 1
    return due + cut


@nb.njit(cache=True)
def _take_weekdays(
    n: Floats,
    known: Floats,
    a: int,
    first: int,
    fade: float,
    factor: Floats,
    today_ratio: Floats,
    ratio_sums: Floats,
    cell_sums: Floats,
) -> None:
    """Add report step a to what came and what was due, by yesterday's factors: nothing is judged by itself."""
    size, period = cell_sums.shape[1:]
    day = (a + first) % period
    for i in range(2):  # by hand: arithmetic on slices brings three seconds of compiling with it
        for j in range(GROUPS):
            ratio_sums[i, j, day] *= fade
    for d in range(1, min(size, a + 1)):
        if factor[d] == 0:
            continue
        w, g = (a - d + first) % period, _group(d)
        due = factor[d] * known[a - d, d - 1]
        ratio_sums[0, g, day] += n[a - d, d]
        ratio_sums[1, g, day] += due
        cell_sums[0, d, w] = cell_sums[0, d, w] * fade + n[a - d, d]
        cell_sums[1, d, w] = cell_sums[1, d, w] * fade + due * today_ratio[g, day]


@nb.njit(cache=True)
def _draw_ratios(sums: Floats, above: Floats, kappa: float, out: Floats) -> None:
    """Ratios came / due drawn towards `above`, within a factor of 5 of it; `above` itself where nothing was due."""
    for i in range(out.shape[0]):
        for w in range(out.shape[1]):
            came, due, up = sums[0, i, w], sums[1, i, w], above[i, w]
            drawn = (came + kappa * up) / (due + kappa) if due > 0 else up
            out[i, w] = min(max(drawn, up / 5), up * 5)
