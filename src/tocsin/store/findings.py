"""Findings: kept with their raw bytes, closed when the mended record or file arrives. I/O."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tocsin.store.db import Connection, Store, next_number
from tocsin.types import Finding, Instant

_RAW = 65536


def write_findings(
    db: Connection, findings: Iterable[Finding], source: Callable[[str], int], delivery: int, at: Instant
) -> None:
    """Add findings inside the caller's transaction."""
    file = db.execute("SELECT file FROM delivery WHERE id = ?", (delivery,)).fetchone()[0]
    db.executemany(
        "INSERT INTO finding (id, delivery, source, file, line, field, value, code, message, raw, kept, key, at)"
        f" VALUES ({next_number('finding', 'id')}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (delivery, source(f.source), f.file or file, f.line, f.field, f.value[:200], f.code, f.message,
             f.raw[:_RAW], f.kept, f.key, at)
            for f in findings
        ],
    )  # fmt: skip


def close_keys(db: Connection, keys: Sequence[tuple[int, str]], at: Instant) -> None:
    """The records of these (source, key) have arrived whole: what was found about them before is closed."""
    if not db.execute("SELECT 1 FROM finding WHERE closed IS NULL AND key <> '' LIMIT 1").fetchone():
        return
    db.executemany(
        "UPDATE finding SET closed = ? WHERE source = ? AND key = ? AND key <> '' AND closed IS NULL AND at < ?",
        [(at, source, key, at) for source, key in keys],
    )


def close_file(db: Connection, source: int, file: str, delivery: int, at: Instant) -> None:
    """The file has been taken in again, whole: findings of its earlier deliveries are closed."""
    db.execute(
        "UPDATE finding SET closed = ? WHERE source = ? AND file = ? AND delivery <> ? AND closed IS NULL",
        (at, source, file, delivery),
    )


def read_findings(
    store: Store, source: str | None, limit: int, *, closed: bool = False
) -> tuple[int, list[dict[str, Any]]]:
    """How many there are, and the newest `limit` of them; raw is bytes, moments are microseconds."""
    where = "(CAST(?1 AS TEXT) IS NULL OR s.name = ?1)" + ("" if closed else " AND f.closed IS NULL")
    joined = f"FROM finding f JOIN source s ON s.id = f.source WHERE {where}"  # only the words above
    total = store.db.execute(f"SELECT COUNT(*) {joined}", (source,)).fetchone()[0]
    rows = store.db.execute(
        "SELECT f.id, s.name, f.file, f.line, f.field, f.value, f.code, f.message, f.raw, f.kept, f.at, f.closed"
        f" {joined} ORDER BY f.id DESC LIMIT ?2",
        (source, limit),
    )
    names = ("id", "source", "file", "line", "field", "value", "code", "message", "raw", "kept", "at", "closed")
    return int(total), [dict(zip(names, row, strict=True)) for row in rows]


def kinds(store: Store, source: str | None) -> list[dict[str, Any]]:
    """Open findings (of one source) counted by source, field and rule; the kind that was found last comes first.

    All but `count` and `first` is its newest finding's.
    """
    rows = store.db.execute(
        "SELECT n.count, f.id, s.name, f.file, f.line, f.field, f.value, f.code, f.message, f.kept, n.first, f.at"
        " FROM (SELECT COUNT(*) AS count, MAX(id) AS id, MIN(at) AS first FROM finding WHERE closed IS NULL"
        "  GROUP BY source, field, code) n JOIN finding f ON f.id = n.id"
        " JOIN source s ON s.id = f.source WHERE (CAST(?1 AS TEXT) IS NULL OR s.name = ?1) ORDER BY f.id DESC",
        (source,),
    )
    names = ("count", "id", "source", "file", "line", "field", "value", "code", "message", "kept", "first", "last")
    return [dict(zip(names, row, strict=True)) for row in rows]


def close_finding(store: Store, number: int, at: Instant, *, alike: bool = False) -> int:
    """Close one by hand, or (`alike`) all of its source, field and rule; how many. 0: it is not open."""
    which = "id = ?2"
    if alike:
        which = "(source, field, code) IN (SELECT source, field, code FROM finding WHERE id = ?2 AND closed IS NULL)"
    with store.transaction() as db:
        return db.execute(f"UPDATE finding SET closed = ?1 WHERE closed IS NULL AND {which}", (at, number)).rowcount
