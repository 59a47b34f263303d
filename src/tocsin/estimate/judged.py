"""Nowcasts judged by what came: replayed as of past steps, beside what was reported and a plain chain ladder. Pure.

Shapes: S strata, T reference steps, D + 1 delays, H ages (0 = newest), Q levels. An as-of step is judged once all of
its D delays have come; nothing reported after it is shown to the nowcast.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tocsin.errors import MethodError
from tocsin.estimate import delay, nowcast, scores
from tocsin.types import Floats

GROUPS = (1, 2, 3, 4, 7, 14, 21, 28)  # ages put together in a table: 0, 1, 2, 3, 4-6, 7-13, 14-20, 21-27, 28 and more


class Judged(NamedTuple):
    """As of step `step`: truth, reported and plain ladder (S, H), quantiles (S, H, Q) at `nowcast.LEVELS`."""

    step: int
    truth: Floats
    reported: Floats
    ladder: Floats
    quantiles: Floats


class Row(NamedTuple):
    """Mean scores of `n` nowcasts of ages `first` to `last`; WIS of a point is its absolute error.

    wis, covered50, covered95 and bias (−1 all too low … 1 all too high) are of the quantiles, `median_error` the
    median's absolute error and `shift` its mean error over the mean truth; reported and ladder are absolute errors.
    """

    first: int
    last: int
    n: int
    truth: float
    wis: float
    median_error: float
    covered50: float
    covered95: float
    bias: float
    shift: float
    reported: float
    ladder: float


def as_of(counts: Floats, step: int) -> Floats:
    """The triangle (S, step + 1, D + 1) as it stood at a step, NaN where not yet due."""
    seen = counts[:, : step + 1].copy()
    seen[:, np.add.outer(np.arange(step + 1), np.arange(counts.shape[2])) > step] = np.nan
    return seen


def steps_to_judge(steps: int, size: int, window: int = 1, every: int = 1) -> range:
    """As-of steps whose D delays have all come, of T `steps` and `size` = D + 1, after two lengths of the delay."""
    return range(max(2 * size, window + 1), steps - size + 1, every)


def judge(
    counts: Floats,
    step: int,
    *,
    weekday: int | None = None,
    step_days: float = 1.0,
    window: int = 1,
    draws: int = 1000,
    seed: int = 0,
    total: bool = False,
) -> Judged:
    """Nowcast a triangle (S, T, D + 1) as of `step`, and see. The seed and the step settle the draws.

    `window` sums over so many steps, `total` adds the sum over strata as the last stratum; `weekday` and `step_days` as
    `nowcast.nowcast` takes them. MethodError if the truth of that step has not all come.
    """
    size = counts.shape[2]
    if not window < step + 1 <= counts.shape[1] - size + 1:
        raise MethodError(f"as of step {step}: the delays of {size - 1} steps have not all come, or it is too early")
    seen = as_of(counts, step)
    rng = np.random.default_rng([seed, step])
    found = nowcast.nowcast(seen, rng, weekday=weekday, step_days=step_days, draws=draws)
    drawn = nowcast.windowed(found, seen, window)
    ages = drawn.shape[1]
    sides = [counts[:, : step + 1].sum(axis=2), np.nansum(seen, axis=2), chain_ladder(seen)]
    truth, reported, ladder = (_windows(side, window)[:, :ages] for side in sides)
    if total:
        drawn, truth, reported, ladder = (
            np.concatenate([x, x.sum(axis=0, keepdims=True)]) for x in (drawn, truth, reported, ladder)
        )
    quantiles = np.moveaxis(np.quantile(drawn, nowcast.LEVELS, axis=-1), 0, -1)
    return Judged(step, truth, reported, ladder, quantiles)


def replay(
    triangle: Floats, steps: Sequence[int], *, weekday: int | None = None, step_days: float = 1.0, window: int = 1
) -> Iterator[Judged]:
    """`judge` as of each of `steps`, for a triangle (S, T, D + 1) with all its cells that are due."""
    counts = delay.checked(triangle)
    for step in steps:
        yield judge(counts, step, weekday=weekday, step_days=step_days, window=window)


def newest(found: Judged, ages: int | None) -> Judged:
    """The same, of the newest `ages` only; of all if None."""
    return Judged(found.step, *(part[:, :ages] for part in found[1:]))


def chain_ladder(seen: Floats) -> Floats:
    """Final counts (S, T) by ratios of all history alike, without weekday, trend or memory: what a spreadsheet does."""
    steps, size = seen.shape[1:]
    known = np.cumsum(np.nan_to_num(seen), axis=2)
    grow = np.ones((len(seen), size))
    for d in range(1, min(size, steps)):
        before = known[:, : steps - d, d - 1].sum(axis=1)
        after = known[:, : steps - d, d].sum(axis=1)
        grow[:, d] = np.divide(after, before, out=np.ones(len(seen)), where=before > 0)
    still = np.cumprod(grow[:, ::-1], axis=1)[:, ::-1]  # product of the factors from a delay on
    ahead = np.concatenate([still[:, 1:], np.ones((len(seen), 1))], axis=1)
    age = np.minimum(np.arange(steps)[::-1], size - 1)
    return np.asarray(known[:, np.arange(steps), age] * ahead[:, age])


def summary(found: Sequence[Judged], groups: Sequence[int] = GROUPS) -> list[Row]:
    """Scores of all nowcasts by groups of ages, and over all of them as the last row; each nowcast counts alike."""
    if not found:
        raise MethodError("no as-of step to judge: more history is needed than the longest delay, twice over")
    return [_row(found, low, high) for low, high in _bounds(found, groups)] + [_row(found, 0, None)]


def _bounds(found: Sequence[Judged], groups: Sequence[int]) -> list[tuple[int, int]]:
    ages = max(f.truth.shape[1] for f in found)
    edges = [0, *(g for g in groups if g < ages), ages]
    return [(low, high - 1) for low, high in pairwise(edges)]


def _row(found: Sequence[Judged], low: int, high: int | None) -> Row:
    ages = slice(low, None if high is None else high + 1)
    truth, reported, ladder = (np.concatenate([getattr(f, part)[:, ages].ravel() for f in found])
                               for part in ("truth", "reported", "ladder"))  # fmt: skip
    quantiles = np.concatenate([f.quantiles[:, ages].reshape(-1, f.quantiles.shape[2]) for f in found])
    levels = nowcast.LEVELS
    median = quantiles[:, int(np.argmin(np.abs(levels - 0.5)))]
    return Row(
        first=low,
        last=max(f.truth.shape[1] for f in found) - 1 if high is None else high,
        n=truth.size,
        truth=float(truth.mean()),
        wis=float(scores.wis(quantiles, levels, truth).mean()),
        median_error=float(np.abs(median - truth).mean()),
        covered50=float(scores.covered(quantiles, levels, truth, 0.5).mean()),
        covered95=float(scores.covered(quantiles, levels, truth, 0.95).mean()),
        bias=float(scores.bias(quantiles, levels, truth).mean()),
        shift=float((median - truth).sum() / max(truth.sum(), 1e-9)),
        reported=float(np.abs(reported - truth).mean()),
        ladder=float(np.abs(ladder - truth).mean()),
    )


def _windows(by_step: Floats, window: int) -> Floats:
    """Sums (S, T − window + 1) over `window` steps ending at each age, newest first."""
    total = np.cumsum(np.concatenate([np.zeros_like(by_step[:, :1]), by_step[:, ::-1]], axis=1), axis=1)
    sums: Floats = total[:, window:] - total[:, :-window]
    return sums
