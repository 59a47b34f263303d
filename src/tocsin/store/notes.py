"""Notes, evidence, ticks and faults: appended, unique by content, so that saying a thing twice says it once. I/O."""

import math
from collections.abc import Iterable, Sequence

from tocsin.store.db import Store, next_number
from tocsin.types import Estimated, Evidence, Instant, Note

_NOTE = (
    f"INSERT INTO note (seq, alert, at, who, action, what) VALUES ({next_number('note', 'seq')}, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO NOTHING"
)


def read_notes(store: Store, as_of: Instant) -> list[Note]:
    """All notes made by a moment, in the order of their making."""
    rows = store.db.execute(
        "SELECT seq, alert, at, who, action, what FROM note WHERE at <= ? ORDER BY at, seq", (as_of,)
    )
    return [Note(*row) for row in rows]


def write_tick(
    store: Store, at: Instant, notes: Iterable[Note], evidence: Iterable[Evidence], faults: Sequence[tuple[str, str]]
) -> int:
    """What one beat decided, in one transaction; returns how many rows were new."""
    with store.transaction() as db:
        new = db.executemany(
            _NOTE,
            [(n.alert, n.at, n.who, n.action, n.what) for n in notes],
        ).rowcount
        new += db.executemany(
            "INSERT INTO evidence (alert, detector, step, observed, at, expected, upper, score, p, area, reported, low,"
            " high) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13 WHERE NOT EXISTS (SELECT 1 FROM"
            " evidence WHERE alert = ?1 AND area = ?10 AND detector = ?2 AND step = ?3 AND at <= ?5 AND (observed = ?4"
            # The same reports, nowcast an hour later, are no new evidence unless p is an order of magnitude smaller.
            " OR COALESCE(reported, observed) = ?11 AND COALESCE(p / 10 <= ?9, TRUE)))",
            [
                (
                    *(e.alert, e.detector, e.step, e.observed, e.at),
                    *map(_null, (e.expected, e.upper, e.score, e.p)),
                    *(e.area, *(e.estimated or (None, None, None))),
                )
                for e in evidence
            ],
        ).rowcount
        new += db.executemany(
            "INSERT INTO fault (at, part, message) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(at, part, message) for part, message in faults],
        ).rowcount
        return new + db.execute("INSERT INTO tick (at) VALUES (?) ON CONFLICT DO NOTHING", (at,)).rowcount


def write_note(store: Store, note: Note) -> None:
    """One person's note."""
    with store.transaction() as db:
        db.execute(
            _NOTE,
            (note.alert, note.at, note.who, note.action, note.what),
        )


def read_evidence(store: Store, alert: str, as_of: Instant) -> list[Evidence]:
    """The evidence behind one alert as of a moment, in canonical order."""
    rows = store.db.execute(
        "SELECT alert, at, detector, step, observed, expected, upper, score, p, area, reported, low, high FROM evidence"
        " WHERE alert = ? AND at <= ? ORDER BY step, area, detector, at, observed",
        (alert, as_of),
    )
    found = []
    for row in rows:
        alarm = Evidence._make((*row[:5], *(math.nan if v is None else v for v in row[5:9]), row[9], None))
        found.append(alarm if row[10] is None else alarm._replace(estimated=Estimated(*row[10:])))
    return found


def last_tick(store: Store) -> Instant | None:
    """When the last beat was, None if there was none."""
    row = store.db.execute("SELECT MAX(at) FROM tick").fetchone()
    return None if row[0] is None else int(row[0])


def first_tick(store: Store, since: Instant, until: Instant) -> Instant | None:
    """When the first beat of a span was, both ends in it; None if there was none."""
    row = store.db.execute("SELECT MIN(at) FROM tick WHERE at >= ? AND at <= ?", (since, until)).fetchone()
    return None if row[0] is None else int(row[0])


def ticked(store: Store) -> tuple[Instant, Instant] | None:
    """The first and the last beat, None if there was none."""
    first, last = store.db.execute("SELECT MIN(at), MAX(at) FROM tick").fetchone()
    return None if first is None else (int(first), int(last))


def read_faults(store: Store, limit: int) -> list[tuple[Instant, str, str]]:
    """The newest faults: (at, part, message)."""
    return store.db.execute("SELECT at, part, message FROM fault ORDER BY at DESC, part LIMIT ?", (limit,)).fetchall()


def _null(x: float) -> float | None:
    return None if math.isnan(x) else x
