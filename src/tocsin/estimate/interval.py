"""Serial intervals: the discretised gamma, checks on given weights, and published values by disease. Pure."""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import gammainc

from tocsin.errors import MethodError
from tocsin.types import Floats


class Interval(NamedTuple):
    """A published serial (or generation) interval: mean and standard deviation in days, and where it stands."""

    disease: str
    mean: float
    sd: float
    kind: str  # "serial" (symptoms to symptoms) or "generation" (infection to infection)
    cite: str
    seen: str  # where these numbers were seen: in the paper's own "abstract", or told by others who cite it


# One setting each, so compare with your own pairs before you lean on them. docs/methods/rt.md says more of each.
INTERVALS = (
    Interval(
        "covid-19", 4.7, 2.9, "serial", "Nishiura, Linton & Akhmetzhanov 2020, Int J Infect Dis 93:284-286",
        "others who cite it; the abstract has the median, 4.6",
    ),
    Interval(
        "ebola", 15.3, 9.3, "serial", "WHO Ebola Response Team 2014, N Engl J Med 371:1481-1495",
        "abstract (the mean); a review's table (both)",
    ),
    Interval("influenza", 3.6, 1.6, "serial", "Cowling et al. 2009, Epidemiology 20:344-347", "abstract"),
    Interval(
        "influenza-pandemic", 2.6, 1.5, "serial", "Ferguson et al. 2005, Nature 437:209-214",
        "EpiEstim's documentation, which cites it",
    ),
    Interval(
        "measles", 14.9, 3.9, "serial", "Groendyke, Welch & Hunter 2011, Scand J Stat 38:600-616",
        "EpiEstim's documentation, which cites it",
    ),
    Interval("mers", 6.8, 4.1, "serial", "Cauchemez et al. 2016, PNAS 113:9081-9086", "EpiEstim's data, which cite it"),
    Interval(
        "sars", 8.4, 3.8, "serial", "Lipsitch et al. 2003, Science 300:1966-1970",
        "EpiEstim's documentation, which cites it",
    ),
    Interval(
        "smallpox", 22.4, 6.1, "serial",
        "Gani & Leach 2001, Nature 414:748-751; Riley & Ferguson 2006, PNAS 103:12637-12642",
        "EpiEstim's documentation, which cites both",
    ),
)  # fmt: skip


def discretised(mean: float, sd: float, length: int) -> Floats:
    """Weights of lags 0 … length − 1 of a gamma interval shifted by one step, (length,); not renormalised.

    `mean` > 1 and `sd` > 0 in steps. Cori et al. 2013, web appendix 11: the mass of a gamma density smeared over the
    two steps that a lag may span, floored at 0. Raises MethodError if the shift leaves no gamma.
    """
    if not (1 < mean < np.inf and 0 < sd < np.inf):
        raise MethodError(f"serial interval mean {mean}, sd {sd}: the mean must be above 1 step and the sd above 0")
    shape, scale = ((mean - 1) / sd) ** 2, sd**2 / (mean - 1)
    lags = np.arange(length, dtype=np.float64)
    at = np.maximum(lags[:, None] - np.array([0.0, 1.0, 2.0]), 0) / scale  # k, k − 1, k − 2, in units of the scale
    cdf, next_cdf = gammainc(shape, at), gammainc(shape + 1, at)
    mass = lags * cdf[:, 0] + (lags - 2) * cdf[:, 2] - 2 * (lags - 1) * cdf[:, 1]
    mass += shape * scale * (2 * next_cdf[:, 1] - next_cdf[:, 2] - next_cdf[:, 0])
    return np.asarray(np.maximum(mass, 0))


def checked(weights: Floats) -> Floats:
    """The weights of lags 0, 1, … as given, (K,), once they are seen to be a distribution; MethodError if not."""
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 1 or weights.size < 2 or not np.isfinite(weights).all() or (weights < 0).any():
        raise MethodError("serial interval weights: a list of finite numbers, none below 0, for lags 0, 1, 2, …")
    if weights[0] != 0:
        raise MethodError(f"serial interval weight of lag 0 is {weights[0]:g}: it must be 0 (nobody infects in step 0)")
    if abs(weights.sum() - 1) > 0.01:
        raise MethodError(f"serial interval weights sum to {weights.sum():.4f}: they must sum to 1 (within 0.01)")
    return weights


def mean_sd(weights: Floats) -> tuple[float, float]:
    """Mean and standard deviation of weights (K,) over lags 0 … K − 1, taken as they are."""
    lags = np.arange(weights.size)
    # Exactly rounded: whether a window outlasts the mean must not hang on the order in which a library adds.
    mean = math.fsum(weights * lags)
    return mean, float(np.sqrt(max(math.fsum(weights * lags**2) - mean**2, 0.0)))
