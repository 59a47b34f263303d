"""How surprising is a value after a handful of others like it: calibrated one-sided p values. Pure.

Measurements: Student's t predictive, exact for independent normal readings. Counts: the larger of two tails, each right
where the other is not. (a) The gamma-Poisson predictive, a negative binomial, widened to a variance of twice the mean:
it governs where counts are so few that their spread cannot be known. (b) The t predictive of their cube roots (Wilson
and Hilferty 1931: nearly normal for any gamma shape): it governs where counts are large, however dispersed.
"""

import numpy as np
from scipy import special

from tocsin.types import Floats, Kind

LEAST = 4  # with fewer values a spread is not known well enough to speak of it
DISPERSION = 2.0  # variance / mean that small counts are granted


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

    Counts: mid-p where (a) governs. NaN where y is missing or fewer than LEAST baseline values are present.
    """
    n, mean, sd = moments(np.cbrt(baseline) if kind == "count" else baseline)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = ((np.cbrt(y) if kind == "count" else y) - mean) / (sd * np.sqrt(1 + 1 / n))
    # A baseline that never moved tells nothing of its spread: for counts (a) speaks alone, for readings no one does.
    p = np.where(sd > 0, special.stdtr(np.maximum(n - 1, 1), -t), 0.0 if kind == "count" else np.nan)
    if kind == "count":
        p = np.maximum(p, gamma_poisson(y, np.nansum(baseline, axis=0), n))
    return np.where(np.isnan(y) | (n < LEAST), np.nan, p)


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
