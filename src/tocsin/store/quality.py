"""What each source sent when, and of what: the rows by which feeds are judged. I/O."""

from typing import NamedTuple

from tocsin.store.db import Store
from tocsin.types import Instant

SLOT = 5  # minutes: hearings within these are one


class Told(NamedTuple):
    """Events that a source told of one area, so many days after they happened."""

    signal: str
    area: str
    delay_days: int
    events: int
    total: float  # the sum of their values


def arrivals(store: Store, since: int, until: int) -> dict[str, list[tuple[int, int]]]:
    """(first minute UTC, new events) of every five minutes from since to until in which a source was heard."""
    found: dict[str, list[tuple[int, int]]] = {}
    for name, minute, events in store.db.execute(
        "SELECT s.name, MIN(a.minute), CAST(SUM(a.events) AS BIGINT) FROM arrival a JOIN source s ON s.id = a.source"
        f" WHERE a.minute >= ? AND a.minute <= ? GROUP BY s.name, a.minute / {SLOT} ORDER BY 1, 2",
        (since, until),
    ):
        found.setdefault(name, []).append((minute, events))
    return found


def events_between(store: Store, source: str, since: Instant, until: Instant) -> int:
    """How many events a source told from the minute of `since` until before that of `until`."""
    row = store.db.execute(
        "SELECT CAST(COALESCE(SUM(events), 0) AS BIGINT) FROM arrival"
        " WHERE source = (SELECT id FROM source WHERE name = ?) AND minute >= ? AND minute < ?",
        (source, since // 60_000_000, until // 60_000_000),
    ).fetchone()
    return int(row[0])


def told(store: Store, source: str, since: Instant, until: Instant) -> list[Told]:
    """What a source told from `since` until before `until`."""
    rows = store.db.execute(
        "SELECT g.name, a.code, (e.report_time - e.reference_time) / 86400000000, COUNT(*), SUM(e.value)"
        " FROM event e JOIN signal g ON g.id = e.signal JOIN area a ON a.id = e.area"
        " WHERE e.source = (SELECT id FROM source WHERE name = ?) AND e.report_time >= ? AND e.report_time < ?"
        " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        (source, since, until),
    )
    return [Told(signal, area, int(delay), int(n), float(total or 0.0)) for signal, area, delay, n, total in rows]


def told_of(store: Store, source: str, signal: str, since: Instant, until: Instant) -> list[tuple[str, int, int]]:
    """(area, day of reference in UTC hours since the epoch, events) of what a source told of one signal by `until`."""
    rows = store.db.execute(
        "SELECT a.code, e.reference_time / 3600000000, COUNT(*)"
        " FROM event e JOIN signal g ON g.id = e.signal JOIN area a ON a.id = e.area"
        " WHERE e.source = (SELECT id FROM source WHERE name = ?) AND g.name = ?"
        " AND e.report_time >= ? AND e.report_time <= ? GROUP BY 1, 2 ORDER BY 1, 2",
        (source, signal, since, until),
    )
    return [(area, int(hour), int(n)) for area, hour, n in rows]
