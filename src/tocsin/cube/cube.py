"""Increments summed to counts as of a moment, rolled up to a level; what was not reported is not a zero. Pure."""

from typing import NamedTuple

import numpy as np

from tocsin.types import Bools, Floats, Instant, Ints, Kind, Times


class Columns(NamedTuple):
    """Increments of one signal side by side, in the order they were written; all (M,)."""

    area: Ints  # position in the area tree
    step: Ints  # civil minutes
    report_time: Ints
    value: Floats
    n: Ints
    imported: Bools  # imported = yes


def joined(one: Columns, other: Columns) -> Columns:
    """The rows of both."""
    return Columns(*(np.concatenate(pair) for pair in zip(one, other, strict=True)))


def known(rows: Columns, as_of: Instant, first: int, last: int) -> Columns:
    """The rows reported by `as_of` whose step lies in first..last (civil minutes, both in)."""
    return taken(rows, (rows.report_time <= as_of) & (rows.step >= first) & (rows.step <= last))


def taken(rows: Columns, which: Bools | Ints) -> Columns:
    """Some of the rows, by mask or by position."""
    area, step, report, value, n, imported = rows
    return Columns(area[which], step[which], report[which], value[which], n[which], imported[which])


def settled(rows: Columns, as_of: Instant, ends: Ints) -> Columns:
    """The same for every moment from `as_of` on, and at each of `ends` (moments, ascending), in fewer rows.

    What was known by then is one row for each cell, value and span from one end to the next, of its last report in it.
    """
    before = rows.report_time <= as_of
    if not before.any():
        return rows
    old = taken(rows, before)
    span = np.searchsorted(ends, old.report_time)
    order = np.lexsort((old.report_time, span, old.imported, old.value, old.step, old.area))
    old, span = taken(old, order), span[order]
    differs = span[1:] != span[:-1]
    differs |= (old.area[1:] != old.area[:-1]) | (old.step[1:] != old.step[:-1])
    differs |= (old.value[1:] != old.value[:-1]) | (old.imported[1:] != old.imported[:-1])
    starts = np.flatnonzero(np.r_[True, differs])
    left = np.add.reduceat(old.n, starts)
    last = np.r_[starts[1:], len(order)] - 1
    kept = taken(old, last)._replace(n=left)  # 0 stays: that the cell was spoken of
    return joined(kept, taken(rows, ~before))


def counts(rows: Columns, to: Ints, areas: int, times: Times, minutes: int, kind: Kind) -> tuple[Floats, Floats]:
    """Values and how many readings stand behind them, both (areas, T); value NaN where there are none.

    `to` (A,) sends each area of the tree to its place in the result, −1 to none (`AreaTree.rollup`); rows must lie
    within `times` (T,), equal steps of `minutes`. Counts are summed, measurements averaged over readings.
    """
    place = to[rows.area]
    inside = place >= 0
    first = times[0].astype(np.int64) if len(times) else 0
    cell = place[inside] * len(times) + (rows.step[inside] - first) // minutes
    value, n = rows.value[inside], rows.n[inside]
    if kind == "measure":
        cell, value, n = _cancelled(cell, value, n)
    size = areas * len(times)
    readings = np.bincount(cell, n, size).astype(np.float64)
    total = np.bincount(cell, value * n, size).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(readings > 0, total / readings if kind == "measure" else total, np.nan)
    shape = (areas, len(times))
    return values.reshape(shape), readings.reshape(shape)


def _cancelled(cell: Ints, value: Floats, n: Ints) -> tuple[Ints, Floats, Ints]:
    """One row per (cell, value): what was corrected away is gone to the last bit instead of subtracted."""
    order = np.lexsort((value, cell))
    cell, value, n = cell[order], value[order], n[order]
    starts = np.flatnonzero(np.r_[True, (cell[1:] != cell[:-1]) | (value[1:] != value[:-1])]) if len(cell) else order
    left = np.add.reduceat(n, starts) if len(cell) else n
    stays = left != 0
    return cell[starts][stays], value[starts][stays], left[stays]


def covered(times: Times, minutes: int, first: int, heard: Ints, every: int, total: Floats) -> Bools:
    """Which steps (T,) the signal's sources spoke for: inside, an empty cell is a zero; outside, it is missing.

    first: the first step with any record. heard: civil minutes at which a source was heard, ascending. every: its
    expected cadence in minutes; 0 = none, then every step from the first on counts. With a cadence, a step counts if
    the source was heard from its beginning until two cadences after its end, or if it was filled in later (`total`
    (T,), all areas together, is over zero). What lies before the first hearing came as history and counts.
    """
    start = times.astype(np.int64)
    inside = start >= first
    if every and len(heard):
        following = np.r_[heard, np.iinfo(np.int64).max][np.searchsorted(heard, start, side="left")]
        spoken = following < start + minutes + 2 * max(every, minutes)
        inside &= spoken | (start + minutes <= heard[0]) | (np.nan_to_num(total) > 0)
    return inside
