"""The compiled heart of baseline.py: sixteen reweighted Poisson regressions side by side, the lane last. Pure.

All series share one design, so a row's columns are numbers and only counts, weights and means are vectors. Days of the
week are not columns but bins: a row adds to the sums of its own day, and the seven effects, each less their mean, come
in when the small systems are put together. `dense` holds the other columns, the level first.
"""

import math

import numpy as np
from numba import njit

from tocsin.detect.simd import LANES, add_product, add_scaled, multiply, set_exp, set_product

ROUNDS = 4  # of weighing
STEPS = 40  # of Newton, at most
STALE = 0.1  # a step over which the curvature is looked at afresh
FEW = 5.0  # cases: fewer at a step are no outbreak, however rare they are otherwise
STILL, RESTED = 1e-6, 1e-3  # a step, and a change of a weight, that end the search

_TARGET, _W, _ETA, _Y23, _OFFSET, _NEXT, _PLANES = range(7)  # of `cells`
_LIVE, _MOVED, _GOING, _CASE, _SCALE, _FREE, _MEAN, _ONE, _TERM, _ROWS = range(10)  # of `lane`

_Y23_OF = np.cbrt(np.arange(1024.0)) ** 2  # of counts below 1024, which nearly all are

compiled = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})


@compiled
def fit_all(y, offset, dense, day, at, precision, threshold, effects, covariance, dispersion, freedom, weights):  # type: ignore[no-untyped-def]  # numba infers the types
    """Fit y (N, T) and fill what baseline.Fit holds; offset (N, T), or (1, 1) for none.

    dense (T, K); day (T,) the bin of a row; at: where the seven bins' effects stand among the p, -1 if there are none.
    """
    rows, columns = dense.shape
    bins, p, gap = (7 if at >= 0 else 1), len(precision), (at if at >= 0 else columns)
    products = _products(dense)
    cells, lane = np.zeros((_PLANES, rows, LANES)), np.zeros((_ROWS, LANES))
    b, bin_effect = np.zeros((p, LANES)), np.zeros((bins, LANES))
    sums, slope, first = np.zeros((p, LANES)), np.zeros((p, LANES)), np.zeros((columns + bins, LANES))
    second, factor = np.zeros((bins * products.shape[1], LANES)), np.zeros((LANES, p, p))
    for block in range(0, y.shape[0], LANES):
        size = min(LANES, y.shape[0] - block)
        _load(y, offset, block, size, cells, lane)
        _begin(cells, lane, b)
        for turn in range(ROUNDS + 1):
            if turn > 0 and not _weigh(cells, lane, threshold):
                break
            _totals(dense, day, gap, cells, first, sums)
            for i in range(LANES):
                lane[_LIVE, i], lane[_MOVED, i] = lane[_GOING, i], 1.0
            for _ in range(STEPS):
                afresh = _stale(lane)
                _bins(b, gap, bin_effect)
                _means(dense, products, day, gap, cells, b, bin_effect, afresh, lane, first, second)
                if afresh:
                    _factor(gap, columns, bins, precision, first, second, lane, factor)
                _placed(gap, bins, columns, first, slope)
                if not _step(precision, sums, slope, factor, b, lane):
                    break
            _bins(b, gap, bin_effect)
            _spread(dense, day, gap, cells, b, bin_effect, lane)
            _report(size, block, precision, factor, b, lane, effects, covariance, dispersion, freedom)
        for k in range(rows):
            for i in range(size):
                weights[block + i, k] = cells[_W, k, i]


@compiled
def _products(dense):  # type: ignore[no-untyped-def]
    """The products of every two columns (T, K (K + 1) / 2)."""
    rows, columns = dense.shape
    out = np.empty((rows, columns * (columns + 1) // 2))
    for k in range(rows):
        q = 0
        for c in range(columns):
            for d in range(c, columns):
                out[k, q] = dense[k, c] * dense[k, d]
                q += 1
    return out


@compiled
def _load(y, offset, block, size, cells, lane):  # type: ignore[no-untyped-def]
    """Counts, each with its share of the one case that keeps an empty series from a level of nothing at all."""
    shared, seen = offset.shape[1] > 1, np.zeros(LANES)
    for k in range(y.shape[1]):
        for i in range(LANES):
            value = y[block + i, k] if i < size else np.nan
            here = not np.isnan(value)
            value = value if here else 0.0
            count = int(min(value, 1023.0))
            seen[i] += here
            cells[_TARGET, k, i] = value
            cells[_W, k, i] = 1.0 if here else 0.0
            cells[_Y23, k, i] = _Y23_OF[count] if count == value else np.cbrt(value) ** 2
            cells[_OFFSET, k, i] = offset[block + i, k] if shared and i < size else 0.0
    for i in range(LANES):
        lane[_ONE, i], lane[_GOING, i], lane[_CASE, i] = 1.0, 1.0 if i < size else 0.0, 1 / max(seen[i], 1.0)
    for k in range(y.shape[1]):
        add_product(cells[_TARGET], k, lane, _CASE, cells[_W], k, 1.0)


@compiled
def _begin(cells, lane, b):  # type: ignore[no-untyped-def]
    """All effects 0 but the level."""
    b[:] = 0.0
    for i in range(LANES):
        cases, exposure = 0.0, 0.0
        for k in range(cells.shape[1]):
            w = cells[_W, k, i]
            cases += w * cells[_TARGET, k, i]
            away = cells[_OFFSET, k, i]
            exposure += w * math.exp(away) if away != 0 else w
        b[0, i] = math.log(cases / max(exposure, 1e-300) + 1e-300)


@compiled
def _weigh(cells, lane, threshold):  # type: ignore[no-untyped-def]
    """Weigh down what is over the threshold; lanes whose weights rest are done. False when all are."""
    w, eta, y23, again, target = cells[_W], cells[_ETA], cells[_Y23], cells[_NEXT], cells[_TARGET]
    root, down, change = np.empty((1, LANES)), np.empty((1, LANES)), np.zeros(LANES)
    limit = threshold * lane[_SCALE] / 1.5
    for k in range(w.shape[0]):
        set_exp(root, 0, eta, k, 0.5)
        set_exp(down, 0, eta, k, -1 / 6)
        for i in range(LANES):
            down[0, i] = y23[k, i] * down[0, i] - root[0, i]
        for i in range(LANES):
            down[0, i] = limit[i] / max(down[0, i], limit[i])
        for i in range(LANES):
            weight = down[0, i] * down[0, i] if target[k, i] >= FEW else 1.0
            again[k, i] = weight if w[k, i] > 0 else 0.0
        for i in range(LANES):
            change[i] = max(change[i], abs(again[k, i] - w[k, i]))
    for i in range(LANES):
        lane[_GOING, i] = lane[_GOING, i] if change[i] >= RESTED else 0.0
    for k in range(w.shape[0]):
        for i in range(LANES):
            w[k, i] = again[k, i] if lane[_GOING, i] > 0 else w[k, i]
    return lane[_GOING].max() > 0


@compiled
def _totals(dense, day, gap, cells, first, sums):  # type: ignore[no-untyped-def]
    """sums = X' (w · counts)."""
    columns, target, w = dense.shape[1], cells[_TARGET], cells[_W]
    first[:] = 0.0
    for k in range(dense.shape[0]):
        for c in range(columns):
            add_product(first, c, w, k, target, k, dense[k, c])
        add_product(first, columns + day[k], w, k, target, k, 1.0)
    _placed(gap, len(first) - columns, columns, first, sums)


@compiled
def _placed(gap, bins, columns, first, out):  # type: ignore[no-untyped-def]
    """Sums by dense column and by bin, as sums of the p columns."""
    for c in range(columns):  # lane by lane: rows assigned would take seconds longer to compile
        for i in range(LANES):
            out[c if c < gap else c + 7, i] = first[c, i]
    if bins == 7:
        for d in range(7):
            for i in range(LANES):
                out[gap + d, i] = first[columns + d, i] - first[0, i] / 7


@compiled
def _bins(b, gap, bin_effect):  # type: ignore[no-untyped-def]
    """What a bin adds to the logarithm of the mean: its effect, less the mean of the seven."""
    bin_effect[:] = 0.0
    if len(bin_effect) == 7:
        for d in range(7):
            for i in range(LANES):
                bin_effect[0, i] += b[gap + d, i] / 7
        for d in range(6, -1, -1):
            for i in range(LANES):
                bin_effect[d, i] = b[gap + d, i] - bin_effect[0, i]


@compiled
def _stale(lane):  # type: ignore[no-untyped-def]
    return (lane[_LIVE] * lane[_MOVED]).max() > STALE


@compiled
def _log_mean(k, dense, day, gap, cells, b, bin_effect, lane):  # type: ignore[no-untyped-def]
    """cells[_ETA, k] from the effects."""
    eta = cells[_ETA]
    set_product(eta, k, bin_effect, day[k], lane, _ONE)
    add_scaled(eta, k, cells[_OFFSET], k, 1.0)
    for c in range(dense.shape[1]):
        add_scaled(eta, k, b, c if c < gap else c + 7, dense[k, c])


@compiled
def _means(dense, products, day, gap, cells, b, bin_effect, afresh, lane, first, second):  # type: ignore[no-untyped-def]
    """first = sums of the weighted means by column and bin; second, if afresh, of the products by bin."""
    columns, pairs, bins = dense.shape[1], products.shape[1], len(bin_effect)
    eta, w = cells[_ETA], cells[_W]
    first[:] = 0.0
    if afresh:
        second[:] = 0.0
    for k in range(dense.shape[0]):
        _log_mean(k, dense, day, gap, cells, b, bin_effect, lane)
        set_exp(lane, _TERM, eta, k, 1.0)
        multiply(lane, _TERM, w, k)
        if afresh:
            for q in range(pairs):
                add_scaled(second, day[k] * pairs + q, lane, _TERM, products[k, q])
        else:
            for c in range(columns):
                add_scaled(first, c, lane, _TERM, dense[k, c])
            add_scaled(first, columns + day[k], lane, _TERM, 1.0)
    if afresh:
        for d in range(bins):
            for i in range(LANES):
                first[columns + d, i] = second[d * pairs, i]
            for c in range(columns):
                for i in range(LANES):
                    first[c, i] += second[d * pairs + c, i]


@compiled
def _factor(gap, columns, bins, precision, first, second, lane, factor):  # type: ignore[no-untyped-def]
    """The Cholesky factor of X' W X and the prior's precision, of lanes that moved far."""
    for i in range(LANES):
        if lane[_LIVE, i] * lane[_MOVED, i] > STALE:
            A = factor[i]
            _among_dense(i, gap, columns, bins, second, A)
            if bins == 7:
                _among_bins(i, gap, columns, first, second, A)
            for c in range(len(precision)):
                A[c, c] += precision[c] + 1e-9 * (1 + A[c, c])  # a touch more for what cannot be told apart
                for e in range(c, len(precision)):
                    for d in range(c):
                        A[e, c] -= A[e, d] * A[c, d]
                    A[e, c] = math.sqrt(A[c, c]) if e == c else A[e, c] / A[c, c]


@compiled
def _among_dense(i, gap, columns, bins, second, A):  # type: ignore[no-untyped-def]
    """The dense columns' part of the lower triangle of X' W X."""
    pairs, q = columns * (columns + 1) // 2, 0
    for c in range(columns):
        for e in range(c, columns):
            total = 0.0
            for d in range(bins):
                total += second[d * pairs + q, i]
            q += 1
            A[e if e < gap else e + 7, c if c < gap else c + 7] = total


@compiled
def _among_bins(i, gap, columns, first, second, A):  # type: ignore[no-untyped-def]
    """The parts in which bins meet dense columns, and each other; a bin's column is its indicator less 1/7."""
    pairs = columns * (columns + 1) // 2
    for d in range(7):
        for c in range(columns):
            value = second[d * pairs + c, i] - first[c, i] / 7
            if c < gap:
                A[gap + d, c] = value
            else:
                A[c + 7, gap + d] = value
        for e in range(d + 1):
            both = first[columns + d, i] + first[columns + e, i]
            A[gap + d, gap + e] = first[0, i] / 49 - both / 7 + (first[columns + d, i] if d == e else 0.0)


@compiled
def _step(precision, sums, slope, factor, b, lane):  # type: ignore[no-untyped-def]
    """Move every live lane by Newton's step, 2 at most; a lane that hardly moved is done. False when all are."""
    p, some = len(precision), False
    for i in range(LANES):
        if lane[_LIVE, i] == 0:
            continue
        L = factor[i]
        for c in range(p):
            rest = sums[c, i] - slope[c, i] - precision[c] * b[c, i]
            for d in range(c):
                rest -= L[c, d] * slope[d, i]
            slope[c, i] = rest / L[c, c]
        moved = 0.0
        for c in range(p - 1, -1, -1):
            rest = slope[c, i]
            for d in range(c + 1, p):
                rest -= L[d, c] * slope[d, i]
            slope[c, i] = rest / L[c, c]
        for c in range(p):
            step = min(max(slope[c, i], -2.0), 2.0)
            b[c, i] += step
            moved = max(moved, abs(step))
        lane[_MOVED, i] = moved
        if moved < STILL:
            lane[_LIVE, i] = 0.0
        some |= lane[_LIVE, i] > 0
    return some


@compiled
def _spread(dense, day, gap, cells, b, bin_effect, lane):  # type: ignore[no-untyped-def]
    """lane[_MEAN] = Σ w (y - μ)² / μ and lane[_FREE] = Σ w; leaves the log means in cells[_ETA]."""
    target, w, eta = cells[_TARGET], cells[_W], cells[_ETA]
    lane[_MEAN], lane[_FREE] = 0.0, 0.0
    for k in range(dense.shape[0]):
        _log_mean(k, dense, day, gap, cells, b, bin_effect, lane)
        set_exp(lane, _TERM, eta, k, 1.0)
        for i in range(LANES):
            away = target[k, i] - lane[_CASE, i] - lane[_TERM, i]
            lane[_MEAN, i] += w[k, i] * away * away / lane[_TERM, i]
            lane[_FREE, i] += w[k, i]


@compiled
def _report(size, block, precision, factor, b, lane, effects, covariance, dispersion, freedom):  # type: ignore[no-untyped-def]
    """What a round found of the lanes that took part in it. Effects the prior holds back cost less than one freedom."""
    p = len(precision)
    for i in range(size):
        if lane[_GOING, i] == 0:
            continue
        inverse = np.zeros((p, p))  # of the factor
        for c in range(p):
            inverse[c, c] = 1 / factor[i, c, c]
            for e in range(c + 1, p):
                total = 0.0
                for d in range(c, e):
                    total -= factor[i, e, d] * inverse[d, c]
                inverse[e, c] = total / factor[i, e, e]
        used = float(p)
        for c in range(p):
            effects[block + i, c] = b[c, i]
            for e in range(c + 1):
                total = 0.0
                for d in range(c, p):
                    total += inverse[d, c] * inverse[d, e]
                covariance[block + i, c, e] = covariance[block + i, e, c] = total
            used -= precision[c] * covariance[block + i, c, c]
        freedom[block + i] = max(lane[_FREE, i] - used, 1.0)
        dispersion[block + i] = max(lane[_MEAN, i] / freedom[block + i], 1.0)
        lane[_SCALE, i] = math.sqrt(dispersion[block + i])
