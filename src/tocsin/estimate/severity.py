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
EACH, GRID = 40, 1000  # draws from each possible past; points at which its posterior is worked out


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


def possible(
    cases: Floats, outcomes: Floats, weights: Floats, rng: np.random.Generator, levels: Floats = LEVELS
) -> tuple[Floats, Floats, float]:
    """Quantiles (Q,) of the crude and the adjusted ratio at the newest step, over possible pasts (T, M); share known.

    Each past, a nowcast draw of cases and one of outcomes, gives draws of its own posterior, so that what is yet to be
    reported is in the interval (multiple imputation; Rubin 1987). Of a case of age a the outcome is there with
    probability θF(a): the likelihood is θ^D Π (1 − θF(a)) over the cases without (Ghani et al. 2005, Am J Epidemiol
    162:479, a mixture with censoring), the prior Jeffreys'; where all F are 1 that is the Beta of `ratio`. Which case
    an outcome belongs to is not known: it is shared out by c·F. NaN while no outcome could be known. MethodError.
    """
    if cases.shape != outcomes.shape or cases.ndim != 2:
        raise MethodError(f"cases {cases.shape} and outcomes {outcomes.shape}: one shape (steps, draws)")
    cases, outcomes = np.maximum(np.nan_to_num(cases), 0), np.maximum(np.nan_to_num(outcomes), 0)
    length = len(cases)
    by_now = np.minimum(np.cumsum(np.pad(weights, (0, length))[:length]), 1.0)[::-1]
    total, came, due = cases.sum(axis=0), outcomes.sum(axis=0), by_now @ cases
    if not due.any():
        return np.full(len(levels), np.nan), np.full(len(levels), np.nan), float("nan")
    settled = np.maximum(due, came)
    crude = rng.beta(came + 0.5, np.maximum(total - came, 0) + 0.5, (EACH, len(total)))
    highest = betaincinv(came.max() + 0.5, max(settled.min() - came.max(), 0) + 0.5, 1 - 1e-9)
    theta = min(float(highest) * 1.3, 1.0) * (np.arange(GRID) + 0.5) / GRID
    without = np.maximum(cases - came * cases * by_now[:, None] / np.maximum(due, 1e-9), 0)
    log = np.log1p(-np.outer(theta, by_now)) @ without
    log += np.outer(np.log(theta), came - 0.5) - 0.5 * np.log1p(-theta)[:, None]
    below = np.cumsum(np.exp(log - log.max(axis=0)), axis=0)
    at = [np.searchsorted(one, rng.uniform(0, one[-1], EACH)) for one in below.T]
    adjusted = theta[np.minimum(np.concatenate(at), GRID - 1)]
    return np.quantile(crude, levels), np.quantile(adjusted, levels), float(due.sum() / total.sum())


def proportion(count: float, total: float, levels: Floats = LEVELS) -> Floats:
    """Quantiles (Q,) of a share of which `count` of `total` were seen, Jeffreys' Beta(½ + count, ½ + total − count).

    NaN where there is nothing to count.
    """
    if total <= 0:
        return np.full(len(levels), np.nan)
    return np.asarray(betaincinv(count + 0.5, max(total - count, 0) + 0.5, levels))
