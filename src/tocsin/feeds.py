"""When sources were heard, by the city's clock: what a feed's own series and its completeness are made of. I/O."""

from collections.abc import Iterable
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from tocsin.areas import AreaTree
from tocsin.calendar import DAY, Step, civil_minute
from tocsin.config import Settings, SourceTable
from tocsin.cube.arrivals import HISTORY, Heard
from tocsin.store import quality
from tocsin.store.db import Store
from tocsin.types import Cube, Floats, Instant, Ints, Minute, Times


def heard_by(store: Store, names: Iterable[str], tz: ZoneInfo, at: Instant, days: int) -> dict[str, Heard]:
    """When each of these sources was heard in the last `days` days before `at`, in civil minutes."""
    last = (at - 1) // 60_000_000
    told = quality.arrivals(store, last - days * DAY, last)
    return {n: _heard(told.get(n, []), tz) for n in names}


def _heard(rows: list[tuple[int, int]], tz: ZoneInfo) -> Heard:
    if not rows:
        return Heard(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    table = np.array(rows, dtype=np.int64)
    units, which = np.unique(table[:, 0] // DAY, return_inverse=True)
    at_bounds = [[civil_minute(d * DAY * 60_000_000, tz) - d * DAY for d in (u, u + 1)] for u in units.tolist()]
    ahead = np.array(at_bounds, dtype=np.int64)[which]
    for i in np.flatnonzero(ahead[:, 0] != ahead[:, 1]).tolist():  # clocks are put on or back within that day
        minute = int(table[i, 0])
        ahead[i, 0] = civil_minute(minute * 60_000_000, tz) - minute
    # An hour that comes twice, when clocks go back, is one hour: minutes never go back.
    return Heard(np.maximum.accumulate(table[:, 0] + ahead[:, 0]), table[:, 1])


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
    store: Store, source: SourceTable, tree: AreaTree, tz: ZoneInfo, level: str, as_of: Instant,
    first: Minute | None, last: Minute | None,
) -> Cube:  # fmt: skip
    """New events of a feed by day, in the area it is at home in, from first to last (civil minutes)."""
    now = civil_minute(as_of, tz)
    days = HISTORY if first is None else (now - first) // DAY + 2
    heard, end = heard_by(store, [source.name], tz, as_of + 1, days)[source.name], now if last is None else last
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
    """What a source usually tells of a signal: events a step by area of the tree (A,), and of which steps at all."""

    by_area: Floats
    steps: Ints


def volume(
    store: Store, source: str, signal: str, tree: AreaTree, step: Step, tz: ZoneInfo, since: Instant, until: Instant
) -> Volume:
    """What a source told of a signal between two moments."""
    by_area, hours = np.zeros(len(tree.areas)), set()
    for area, hour, n in quality.told_of(store, source, signal, since, until):
        by_area[tree.index.get(area, 0)] += n
        hours.add(hour)
    steps = {step.floor(civil_minute(h * 3_600_000_000, tz)) for h in hours}
    return Volume(by_area / max(len(steps), 1), np.array(sorted(steps), dtype=np.int64))
