"""How severe: fatality or admission ratio, corrected for outcomes that are yet to come. Pure.

Shapes: N series, T steps. Nishiura et al. 2009 (PLoS ONE 4:e6852): of the cases known by step t only a share u_t is old
enough for its outcome to be known; deaths over u_t · cases is the ratio, deaths over cases far too low while cases
rise.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, gammainc

from tocsin.errors import MethodError
from tocsin.estimate import rt
from tocsin.types import Floats

LEVELS = np.array([0.025, 0.5, 0.975])


class Severity(NamedTuple):
    """crude and adjusted ratio, share u of outcomes known (N, T), and quantiles (N, T, Q) of the adjusted ratio."""

    crude: Floats
    adjusted: Floats
    known: Floats
    quantiles: Floats


def delay(mean: float, sd: float, length: int) -> Floats:
    """Weights (length,) of a gamma delay from case to outcome, steps 0 …: F(k + ½) − F(k − ½), summing to 1."""
    if not (mean > 0 and sd > 0 and length > 0):
        raise MethodError(f"delay to outcome with mean {mean}, sd {sd}: both must be above 0")
    edges = np.concatenate([[0.0], np.arange(length) + 0.5])
    cdf = gammainc((mean / sd) ** 2, edges * mean / sd**2)
    return np.asarray(np.diff(cdf) / cdf[-1])


def ratio(cases: Floats, outcomes: Floats, weights: Floats, levels: Floats = LEVELS) -> Severity:
    """Ratio of outcomes to cases (N, T) at each step, from all that is known by then; delay weights (K,) of steps 0 …

    Outcomes are binomial among the u·C cases old enough; the interval is Jeffreys' Beta(½ + D, ½ + u·C − D). NaN while
    no outcome could be known. Raises MethodError on shapes or counts that cannot be.
    """
    cases, outcomes = (np.nan_to_num(np.atleast_2d(np.asarray(x, dtype=np.float64))) for x in (cases, outcomes))
    if cases.shape != outcomes.shape or (cases < 0).any() or (outcomes < 0).any():
        raise MethodError("cases and outcomes: one shape (series, steps), none below 0")
    due = np.nan_to_num(rt.infectivity(cases, weights))
    due[:, 0] = cases[:, 0] * weights[0]
    due, total, came = (np.cumsum(x, axis=1) for x in (due, cases, outcomes))
    settled = np.maximum(due, came)  # more outcomes than are due: all that came had cases
    with np.errstate(divide="ignore", invalid="ignore"):
        crude = np.where(total > 0, came / total, np.nan)
        adjusted = np.where(settled > 0, came / settled, np.nan)
        known = np.where(total > 0, due / total, np.nan)
    quantiles = np.array(betaincinv(came[..., None] + 0.5, (settled - came)[..., None] + 0.5, levels), dtype=np.float64)
    quantiles[settled <= 0] = np.nan
    return Severity(crude, adjusted, known, quantiles)


def proportion(count: float, total: float, levels: Floats = LEVELS) -> Floats:
    """Quantiles (Q,) of a share of which `count` of `total` were seen, Jeffreys' Beta(½ + count, ½ + total − count).

    NaN where there is nothing to count.
    """
    if total <= 0:
        return np.full(len(levels), np.nan)
    return np.asarray(betaincinv(count + 0.5, max(total - count, 0) + 0.5, levels))
