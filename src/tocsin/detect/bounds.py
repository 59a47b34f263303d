"""Upper bounds and tail probabilities of a count whose mean and dispersion were estimated. Pure."""

import numpy as np
from scipy import special

from tocsin.detect import tails
from tocsin.types import Bools, Floats, Ints

LARGE = 1e15  # counts beyond it are not whole numbers any more; bounds there are normal approximations

POWERS = {"2/3": 2 / 3, "1/2": 1 / 2, "none": 1.0}


def power_bound(mean: Floats, variance: Floats, z: float, power: float) -> Floats:
    """(mean^p + z · sd)^(1/p), sd = p mean^(p-1) √variance by the delta method (Farrington et al. 1996, eq. 4)."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return np.maximum(0.0, mean**power + z * power * mean ** (power - 1) * np.sqrt(variance)) ** (1 / power)


def power_tail(y: Floats, mean: Floats, variance: Floats, power: float) -> Floats:
    """P(Y ≥ y) when Y^p is normal with the moments of `power_bound`."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return special.ndtr((mean**power - y**power) / (power * mean ** (power - 1) * np.sqrt(variance)))


def nbinom_tail(k: Floats, mean: Floats, phi: Floats) -> Floats:
    """P(Y ≥ k) for a negative binomial of this mean and variance phi · mean; Poisson where phi = 1."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        size = mean / (phi - 1)
        # prob = 1 / phi first: its rounding is part of the published definition.
        tail = np.where(
            size < np.inf,
            special.betainc(np.maximum(k, 1.0), np.minimum(size, 1e300), 1 - 1 / phi),
            special.gammainc(np.maximum(k, 1.0), mean),
        )
    return np.where(np.isfinite(mean), np.where(k <= 0, 1.0, tail), np.nan)


def nbinom_quantile(alpha: float, mean: Floats, phi: Floats) -> Floats:
    """The least whole q with P(Y > q) ≤ alpha, for any mean and dispersion; NaN where the mean is not finite."""
    m, f = np.ascontiguousarray(mean).reshape(-1), np.ascontiguousarray(phi).reshape(-1)
    quantile = np.empty(m.size)
    tails.quantiles(alpha, m, f, quantile)
    left = np.flatnonzero(np.isnan(quantile) & np.isfinite(m))
    if left.size:
        quantile[left] = _quantile(alpha, m[left], f[left])
    return quantile.reshape(mean.shape)


def _quantile(alpha: float, m: Floats, f: Floats) -> Floats:
    """The same by search: brackets by doubling strides from the Cornish-Fisher expansion, then bisects."""
    z = special.ndtri(1 - alpha)
    with np.errstate(invalid="ignore", over="ignore"):
        sd = np.sqrt(m * f)
        guess = np.maximum(np.ceil(m + z * sd + (z * z - 1) / 6 * (2 * f - 1) - 0.5), 0.0)
    quantile = np.where(np.isfinite(m), guess, np.nan)
    todo = np.flatnonzero((m < LARGE) & (guess < LARGE))
    quantile[todo] = _search(alpha, m[todo], f[todo], guess[todo], np.maximum(np.floor(sd[todo] / 8), 1.0))
    return quantile


def _search(alpha: float, m: Floats, f: Floats, high: Floats, stride: Floats) -> Floats:
    """Keeps P(Y > low) > alpha ≥ P(Y > high) and closes in, with low = −1 for "none"."""
    # A quantile that alpha hits to the last bit is the smaller one.
    limit = alpha * (1 + 64 * np.finfo(np.float64).eps)

    def over(at: Floats, i: Ints) -> Bools:
        return np.asarray(nbinom_tail(at[i] + 1, m[i], f[i]) > limit)

    low, step = np.full_like(m, -1.0), stride.copy()
    live = np.arange(len(m))
    while (live := live[over(high, live)]).size:
        low[live] = high[live]
        high[live] += step[live]
        step[live] *= 2
    live, step = np.flatnonzero((low < 0) & (high > 0)), stride.copy()
    while live.size:
        at = np.maximum(high - step, -1.0)
        above = over(at, live)
        low[live[above]] = at[live[above]]
        high[live[~above]] = at[live[~above]]
        step[live] *= 2
        live = live[~above & (high[live] > 0)]
    while (live := np.flatnonzero(high - low > 1)).size:
        at = np.floor((low + high) / 2)
        above = over(at, live)
        low[live[above]] = at[live[above]]
        high[live[~above]] = at[live[~above]]
    return high
