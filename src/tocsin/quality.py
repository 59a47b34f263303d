"""Feeds as signals: as of one moment, which sources are late, silent, half or shifted. I/O."""

import math
from collections import Counter
from typing import NamedTuple

import numpy as np

from tocsin.calendar import DAY, day_of, end_of_day
from tocsin.config import SourceTable, every_minutes
from tocsin.cube import arrivals, mix
from tocsin.cube.hours import moved
from tocsin.desk import Desk
from tocsin.feeds import heard_by, home
from tocsin.store import told
from tocsin.store.db import Store
from tocsin.store.heard import tide
from tocsin.types import Evidence, Flag, Instant, Minute

PAUSE = 5 * 60_000_000  # feeds are judged every five minutes, whatever the beat
MIXED = 28  # days that a day's mix is compared with
QUIET, CLOSE = 1, 2  # days after which an alert of a feed that is well again is quiet, and ends

Spoken = list[tuple[Flag, list[Evidence]]]


class Watched(NamedTuple):
    """What speaks of feeds, and (part, message) of what broke."""

    found: Spoken
    faults: list[tuple[str, str]]


def watch(desk: Desk, now: Instant, *, strict: bool = False) -> Watched:
    """What is unusual about the feeds at the last five-minute mark by `now`, one flag a word."""
    told.fold(desk.store)
    at, mark = (now + 1) // PAUSE * PAUSE, tide(desk.store)
    last: tuple[Instant, Instant, int, Watched] | None = desk.watched
    # Live, the clock goes on, and what arrives waits for the next mark; whoever asks the past again wants it as it is.
    if last is not None and last[0] == at and (last[2] == mark or last[1] < now) and not last[3].faults:
        return Watched([(f, [e._replace(at=now) for e in behind]) for f, behind in last[3].found], [])
    watched = Watched([], [])
    names = [s.name for s in desk.settings.sources]
    try:
        heard = heard_by(desk.heard, names, desk.tz, at, 2 * arrivals.HISTORY + 1)
    except Exception as e:
        if strict:
            raise
        return Watched([], [("arrivals", f"{type(e).__name__}: {e}")])
    for source in desk.settings.sources:
        try:
            words = arrivals.judged(heard[source.name], desk.today(at), desk.holidays, every_minutes(source.every))
            watched.found.extend(_flag(desk, source, w, now) for w in words)
            watched.found.extend(_shifts(desk, source, at, now))
            if (m := moved(heard[source.name], desk.today(at), desk.holidays)) is not None:
                watched.found.append(
                    _said(desk, source, "shifted:hour", m.day, m.observed, m.expected, math.nan, 1, now)
                )
        except Exception as e:
            if strict:
                raise
            watched.faults.append((f"arrivals of {source.name}", f"{type(e).__name__}: {e}"))
    desk.watched = at, now, mark, watched
    return watched


def _flag(desk: Desk, source: SourceTable, w: arrivals.Word, now: Instant) -> tuple[Flag, list[Evidence]]:
    window = 2 if w.kind == "half" else 1
    return _said(desk, source, w.kind, w.day, w.observed, w.expected, w.p, window, now)


def _said(
    desk: Desk, source: SourceTable, name: str, day: Minute, observed: float, expected: float, p: float, window: int,
    now: Instant,
) -> tuple[Flag, list[Evidence]]:  # fmt: skip
    flag = Flag(
        f"data.{source.name}", home(source, desk.tree), day, p, observed, expected, window, math.isnan(p), (name,)
    )
    return flag, [Evidence("", now, name, day, observed, expected, math.nan, math.nan, p)]


def _shifts(desk: Desk, source: SourceTable, at: Instant, now: Instant) -> Spoken:
    """What of the last whole day was unlike the days before."""
    yesterday = desk.today(at) // DAY - 1
    newest = _mix(desk, source, yesterday)
    if newest is None or sum(newest.areas.values()) < mix.LEAST_EVENTS:
        return []
    past = [m for d in range(yesterday - MIXED, yesterday) if (m := _mix(desk, source, d)) is not None]
    return [
        _said(desk, source, f"shifted:{s.aspect}", yesterday * DAY, s.observed, s.expected, math.nan, 1, now)
        for s in mix.shifted(newest, past)
    ]


def _mix(desk: Desk, source: SourceTable, day: int) -> mix.Mix | None:
    """What a source told on one civil day (days since 1970); None where it told nothing.

    Kept while the store holds no other number of events of that day.
    """
    until = end_of_day(day_of(day * DAY), desk.tz) + 1
    since = end_of_day(day_of((day - 1) * DAY), desk.tz) + 1
    n = int(desk.heard.between(source.name, since // 60_000_000, until // 60_000_000 - 1)[1].sum())
    key = ("mix", source.name, since, n)
    return desk.remember(key, 4096, lambda: _mixed(desk.store, source.name, since, until)) if n else None


def _mixed(store: Store, source: str, since: Instant, until: Instant) -> mix.Mix | None:
    places, late = (told.sums(store, source, None, part, since, until) for part in (told.AREA, told.DELAY))
    if not places:
        return None
    order = sorted(late, key=lambda s: s.what)
    half = np.cumsum([s.events for s in order])
    middle = float(order[int(np.searchsorted(half, half[-1] / 2))].what)
    codes, areas = told.areas(store), Counter[str]()
    for s in places:
        areas[codes[s.what]] += s.events
    # Units are those of one signal; of several, the first by name stands for the feed.
    own = [s for s in places if s.signal == places[0].signal]
    return mix.Mix(areas, middle, told.total(own) / sum(s.events for s in own))
