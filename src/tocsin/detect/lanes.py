"""The compiled heart of glm.py: sixteen regressions side by side, every array (…, 16) with the lane last. Pure.

Names follow the algebra: for part g of the year m[0], m[1], m[2] are the sums of w, w t, w t² (all the arrowhead matrix
holds); the last row of `ab` is the trend, the rows before it are the intercepts. Loops over lanes are innermost and do
one thing each, which is what lets them become vector instructions. `lane` holds what there is one of a lane.
"""

import math

import numpy as np
from numba import njit

from tocsin.detect.simd import LANES, add_moments, add_product, multiply, set_product

EPSILON = 1e-8  # relative change of the deviance at which the iteration stops
FITTED, NO_ROWS, NOT_CONVERGED = 0.0, 1.0, 2.0

_Y, _HERE, _E, _E3, _W, _WZ, _DEV, _CONST, _Y23, _PLANES = range(10)  # of `cells`
_LIVE, _STATE, _N, _FIRST, _LARGEST, _SUM_YT, _SUM_C, _DEVIANCE, _S, _PEARSON, _WORKING, _RANK, _NEW, _ROWS = range(14)
_TINY = 1e-10  # a row whose leverage is closer to 1 has no residual to judge it by

# Of counts below 1024, which nearly all are: log(y + 0.1), log(y), y^(2/3).
_COUNTS = np.arange(1024.0)
_LOG_START = np.log(_COUNTS + 0.1)
_LOG = np.log(np.maximum(_COUNTS, 1.0))
_Y23_OF = np.cbrt(_COUNTS) ** 2

compiled = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})


@compiled
def fit_all(y, exposure, row, level, time, n, levels, jump, jumps, trend, threshold, limit, wanted, omega, out):  # type: ignore[no-untyped-def]  # numba infers the types
    """Fill out (N, H, fields of glm.Fits) where wanted (N, H); omega (R, 16) ends as the weights of the last fit."""
    cells = np.zeros((_PLANES, y.shape[1], LANES))
    scratch = np.zeros((4, omega.shape[0], LANES))
    sums = np.zeros((3, levels, LANES))
    m, hessian = np.zeros((3, levels, LANES)), np.zeros((3, levels, LANES))
    ab, before = np.zeros((levels + 1, LANES)), np.zeros((levels + 1, LANES))
    rates, lane = np.zeros((2 * len(jumps) + 2, LANES)), np.zeros((_ROWS, LANES))
    for block in range(0, y.shape[0], LANES):
        size = min(LANES, y.shape[0] - block)
        if not wanted[block : block + size].any():
            continue
        _load(y, exposure, block, size, row, n, cells)
        for h in range(len(n)):
            some = False
            for i in range(LANES):
                lane[_LIVE, i] = 1.0 if i < size and wanted[block + min(i, size - 1), h] else 0.0
                some |= lane[_LIVE, i] > 0
            if not some:
                continue
            r, g, t, j = row[h, : n[h]], level[h, : n[h]], time[h, : n[h]], jump[h, : n[h]]
            _present(cells, r, g, t, trend, omega, sums, lane)
            _irls(cells, r, g, t, j, jumps, trend, limit, omega, scratch, m, hessian, ab, before, sums, rates, lane)
            _residuals(cells, r, g, t, j, jumps, omega, scratch, ab, before, rates, lane)
            if threshold < np.inf:
                _weigh(cells, r, g, t, threshold, trend, hessian, m, omega, scratch, lane)
                _irls(cells, r, g, t, j, jumps, trend, limit, omega, scratch, m, hessian, ab, before, sums, rates, lane)
                _residuals(cells, r, g, t, j, jumps, omega, scratch, ab, before, rates, lane)
            for i in range(size):
                if wanted[block + i, h]:
                    _report(levels, trend, hessian, ab, i, lane, out[block + i, h])


@compiled
def _load(y, exposure, block, size, row, n, cells):  # type: ignore[no-untyped-def]
    """What each cell gives to the first step of any regression it takes part in; missing cells weigh nothing."""
    shared = exposure.shape[1] > 1
    first, end = y.shape[1], 0
    for h in range(len(n)):
        if n[h] > 0:
            first, end = min(first, row[h, 0]), max(end, row[h, n[h] - 1] + 1)
    for k in range(first, end):
        for i in range(LANES):
            value = y[block + i, k] if i < size else 0.0
            share = exposure[block + i, k] if shared and i < size else 1.0
            here = 0.0 <= value < np.inf and 0.0 < share < np.inf
            value, share = (value, share) if here else (0.0, 1.0)
            count = int(min(value, 1023.0))
            if count == value:
                start, own, root = _LOG_START[count], _LOG[count], _Y23_OF[count]
            else:
                start, own, root = math.log(value + 0.1), math.log(value), np.cbrt(value) ** 2
            log_share = math.log(share) if shared else 0.0
            cells[_Y, k, i], cells[_HERE, k, i] = value, 1.0 if here else 0.0
            cells[_E, k, i], cells[_E3, k, i] = share, np.cbrt(share) if shared else 1.0
            # The iteration starts from the mean y + 0.1, whose working response is log(y + 0.1) - 0.1 / (y + 0.1).
            cells[_W, k, i] = value + 0.1
            cells[_WZ, k, i] = (value + 0.1) * (start - log_share) - 0.1
            cells[_DEV, k, i] = 2 * (value * (own - start) + 0.1)
            cells[_CONST, k, i] = value * (own - log_share - 1)
            cells[_Y23, k, i] = root


@compiled
def _present(cells, r, g, t, trend, omega, sums, lane):  # type: ignore[no-untyped-def]
    """Count the rows, weigh them equally, and leave out lanes with none at the tested step's part of the year."""
    here, y, counts = cells[_HERE], cells[_Y], sums[0]
    lane[_LARGEST], lane[_N] = 0.0, 0.0
    lane[_RANK] = 1.0 if trend else 0.0
    counts[:] = 0.0
    for k in range(len(r)):
        c = r[k]
        for i in range(LANES):
            omega[k, i] = here[c, i]
        for i in range(LANES):
            lane[_LARGEST, i] = max(lane[_LARGEST, i], y[c, i])
        add_product(counts, g[k], here, c, here, c, 1.0)
    for level in range(len(counts)):
        for i in range(LANES):
            lane[_N, i] += counts[level, i]
            lane[_RANK, i] += 1.0 if counts[level, i] > 0 else 0.0
    for i in range(LANES):
        k = 0
        while k < len(r) and omega[k, i] == 0:
            k += 1
        lane[_FIRST, i] = t[k] if k < len(r) else np.nan
        usable = lane[_LIVE, i] > 0 and counts[-1, i] > 0 and lane[_N, i] > lane[_RANK, i]
        lane[_STATE, i] = FITTED if usable else NO_ROWS


@compiled
def _irls(cells, r, g, t, j, jumps, trend, limit, omega, scratch, m, hessian, ab, before, sums, rates, lane):  # type: ignore[no-untyped-def]
    """Newton's iteration from the mean y + 0.1 until the deviance settles; each lane stops at its own step.

    `hessian` is left at the weights of the last step taken, `before` at the coefficients those weights came from.
    """
    for i in range(LANES):
        lane[_LIVE, i] = 1.0 if lane[_STATE, i] == FITTED else 0.0
    _start(cells, r, g, t, trend, omega, scratch[0], m, hessian, ab, before, sums, lane)
    for _ in range(limit):
        _moments(t, g, j, jumps, scratch[0], m, ab, rates)
        if not _step(trend, m, hessian, ab, before, sums[0], lane):
            return
    for i in range(LANES):
        if lane[_LIVE, i] > 0:
            lane[_STATE, i] = NOT_CONVERGED


@compiled
def _start(cells, r, g, t, trend, omega, shares, m, hessian, ab, before, sums, lane):  # type: ignore[no-untyped-def]
    """The weighted regression on the working response of the mean y + 0.1."""
    y, share, w, wz, deviance, const = (
        cells[_Y], cells[_E], cells[_W], cells[_WZ], cells[_DEV], cells[_CONST],
    )  # fmt: skip
    hessian[:], sums[:], ab[:], m[:] = 0.0, 0.0, 0.0, 0.0
    lane[_SUM_YT], lane[_SUM_C], lane[_DEVIANCE] = 0.0, 0.0, 0.0
    for k in range(len(r)):
        c = r[k]
        set_product(shares, k, omega, k, share, c)
        add_moments(hessian, g[k], omega, k, w, c, t[k])
        add_moments(m, g[k], omega, k, wz, c, t[k])  # for once the sums of w z, w z t
        add_moments(sums, g[k], omega, k, y, c, t[k])
        add_product(lane, _SUM_C, omega, k, const, c, 1.0)
        add_product(lane, _DEVIANCE, omega, k, deviance, c, 1.0)
    for level in range(sums.shape[1]):
        for i in range(LANES):
            lane[_SUM_YT, i] += sums[1, level, i]
    _solve(trend, hessian, m[0], m[1], ab, lane)
    before[:] = ab


@compiled
def _moments(t, g, j, jumps, shares, m, ab, rates):  # type: ignore[no-untyped-def]
    """m = sums of w, w t, w t² by part of the year, w = shares · e^(a + b t)."""
    power = 2 * len(jumps)
    for k in range(len(jumps)):
        for i in range(LANES):
            rates[k, i] = math.exp(ab[-1, i] * jumps[k])
    for i in range(LANES):
        rates[power, i] = math.exp(ab[-1, i] * t[0])
    m[:] = 0.0
    for k in range(len(t)):
        multiply(rates, power, rates, j[k])
        add_moments(m, g[k], shares, k, rates, power, t[k])
    for level in range(m.shape[1]):
        for i in range(LANES):
            rates[power, i] = math.exp(ab[level, i])
        for order in range(3):
            multiply(m[order], level, rates, power)


@compiled
def _step(trend, m, hessian, ab, before, sums, lane):  # type: ignore[no-untyped-def]
    """Settle the lanes whose deviance has settled and move the others; False when none is left to move."""
    if not _settle(m, ab, sums, lane):
        return False
    levels, live = len(sums), lane[_LIVE]
    for order in range(3):
        for level in range(levels):
            for i in range(LANES):
                hessian[order, level, i] = m[order, level, i] if live[i] > 0 else hessian[order, level, i]
    for level in range(levels + 1):
        for i in range(LANES):
            before[level, i] = ab[level, i] if live[i] > 0 else before[level, i]
    # The gradient takes the place of the moments: sums of y - w by part, and of (y - w) t, which need not be parted.
    for level in range(levels):
        for i in range(LANES):
            m[0, level, i] = sums[level, i] - m[0, level, i]
        for i in range(LANES):
            m[1, level, i] = -m[1, level, i]
    for i in range(LANES):
        m[1, 0, i] += lane[_SUM_YT, i]
    _solve(trend, hessian, m[0], m[1], ab, lane)
    return True


@compiled
def _settle(m, ab, sums, lane):  # type: ignore[no-untyped-def]
    """The deviance of every lane from sums alone; lanes where it no longer changes are done. False when all are."""
    for i in range(LANES):
        lane[_NEW, i] = lane[_SUM_C, i] - ab[-1, i] * lane[_SUM_YT, i]
    for level in range(len(sums)):
        for i in range(LANES):
            lane[_NEW, i] += m[0, level, i] - ab[level, i] * sums[level, i]
    moving = False
    for i in range(LANES):
        deviance = 2 * lane[_NEW, i]
        if abs(deviance - lane[_DEVIANCE, i]) < EPSILON * (abs(deviance) + 0.1):
            lane[_LIVE, i] = 0.0
        lane[_DEVIANCE, i] = deviance
        moving |= lane[_LIVE, i] > 0
    return moving


@compiled
def _solve(trend, hessian, right, right_t, ab, lane):  # type: ignore[no-untyped-def]
    """Add to the live lanes' ab the solution of the arrowhead system with these right-hand sides, given by part."""
    levels = len(right)
    lane[_S], lane[_NEW] = 0.0, 0.0
    for level in range(levels):
        for i in range(LANES):
            total = hessian[0, level, i]
            ratio = hessian[1, level, i] / total if total > 0 else 0.0
            lane[_S, i] += hessian[2, level, i] - hessian[1, level, i] * ratio
            lane[_NEW, i] += right_t[level, i] - right[level, i] * ratio
    for i in range(LANES):
        change = lane[_NEW, i] / lane[_S, i] if trend and lane[_LIVE, i] > 0 else 0.0
        lane[_NEW, i] = change
        ab[-1, i] += change
    for level in range(levels):
        for i in range(LANES):
            total = hessian[0, level, i] if lane[_LIVE, i] > 0 else 0.0
            rest = right[level, i] - hessian[1, level, i] * lane[_NEW, i]
            ab[level, i] += rest / total if total > 0 else 0.0


@compiled
def _residuals(cells, r, g, t, j, jumps, omega, scratch, ab, before, rates, lane):  # type: ignore[no-untyped-def]
    """Both dispersions' sums; scratch[1] = cube root of the mean, scratch[2] = weights of the last step taken."""
    many, y, e3 = len(jumps), cells[_Y], cells[_E3]
    roots, weights, squares = scratch[1], scratch[2], scratch[3]
    root, ratio = 2 * many, 2 * many + 1
    for i in range(LANES):
        slope, change = ab[-1, i], before[-1, i] - ab[-1, i]
        for k in range(many):
            rates[k, i], rates[many + k, i] = math.exp(slope * jumps[k] / 3), math.exp(change * jumps[k])
        rates[root, i], rates[ratio, i] = math.exp(slope * t[0] / 3), math.exp(change * t[0])
    for level in range(len(ab) - 1):
        for i in range(LANES):
            before[level, i] = math.exp(before[level, i] - ab[level, i])
            ab[level, i] = math.exp(ab[level, i] / 3)
    lane[_PEARSON], lane[_WORKING] = 0.0, 0.0
    for k in range(len(r)):
        c, level = r[k], g[k]
        multiply(rates, root, rates, j[k])
        multiply(rates, ratio, rates, many + j[k])
        set_product(roots, k, rates, root, ab, level)
        multiply(roots, k, e3, c)
        set_product(squares, k, roots, k, roots, k)
        multiply(squares, k, roots, k)  # the mean
        set_product(weights, k, rates, ratio, before, level)
        multiply(weights, k, omega, k)
        multiply(weights, k, squares, k)
        for i in range(LANES):
            left = (y[c, i] - squares[k, i]) / squares[k, i]
            squares[k, i] = left * left
        add_product(lane, _PEARSON, weights, k, squares, k, 1.0)
        add_product(lane, _WORKING, omega, k, squares, k, 1.0)
    for level in range(len(ab) - 1):
        for i in range(LANES):
            ab[level, i] = 3 * math.log(ab[level, i])


@compiled
def _weigh(cells, r, g, t, threshold, trend, hessian, m, omega, scratch, lane):  # type: ignore[no-untyped-def]
    """omega = γ s⁻² for standardised Anscombe residuals s over the threshold, γ for the others; the sum stays n."""
    y23, roots, weights, squares = cells[_Y23], scratch[1], scratch[2], scratch[3]
    centre, share, phi, total = m[0], m[1], lane[_PEARSON], lane[_NEW]
    for level in range(len(centre)):
        for i in range(LANES):
            centre[level, i] = hessian[1, level, i] / hessian[0, level, i]
            share[level, i] = 1 / hessian[0, level, i]
    for i in range(LANES):
        phi[i] = max(phi[i] / (lane[_N, i] - lane[_RANK, i]), 1.0)
        lane[_S, i] = lane[_S, i] if trend else np.inf
        total[i] = 0.0
    for k in range(len(r)):
        c, level, x = r[k], g[k], t[k]
        for i in range(LANES):
            away = x - centre[level, i]
            squares[k, i] = away * away / lane[_S, i]
        for i in range(LANES):
            squares[k, i] = 1 - weights[k, i] * (squares[k, i] + share[level, i])
        for i in range(LANES):
            away = y23[c, i] - roots[k, i] * roots[k, i]
            weights[k, i] = 2.25 * away * away / (roots[k, i] * phi[i]) if away > 0 else 0.0
        for i in range(LANES):
            far = squares[k, i] > _TINY and weights[k, i] > threshold * threshold * squares[k, i]
            omega[k, i] *= squares[k, i] / weights[k, i] if far else 1.0
        for i in range(LANES):
            total[i] += omega[k, i]
    total[:] = lane[_N] / total
    for k in range(len(r)):
        omega[k] *= total


@compiled
def _report(levels, trend, hessian, ab, i, lane, out):  # type: ignore[no-untyped-def]
    """One lane's fit, in the order of glm.Fits."""
    own, free = hessian[0, levels - 1, i], lane[_N, i] - lane[_RANK, i]
    pearson = lane[_PEARSON, i] / free
    out[0], out[1] = ab[levels - 1, i], ab[levels, i]
    out[2], out[3], out[4] = max(pearson, 1.0), pearson, lane[_WORKING, i] / free
    out[5], out[6], out[7] = 1 / own, hessian[1, levels - 1, i] / own, 1 / lane[_S, i] if trend else 0.0
    out[8], out[9], out[10], out[11] = lane[_N, i], lane[_RANK, i], lane[_LARGEST, i], lane[_FIRST, i]
    out[12] = lane[_STATE, i]
    if lane[_STATE, i] != FITTED:
        out[:8] = np.nan
