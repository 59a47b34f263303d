"""The feeds: when each was last heard, how late it is, what was wrong with what it sent. I/O."""

from typing import Any

import numpy as np

from tocsin.config import every_minutes
from tocsin.config import titled as title_of
from tocsin.desk import Desk
from tocsin.errors import NotFound
from tocsin.store import findings as kept
from tocsin.store import totals
from tocsin.store.heard import by_day, last_heard
from tocsin.types import Instant
from tocsin.views.plain import iso, number, titled

DAYS = 30
_DAY = 1440
_MINUTE = 60_000_000


def sources(desk: Desk, now: Instant) -> list[dict[str, Any]]:
    """One row a feed, in the configuration's order."""
    days, newest, waiting = by_day(desk.store), last_heard(desk.store, now // _MINUTE), totals.waiting(desk.store)
    found = []
    for s in desk.settings.sources:
        said, last = days.get(s.name, {}), newest.get(s.name)
        lag = None if last is None else now // _MINUTE - last
        found.append(
            {
                "name": s.name,
                "title": titled(title_of(s.title, s.name)),
                "owner": s.owner,
                "every": s.every,
                "last_seen": None if last is None else iso(last * _MINUTE),
                "lag_minutes": lag,
                "state": _state(lag, every_minutes(s.every)),
                "events": sum(events for events, _ in said.values()),
                "duplicates": sum(again for _, again in said.values()),
                "findings_open": waiting.get(s.name, 0),
                "median_delay_days": number(_delay(desk, s.name)),
                "recent": _recent(said, now),
            }
        )
    return found


def findings(desk: Desk, source: str | None, limit: int, *, kinds: bool = False) -> dict[str, Any]:
    """Open findings, newest first, or the newest of each kind; NotFound for a source that the city has not."""
    if source and source not in {s.name for s in desk.settings.sources}:
        there = ", ".join(s.name for s in desk.settings.sources) or "none"
        raise NotFound(f"no source {source!r}; there are: {there}")
    if kinds:
        found = kept.kinds(desk.store, source)
        total, rows = sum(r["count"] for r in found), [r | {"at": r["last"]} for r in found[:limit]]
    else:
        total, rows = kept.read_findings(desk.store, source, limit)
    shown = ("id", "source", "file", "line", "field", "value", "code", "message")
    return {
        "total": total,
        "findings": [
            {k: r[k] for k in shown}
            | {"kept": bool(r["kept"]), "at": iso(r["at"])}
            | ({"alike": r["count"]} if kinds else {})
            for r in rows
        ],
    }


def _state(lag: int | None, every: int) -> str:
    if lag is None:
        return "never"
    if not every or lag <= every + every // 2:
        return "ok"
    return "late" if lag <= 3 * every else "silent"


def _recent(said: dict[int, tuple[int, int]], now: Instant) -> list[dict[str, Any]]:
    """Events heard on each of the last days, by UTC day."""
    today = now // _MINUTE // _DAY
    return [
        {"date": iso(d * _DAY * _MINUTE)[:10], "events": said.get(d, (0, 0))[0]}
        for d in range(today - DAYS + 1, today + 1)
    ]


def _delay(desk: Desk, source: str) -> float:
    """Median days from reference to report over the newest thousand events."""
    late = desk.heard.late(source)
    return float(np.median(late) / (_DAY * _MINUTE)) if late else float("nan")
