"""How complete a count is: the share of what usually comes, by volume, that has spoken for a step. Pure.

Only what is overdue is missing: a source or an area whose time has not come is not asked. docs/methods/completeness.md.
"""

import numpy as np

from tocsin.calendar import DAY
from tocsin.types import Bools, Floats, Ints, Minute, Times

KNOWN = 56 * DAY  # minutes for which an area that has reported is expected to go on


def due(times: Times, minutes: int, every: int, now: Minute) -> Bools:
    """Which steps (T,) should have been told by `now`: two cadences after their end."""
    return np.asarray(times.astype(np.int64) + minutes + 2 * max(every, minutes) <= now)


def spoke(times: Times, minutes: int, heard: Ints, every: int, filled: Ints, now: Minute) -> Floats:
    """What one source did for each step (T,): 1 spoke, 0 is overdue, NaN is not asked.

    heard: civil minutes at which it was heard, ascending. every: its cadence in minutes; 0: none is stated, and it is
    believed. filled: steps (civil minutes) of which it has told something, however late. Not asked: what is not due, or
    lies before it was first heard.
    """
    start = times.astype(np.int64)
    told = np.isin(start, filled)
    if not len(heard):
        return np.where(told, 1.0, np.nan)
    if not every:
        return np.where(told | (start + minutes > heard[0]), 1.0, np.nan)
    following = np.r_[heard, np.iinfo(np.int64).max][np.searchsorted(heard, start, side="left")]
    told |= following < start + minutes + 2 * max(every, minutes)
    asked = due(times, minutes, every, now) & (start + minutes > heard[0])
    return np.where(told, 1.0, np.where(asked, 0.0, np.nan))


def by_sources(volume: Floats, said: Floats) -> Floats:
    """Completeness (A, T) of areas whose K sources usually bring volume (K, A) and said (K, T); NaN: nobody is asked.

    A source that brings nothing to an area has no say in it. An area that no source brings anything to goes by what the
    sources bring to all areas together.
    """
    weight = np.where(volume.sum(axis=0) > 0, volume, volume.sum(axis=1, keepdims=True) + 1e-9)
    asked = weight.T @ ~np.isnan(said)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(asked > 0, weight.T @ np.nan_to_num(said) / asked, np.nan)


def by_parts(values: Floats, to: Ints, rows: int, times: Times, minutes: int, overdue: Bools) -> Floats:
    """Completeness (rows, T) of sums over parts whose own values (P, T) are NaN where they did not report.

    to (P,): the row each part is counted in, −1 none. A part is asked for an overdue step (T,) if it has reported for
    any step of the eight weeks before; it weighs what it usually reports.
    """
    reported = ~np.isnan(values)
    often = np.cumsum(reported, axis=1)
    back = max(KNOWN // minutes, 1)
    earlier = np.zeros_like(often)
    earlier[:, 1:] = often[:, :-1]
    before = np.zeros_like(often)
    before[:, back + 1 :] = often[:, : -back - 1]
    asked = ((earlier - before > 0) | reported) & overdue
    with np.errstate(invalid="ignore"):
        volume = np.nansum(values, axis=1) / np.maximum(reported.sum(axis=1), 1) + 1e-9
    mine = (to[None, :] == np.arange(rows)[:, None]) * volume
    whole = mine @ asked
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, mine @ (asked & reported) / whole, np.nan)
