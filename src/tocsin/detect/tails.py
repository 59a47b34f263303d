"""The compiled heart of predictive.py and bounds.py: tails of negative binomials, summed term by term. Pure.

A count's probabilities follow from one another by a multiplication, so the tail beyond a small count costs less than
one incomplete beta function. What a sum cannot tell to the last digits (great counts, counts that are not whole, a
quantile within rounding of its alpha) is left NaN for the caller to work out slowly.
"""

import math

import numpy as np
from numba import njit

from tocsin.types import Floats

MOST = 4096  # counts up to which probabilities are summed
DEEPEST = -700.0  # log probability of no case at all from which a sum may begin
SMALL = 1e-3  # a tail under it is summed from its own side: 1 - sum has not the digits
NARROW = 1e-11  # a tail so close to alpha is left to the exact search
TAIL_STEPS = 4096
FREEDOMS = (1.0, 1e6)  # of the χ² whose shares are tabulated, by pieces of log2
DEGREE = 13

_INVERSE = 1 / np.arange(1.0, MOST + 2)
_CBRT = np.cbrt(np.arange(1024.0))

compiled = njit(cache=True, nogil=True, error_model="numpy")


@compiled
def quantiles(alpha: float, mean: Floats, phi: Floats, out: Floats) -> None:
    """The least whole q with P(Y > q) <= alpha for means and dispersions (n,); NaN where it is left to others."""
    for i in range(len(mean)):
        m, f = mean[i], phi[i]
        poisson = f == 1.0
        size, q = (m, 1.0) if poisson else (m / (f - 1), 1 - 1 / f)
        start = -m if poisson else -size * math.log(f)
        out[i] = np.nan
        if not (m > 0 and f >= 1 and start > DEEPEST and size < 1e9 and alpha > 1e-7):
            continue
        term, left = math.exp(start), 1.0
        for k in range(MOST):
            left -= term
            if abs(left - alpha) < NARROW:
                break
            if left < alpha:
                out[i] = k
                break
            term *= (m if poisson else (size + k) * q) * _INVERSE[k]


@compiled
def mid_p(y: float, mean: float, ratio: float, log_ratio: float) -> float:
    """P(Y > y) + P(Y = y) / 2 of a negative binomial of this mean and variance ratio · mean; NaN if left to others."""
    size, q = mean / (ratio - 1), 1 - 1 / ratio
    start = -size * log_ratio
    if not (0 <= y <= MOST and y == math.floor(y) and start > DEEPEST and size < 1e9):
        return np.nan
    term, below = math.exp(start), 0.0
    for k in range(int(y)):
        below += term
        term *= (size + k) * q * _INVERSE[k]
    p = 1 - below - term / 2
    return p if p > SMALL else upwards(y, term, size, q)


@compiled
def upwards(y: float, term: float, size: float, q: float) -> float:
    """Half of P(Y = y) = term, and every term beyond; NaN if they take too long to fade."""
    total, k = term / 2, y
    for _ in range(TAIL_STEPS):
        term *= (size + k) * q / (k + 1)
        k += 1
        total += term
        if term <= 1e-16 * total and (size + k) * q < 0.999 * (k + 1):
            return total
    return np.nan


@compiled
def shares(freedom: float, table: Floats, out: Floats) -> bool:
    """χ²(freedom) / freedom at the nodes the table was made for (pieces, DEGREE, nodes); False outside of it."""
    x = math.log2(freedom) if freedom > 0 else -1.0
    piece = int(x)
    if not (x >= 0 and piece < table.shape[0]):
        return False
    at = 2 * (2 * (x - piece) - 1)
    for j in range(len(out)):  # Clenshaw's recurrence
        one, two = 0.0, 0.0
        for d in range(DEGREE - 1, 0, -1):
            one, two = at * one - two + table[piece, d, j], one
        out[j] = at / 2 * one - two + table[piece, 0, j]
    return True


@compiled
def begin(mean: float, ratio: float, unsure: float, lanes: Floats) -> bool:
    """Fill lanes (4, nodes), shares in the first row, with size, q and P(Y = 0); False if no sum may begin there."""
    for j in range(lanes.shape[1]):
        spread = max(ratio / max(lanes[0, j], 1e-9), 1.0) * (1 + unsure)
        size = mean / (spread - 1)
        start = -size * math.log(spread)
        if not (spread > 1 and start > DEEPEST and size < 1e9):
            return False
        lanes[0, j], lanes[1, j], lanes[2, j], lanes[3, j] = size, 1 - 1 / spread, math.exp(start), 0.0
    return True


@compiled
def averaged(
    y: float, mean: float, ratio: float, freedom: float, unsure: float, table: Floats, weights: Floats, lanes: Floats
) -> float:
    """predictive.averaged of one count; NaN if left to others."""
    known = 0 <= y <= MOST and y == math.floor(y) and shares(freedom, table, lanes[0])
    if not (known and begin(mean, ratio, unsure, lanes)):
        return np.nan
    size, q, term, below = lanes[0], lanes[1], lanes[2], lanes[3]
    for k in range(int(y)):
        for j in range(len(size)):
            below[j] += term[j]
            term[j] *= (size[j] + k) * q[j] * _INVERSE[k]
    p = 0.0
    for j in range(len(size)):
        p += weights[j] * (1 - below[j] - term[j] / 2)
    if p > SMALL:
        return p
    p = 0.0
    for j in range(len(size)):
        p += weights[j] * upwards(y, term[j], size[j], q[j])
    return p


@compiled
def averaged_each(
    y: Floats, mean: Floats, ratio: Floats, freedom: Floats, unsure: Floats, table: Floats, weights: Floats, out: Floats
) -> None:
    """averaged of every element, all (n,)."""
    lanes = np.empty((4, len(weights)))
    for i in range(len(y)):
        out[i] = averaged(y[i], mean[i], ratio[i], freedom[i], unsure[i], table, weights, lanes)


@compiled
def bound_each(
    alpha: float, mean: Floats, ratio: Floats, freedom: Floats, unsure: Floats, table: Floats, weights: Floats,
    out: Floats,
) -> None:  # fmt: skip
    """Where between two whole counts the averaged mid-p passes alpha, its logarithm taken for straight; (n,)."""
    lanes = np.empty((4, len(weights)))
    size, q, term, below = lanes[0], lanes[1], lanes[2], lanes[3]
    for i in range(len(mean)):
        out[i] = np.nan
        if not (alpha > 1e-7 and shares(freedom[i], table, size) and begin(mean[i], ratio[i], unsure[i], lanes)):
            continue
        before = 1.0
        for k in range(MOST):
            p = 0.0
            for j in range(len(size)):
                p += weights[j] * (1 - below[j] - term[j] / 2)
            if p <= alpha:
                out[i] = k - 1 + math.log(before / alpha) / math.log(before / p)
                break
            before = p
            for j in range(len(size)):
                below[j] += term[j]
                term[j] *= (size[j] + k) * q[j] * _INVERSE[k]


@compiled
def beyond(t: float, freedom: int) -> float:
    """P(T > t) of Student's t with a whole number of degrees of freedom, to an absolute 1e-15."""
    angle = math.atan(t / math.sqrt(freedom))
    square, term = math.cos(angle) ** 2, 1.0
    total = 1.0 if freedom > 1 else 0.0
    if freedom % 2 == 0:
        for j in range(1, freedom // 2):
            term *= square * (2 * j - 1) / (2 * j)
            total += term
        return 0.5 - math.sin(angle) / 2 * total
    for j in range(1, (freedom - 1) // 2):
        term *= square * (2 * j) / (2 * j + 1)
        total += term
    return 0.5 - (angle + math.sin(angle) * math.cos(angle) * total) / math.pi


@compiled
def spread(values: Floats, roots: bool) -> tuple[int, float, float, float]:
    """Number, total, mean and standard deviation of the values present, or of their cube roots."""
    n, total = 0, 0.0
    for v in values:
        if not np.isnan(v):
            n, total = n + 1, total + root(v, roots)
    mean, squares = total / n, 0.0
    for v in values:
        if not np.isnan(v):
            squares += (root(v, roots) - mean) ** 2
    sd = math.sqrt(squares / (n - 1)) if n > 1 else np.nan
    return n, total, mean, 0.0 if sd <= 1e-12 * abs(mean) else sd


@compiled
def root(v: float, wanted: bool) -> float:
    """The cube root if wanted, of most counts from a table."""
    if not wanted:
        return v
    count = int(min(v, 1023.0))
    return float(_CBRT[count] if count == v else np.cbrt(v))


@compiled
def counted_each(
    y: Floats, baseline: Floats, constants: tuple[float, float, int, float], table: Floats, weights: Floats, out: Floats
) -> None:
    """predictive.counted of y (n,) with baselines (B, n); constants: DISPERSION, PRIOR, LEAST, CLOSE_LOOK."""
    granted, prior, least, close = constants
    lanes, values = np.empty((4, len(weights))), np.empty(baseline.shape[0])
    last, log_wide = -1, 0.0
    for i in range(len(y)):
        for j in range(len(values)):  # a slice assigned would take longer to compile than all else here
            values[j] = baseline[j, i]
        n, total, _mean, sd = spread(values, False)
        out[i] = np.nan
        if n < least or np.isnan(y[i]):
            continue
        wide = granted * (1 + 1 / n)
        if n != last:
            last, log_wide = n, math.log(wide)
        p = mid_p(y[i], (total + 1) / n, wide, log_wide)
        if p > close:
            _, _, centre, sd = spread(values, True)
            if sd > 0:
                p = max(p, beyond((np.cbrt(y[i]) - centre) / (sd * math.sqrt(1 + 1 / n)), n - 1))
        elif p <= close:
            m = (total + 1) / n
            ratio = max(sd * sd / m, 1.0)
            freedom = 2 / (2 / (n - 1) + (6 * (ratio - 1) / m + 1 / (m * ratio)) / n)
            ratio = (prior * granted + freedom * ratio) / (prior + freedom)
            q = averaged(y[i], m, ratio, freedom + prior, 1 / n, table, weights, lanes)
            p = max(p, q) if q >= 0 else np.nan
        out[i] = p
