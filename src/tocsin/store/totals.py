"""Totals for people who look after feeds: how much came, how late, and what waits. I/O."""

from tocsin.store.db import Store


def waiting(store: Store) -> dict[str, int]:
    """Open findings by source."""
    rows = store.db.execute(
        "SELECT s.name, COUNT(*) FROM finding f JOIN source s ON s.id = f.source WHERE f.closed IS NULL GROUP BY s.name"
    )
    return dict(rows.fetchall())


def delays(store: Store, since: int, most: int) -> tuple[list[tuple[str, int]], int]:
    """(source, microseconds from reference to report) of the newest events after row `since`, at most `most`, oldest
    first; and the newest row's number."""
    last = int(store.db.execute("SELECT COALESCE(MAX(seq), 0) FROM event").fetchone()[0])
    rows = store.db.execute(
        "SELECT s.name, e.report_time - e.reference_time FROM event e JOIN source s ON s.id = e.source"
        " WHERE e.seq > ? AND e.seq <= ? ORDER BY e.seq",
        (max(since, last - most), last),
    )
    return rows.fetchall(), last


def events(store: Store) -> int:
    """How many events there are."""
    return int(store.db.execute("SELECT CAST(COALESCE(SUM(events), 0) AS BIGINT) FROM arrival_day").fetchone()[0])


def span(store: Store) -> tuple[int, int] | None:
    """The first and last civil minute that any count speaks of; None of an empty store."""
    row = store.db.execute("SELECT first, last FROM span").fetchone()
    return None if row is None else (int(row[0]), int(row[1]))
