"""The compiled heart of glm.py: sixteen regressions side by side, every array (…, 16) with the lane last. Pure.

Names follow the algebra: for part g of the year m[0], m[1], m[2] are the sums of w, w t, w t² (all the arrowhead matrix
holds), the last row of `ab` is the trend, the rows before it are the intercepts. Loops run over lanes innermost and do
one thing each, which is what lets them be vectorised. `lane` holds what there is one of a lane, by the names below.
"""

import math

import numpy as np
from numba import njit

LANES = 16
EPSILON = 1e-8  # relative change of the deviance at which the iteration stops
FITTED, NO_ROWS, NOT_CONVERGED = 0.0, 1.0, 2.0

_SMALL = 1024  # counts below it have their logarithms and roots looked up
_Y, _HERE, _E, _E3, _W, _WZ, _DEV, _CONST, _Y23 = range(9)  # planes of `cells`
_LIVE, _STATE, _N, _FIRST, _LARGEST, _SUM_YT, _SUM_C, _DEVIANCE, _S, _PEARSON, _WORKING, _RANK = range(12)  # of `lane`

compiled = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})


@compiled
def fit_all(y, exposure, row, level, time, n, levels, jump, jumps, trend, threshold, limit, wanted, omega, out):  # type: ignore[no-untyped-def]  # numba infers the types
    """Fill out (N, H, fields of glm.Fits) where wanted (N, H); omega (R, 16) ends as the weights of the last fit."""
    cells = np.zeros((9, y.shape[1], LANES))
    scratch = np.zeros((3, omega.shape[0], LANES))
    m, hessian = np.zeros((3, levels, LANES)), np.zeros((3, levels, LANES))
    ab, before = np.zeros((levels + 1, LANES)), np.zeros((levels + 1, LANES))
    sums, rates, lane = np.zeros((levels, LANES)), np.zeros((2 * len(jumps) + 2, LANES)), np.zeros((12, LANES))
    for block in range(0, y.shape[0], LANES):
        size = min(LANES, y.shape[0] - block)
        _load(y, exposure, block, size, row, n, cells)
        for h in range(len(n)):
            some = False
            for i in range(LANES):
                lane[_LIVE, i] = 1.0 if i < size and wanted[block + min(i, size - 1), h] else 0.0
                some |= lane[_LIVE, i] > 0
            if not some:
                continue
            r, g, t, j = row[h, : n[h]], level[h, : n[h]], time[h, : n[h]], jump[h, : n[h]]
            _present(cells, r, g, t, omega, sums, lane)
            _irls(cells, r, g, t, j, jumps, trend, limit, omega, scratch, m, hessian, ab, before, sums, rates, lane)
            _residuals(cells, r, g, t, j, jumps, omega, scratch, ab, before, rates, lane)
            if threshold < np.inf:
                _weigh(cells, r, g, t, threshold, trend, hessian, omega, scratch, lane)
                _irls(cells, r, g, t, j, jumps, trend, limit, omega, scratch, m, hessian, ab, before, sums, rates, lane)
                _residuals(cells, r, g, t, j, jumps, omega, scratch, ab, before, rates, lane)
            for i in range(size):
                if wanted[block + i, h]:
                    _report(levels, trend, hessian, ab, i, lane, out[block + i, h])


@compiled
def _load(y, exposure, block, size, row, n, cells):  # type: ignore[no-untyped-def]
    """What each cell gives to the first step of any regression it takes part in; missing cells give nothing."""
    cells[:] = 0.0
    first, end = y.shape[1], 0
    for h in range(len(n)):
        if n[h] > 0:
            first, end = min(first, row[h, 0]), max(end, row[h, n[h] - 1] + 1)
    for i in range(size):
        for k in range(first, end):
            value = y[block + i, k]
            share = exposure[block + i, k] if exposure.shape[1] > 1 else 1.0
            if not (0.0 <= value < np.inf and 0.0 < share < np.inf):
                continue
            log_share = math.log(share)
            cells[_Y, k, i], cells[_HERE, k, i] = value, 1.0
            cells[_E, k, i], cells[_E3, k, i] = share, share ** (1 / 3)
            # The iteration starts from the mean y + 0.1, whose working response is log(y + 0.1) - 0.1 / (y + 0.1).
            start = math.log(value + 0.1)
            cells[_W, k, i] = value + 0.1
            cells[_WZ, k, i] = (value + 0.1) * (start - log_share) - 0.1
            if value > 0:
                own = math.log(value)
                cells[_DEV, k, i] = 2 * (value * (own - start) + 0.1)
                cells[_CONST, k, i] = value * (own - log_share - 1)
                cells[_Y23, k, i] = np.cbrt(value) ** 2
            else:
                cells[_DEV, k, i] = 0.2


@compiled
def _present(cells, r, g, t, omega, sums, lane):  # type: ignore[no-untyped-def]
    """Count the rows, weigh them equally, and leave out lanes that have none at the tested step's part of the year."""
    lane[_N:_DEVIANCE] = 0.0
    lane[_LARGEST] = -np.inf
    lane[_FIRST] = np.nan
    lane[_RANK] = 0.0
    sums[:] = 0.0
    for k in range(len(r)):
        for i in range(LANES):
            here = cells[_HERE, r[k], i]
            omega[k, i] = here
            lane[_N, i] += here
            sums[g[k], i] += here
            if here > 0:
                lane[_LARGEST, i] = max(lane[_LARGEST, i], cells[_Y, r[k], i])
                if lane[_N, i] == 1.0:
                    lane[_FIRST, i] = t[k]
    for i in range(LANES):
        for level in range(len(sums)):
            lane[_RANK, i] += 1.0 if sums[level, i] > 0 else 0.0
        lane[_STATE, i] = FITTED if lane[_LIVE, i] > 0 and sums[-1, i] > 0 else NO_ROWS


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
        if not _step(trend, m, hessian, ab, before, sums, lane):
            return
    for i in range(LANES):
        if lane[_LIVE, i] > 0:
            lane[_STATE, i] = NOT_CONVERGED


@compiled
def _start(cells, r, g, t, trend, omega, shares, m, hessian, ab, before, sums, lane):  # type: ignore[no-untyped-def]
    """The weighted regression on the working response of the mean y + 0.1."""
    hessian[:], sums[:], ab[:], before[:] = 0.0, 0.0, 0.0, 0.0
    m[:] = 0.0  # here only: the sums of w z, w z t
    lane[_SUM_YT], lane[_SUM_C], lane[_DEVIANCE] = 0.0, 0.0, 0.0
    for k in range(len(r)):
        c, level, x = r[k], g[k], t[k]
        for i in range(LANES):
            shares[k, i] = omega[k, i] * cells[_E, c, i]
        for i in range(LANES):
            hessian[0, level, i] += omega[k, i] * cells[_W, c, i]
        for i in range(LANES):
            hessian[1, level, i] += omega[k, i] * cells[_W, c, i] * x
        for i in range(LANES):
            hessian[2, level, i] += omega[k, i] * cells[_W, c, i] * x * x
        for i in range(LANES):
            m[0, level, i] += omega[k, i] * cells[_WZ, c, i]
        for i in range(LANES):
            m[1, level, i] += omega[k, i] * cells[_WZ, c, i] * x
        for i in range(LANES):
            sums[level, i] += omega[k, i] * cells[_Y, c, i]
        for i in range(LANES):
            lane[_SUM_YT, i] += omega[k, i] * cells[_Y, c, i] * x
        for i in range(LANES):
            lane[_SUM_C, i] += omega[k, i] * cells[_CONST, c, i]
        for i in range(LANES):
            lane[_DEVIANCE, i] += omega[k, i] * cells[_DEV, c, i]
    _solve(trend, hessian, m, ab, lane)
    before[:] = ab


@compiled
def _moments(t, g, j, jumps, shares, m, ab, rates):  # type: ignore[no-untyped-def]
    """m = sums of w, w t, w t² by part of the year, w = shares · e^(a + b t)."""
    b, power = ab[-1], rates[-1]
    for k in range(len(jumps)):
        for i in range(LANES):
            rates[k, i] = math.exp(b[i] * jumps[k])
    for i in range(LANES):
        power[i] = math.exp(b[i] * t[0])
    m[:] = 0.0
    for k in range(len(t)):
        level, jumped, x = g[k], j[k], t[k]
        for i in range(LANES):
            power[i] *= rates[jumped, i]
        for i in range(LANES):
            m[0, level, i] += shares[k, i] * power[i]
        for i in range(LANES):
            m[1, level, i] += shares[k, i] * power[i] * x
        for i in range(LANES):
            m[2, level, i] += shares[k, i] * power[i] * (x * x)
    for level in range(m.shape[1]):
        for i in range(LANES):
            power[i] = math.exp(ab[level, i])
        for i in range(LANES):
            m[0, level, i] *= power[i]
        for i in range(LANES):
            m[1, level, i] *= power[i]
        for i in range(LANES):
            m[2, level, i] *= power[i]


@compiled
def _step(trend, m, hessian, ab, before, sums, lane):  # type: ignore[no-untyped-def]
    """Settle the lanes whose deviance has settled and move the others; False when none is left to move."""
    b, levels = ab[-1], m.shape[1]
    moving = False
    for i in range(LANES):
        deviance = lane[_SUM_C, i] - b[i] * lane[_SUM_YT, i]
        for level in range(levels):
            deviance += m[0, level, i] - ab[level, i] * sums[level, i]
        deviance *= 2
        if abs(deviance - lane[_DEVIANCE, i]) < EPSILON * (abs(deviance) + 0.1):
            lane[_LIVE, i] = 0.0
        lane[_DEVIANCE, i] = deviance
        moving |= lane[_LIVE, i] > 0
    if not moving:
        return False
    for level in range(levels):
        for i in range(LANES):
            live = lane[_LIVE, i] > 0
            hessian[0, level, i] = m[0, level, i] if live else hessian[0, level, i]
            hessian[1, level, i] = m[1, level, i] if live else hessian[1, level, i]
            hessian[2, level, i] = m[2, level, i] if live else hessian[2, level, i]
            before[level, i] = ab[level, i] if live else before[level, i]
    for i in range(LANES):
        before[-1, i] = ab[-1, i] if lane[_LIVE, i] > 0 else before[-1, i]
    # The gradient takes the place of the moments: sums of y - w and (y - w) t.
    for i in range(LANES):
        rest = lane[_SUM_YT, i]
        for level in range(levels):
            rest -= m[1, level, i]
            m[0, level, i] = sums[level, i] - m[0, level, i]
            m[1, level, i] = 0.0
        m[1, 0, i] = rest
    _solve(trend, hessian, m, ab, lane)
    return True


@compiled
def _solve(trend, hessian, m, ab, lane):  # type: ignore[no-untyped-def]
    """Add to the live lanes' ab the solution of the arrowhead system with right-hand sides m[0] (by part), m[1] (summed)."""
    levels = m.shape[1]
    for i in range(LANES):
        if lane[_LIVE, i] == 0:
            continue
        rest, schur = 0.0, 0.0
        for level in range(levels):
            if hessian[0, level, i] > 0:
                ratio = hessian[1, level, i] / hessian[0, level, i]
                schur += hessian[2, level, i] - hessian[1, level, i] * ratio
                rest += m[1, level, i] - m[0, level, i] * ratio
        change = rest / schur if trend else 0.0
        lane[_S, i] = schur
        ab[-1, i] += change
        for level in range(levels):
            if hessian[0, level, i] > 0:
                ab[level, i] += (m[0, level, i] - hessian[1, level, i] * change) / hessian[0, level, i]


@compiled
def _residuals(cells, r, g, t, j, jumps, omega, scratch, ab, before, rates, lane):  # type: ignore[no-untyped-def]
    """Both dispersions' sums; scratch[1] = cube root of the mean, scratch[2] = weights of the last step taken."""
    many = len(jumps)
    for i in range(LANES):
        for k in range(many):
            rates[k, i] = math.exp(ab[-1, i] * jumps[k] / 3)
            rates[many + k, i] = math.exp((before[-1, i] - ab[-1, i]) * jumps[k])
    root, ratio = rates[-2], rates[-1]
    for i in range(LANES):
        root[i] = math.exp(ab[-1, i] * t[0] / 3)
        ratio[i] = math.exp((before[-1, i] - ab[-1, i]) * t[0])
    for level in range(ab.shape[0] - 1):
        for i in range(LANES):
            before[level, i] = math.exp(before[level, i] - ab[level, i])
            ab[level, i] = math.exp(ab[level, i] / 3)
    lane[_PEARSON], lane[_WORKING] = 0.0, 0.0
    for k in range(len(r)):
        c, level, jumped = r[k], g[k], j[k]
        for i in range(LANES):
            root[i] *= rates[jumped, i]
            ratio[i] *= rates[many + jumped, i]
        for i in range(LANES):
            scratch[1, k, i] = root[i] * ab[level, i] * cells[_E3, c, i]
        for i in range(LANES):
            mean = scratch[1, k, i] * scratch[1, k, i] * scratch[1, k, i]
            scratch[2, k, i] = omega[k, i] * mean * ratio[i] * before[level, i]
            left = (cells[_Y, c, i] - mean) / mean if omega[k, i] > 0 else 0.0
            lane[_PEARSON, i] += scratch[2, k, i] * left * left
            lane[_WORKING, i] += omega[k, i] * left * left
    for level in range(ab.shape[0] - 1):
        for i in range(LANES):
            ab[level, i] = 3 * math.log(ab[level, i])


@compiled
def _weigh(cells, r, g, t, threshold, trend, hessian, omega, scratch, lane):  # type: ignore[no-untyped-def]
    """omega = γ s⁻² for standardised Anscombe residuals s over the threshold, γ for the others; the sum stays n."""
    for i in range(LANES):
        rank = lane[_RANK, i] + (1.0 if trend else 0.0)
        phi = max(lane[_PEARSON, i] / (lane[_N, i] - rank), 1.0)
        total = 0.0
        for k in range(len(r)):
            if omega[k, i] == 0:
                continue
            c, level = r[k], g[k]
            root = scratch[1, k, i]
            away = t[k] - hessian[1, level, i] / hessian[0, level, i]
            share = 1 / hessian[0, level, i] + (away * away / lane[_S, i] if trend else 0.0)
            s2 = 2.25 * (cells[_Y23, c, i] - root * root) ** 2 / (root * phi * (1 - scratch[2, k, i] * share))
            if cells[_Y23, c, i] > root * root and s2 > threshold * threshold:
                omega[k, i] = 1 / s2
            total += omega[k, i]
        for k in range(len(r)):
            omega[k, i] *= lane[_N, i] / total


@compiled
def _report(levels, trend, hessian, ab, i, lane, out):  # type: ignore[no-untyped-def]
    """One lane's fit, in the order of glm.Fits."""
    own, first = hessian[0, levels - 1, i], hessian[1, levels - 1, i]
    rank = lane[_RANK, i] + (1.0 if trend else 0.0)
    free = lane[_N, i] - rank
    slope = 1 / lane[_S, i] if trend else 0.0
    away = first / own
    pearson = lane[_PEARSON, i] / free
    out[0], out[1] = ab[levels - 1, i], ab[levels, i]
    out[2], out[3], out[4] = max(pearson, 1.0), pearson, lane[_WORKING, i] / free
    out[5], out[6], out[7] = 1 / own, away, slope
    out[8], out[9], out[10], out[11] = lane[_N, i], rank, lane[_LARGEST, i], lane[_FIRST, i]
    out[12] = lane[_STATE, i]
    if lane[_STATE, i] != FITTED:
        out[:8] = np.nan
