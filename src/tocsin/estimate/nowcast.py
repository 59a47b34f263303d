"""How many there will have been: chain ladder and local trend together, its spread learnt from its own past errors. Pure.

Shapes: S strata, T reference steps, D + 1 delays, A past as-of steps, H = D + 1 ages of a reference step (0 = newest),
M draws. Three moves, none of them iterative:

1. Each step's final count is judged twice: by what is known of it, divided by the share usually known by then
   (`delay.factors`), and by the trend of the steps before. A Kalman filter on log incidence with Poisson counts weighs
   them (local linear trend; West & Harrison 1997, ch. 14): early counts with few cases lean on the trend.
2. The same is done as of each past step, with what was known then. Where the truth is known by now, the errors tell how
   wrong nowcasts of that age are: variance G + σ²G², G the cases still to come (quasi-Poisson plus common error).
3. Draws: a log-normal shock of that σ, correlated over neighbouring ages and over strata as the errors were, times a
   Poisson. With net corrections in the data, which may go down, a normal of the same variance instead.
"""

from dataclasses import dataclass

import numba as nb
import numpy as np

from tocsin.estimate import delay
from tocsin.types import Floats

LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])
PAST = 84  # as-of steps replayed
ERROR_HALF_LIFE = 42.0
RIPE = 0.95  # a step is truth enough for judging past nowcasts once this share is known
LEVEL_VARIANCE, SLOPE_VARIANCE = 1e-3, 1e-4  # of log incidence per day, and of its daily growth per day
LEARNING = 7  # steps seen beyond the longest delay before errors count
PRIOR_SIGMA, PRIOR_WORTH = 0.3, 3.0  # spread of the cases to come before any error is seen, and its worth in errors


@dataclass(frozen=True, slots=True)
class Nowcast:
    """known, mean (S, H) and draws (S, H, M) of final counts by age; sigma (S, H); `past` the replayed means (S, A, H)."""

    known: Floats
    mean: Floats
    sigma: Floats
    draws: Floats
    past: Floats

    def quantiles(self, levels: Floats = LEVELS) -> Floats:
        """Quantiles of the draws, (S, H, Q)."""
        return np.moveaxis(np.quantile(self.draws, levels, axis=-1), 0, -1)


def nowcast(
    triangle: Floats,
    rng: np.random.Generator,
    *,
    weekday: int | None = None,
    step_days: float = 1.0,
    draws: int = 1000,
) -> Nowcast:
    """Nowcast the last D + 1 steps of a triangle (S, T, D + 1) or (T, D + 1), as of its last step.

    Cells not yet due (t + d ≥ T) are not looked at. `weekday` of the first step (Monday 0) for daily steps, else None.
    Raises MethodError if a due cell is missing.
    """
    counts = delay.checked(triangle)
    steps, size = counts.shape[1:]
    keep = min(PAST, steps)
    factor = delay.factors(counts, weekday=weekday, keep=keep, step_days=step_days)
    down = _corrections(counts, keep, delay.memory(step_days)[0])
    day = -1 if weekday is None else weekday
    variance = np.array([LEVEL_VARIANCE * step_days, SLOPE_VARIANCE * step_days**3])
    plain = np.zeros(size)
    first = [_replay(c, f, d, day, plain, variance, False) for c, f, d in zip(counts, factor, down, strict=True)]
    noise = _share_noise(counts, first)
    both = [_replay(c, f, d, day, noise, variance, True) for c, f, d in zip(counts, factor, down, strict=True)]
    known, mean, gross = (np.stack([b[i] for b in both]) for i in range(3))
    error, weight = _errors(counts, mean, gross)
    sigma = _sigma(error, gross, weight)
    signed = bool((counts < 0).any())
    links = _links(error, gross, sigma, weight)
    drawn = _draw(known[:, -1], mean[:, -1], gross[:, -1], sigma, links, signed, draws, rng)
    return Nowcast(known[:, -1], mean[:, -1], sigma, drawn, mean)


def windowed(found: Nowcast, triangle: Floats, window: int) -> Floats:
    """Draws (S, H, M) of sums over `window` steps ending at each age; steps older than D are as reported."""
    counts = delay.checked(triangle)
    steps, size = counts.shape[1:]
    ages = min(size + window - 1, steps)
    total = counts.sum(axis=2)[:, ::-1][:, :ages]  # by age
    full = np.repeat(total[:, :, None], found.draws.shape[2], axis=2)
    full[:, :size] = found.draws[:, :ages]
    summed = np.cumsum(np.concatenate([np.zeros_like(full[:, :1]), full], axis=1), axis=1)
    width = min(size, ages - window + 1)
    out: Floats = summed[:, window : window + width] - summed[:, :width]
    return out


def _corrections(counts: Floats, keep: int, fade: float) -> Floats:
    """Share by which counts shrink in each delay (S, A, D + 1), all strata together: fading Σ lost / Σ known."""
    steps, size = counts.shape[1:]
    lost, base = np.maximum(-counts, 0).sum(axis=0), np.maximum(np.cumsum(counts, axis=2), 0).sum(axis=0)
    out = np.zeros((keep, size))
    come, due = np.zeros(size), np.zeros(size)
    for a in range(steps):
        d = np.arange(1, min(size, a + 1))
        come[d] = fade * come[d] + lost[a - d, d]
        due[d] = fade * due[d] + base[a - d, d - 1]
        if a >= steps - keep:
            out[a - steps + keep] = np.divide(come, due, out=np.zeros(size), where=due > 0)
    return np.broadcast_to(out, (counts.shape[0], keep, size))


@nb.njit(cache=True)
def _replay(
    n: Floats, factor: Floats, down: Floats, weekday: int, noise: Floats, variance: Floats, trend: bool
) -> tuple[Floats, Floats, Floats]:
    """known, mean and gross cases to come (A, H) as of the last A steps of one stratum's counts (T, D + 1)."""
    steps, size = n.shape
    keep, period = factor.shape[0], factor.shape[2]
    known, mean, gross = np.full((keep, size), np.nan), np.full((keep, size), np.nan), np.full((keep, size), np.nan)
    share = np.ones(size)
    effect = np.ones(7)
    effect_sum, effect_base = np.full(7, 20.0), np.full(7, 20.0)
    for k in range(keep):
        a = steps - keep + k
        for age in range(min(size, a + 1)):
            t = a - age
            w = (t + weekday) % period if period > 1 else 0
            so_far = 0.0
            for d in range(age + 1):
                so_far += n[t, d]
            grow, lost = 1.0, 0.0
            for d in range(age + 1, size):
                lost += grow * down[k, d]
                grow *= 1 + factor[k, d, w]
            grow = max(grow, 0.2)
            known[k, age] = so_far
            share[age] = 1 / grow
            mean[k, age] = so_far * grow
            gross[k, age] = so_far * (abs(grow - 1) + 2 * lost)
        if trend:
            if period > 1:
                _weekday_effect(n, mean[k], a, weekday, effect, effect_sum, effect_base, k == 0)
            _lean_on_trend(n, a, known[k], share, weekday, period, effect, noise, variance, mean[k], gross[k])
    return known, mean, gross


@nb.njit(cache=True)
def _weekday_effect(
    n: Floats, mean: Floats, a: int, weekday: int, effect: Floats, total: Floats, base: Floats, first: bool
) -> None:
    """Update what a reference weekday has of its week, from steps about ten days old (the first time, 16 weeks)."""
    size = n.shape[1]
    for back in range(112 if first else 1, 0, -1):
        middle = a - 9 - back
        if middle < 3:
            continue
        week, own = 0.0, 0.0
        for t in range(middle - 3, middle + 4):
            value = mean[a - t] if a - t < size else n[t].sum()
            week += value / 7
            if t == middle:
                own = value
        w = (middle + weekday) % 7
        total *= 0.99
        base *= 0.99
        total[w] += max(own, 0.0)
        base[w] += max(week, 0.0)
    sum_ = 0.0
    for w in range(7):
        effect[w] = (total[w] + 1) / (base[w] + 1)
        sum_ += effect[w] / 7
    effect /= sum_


@nb.njit(cache=True)
def _lean_on_trend(
    n: Floats,
    a: int,
    known: Floats,
    share: Floats,
    weekday: int,
    period: int,
    effect: Floats,
    noise: Floats,
    variance: Floats,
    mean: Floats,
    gross: Floats,
) -> None:
    """Filter log incidence through the last 2D + 14 steps and put the mean of what is to come into mean and gross."""
    size = n.shape[1]
    level, slope = np.nan, 0.0
    v11, v12, v22 = 4.0, 0.0, 50 * variance[1]
    for t in range(max(0, a - 2 * size - 14), a + 1):
        age = a - t
        w = (t + weekday) % 7 if period > 1 else 0
        inside = age < size
        c = max(known[age] if inside else n[t].sum(), 0.0)
        x = min(share[age], 1.5) * effect[w] if inside else effect[w]
        if np.isnan(level):
            level = np.log((c + 0.5) / x)
        else:
            level += slope
            v11, v12, v22 = v11 + 2 * v12 + v22 + variance[0], v12 + v22, v22 + variance[1]
        step, kept = _mode(level, v11, c, x, noise[min(age, size - 1)])
        slope += v12 / v11 * step
        level += step
        v22 -= (1 - kept) * v12 * v12 / v11
        v12 *= kept
        v11 *= kept
        if inside:
            incidence = np.exp(level) * effect[w]
            ratio = gross[age] / known[age] * share[age] if known[age] > 0 else 1.0  # gross per final case
            mean[age] = known[age] + (1 - share[age]) * incidence
            gross[age] = incidence * max(ratio, abs(1 - share[age]))


@nb.njit(cache=True)
def _mode(level: float, v: float, c: float, x: float, noise: float) -> tuple[float, float]:
    """How far a count c ~ Poisson(x·e^level), its share uncertain by `noise`, moves the level; and the variance kept."""
    heed = 1 / (1 + noise * max(c, x * np.exp(level)))
    at = level
    for _ in range(8):
        mu = x * np.exp(at)
        move = ((at - level) / v - heed * (c - mu)) / (1 / v + heed * mu)
        move = min(max(move, -1.0), 1.0)
        at -= move
        if abs(move) < 1e-7:
            break
    return at - level, 1 / (1 + v * heed * x * np.exp(at))


def _ripe(counts: Floats, mean: Floats) -> Floats:
    """What the last D + A steps are taken for, by step (S, T): the newest nowcast; NaN where less than RIPE is known."""
    size = counts.shape[2]
    steps = counts.shape[1]
    truth = counts.sum(axis=2)
    ages = min(size, steps)
    latest = mean[:, -1, :ages]
    share = truth[:, ::-1][:, :ages].sum(axis=0) / np.maximum(latest.sum(axis=0), 1e-9)
    good = np.minimum.accumulate((np.abs(share - 1) <= 1 - RIPE)[::-1])[::-1]
    truth[:, steps - ages :] = np.where(good, latest, np.nan)[:, ::-1]
    return truth


def _aligned(counts: Floats, mean: Floats) -> Floats:
    """Truth (S, A, H) for every replayed nowcast, NaN where not ripe or before the data."""
    keep, size = mean.shape[1:]
    steps = counts.shape[1]
    step = np.arange(steps - keep, steps)[:, None] - np.arange(size)
    return np.where(step >= 0, _ripe(counts, mean)[:, np.maximum(step, 0)], np.nan)


def _share_noise(counts: Floats, plain: list[tuple[Floats, Floats, Floats]]) -> Floats:
    """Relative variance (H,) of known / share about the truth beyond Poisson noise, all strata together."""
    known, mean, gross = (np.stack([p[i] for p in plain]) for i in range(3))
    error = _aligned(counts, mean) - mean
    used = np.isfinite(error) & (known > 0)
    spread = np.maximum(mean, 0) ** 2 / np.maximum(known, 1)  # Var of known/share given the truth, Poisson part
    excess = np.where(used, (error**2 - spread) / np.maximum(mean, 1), 0).sum(axis=(0, 1))
    base = np.where(used, mean**2 / np.maximum(mean, 1), 0).sum(axis=(0, 1))
    raw = (excess + 0.1**2 * 20) / (base + 20)
    return np.maximum(raw, 0.03**2)


def _errors(counts: Floats, mean: Floats, gross: Floats) -> tuple[Floats, Floats]:
    """Errors (S, A, H) of past nowcasts, 0 where not known, and their weights (A, H)."""
    error = _aligned(counts, mean) - mean
    known = np.isfinite(error).all(axis=0) & np.isfinite(gross).all(axis=0)
    steps, size = counts.shape[1:]
    keep = mean.shape[1]
    known &= np.arange(steps - keep, steps)[:, None] >= size + LEARNING  # before that, no delay had been seen in full
    fade = 0.5 ** (np.arange(keep)[::-1] / ERROR_HALF_LIFE)
    return np.where(known, np.nan_to_num(error), 0), known * fade[:, None]


def _sigma(error: Floats, gross: Floats, weight: Floats) -> Floats:
    """σ (S, H) with E error² = G + σ²G²: moments, smoothed over neighbouring ages, strata drawn to their pool."""
    g = np.maximum(np.nan_to_num(gross), 0.5)
    excess = (weight * (error**2 - g) / g).sum(axis=1)  # (S, H), weights 1/G: between ratio of means and mean of ratios
    base = (weight * g).sum(axis=1)
    age = np.log1p(np.arange(g.shape[2]))
    near = np.exp(-np.abs(age[:, None] - age) / 0.15)
    excess, base = excess @ near, base @ near
    worth = (weight @ near).sum(axis=0) / near.sum(axis=0) / 7  # a week's errors are about one
    pool = excess.sum(axis=0) / np.maximum(base.sum(axis=0), 1e-6)
    pool = (worth * np.maximum(pool, 0) + PRIOR_WORTH * PRIOR_SIGMA**2) / (worth + PRIOR_WORTH)
    own = np.maximum(excess / np.maximum(base, 1e-6), 0)
    typical = base / np.maximum(weight.sum(axis=0) @ near, 1e-6)
    belief = worth * typical / (typical + 10)  # few cases say little about σ
    return np.sqrt((belief * own + PRIOR_WORTH * pool) / (belief + PRIOR_WORTH))


def _links(error: Floats, gross: Floats, sigma: Floats, weight: Floats) -> tuple[float, float, float]:
    """Correlation of shocks: lasting over ages, from one age to the next, and between strata.

    Errors of different steps or strata share no Poisson noise, so their products measure the shocks alone.
    """
    scale = np.nan_to_num(gross) * sigma[:, None]

    def product(lag: int) -> float:
        w = weight[:, lag:] * (weight[:, : weight.shape[1] - lag] > 0)
        ages = error.shape[2] - lag
        top = (w * error[..., lag:] * error[..., :ages] / np.maximum(scale[..., lag:] + scale[..., :ages], 1e-6)).sum()
        low = (w * scale[..., lag:] * scale[..., :ages] / np.maximum(scale[..., lag:] + scale[..., :ages], 1e-6)).sum()
        return float(np.clip((top + 0.3 * 0.05 * low) / max(1.05 * low, 1e-9), 0, 0.98))

    far = product(min(7, error.shape[2] - 1))
    one = max(product(1), far) if error.shape[2] > 1 else 0.0
    lasting = min(far, 0.95)
    step = (one - lasting) / (1 - lasting)
    total_error, total_scale = error.sum(axis=0), scale.sum(axis=0)
    cross = (weight * (total_error**2 - (error**2).sum(axis=0))).sum()
    most = (weight * (total_scale**2 - (scale**2).sum(axis=0))).sum()
    between = float(np.clip(cross / most, 0, 0.98)) if len(error) > 1 and most > 0 else 0.0
    return lasting, step, between


def _draw(
    known: Floats,
    mean: Floats,
    gross: Floats,
    sigma: Floats,
    links: tuple[float, float, float],
    signed: bool,
    draws: int,
    rng: np.random.Generator,
) -> Floats:
    lasting, step, between = links
    strata, ages = mean.shape
    chance = rng.standard_normal((strata + 1, ages + 1, draws))
    for age in range(2, ages + 1):  # age 0 holds the lasting part
        chance[:, age] = step * chance[:, age - 1] + np.sqrt(1 - step**2) * chance[:, age]
    shock = np.sqrt(lasting) * chance[:, :1] + np.sqrt(1 - lasting) * chance[:, 1:]
    shock = np.sqrt(between) * shock[:1] + np.sqrt(1 - between) * shock[1:]
    to_come = (mean - known)[..., None]
    if signed:
        spread = np.sqrt(gross)[..., None] * rng.standard_normal(shock.shape) + (gross * sigma)[..., None] * shock
        return np.maximum(known[..., None] + to_come + spread, 0)
    log_sd = np.sqrt(np.log1p(sigma**2))[..., None]
    rate = np.maximum(to_come, 0) * np.exp(log_sd * shock - log_sd**2 / 2)
    return known[..., None] + rng.poisson(rate)
