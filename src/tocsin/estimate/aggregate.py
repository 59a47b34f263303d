"""Weekly counts to R: days inside each week are rebuilt so that growth and R agree, then R slides day by day. Pure.

Nash et al. 2023, PLOS Comput Biol 19:e1011439: start from an even split, estimate R per week, turn it into a growth
rate (Wallinga & Lipsitch 2007, Proc R Soc B 274:599-604, eq. 3.6), spread the week's cases along that exponential,
repeat.
"""

from typing import Literal

import numpy as np

from tocsin.errors import MethodError
from tocsin.estimate import rt
from tocsin.types import Floats, Ints

ROUNDS = 10
PRECISION = 0.001  # the grid of growth rates, per day
TAIL = 1e-6  # weights below this are left out of the growth rate: e^(−rk) would blow them up where cases fall fast


def growth_rates(r_number: Floats, weights: Floats) -> Floats:
    """The growth rate per step (…), to 0.001, that goes with each R (…), for interval weights (K,) of lags 0 …"""
    used = np.where(weights > TAIL, weights, 0)
    used = used / used.sum()
    limit = 1.0
    while True:
        rate = np.round(np.arange(-limit, limit + PRECISION / 2, PRECISION), 3)
        table = _reproduction(rate, used)
        nearest = np.abs(table - r_number[..., None]).argmin(axis=-1)
        if not ((nearest == 0) | (nearest == rate.size - 1)).any() or limit > 100:
            return np.asarray(rate[nearest])
        limit *= 5


def _reproduction(rate: Floats, weights: Floats) -> Floats:
    # Each lag's weight lies evenly over the step about it, which is where the sinh comes from. Overflow is R = 0.
    lags = np.flatnonzero(weights)
    some = np.where(rate == 0, 1.0, rate)
    with np.errstate(over="ignore"):
        transform = np.exp(-np.outer(rate, lags)) @ weights[lags] * np.sinh(some / 2) / (some / 2)
    return np.where(rate == 0, 1.0, 1 / transform)


def daily(
    counts: Floats,
    weights: Floats,
    imported: Floats | None = None,
    *,
    length: int = 7,
    first: Literal["naive", "match"] = "naive",
    prior_mean: float = 5.0,
    prior_sd: float = 5.0,
) -> tuple[Floats, int]:
    """Steps (T·length,) behind aggregated local counts (T,), and the first step number from which R can be estimated.

    `weights` (K,) of lags 0 … in (short) steps. Weeks too early to estimate stay evenly split; "match" gives the last
    of them the growth rate of the first one estimated. `imported` counts (T,) infect too, evenly over their week: they
    do not grow here.
    """
    counts = np.nan_to_num(np.asarray(counts, dtype=np.float64))
    if counts.ndim != 1 or counts.size < 2 or length < 2:
        raise MethodError("aggregated counts: one series of two or more aggregates of two or more steps each")
    abroad = None if imported is None else split_evenly(imported, length)
    total = counts.size * length
    even = split_evenly(counts, length)
    start = np.arange(length + 1, total, length)
    windows = np.stack([start, start + length - 1], axis=1)
    cases, known = even, 1
    for _ in range(ROUNDS):
        shape, scale = rt.posterior(cases, weights, abroad, windows, prior_mean, prior_sd)
        mean = (shape * scale)[0]
        if np.isnan(mean).all():
            raise MethodError("every aggregate ends before the mean serial interval has passed: too little data for R")
        known = 1 + int(np.flatnonzero(np.isfinite(mean))[0])
        rate = growth_rates(mean[known - 1 :], weights)
        begin = known - (first == "match")
        rate = np.concatenate([rate[:1], rate]) if first == "match" else rate
        curve = np.exp(np.outer(rate, np.arange(1, length + 1)))
        rebuilt = curve * (counts[begin:] / curve.sum(axis=1))[:, None]
        cases = np.concatenate([even[: begin * length], rebuilt.ravel()])
    return cases, known * length + 1


def split_evenly(counts: Floats, length: int) -> Floats:
    """Aggregated counts (T,), NaN as 0, spread evenly over their steps (T·length,)."""
    return np.repeat(np.nan_to_num(np.asarray(counts, dtype=np.float64)) / length, length)


def estimate(
    counts: Floats,
    weights: Floats,
    imported: Floats | None = None,
    *,
    length: int = 7,
    window: int = 7,
    windows: Ints | None = None,
    first: Literal["naive", "match"] = "naive",
    prior_mean: float = 5.0,
    prior_sd: float = 5.0,
    levels: Floats = rt.LEVELS,
) -> tuple[rt.Rt, Floats]:
    """R on windows of `window` steps sliding over the rebuilt steps, and those steps (T·length,).

    `windows` (W, 2), step numbers, replace the sliding ones; MethodError if one begins before R can be estimated.
    """
    prior = {"prior_mean": prior_mean, "prior_sd": prior_sd}
    cases, begin = daily(counts, weights, imported, length=length, first=first, **prior)
    if windows is None:
        start = np.arange(begin, cases.size - window + 2)
        if start.size == 0:
            raise MethodError(f"no window of {window} steps fits after step {begin - 1} of {cases.size}")
        windows = np.stack([start, start + window - 1], axis=1)
    windows = rt.checked_windows(windows, cases.size)
    if (windows[:, 0] < begin).any():
        raise MethodError(f"windows of aggregated counts can begin at step {begin}, not before")
    abroad = None if imported is None else split_evenly(imported, length)
    return rt.estimate(cases, weights, abroad, windows, levels=levels, **prior), cases


def posterior_draws(
    paths: Floats, weights: Floats, imported: Floats, rng: np.random.Generator, *, each: int, length: int = 7
) -> Floats:
    """Draws of log R (T, P · each) of each aggregate, from P possible pasts (P, T); NaN where it cannot be told.

    R is constant within an aggregate; `weights` by (short) steps, `imported` (T,).
    """
    count, steps = paths.shape
    out = np.full((steps, count * each), np.nan)
    start = np.arange(1, steps * length, length)
    windows = np.stack([start, start + length - 1], axis=1)
    abroad = split_evenly(imported, length)
    for p, path in enumerate(paths):
        try:
            cases, begin = daily(path, weights, imported, length=length)
        except MethodError:  # no week can be told, of this past
            continue
        told = windows[windows[:, 0] >= begin]
        shape, scale = rt.posterior(cases, weights, abroad, told, 5.0, 5.0)
        drawn = rng.gamma(shape[0][:, None], scale[0][:, None], (len(told), each))
        out[steps - len(told) :, p * each : (p + 1) * each] = np.log(np.maximum(drawn, 1e-12))
    lost = np.isnan(out).any(axis=1)
    out[lost] = np.nan
    return out
