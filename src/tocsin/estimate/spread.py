"""How wrong nowcasts are: spread by age learnt from past errors, what ties errors together, and draws. Pure.

Shapes as in `nowcast`: S strata, T reference steps, A as-of steps, H ages, M draws.
"""

import numpy as np
from numpy.typing import NDArray

from tocsin.types import Floats

Singles = NDArray[np.float32]

ERROR_HALF_LIFE = 42.0  # steps
OPEN = 0.15  # a past nowcast is judged once no more than this share of what it had to guess is still open
TAIL = 5.0  # degrees of freedom of the shocks
LEARNING = 7  # steps seen beyond the longest delay before errors count
LINK_WIDTH, LINK_PRIOR = 0.3, 2.0  # of ages, in logarithms; errors' worth of belief in no correlation
PRIOR_SIGMA, PRIOR_WORTH = 0.25, 2.0  # spread of the cases to come before any error is seen, and its worth in errors
NORMAL = 0.81  # mean of heed · z² of a standard normal z: what the tails' discount leaves of chance that has no tails


def aligned(counts: Floats, known: Floats, mean: Floats) -> Floats:
    """What came of each replayed nowcast (S, A, H) as the newest nowcast has it; NaN until OPEN of it is still open."""
    keep, size = mean.shape[1:]
    steps = counts.shape[1]
    ages = min(size, steps)
    truth = counts.sum(axis=2)
    truth[:, steps - ages :] = mean[:, -1, :ages][:, ::-1]
    still_open = np.zeros(size + keep)
    newest = mean[:, -1, :ages]
    still_open[:ages] = np.abs(newest - known[:, -1, :ages]).sum(axis=0) / np.maximum(newest.sum(axis=0), 1e-9)
    still_open = np.maximum.accumulate(still_open[::-1])[::-1]
    step = np.arange(steps - keep, steps)[:, None] - np.arange(size)
    closed = still_open[steps - 1 - step] <= OPEN * still_open[:size]
    return np.where((step >= 0) & closed, truth[:, np.maximum(step, 0)], np.nan)


def share_noise(counts: Floats, known: Floats, mean: Floats) -> Floats:
    """Relative variance (H,) of known / share about the truth beyond Poisson noise, all strata together."""
    error = aligned(counts, known, mean) - mean
    used = np.isfinite(error) & (known > 0)
    spread = np.maximum(mean, 0) ** 2 / np.maximum(known, 1)  # Var of known/share given the truth, Poisson part
    excess = np.where(used, (error**2 - spread) / np.maximum(mean, 1), 0).sum(axis=(0, 1))
    base = np.where(used, mean**2 / np.maximum(mean, 1), 0).sum(axis=(0, 1))
    raw = (excess + 0.1**2 * 20) / (base + 20)
    return np.asarray(np.maximum(raw, 0.03**2))


def stray(known: Floats, share: Floats, motion: Floats, factor: Floats, first: int) -> Floats:
    """Relative variance (H,) of the cases in motion at each age, by how far single deliveries strayed.

    Mack's process variance, all strata together, delays independent: too little where late reports come in waves, but
    known at once, when errors of whole nowcasts still wait for their truth. `factor` (S, A, D + 1, L); `first`: the
    weekday of the first as-of step.
    """
    before = known[:, :-1, :-1]
    keep, size = before.shape[1:]
    day = (np.arange(keep)[:, None] - np.arange(size) + first) % factor.shape[3]
    expected = np.take_along_axis(factor[:, :-1, 1:], day[None, :, :, None], axis=3)[..., 0]
    used = np.isfinite(before) & (before > 0)
    base, expected = np.where(used, before, 0), np.where(used, expected, 0)
    due = np.abs(base * expected)
    error = np.where(used, known[:, 1:, 1:] - before, 0) - base * expected
    weight = used * 0.5 ** (np.arange(keep)[::-1, None] / ERROR_HALF_LIFE)
    low = (weight * base).sum(axis=(0, 1))
    square = np.zeros(size)
    for _ in range(4):
        heed = (TAIL + 1) / (TAIL + error**2 / (due + square * base**2 + 1e-9))
        top = (weight * (heed * error**2 - NORMAL * due) / np.maximum(base, 1)).sum(axis=(0, 1))
        square = np.maximum(top / np.maximum(low, 1e-9), 0)
    told = np.nanmean(share, axis=(0, 1))
    ahead = np.append(np.cumsum((square * told[:-1] ** 2)[::-1])[::-1], 0)
    gross = np.nanmean(motion * share, axis=(0, 1))
    return np.asarray(ahead / np.maximum(gross, 1e-2) ** 2)


def errors(counts: Floats, known: Floats, mean: Floats, gross: Floats) -> tuple[Floats, Floats]:
    """Errors (S, A, H) of past nowcasts, 0 where not known, and their weights (A, H)."""
    error = aligned(counts, known, mean) - mean
    steps, size = counts.shape[1:]
    keep = mean.shape[1]
    judged = np.isfinite(error).all(axis=0) & np.isfinite(gross).all(axis=0)
    judged &= np.arange(steps - keep, steps)[:, None] >= size + LEARNING  # before that, no delay was seen in full
    fade = 0.5 ** (np.arange(keep)[::-1] / ERROR_HALF_LIFE)
    return np.where(judged, np.nan_to_num(error), 0), judged * fade[:, None]


def sigma(error: Floats, gross: Floats, weight: Floats, steps: int, strayed: Floats) -> Floats:
    """σ (S, H) with E error² = G + σ²G²: moments, smoothed over neighbouring ages, strata drawn to their pool.

    `steps` T of history: the prior is wider while few steps have shown the longest delays, and never below `strayed`.
    The pool is never below the σ of the sum over strata: no sum errs by more than its parts together, and where each
    part has few cases, only the sum shows it.
    """
    g = np.maximum(np.nan_to_num(gross), 0.5)
    age = np.log1p(np.arange(g.shape[2]))
    near = np.exp(-np.abs(age[:, None] - age) / 0.15)
    worth = (weight @ near).sum(axis=0) / near.sum(axis=0) / 7  # a week's errors are about one
    base = (weight * g).sum(axis=1) @ near  # weights 1/G: between a ratio of means and a mean of ratios
    typical = base / np.maximum(weight.sum(axis=0) @ near, 1e-6)
    belief = worth * typical / (typical + 10)  # few cases say little about σ
    prior = np.maximum(PRIOR_SIGMA**2 * steps / (steps - g.shape[2] + 1), strayed)
    square = np.repeat(prior[None], len(g), axis=0)
    least = np.zeros_like(prior)
    if len(g) > 1:
        all_ = sigma(error.sum(axis=0, keepdims=True), gross.sum(axis=0, keepdims=True), weight, steps, strayed)
        least = all_[0] ** 2
    for _ in range(8):
        variance = g + square[:, None] * g**2
        heed = (TAIL + 1) / (TAIL + error**2 / variance)  # Student t: a freak counts once, not for months
        excess = (weight * (heed * error**2 - NORMAL * g) / g).sum(axis=1) @ near
        pool = np.maximum(excess.sum(axis=0) / np.maximum(base.sum(axis=0), 1e-6), 0)
        pool = np.maximum((worth * pool + PRIOR_WORTH * prior) / (worth + PRIOR_WORTH), least)
        own = np.maximum(excess / np.maximum(base, 1e-6), 0)
        square = (belief * own + PRIOR_WORTH * pool) / (belief + PRIOR_WORTH)
    return np.asarray(np.sqrt(square))


def links(error: Floats, gross: Floats, sigma: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Correlation of shocks by age, each (H,): lasting over ages, from one age to the next, and between strata.

    Errors of different steps or strata share no Poisson noise, so their products measure the shocks alone. Errors are
    cut at two standard deviations, so that one freak does not tie everything together.
    """
    g = np.maximum(np.nan_to_num(gross), 0.5)
    spread = np.sqrt(g + (g * sigma[:, None]) ** 2)
    part = g * sigma[:, None] / spread  # of a standard deviation that is shock
    z = np.clip(error / spread, -2, 2)
    unit = (weight * z**2).sum() / max(len(z) * weight.sum(), 1e-9) + 0.05
    ages = z.shape[2]

    def drawn(top: Floats, low: Floats, at: Floats) -> Floats:
        near = np.exp(-np.abs(np.log1p(np.arange(ages))[:, None] - at) / LINK_WIDTH)
        return np.asarray(np.clip(near @ top / (unit * (near @ low) + LINK_PRIOR), 0, 0.98))

    def over(lag: int) -> Floats:
        """By age: the mean over pairs `lag` apart whose middle is near."""
        if lag < 1:
            return np.zeros(ages)
        old, new = slice(lag, None), slice(None, ages - lag)
        w = weight[:, old] * (weight[:, new] > 0) * part[..., old] * part[..., new]
        top, low = (
            (w * z[..., old] * z[..., new]).sum(axis=(0, 1)),
            (w * part[..., old] * part[..., new]).sum(axis=(0, 1)),
        )
        middle = np.log1p(np.arange(ages - lag) + lag / 2)
        return drawn(top, low, middle)

    far = over(min(7, ages - 1))
    one = np.maximum(over(min(1, ages - 1)), far)
    both, most = part * z, part**2
    cross = (weight * (both.sum(axis=0) ** 2 - (both**2).sum(axis=0))).sum(axis=0)
    room = (weight * (most.sum(axis=0) ** 2 - (most**2).sum(axis=0))).sum(axis=0)
    between = drawn(cross, room, np.log1p(np.arange(ages)))
    return far, (one - far) / (1 - far), between


def draw(
    known: Floats,
    mean: Floats,
    gross: Floats,
    sigma: Floats,
    linked: tuple[Floats, Floats, Floats],
    signed: bool,
    draws: int,
    rng: np.random.Generator,
) -> Floats:
    """Draws (S, H, M) of final counts, from the state as of now (S, H)."""
    lasting, step, between = linked
    strata, ages = mean.shape
    shock = _shocks(rng, strata, ages, draws, lasting, step)
    shock *= np.sqrt(1 - between).astype(np.float32)[:, None]
    shock += np.sqrt(between).astype(np.float32)[:, None] * _shocks(rng, 1, ages, draws, lasting, step)
    shock *= np.sqrt(TAIL / rng.chisquare(TAIL, draws)).astype(np.float32)  # an odd time is odd for all
    np.clip(shock, -5, 5, out=shock)
    to_come = mean - known
    if signed:
        wide = np.sqrt(gross)[..., None] * rng.standard_normal(shock.shape) + (gross * sigma)[..., None] * shock
        return np.maximum(mean[..., None] + wide, 0)
    log_sd = np.sqrt(np.log1p(sigma**2))
    shock *= log_sd.astype(np.float32)[..., None]
    shock -= (log_sd**2 / 2).astype(np.float32)[..., None]
    rate = np.exp(shock, out=shock) * np.maximum(to_come, 0)[..., None]
    return known[..., None] + rng.poisson(rate)


def _shocks(rng: np.random.Generator, rows: int, ages: int, draws: int, lasting: Floats, step: Floats) -> Singles:
    """Standard normals (rows, ages, draws): by age, a share (ages,) that lasts, the rest handed from age to age."""
    chance = rng.standard_normal((rows, ages, draws), dtype=np.float32)
    for age in range(1, ages):
        kept = np.sqrt(step[age] * step[age - 1])
        chance[:, age] *= np.float32(np.sqrt(1 - kept**2))
        chance[:, age] += np.float32(kept) * chance[:, age - 1]
    chance *= np.sqrt(1 - lasting).astype(np.float32)[:, None]
    chance += np.sqrt(lasting).astype(np.float32)[:, None] * rng.standard_normal((rows, 1, draws), dtype=np.float32)
    return chance
