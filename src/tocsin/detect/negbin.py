"""Quantiles of a negative binomial for any size, huge ones included, which scipy's own do not survive. Pure."""

import numpy as np
from scipy import special

from tocsin.types import Floats

LIMIT = 2.0**53  # over this a double no longer counts in ones
FUZZ = 64 * np.finfo(np.float64).eps  # a probability this near a step of the distribution is on it


def quantile(level: float, size: Floats, prob: Floats) -> Floats:
    """The least whole k with P(Y <= k) >= level, Y of mean size · (1 - prob) / prob; NaN for parameters that are none.

    Equal pairs are looked up once: baselines of small counts have few different sums.
    """
    pairs = np.stack([np.broadcast_to(size, np.shape(prob)).ravel(), np.ravel(prob)], axis=1)
    unique, place = np.unique(pairs, axis=0, return_inverse=True)
    return _search(level * (1 - FUZZ), unique[:, 0], unique[:, 1])[place.ravel()].reshape(np.shape(prob))


def quantile_by_mean(level: float, mean: Floats, ratio: Floats) -> Floats:
    """The same, by the mean and the ratio of variance to mean (over 1)."""
    above = np.maximum(ratio, 1 + 1e-9)
    return quantile(level, mean / (above - 1), 1 / above)


def _search(level: float, size: Floats, prob: Floats) -> Floats:
    sound = (size > 0) & (prob > 0) & (prob <= 1)
    s, p = np.where(sound, size, 1.0), np.where(sound, prob, 0.5)
    low, high = np.full(len(s), -1.0), np.maximum(np.ceil(s * (1 - p) / p), 1.0)
    while (short := (special.betainc(s, high + 1, p) < level) & (high < LIMIT)).any():
        low, high = np.where(short, high, low), np.where(short, 2 * high, high)
    while (open_ := high - low > 1).any():
        middle = np.floor((low + high) / 2)
        enough = special.betainc(s, middle + 1, p) >= level
        low, high = np.where(open_ & ~enough, middle, low), np.where(open_ & enough, middle, high)
    return np.where(sound & (high < LIMIT), high, np.nan)
