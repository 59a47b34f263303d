"""Totals for people who look after feeds: how much came, from whom, how late, and what waits. I/O."""

from tocsin.store.db import Store


def delivered(store: Store) -> dict[str, tuple[int, int]]:
    """(events, duplicates) by source."""
    rows = store.db.execute(
        "SELECT s.name, CAST(SUM(a.events) AS BIGINT), CAST(SUM(a.duplicates) AS BIGINT)"
        " FROM arrival a JOIN source s ON s.id = a.source GROUP BY s.name"
    )
    return {name: (events, duplicates) for name, events, duplicates in rows}


def last_heard(store: Store, until: int) -> dict[str, int]:
    """The last minute (UTC, since the epoch) up to `until` at which each source was heard."""
    rows = store.db.execute(
        "SELECT s.name, (SELECT MAX(a.minute) FROM arrival a WHERE a.source = s.id AND a.minute <= ?) FROM source s",
        (until,),
    )
    return {name: minute for name, minute in rows if minute is not None}


def waiting(store: Store) -> dict[str, int]:
    """Open findings by source."""
    rows = store.db.execute(
        "SELECT s.name, COUNT(*) FROM finding f JOIN source s ON s.id = f.source WHERE f.closed IS NULL GROUP BY s.name"
    )
    return dict(rows.fetchall())


def delays(store: Store, source: str) -> list[int]:
    """Microseconds from reference to report of the source's newest events, at most a thousand."""
    rows = store.db.execute(
        "SELECT report_time - reference_time FROM event WHERE source = (SELECT id FROM source WHERE name = ?)"
        " AND seq > (SELECT COALESCE(MAX(seq), 0) FROM event) - 200000 ORDER BY seq DESC LIMIT 1000",
        (source,),
    )
    return [row[0] for row in rows]


def events(store: Store) -> int:
    """How many events there are."""
    return int(store.db.execute("SELECT COALESCE(SUM(events), 0) FROM delivery").fetchone()[0])


def span(store: Store) -> tuple[int, int] | None:
    """The first and last civil minute that any count speaks of; None of an empty store."""
    first, last = store.db.execute("SELECT MIN(step), MAX(step) FROM increment").fetchone()
    return None if first is None else (int(first), int(last))
