"""When sources were heard, by the city's clock: what a feed's own series and its completeness are made of. I/O."""

from collections.abc import Callable, Iterable
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from tocsin.areas import AreaTree
from tocsin.calendar import DAY, Step, civil_minute
from tocsin.config import Settings, SourceTable
from tocsin.cube.arrivals import HISTORY, Heard
from tocsin.ears import Ears
from tocsin.store import told
from tocsin.store.db import Store
from tocsin.types import Cube, Floats, Instant, Ints, Minute, Times

SLOT = 5  # minutes: hearings within these are one


def heard_by(ears: Ears, names: Iterable[str], tz: ZoneInfo, at: Instant, days: int) -> dict[str, Heard]:
    """When each of these sources was heard in the last `days` days before `at`, in civil minutes."""
    last = (at - 1) // 60_000_000
    return {n: _heard(*ears.between(n, last - days * DAY, last), tz) for n in names}


def _heard(minute: Ints, events: Ints, tz: ZoneInfo) -> Heard:
    if not len(minute):
        return Heard(minute, events)
    starts = np.flatnonzero(np.r_[True, minute[1:] // SLOT != minute[:-1] // SLOT])
    minute, events = minute[starts], np.add.reduceat(events, starts)
    units, which = np.unique(minute // DAY, return_inverse=True)
    at_bounds = [[civil_minute(d * DAY * 60_000_000, tz) - d * DAY for d in (u, u + 1)] for u in units.tolist()]
    ahead = np.array(at_bounds, dtype=np.int64)[which]
    for i in np.flatnonzero(ahead[:, 0] != ahead[:, 1]).tolist():  # clocks are put on or back within that day
        ahead[i, 0] = civil_minute(int(minute[i]) * 60_000_000, tz) - minute[i]
    # An hour that comes twice, when clocks go back, is one hour: minutes never go back.
    return Heard(np.maximum.accumulate(minute + ahead[:, 0]), events)


def home(source: SourceTable, tree: AreaTree) -> str:
    """The area a feed's alerts stand at: the one all its records are of, if the mapping names one; else the city."""
    area = source.mapping.area if source.mapping else ""
    only = area[0] if isinstance(area, list) and len(area) == 1 else area
    value = getattr(only, "value", "")
    return value if value and value in tree else tree.root.code


def daily(heard: Heard, row: int | None, areas: int, times: Times) -> Floats:
    """New events of a feed by day (areas, T), in the row it is at home in, NaN before it was first heard."""
    values = np.full((areas, len(times)), np.nan)
    if row is not None and len(heard.minute) and len(times):
        start = times.astype(np.int64)
        at = (heard.minute - start[0]) // DAY
        inside = (at >= 0) & (at < len(times))
        values[row] = np.bincount(at[inside], heard.events[inside], len(times))
        values[row, start < heard.minute[0] // DAY * DAY] = np.nan
    return values


def feed_cube(
    ears: Ears, source: SourceTable, tree: AreaTree, tz: ZoneInfo, level: str, as_of: Instant,
    first: Minute | None, last: Minute | None,
) -> Cube:  # fmt: skip
    """New events of a feed by day, in the area it is at home in, from first to last (civil minutes)."""
    now = civil_minute(as_of, tz)
    days = HISTORY if first is None else (now - first) // DAY + 2
    heard, end = heard_by(ears, [source.name], tz, as_of + 1, days)[source.name], now if last is None else last
    begin = int(heard.minute[0]) if first is None and len(heard.minute) else first
    times = Step(DAY).range(end if begin is None else begin, end)
    codes, at_home = [a.code for a in tree.at(level)], home(source, tree)
    row = codes.index(at_home) if at_home in codes else None
    values = daily(heard, row, len(codes), times)[None]
    values[:, :, times.astype(np.int64) > now] = np.nan
    return Cube((f"data.{source.name}",), tuple(codes), times, as_of, values, np.full(values.shape, np.nan))


def feed_of(settings: Settings, signal: str) -> SourceTable | None:
    """The source that a `data.` signal speaks of."""
    return next((s for s in settings.sources if f"data.{s.name}" == signal), None)


class Volume(NamedTuple):
    """What a source tells of a signal: events by area of the tree (A,), in a usual step; and of which steps at all."""

    by_area: Floats
    steps: Ints


def told_between(
    store: Store, source: str, signal: str, tree: AreaTree, step: Step, civil: Callable[[Instant], Minute],
    since: Instant, until: Instant,
) -> Volume:  # fmt: skip
    """What a source told of a signal from one moment until before another, in all; `civil`: the city's clock."""
    by_area, codes = np.zeros(len(tree.areas)), told.areas(store)
    for s in told.sums(store, source, signal, told.AREA, since, until):
        by_area[tree.index.get(codes[s.what], 0)] += s.events
    hours = told.sums(store, source, signal, told.REFERENCE, since, until)
    return Volume(by_area, np.array(sorted({step.floor(civil(s.what * told.HOUR)) for s in hours}), dtype=np.int64))


def volume(spans: Iterable[Volume]) -> Volume:
    """What a source usually tells, from all that it told in each of some spans."""
    by_area, steps = zip(*spans, strict=True)
    every = np.unique(np.concatenate(steps))
    return Volume(np.sum(by_area, axis=0) / max(len(every), 1), every)
