"""Which past steps a Farrington baseline rests on, and to which part of the year each belongs. Pure."""

from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin.calendar import DAY
from tocsin.types import Bools, Floats, Ints, Times

Rows = NDArray[np.int32]


class Windows(NamedTuple):
    """The baseline of each of H tested steps; padded to R rows, which count for nothing from `n` on.

    row (H, R) index into the series, ascending; level (H, R) part of the year, `levels` − 1 = the tested step's own;
    time (H, R) steps from the tested step to the row (negative); n (H,) rows in use, 0 = too little history.
    """

    row: Rows
    level: Rows
    time: Floats
    n: Ints
    levels: int


def windows(
    time: Times, start: int, *, step: int, b: int, w: int, no_periods: int, past: int, freq: int | None, even: bool
) -> Windows:
    """The baselines of steps `start`, …, T − 1 (Noufaily et al. 2013, section 3.2).

    Reference steps lie 1 … b years back: the same date (29 February becomes 1 March) and, for weeks, the nearest
    step with the same weekday; or, with `freq` given, every `freq` steps. A window is a reference step ± w. With
    `no_periods` p > 1 the gap between two windows is cut into p − 1 blocks as equal as can be, the longer ones first.
    The last `past` steps before the tested one are left out. Row times are in units of the first step's length, or, if
    `even` or without dates, in rows. No baseline unless all b windows are in the series.
    """
    past_steps = _minutes(time)
    tested = range(start, len(time))
    clock = np.arange(len(time), dtype=np.float64)
    if not even and freq is None and len(time) > 1:
        clock = past_steps / float(past_steps[1] - past_steps[0])
    chosen = [_baseline(_references(past_steps, t, step, b, freq), b, w, no_periods, past) for t in tested]
    widest = max((len(rows) for rows, _ in chosen), default=0)
    row = np.zeros((len(tested), widest), np.int32)
    level = np.zeros_like(row)
    for h, (rows, levels) in enumerate(chosen):
        row[h, : len(rows)] = rows
        level[h, : len(rows)] = levels
    n = np.array([len(rows) for rows, _ in chosen], np.int64)
    return Windows(row, level, clock[row] - clock[start:, None], n, no_periods)


def recent(y: Floats, start: int, steps: int) -> tuple[Floats, Bools]:
    """Sum (N, H) over the tested step and the `steps` − 1 before it, missing as 0; and whether any is missing."""
    from_ = max(start + 1 - steps, 0)
    near = y[:, from_:]
    gap = ~np.isfinite(near)
    total = np.cumsum(np.pad(np.where(gap, 0.0, near), ((0, 0), (1, 0))), axis=1)
    gaps = np.cumsum(np.pad(gap, ((0, 0), (1, 0))), axis=1)
    end = np.arange(start, y.shape[1]) + 1 - from_
    begin = np.maximum(end - steps, 0)
    return total[:, end] - total[:, begin], gaps[:, end] > gaps[:, begin]


def _minutes(time: Times) -> Ints:
    return time.astype("datetime64[m]").astype(np.int64)


def _references(minutes: Ints, t: int, step: int, b: int, freq: int | None) -> list[int]:
    """Positions of the reference steps, oldest first, the tested step last; those not in the series are left out."""
    if freq is not None:
        return [t - freq * j for j in range(b, -1, -1) if t >= freq * j]
    wanted = [_years_back(int(minutes[t]), j, step) for j in range(b, -1, -1)]
    at = np.searchsorted(minutes, wanted)
    return [int(i) for i, minute in zip(at, wanted, strict=True) if i < len(minutes) and minutes[i] == minute]


def _years_back(minute: int, years: int, step: int) -> int:
    day, of_day = divmod(minute, DAY)
    then = np.datetime64(day, "D").astype(datetime)
    try:
        back = then.replace(year=then.year - years)
    except ValueError:  # 29 February
        back = then.replace(year=then.year - years, month=3, day=1)
    found = int(np.datetime64(back, "D").astype(np.int64))
    if step == 7 * DAY:
        found += (day - found + 3) % 7 - 3
    return found * DAY + of_day


def _baseline(references: list[int], b: int, w: int, no_periods: int, past: int) -> tuple[Ints, Ints]:
    """Rows and their levels; none unless there are b references with windows in the series.

    The oldest window may lack its first step: published reference runs start there.
    """
    if len(references) <= b or references[0] + 1 < w:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    t = references[-1]
    level = np.full(t + w + 1, -1, np.int64)
    for before, after in pairwise(references):
        level[before + w + 1 : after - w] = _blocks(after - before - 2 * w - 1, no_periods)
    for r in references:
        level[max(r - w, 0) : r + w + 1] = no_periods - 1
    rows = np.flatnonzero(level[: max(t - past, 0)] >= 0)
    return rows, level[rows]


def _blocks(gap: int, no_periods: int) -> Ints:
    """Levels 0 … no_periods − 2 over `gap` steps; −1 (not used) when the year has one part only."""
    if gap <= 0 or no_periods == 1:
        return np.full(max(gap, 0), -1, np.int64)
    blocks = no_periods - 1
    size = np.full(blocks, gap // blocks) + (np.arange(blocks) < gap % blocks)
    return np.repeat(np.arange(blocks), size)
