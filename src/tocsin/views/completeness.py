"""What feeds did day by day, and how much of each count had come. I/O."""

import hashlib
from typing import Any

import numpy as np

from tocsin.alert import episode
from tocsin.calendar import DAY
from tocsin.config import SignalTable, SourceTable, every_minutes
from tocsin.config import titled as title_of
from tocsin.cube import arrivals
from tocsin.desk import Desk
from tocsin.errors import NotFound
from tocsin.feeds import heard_by
from tocsin.store import notes
from tocsin.types import Floats, Instant
from tocsin.views.plain import civil, iso, moment_of, number, numbers, table_of, titled

DAYS, WEEK = 30, 7


def completeness(
    desk: Desk, signal: str | None, as_of: str | None, now: Instant, level: str | None = None
) -> dict[str, Any]:
    """Thirty days to a moment: every feed (those of one signal, if named), and every count's share; NotFound.

    Of one signal its areas too, those of `level` or of the finest level at which it is judged.
    """
    at = moment_of(desk, as_of, now)
    if level and level not in desk.tree.levels:
        raise NotFound(f"no level {level!r}; there are: {', '.join(desk.tree.levels)}")
    tables = [table_of(desk, signal)] if signal else desk.settings.signals
    last = desk.today(at) // DAY
    heard = heard_by(desk.heard, [s.name for s in desk.settings.sources], desk.tz, at + 1, DAYS + 2 * arrivals.HISTORY)
    told = episode.fold(notes.read_notes(desk.store, at)).values()
    alerts = {a.signal: a.id for a in told if a.phase != "ended" and a.state not in ("excluded", "closed")}
    mine = desk.sources_of(signal) if signal else desk.settings.sources
    return {
        "as_of": iso(at),
        "limit": desk.settings.alerts.complete,
        "days": [civil(d * DAY, DAY) for d in range(last - DAYS + 1, last + 1)],
        "sources": [
            {**_feed(desk, s, heard[s.name], last, at), "alert": alerts.get(f"data.{s.name}")} for s in mine
        ],
        "signals": [
            {"name": t.name, "title": titled(t.signal.title), "complete": numbers(_days(desk, t, "", last, at)[0])}
            for t in tables if t.kind == "count" and desk.sources_of(t.name)
        ],
        "areas": _areas(desk, tables[0], level or desk.levels(tables[0])[-1], last, at) if signal else [],
    }  # fmt: skip


def _feed(desk: Desk, source: SourceTable, heard: arrivals.Heard, last: int, at: Instant) -> dict[str, Any]:
    first, now = last - DAYS + 1, desk.today(at)
    # What days were at their end rests on what was heard by then, and on no more than twice the habits' length before.
    a, b = np.searchsorted(heard.minute, [(first - 2 * arrivals.HISTORY) * DAY, last * DAY + 1])
    digest = hashlib.sha256(heard.minute[a:b].tobytes() + heard.events[a:b].tobytes()).digest()
    states = desk.remember(
        ("days", source.name, first, bool(a), digest), 256,
        lambda: arrivals.by_day(heard, first, last - 1, desk.holidays, every_minutes(source.every)),
    )  # fmt: skip
    words = arrivals.judged(heard, now, desk.holidays, every_minutes(source.every))  # today is not over
    spoke = bool(len(heard.minute)) and heard.minute[-1] >= last * DAY
    states = [*states, next((w.kind for w in words if w.kind != "half"), "ok" if spoke else "")]
    filled = {int(d) for s in desk.settings.signals if source in desk.sources_of(s.name)
              for d in desk.told_by(source.name, s.name, at).steps // DAY}  # fmt: skip
    told = ["filled" if s in ("late", "silent") and d in filled else s for d, s in enumerate(states, first)]
    days = heard.minute // DAY - first
    inside = (days >= 0) & (days < DAYS)
    events = np.bincount(days[inside], heard.events[inside], DAYS).astype(np.int64)
    title = titled(title_of(source.title, source.name))
    return {"name": source.name, "title": title, "states": told, "events": events.tolist()}


def _days(desk: Desk, table: SignalTable, level: str, last: int, at: Instant) -> Floats:
    """Completeness by area of a level (the coarsest, unless named) and day (A, 30): the mean over a day's steps."""
    step = desk.step(table.name)
    times = step.range((last - DAYS + 1) * DAY, (last + 1) * DAY - 1)
    found = desk.complete(table.name, level or desk.settings.city.levels[0], at, times)
    day = times.astype(np.int64) // DAY - (last - DAYS + 1)
    out = np.full((len(found), DAYS), np.nan)
    for d in range(DAYS):
        its = day == d if step.minutes <= DAY else day == day[max(int(np.searchsorted(day, d, "right")) - 1, 0)]
        own = found[:, its]
        known = ~np.isnan(own)
        with np.errstate(invalid="ignore"):
            out[:, d] = np.where(known.any(axis=1), np.nansum(own, axis=1) / known.sum(axis=1), np.nan)
    return out


def _areas(desk: Desk, table: SignalTable, level: str, last: int, at: Instant) -> list[dict[str, Any]]:
    days = _days(desk, table, level, last, at)[:, -WEEK:]
    known = ~np.isnan(days)
    with np.errstate(invalid="ignore"):
        share = np.where(known.any(axis=1), np.nansum(days, axis=1) / known.sum(axis=1), np.nan)
    codes = [a.code for a in desk.tree.at(level)]
    return [{"code": c, "complete": number(float(x))} for c, x in zip(codes, share, strict=True)]
