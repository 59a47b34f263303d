"""The study period cut into intervals, and the windows of intervals that are tried. Pure.

Intervals are cut backwards from the end of the study; what is left over joins the first one.
"""

import calendar
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from tocsin.errors import MethodError
from tocsin.scan.settings import Settings, Unit
from tocsin.types import Ints

_EPOCH = date(1970, 1, 1)


class Windows(NamedTuple):
    """The windows tried, in order: intervals `first` … `last` (inclusive), each (W,)."""

    first: Ints
    last: Ints


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def day_text(number: int, unit: Unit) -> str:
    """ISO 8601, or the number itself for generic units."""
    return str(number) if unit == "generic" else (_EPOCH + timedelta(days=int(number))).isoformat()


def _months_before(end: date, months: int) -> date:
    """The day so many months earlier; the 31st becomes the last of a shorter month."""
    index = end.year * 12 + end.month - 1 - months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(end.day, calendar.monthrange(year, month + 1)[1]))


def _cut(end: int, i: int, unit: Unit, step: int) -> int:
    """The day at which the i-th interval from the end begins (i = 0: the day after the study)."""
    if unit in ("day", "generic"):
        return end + 1 - i * step
    months = step * i * (12 if unit == "year" else 1)
    return day_number(_months_before(_EPOCH + timedelta(days=end + 1), months))


def intervals(start: int, end: int, unit: Unit, step: int) -> Ints:
    """The first day of each interval and the day after the last one, (T + 1,)."""
    if end < start:
        raise MethodError("the study ends before it begins; give the end a later date")
    cuts = [end + 1]
    while (cut := _cut(end, len(cuts), unit, step)) >= start:
        cuts.append(cut)
    if len(cuts) == 1:
        cuts.append(start)
    cuts[-1] = start
    return np.array(cuts[::-1], dtype=np.int64)


def units_between(start: int, end: int, unit: Unit) -> int:
    """Whole time units in a study period (a begun month or year counts when it makes up the whole)."""
    if unit in ("day", "generic"):
        return end - start + 1
    n = 0
    while _cut(end, n + 1, unit, 1) >= start:
        n += 1
    return max(n, 1)


def longest(start: int, end: int, settings: Settings) -> int:
    """The longest window allowed, in intervals."""
    if settings.max_window:
        return settings.max_window // settings.step
    percent = round(settings.max_window_share * 100, 9)
    return int(units_between(start, end, settings.unit) * percent / 100 + 1e-9) // settings.step


def windows(edges: Ints, settings: Settings) -> Windows:
    """The windows searched in the data: by end, earliest first; for one end, shortest first.

    Source: Kulldorff (2001) for prospective scans, where only windows that reach the end are alive.
    """
    T = len(edges) - 1
    if settings.analysis == "spatial":
        return Windows(np.zeros(1, np.int64), np.full(1, T - 1))
    most = min(longest(int(edges[0]), int(edges[-1]) - 1, settings), T)
    least = max(-(-settings.min_window // settings.step), 1)
    if most < least:
        raise MethodError(f"the longest window is {most} interval(s), the shortest {least}: allow longer windows")
    alive = settings.prospective or settings.alive
    found = []
    for last in range(T - 1 if alive else 0, T):
        if _within(settings.ends, int(edges[last + 1]) - 1):
            starts = range(last - least + 1, max(last - most, -1), -1)
            found += [(first, last) for first in starts if _within(settings.starts, int(edges[first]))]
    if settings.include_spatial and (0, T - 1) not in found:
        found.append((0, T - 1))
    if not found:
        raise MethodError("no window satisfies the limits; widen the start and end ranges")
    pairs = np.array(found, dtype=np.int64)
    return Windows(pairs[:, 0].copy(), pairs[:, 1].copy())


def simulated_windows(edges: Ints, settings: Settings) -> Windows:
    """The windows searched in the replicates.

    The same as in the data, unless earlier analyses are adjusted for: then all windows that end between the first
    analysis and now, each as long as it was allowed to be at its own analysis.
    """
    if settings.earlier is None or not settings.prospective:
        return windows(edges, settings)
    T = len(edges) - 1
    begun = max(int(np.searchsorted(edges, settings.earlier, side="right")) - 1, 0)
    least = max(-(-settings.min_window // settings.step), 1)
    found = []
    for last in range(begun, T):
        most = longest(int(edges[0]), int(edges[last + 1]) - 1, settings)
        found += [(first, last) for first in range(last - least + 1, max(last - most, -1), -1)]
    if not found:
        raise MethodError("no window fits between the first analysis and now; move the first analysis back")
    pairs = np.array(found, dtype=np.int64)
    return Windows(pairs[:, 0].copy(), pairs[:, 1].copy())


def analyses(edges: Ints, settings: Settings) -> int:
    """How many analyses have been made, this one included (1 unless earlier ones are adjusted for)."""
    if settings.earlier is None:
        return 1
    begun = max(int(np.searchsorted(edges, settings.earlier, side="right")) - 1, 0)
    return len(edges) - 1 - begun


def interval_days(settings: Settings) -> float:
    """Days from one analysis to the next: what a recurrence interval counts in."""
    unit, length = settings.frequency or (settings.unit, settings.step)
    days = {"day": 1.0, "generic": 1.0, "week": 7.0, "month": 365.25 / 12, "quarter": 365.25 / 4, "year": 365.25}
    return days[unit] * length


def _within(span: tuple[int, int] | None, day: int) -> bool:
    return span is None or span[0] <= day <= span[1]
