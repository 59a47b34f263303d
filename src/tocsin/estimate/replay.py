"""What a nowcast would have said as of each past step, and as of now: the chain ladder, then the local trend. Pure.

Shapes as in `nowcast`: S strata, T reference steps, D + 1 delays, A as-of steps, H = D + 1 ages, L = period of
weekdays.
"""

import numba as nb
import numpy as np

from tocsin.types import Floats

USUAL = 10.0  # cases: none where surely more than so many were due is a delivery that failed, and says nothing
WEEKS = 2.0  # weeks' worth of belief that days of the week are alike
ROOM = 28  # steps the filter is given to settle before the oldest open step


def corrections(counts: Floats, keep: int, fade: float) -> Floats:
    """Share by which counts shrink in each delay (A, D + 1), all strata together: fading Σ lost / Σ known."""
    steps, size = counts.shape[1:]
    lost, base = np.maximum(-counts, 0).sum(axis=0), np.maximum(np.cumsum(counts, axis=2), 0).sum(axis=0)
    out = np.zeros((keep, size))
    if not (counts < 0).any():
        return out
    come, due = np.zeros(size), np.zeros(size)
    for a in range(steps):
        d = np.arange(1, min(size, a + 1))
        come[d] = fade * come[d] + lost[a - d, d]
        due[d] = fade * due[d] + base[a - d, d - 1]
        if a >= steps - keep:
            out[a - steps + keep] = np.divide(come, due, out=np.zeros(size), where=due > 0)
    return out


def ladder(counts: Floats, factor: Floats, down: Floats, weekday: int) -> tuple[Floats, Floats, Floats]:
    """known, share known by then, cases in motion per known case (S, A, H), by factors (S, A, D + 1, L).

    NaN before the first step. `down` (A, D + 1) as `corrections` gives it; `weekday` of the first step, any number for
    L = 1.
    """
    so_far = np.cumsum(counts, axis=2)
    each = [_ladder(c, f, down, weekday) for c, f in zip(so_far, factor, strict=True)]
    known, share, motion = (np.stack(part) for part in zip(*each, strict=True))
    return known, share, motion


@nb.njit(cache=True)
def _ladder(so_far: Floats, factor: Floats, down: Floats, weekday: int) -> tuple[Floats, Floats, Floats]:
    steps, size = so_far.shape
    keep, period = factor.shape[0], factor.shape[2]
    known, share, motion = np.full((keep, size), np.nan), np.full((keep, size), np.nan), np.full((keep, size), np.nan)
    for k in range(keep):
        a = steps - keep + k
        for age in range(min(size, a + 1)):
            w = (a - age + weekday) % period
            grow, lost = 1.0, 0.0
            for d in range(age + 1, size):
                lost += grow * down[k, d]
                grow *= 1 + factor[k, d, w]
            grow = max(grow, 0.2)  # corrections beyond four fifths are a broken feed, not a delay
            known[k, age] = so_far[a - age, age]
            share[k, age] = 1 / grow
            motion[k, age] = abs(grow - 1) + 2 * lost
    return known, share, motion


def with_trend(
    final: Floats,
    known: Floats,
    share: Floats,
    motion: Floats,
    noise: Floats,
    variance: Floats,
    weekday: int,
    period: int,
) -> tuple[Floats, Floats]:
    """Mean final counts, and cases still in motion, (S, A, H), of the ladder and the local trend together.

    final (S, T) is what is reported by now, used only for steps older than D, when it was complete. `noise` (H,):
    relative variance of known/share; `variance` (2,): of the level and of the slope of log incidence, per step.
    """
    mean, gross = known / share, known * motion
    for f, k, s, m, at, still in zip(final, known, share, motion, mean, gross, strict=True):
        _with_trend(f, k, s, m, noise, variance, weekday, period, at, still)
    return mean, gross


@nb.njit(cache=True)
def _with_trend(
    final: Floats,
    known: Floats,
    share: Floats,
    motion: Floats,
    noise: Floats,
    variance: Floats,
    weekday: int,
    period: int,
    mean: Floats,
    gross: Floats,
) -> None:
    """Put what the trend expects into mean and gross (A, H), which hold what the ladder alone does."""
    keep, steps = known.shape[0], final.shape[0]
    effect, total, base, weeks = np.ones(7), np.full(7, 20.0), np.full(7, 20.0), np.zeros(1)
    for k in range(keep):
        a = steps - keep + k
        if period > 1:
            _weekday_effect(final, mean[k], a, weekday, effect, total, base, weeks, k == 0)
        _lean(final, a, known[k], share[k], motion[k], weekday, period, effect, noise, variance, mean[k], gross[k])


@nb.njit(cache=True)
def _weekday_effect(
    final: Floats,
    mean: Floats,
    a: int,
    weekday: int,
    effect: Floats,
    total: Floats,
    base: Floats,
    weeks: Floats,
    first: bool,
) -> None:
    """Update what a reference weekday has of its week, from steps about ten days old (the first time, 16 weeks)."""
    size = mean.shape[0]
    for back in range(112 if first else 1, 0, -1):
        middle = a - 9 - back
        if middle < 3:
            continue
        week, own = 0.0, 0.0
        for t in range(middle - 3, middle + 4):
            value = mean[a - t] if a - t < size else final[t]
            week += value / 7
            if t == middle:
                own = value
        w = (middle + weekday) % 7
        for i in range(7):  # by hand: arithmetic on whole arrays takes seconds to compile
            total[i] *= 0.99
            base[i] *= 0.99
        total[w] += max(own, 0.0)
        base[w] += max(week, 0.0)
        weeks[0] = 0.99 * weeks[0] + 1 / 7
    sum_, usual = 0.0, base.mean() / max(weeks[0], 1.0)
    for w in range(7):
        effect[w] = (total[w] + WEEKS * usual + 1) / (base[w] + WEEKS * usual + 1)
        sum_ += effect[w] / 7
    for w in range(7):
        effect[w] /= sum_


@nb.njit(cache=True)
def _lean(
    final: Floats,
    a: int,
    known: Floats,
    share: Floats,
    motion: Floats,
    weekday: int,
    period: int,
    effect: Floats,
    noise: Floats,
    variance: Floats,
    mean: Floats,
    gross: Floats,
) -> None:
    """Filter log incidence up to step a and put what it expects to come into mean and gross (H,)."""
    size = known.shape[0]
    level, slope = np.nan, 0.0
    v11, v12, v22 = 4.0, 0.0, 50 * variance[1]
    for t in range(max(0, a - size - ROOM), a + 1):
        age = a - t
        w = (t + weekday) % 7 if period > 1 else 0
        inside = age < size
        c = max(known[age] if inside else final[t], 0.0)
        x = min(share[age], 1.5) * effect[w] if inside else effect[w]
        if np.isnan(level):
            level = np.log((c + 0.5) / x)
        else:
            level += slope
            v11, v12, v22 = v11 + 2 * v12 + v22 + variance[0], v12 + v22, v22 + variance[1]
        failed = inside and c <= 0 and x * np.exp(level - 2 * np.sqrt(v11)) > USUAL
        step, kept = (0.0, 1.0) if failed else _mode(level, v11, c, x, noise[min(age, size - 1)])
        slope += v12 / v11 * step
        level += step
        v22 -= (1 - kept) * v12 * v12 / v11
        v12 *= kept
        v11 *= kept
        if inside:
            incidence = np.exp(level) * effect[w]
            to_come = 1.0 if failed else 1 - share[age]
            mean[age] = known[age] + to_come * incidence
            gross[age] = incidence * max(motion[age] * share[age], abs(to_come))


@nb.njit(cache=True)
def _mode(level: float, v: float, c: float, x: float, noise: float) -> tuple[float, float]:
    """How far a count c ~ Poisson(x·e^level), x uncertain by `noise`, moves the level; and the variance kept."""
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
