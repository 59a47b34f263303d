"""How surprising is a value after a handful of others like it: calibrated one-sided p values. Pure.

Measurements: Student's t predictive, exact for independent normal readings. Counts: the larger of two tails, each right
where the other is not. (a) The gamma-Poisson predictive, a negative binomial, widened to a variance of twice the mean:
it governs where counts are so few that their spread cannot be known. (b) A negative binomial whose variance ratio is
not known but estimated: its tail averaged over what the ratio may be, as Student's t averages the normal's.
"""

from functools import lru_cache

import numpy as np
from scipy import special

from tocsin.detect import tails
from tocsin.types import Bools, Floats, Kind

LEAST = 4  # with fewer values a spread is not known well enough to speak of it
DISPERSION = 2.0  # variance / mean that small counts are granted
PRIOR = 3.0  # degrees of freedom
CLOSE_LOOK = 0.05  # from where on the average over the ratio is taken
_EDGES = np.array(
    [0, 1e-4, 1e-3, 1e-2, 0.05, *np.linspace(0.15, 1, 8)]
)  # of probability: finest where ratios are large
_NODES, _WEIGHTS = (_EDGES[1:] + _EDGES[:-1]) / 2, np.diff(_EDGES)


def moments(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Number, mean and standard deviation (n - 1) of the values present: values (B, …) along the first axis."""
    present = ~np.isnan(values)
    n = present.sum(axis=0).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(present, values, 0.0).sum(axis=0) / n
        squares = np.where(present, (values - mean) ** 2, 0.0).sum(axis=0)
        return n, mean, settled(np.sqrt(squares / np.where(n > 1, n - 1, np.nan)), mean)


def settled(sd: Floats, mean: Floats) -> Floats:
    """A spread that is only the rounding of the mean is none: ten readings of 0.1 do not differ."""
    return np.where(sd <= 1e-12 * np.abs(mean), 0.0, sd)


def p_value(y: Floats, baseline: Floats, kind: Kind) -> Floats:
    """P(a value like those of the baseline is as high as y): y (…), baseline (B, …) with NaN for missing.

    Counts: mid-p. NaN where y is missing or fewer than LEAST baseline values are present.
    """
    if kind == "count":
        return counted(y, baseline)
    n, mean, sd = moments(baseline)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (y - mean) / (sd * np.sqrt(1 + 1 / n))
    # A baseline that never moved tells nothing of its spread: no one speaks.
    p = np.where(sd > 0, special.stdtr(np.maximum(n - 1, 1), -t), np.nan)
    return np.where(np.isnan(y) | (n < LEAST), np.nan, p)


def counted(y: Floats, baseline: Floats) -> Floats:
    """The larger of (a) and (b); (b) is the t predictive of cube roots (Wilson and Hilferty 1931) where (a) is over
    CLOSE_LOOK, so that the costly average is taken only where it decides."""
    p, values, rows = np.empty(y.size), np.ascontiguousarray(y).reshape(-1), baseline.reshape(len(baseline), -1)
    constants = DISPERSION, PRIOR, LEAST, CLOSE_LOOK
    tails.counted_each(values, rows, constants, _table(), _WEIGHTS, p)
    left = np.flatnonzero(np.isnan(p) & ~np.isnan(values))
    if left.size:
        p[left] = counted_slowly(values[left], rows[:, left])
    return p.reshape(y.shape)


def counted_slowly(y: Floats, baseline: Floats) -> Floats:
    """The same for counts of any size, whole or not, by incomplete beta functions."""
    n, _, sd = moments(baseline)
    total = np.nansum(baseline, axis=0)
    p = np.asarray(gamma_poisson(y, total, n))
    roots, centre, spread = moments(np.cbrt(baseline))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (np.cbrt(y) - centre) / (spread * np.sqrt(1 + 1 / roots))
        usual = np.where(spread > 0, special.stdtr(np.maximum(n - 1, 1), -t), 0.0)
    near = (p <= CLOSE_LOOK) & (n >= LEAST)
    p = np.maximum(p, np.where(near, 0.0, usual))
    if near.any():
        p[near] = np.maximum(p[near], dispersed(y[near], total[near], n[near], sd[near] ** 2))
    return np.where(np.isnan(y) | (n < LEAST), np.nan, p)


def dispersed(y: Floats, total: Floats, n: Floats, variance: Floats) -> Floats:
    """Mid-p of y after n counts of sum `total` and that variance, averaged over what their variance ratio may be.

    The ratio D is estimated as variance/mean, at least 1, and taken to be ν D / χ²(ν). A variance of n values with
    excess kurtosis κ is as uncertain as a χ² of ν = 2 / (2/(n − 1) + κ/n) degrees of freedom; κ = 6(D − 1)/m + 1/(mD)
    for a negative binomial of mean m. Few cases tell next to nothing of D, so PRIOR degrees of freedom speak for
    DISPERSION, as Gelman et al. (2013, Bayesian Data Analysis, 2.6) do for a variance.
    """
    mean = (total + 1) / n
    ratio = np.maximum(variance / mean, 1.0)
    freedom = freedom_of(mean, ratio, n)
    ratio = (PRIOR * DISPERSION + freedom * ratio) / (PRIOR + freedom)
    return averaged(y, mean, ratio, freedom + PRIOR, 1 / n)


def freedom_of(mean: Floats, ratio: Floats, n: Floats) -> Floats:
    """Degrees of freedom of the χ² as uncertain as the variance of n negative binomial values (see dispersed)."""
    kurtosis = 6 * (ratio - 1) / mean + 1 / (mean * ratio)
    return 2 / (2 / (n - 1) + kurtosis / n)


def granted(mean: Floats, ratio: Floats, n: Floats) -> tuple[Floats, Floats]:
    """A variance ratio that a fit to n counts of that mean estimates, drawn towards DISPERSION, and what it is worth.

    As in dispersed, PRIOR degrees of freedom speak for DISPERSION (for the estimate itself where that is larger). How
    many speak for the estimate is told as if the ratio were DISPERSION at least: of two dozen cases in five years one
    that is too small would else vouch for itself. Where cases are many this changes next to nothing.
    """
    least = np.maximum(ratio, DISPERSION)
    freedom = freedom_of(mean, least, n)
    return (PRIOR * least + freedom * ratio) / (PRIOR + freedom), freedom + PRIOR


def averaged(y: Floats, mean: Floats, ratio: Floats, freedom: Floats, unsure: Floats) -> Floats:
    """Mid-p of y from a negative binomial whose variance ratio is `ratio` · freedom / χ²(freedom), times 1 + `unsure`.

    unsure: the variance of the mean itself, over the ratio and the mean.
    """
    given = np.broadcast_arrays(y, mean, ratio, freedom, unsure)
    k, m, d, v, u = (np.ascontiguousarray(g, dtype=np.float64).reshape(-1) for g in given)
    p = np.empty(k.size)
    tails.averaged_each(k, m, d, v, u, _table(), _WEIGHTS, p)
    left = np.flatnonzero(np.isnan(p) & ~np.isnan(k))
    if left.size:
        p[left] = averaged_slowly(k[left], m[left], d[left], v[left], u[left])
    return p.reshape(given[0].shape)


def averaged_bound(alpha: float, mean: Floats, ratio: Floats, freedom: Floats, unsure: Floats) -> Floats:
    """Where `averaged` passes alpha, all (n,): between whole counts, where its logarithm, taken for straight, does."""
    bound = np.empty(mean.size)
    tails.bound_each(alpha, mean, ratio, freedom, unsure, _table(), _WEIGHTS, bound)
    left = np.flatnonzero(np.isnan(bound) & np.isfinite(mean))
    if left.size:
        bound[left] = _bound(alpha, mean[left], ratio[left], freedom[left], unsure[left])
    return bound


def _bound(alpha: float, mean: Floats, ratio: Floats, freedom: Floats, unsure: Floats) -> Floats:
    """The same by bisection, to half a millionth of the bound."""
    low, high = np.zeros_like(mean), mean + 1

    def over(at: Floats) -> Bools:
        return averaged_slowly(at, mean, ratio, freedom, unsure) > alpha

    while (short := over(high)).any() and (high < 1e18).all():
        low, high = np.where(short, high, low), np.where(short, 2 * high, high)
    while (high - low > 1e-6 * high).any():
        middle = (low + high) / 2
        short = over(middle)
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return high


def averaged_slowly(y: Floats, mean: Floats, ratio: Floats, freedom: Floats, unsure: Floats) -> Floats:
    """The same for counts of any size, whole or not, by incomplete beta and gamma functions."""
    p = np.zeros_like(mean)
    for at, weight in zip(_NODES, _WEIGHTS, strict=True):
        share = np.maximum(2 * special.gammaincinv(freedom / 2, at) / freedom, 1e-9)
        p += weight * nbinom_mid_p(y, mean, np.maximum(ratio / share, 1.0) * (1 + unsure))
    return p


@lru_cache(maxsize=1)
def _table() -> Floats:
    """Chebyshev coefficients (pieces, DEGREE, nodes) of χ²(ν)/ν at the nodes, a piece for each doubling of ν."""
    first, last = (int(np.ceil(np.log2(f))) for f in tails.FREEDOMS)
    angle = np.pi * (np.arange(tails.DEGREE) + 0.5) / tails.DEGREE
    freedom = 2.0 ** (np.arange(first, last)[:, None] + (np.cos(angle) + 1) / 2)
    share = 2 * special.gammaincinv(freedom[..., None] / 2, _NODES) / freedom[..., None]
    waves = np.cos(np.arange(tails.DEGREE)[:, None] * angle) * 2 / tails.DEGREE
    waves[0] /= 2
    return np.ascontiguousarray(np.einsum("dk,pkj->pdj", waves, share))


def gamma_poisson(y: Floats, total: Floats, n: Floats, dispersion: float = DISPERSION) -> Floats:
    """Mid-p of y after n counts that sum to `total`: a negative binomial of mean (total + 1) / n.

    The case added keeps the mid-p from being too small after a baseline of zeros. The variance is
    dispersion · (1 + 1/n) times the mean: with dispersion 1 it is the Bayesian predictive of a Poisson.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = dispersion * (1 + 1 / n)
        return nbinom_mid_p(y, (total + 1) / n, ratio)


def nbinom_mid_p(y: Floats, mean: Floats, ratio: Floats) -> Floats:
    """P(Y > y) + P(Y = y) / 2 of a negative binomial by its mean and its variance/mean ratio (over 1)."""
    size = mean / (ratio - 1)

    def at_least(k: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            return np.where(k > 0, special.betainc(np.maximum(k, 1e-300), size, 1 - 1 / ratio), 1.0)

    return (at_least(y) + at_least(y + 1)) / 2
