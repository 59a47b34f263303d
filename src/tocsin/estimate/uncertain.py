"""R when the serial interval itself is uncertain: a mixture of gamma posteriors, summed up without drawing. Pure.

Cori et al. 2013, web appendix 4, draws intervals and then R. Here the intervals are nodes of a quadrature over the same
truncated normals (or samples you bring), and mean, sd and quantiles of the mixture are computed.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import gammainc, gammaincinv, gammaln, ndtr

from tocsin.errors import MethodError
from tocsin.estimate import rt
from tocsin.estimate.interval import discretised
from tocsin.types import Floats, Ints


class Uncertain(NamedTuple):
    """What is known of an interval's mean and sd: each a normal with its own sd, cut to [low, high]; in steps."""

    mean: float
    mean_sd: float
    mean_low: float
    mean_high: float
    sd: float
    sd_sd: float
    sd_low: float
    sd_high: float


def nodes(known: Uncertain, steps: int, size: tuple[int, int] = (48, 8)) -> tuple[Floats, Floats]:
    """Interval weights (M, steps) and the weight (M,) of each: a Gauss-Legendre rule on both truncated normals.

    More nodes for the mean than for the sd: a window that a mean does not outlast has no R there, a jump.
    """
    if not (
        np.isfinite(known).all() and known.mean_low >= 1 and known.sd_low > 0 and known.mean_sd > 0 and known.sd_sd > 0
    ):
        raise MethodError("uncertain interval: means from 1 step up, sds above 0, and a spread above 0 for both")
    means, mean_weight = _truncated(known.mean, known.mean_sd, known.mean_low, known.mean_high, size[0])
    sds, sd_weight = _truncated(known.sd, known.sd_sd, known.sd_low, known.sd_high, size[1])
    table = np.stack([discretised(m, s, steps) for m in means for s in sds])
    return table, np.outer(mean_weight, sd_weight).ravel()


def _truncated(mean: float, sd: float, low: float, high: float, size: int) -> tuple[Floats, Floats]:
    x, w = np.polynomial.legendre.leggauss(size)
    at = low + (high - low) * (x + 1) / 2
    w = w * np.exp(-0.5 * ((at - mean) / sd) ** 2)
    if not (low < high and ndtr((high - mean) / sd) - ndtr((low - mean) / sd) > 1e-12):
        raise MethodError(f"interval {low} to {high} holds nothing of a normal with mean {mean} and sd {sd}")
    return at, w / w.sum()


def estimate(
    local: Floats,
    table: Floats,
    imported: Floats | None = None,
    windows: Ints | None = None,
    *,
    weight: Floats | None = None,
    prior_mean: float = 5.0,
    prior_sd: float = 5.0,
    levels: Floats = rt.LEVELS,
) -> rt.Rt:
    """R of one series (T,) over interval samples `table` (M, K), each of `weight` (M,) (even if not given).

    A sample whose mean interval a window does not outlast is silent there; NaN where all are. Windows (W, 2).
    """
    steps = np.atleast_2d(local).shape[1]
    windows = rt.sliding(steps) if windows is None else rt.checked_windows(windows, steps)
    weight = np.ones(len(table)) if weight is None else np.asarray(weight, dtype=np.float64)
    pairs = [rt.posterior(local, si, imported, windows, prior_mean, prior_sd) for si in table]
    shape = np.stack([p[0][0] for p in pairs])  # (M, W)
    scale = np.stack([p[1][0] for p in pairs])
    says = np.isfinite(shape)
    share = np.where(says, weight[:, None], 0)
    with np.errstate(invalid="ignore"):
        share = share / share.sum(axis=0)
    mean = np.where(says, share * shape * scale, 0).sum(axis=0)
    square = np.where(says, share * shape * (shape + 1) * scale**2, 0).sum(axis=0)
    mean[~says.any(axis=0)] = np.nan
    quantiles = np.full((len(windows), len(levels)), np.nan)
    for i in np.flatnonzero(says.any(axis=0)):
        on = says[:, i]
        quantiles[i] = mixture_quantiles(shape[on, i], scale[on, i], share[on, i], levels)
    return rt.Rt(windows, mean[None], np.sqrt(square - mean**2)[None], levels, quantiles[None])


def mixture_quantiles(shape: Floats, scale: Floats, share: Floats, levels: Floats) -> Floats:
    """Quantiles (Q,) of Σ share · Gamma(shape, scale), parts (M,): Newton steps kept inside a shrinking bracket."""
    each = gammaincinv(shape[:, None], levels) * scale[:, None]
    low, high = each.min(axis=0), each.max(axis=0)
    at = share @ each
    for _ in range(100):
        z = at / scale[:, None]
        miss = share @ gammainc(shape[:, None], z) - levels
        low, high = np.where(miss < 0, at, low), np.where(miss > 0, at, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_pdf = (shape[:, None] - 1) * np.log(z) - z - gammaln(shape)[:, None] - np.log(scale)[:, None]
            step = at - miss / (share @ np.exp(log_pdf))
        inside = (step > low) & (step < high)
        new = np.where(inside, step, (low + high) / 2)
        if np.all(np.abs(new - at) <= 1e-13 * np.abs(at)):
            break
        at = new
    return at
