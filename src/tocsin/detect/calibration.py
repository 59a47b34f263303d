"""How surprising a count is after a reweighted quasi-Poisson fit: one-sided p values that mean what they say. Pure.

A plug-in tail takes the fitted mean and dispersion for the true ones. Three things make it too small, and each is put
right here: reweighting pulls both down even where there was no outbreak; the mean is an estimate; so is the dispersion,
and hardly one at all where counts are few.
"""

from math import exp, inf, pi, sqrt

import numpy as np
from scipy import special

from tocsin.detect import bounds, glm
from tocsin.types import Floats

PRIOR_ROWS = 10.0  # rows' worth of doubt about the dispersion
PRIOR_PHI = 2.0  # what small counts are granted: a variance of twice the mean


def consistency(threshold: float) -> tuple[float, float]:
    """Mean and variance that weighting by min(1, s⁻² above the threshold) leaves of a standard normal variable.

    With weight ω(s) = 1 up to c and s⁻² beyond: E(ω s) / E ω, and E(ω s²) / E ω less its square.
    """
    if threshold == inf:
        return 0.0, 1.0
    c = threshold
    density = exp(-c * c / 2) / sqrt(2 * pi)
    beyond = float(special.ndtr(-c))
    over_s = float(special.exp1(c * c / 2)) / (2 * sqrt(2 * pi))  # ∫ φ(s)/s from c on
    kept = 1 - beyond + density / c - beyond  # ∫ φ(s)/s² from c on is φ(c)/c - P(S > c)
    mean = (over_s - density) / kept
    return mean, (1 - c * density) / kept - mean * mean


def p_value(y: Floats, mean: Floats, se: Floats, fits: glm.Fits, threshold: float) -> Floats:
    """P(a count as high as y, all being as in the years before), fields (N, H); se: of log mean, scaled by phi.

    A negative binomial of mean m = μ (1 + v/2) - bias · √(φ μ) and variance (φ + μ v) m with v = se²: a gamma
    distributed mean, which for small v is log-normal, and for a level fitted to zeros alone is the posterior under
    Jeffreys' prior. φ is the Pearson dispersion over what reweighting leaves of it, averaged with PRIOR_PHI by rows,
    those of small counts telling less: of n - p rows 2μ/(2μ + 1) count. The tail is then read as Student's t with as
    many degrees of freedom, which for large counts is the usual predictive distribution.
    """
    bias, left = consistency(threshold)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        phi = np.maximum(fits.pearson / left, 1.0)
        rows = (fits.n - fits.rank) * 2 * mean / (2 * mean + 1)
        shrunk = (rows * phi + PRIOR_ROWS * np.maximum(phi, PRIOR_PHI)) / (rows + PRIOR_ROWS)
        wide = mean * se * se * phi / fits.phi
        centre = mean + wide / 2 - bias * np.sqrt(phi * mean)
        tail = bounds.nbinom_tail(y, centre, shrunk + wide)
        return np.asarray(special.stdtr(rows + PRIOR_ROWS, special.ndtri(tail)))
