"""One store copied into another, row by row, and the proof that both hold the same. I/O."""

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from tocsin.errors import StoreError
from tocsin.store.db import Connection, Store

BATCH = 10_000
# Every table with the columns that order it, in an order in which references find what they refer to.
TABLES = {
    "source": "id", "area": "id", "signal": "id", "clock": "one", "delivery": "id", "event": "seq", "increment": "seq",
    "arrival": "source, minute", "arrival_day": "source, day", "folded": "one", "span": "one", "tide": "one",
    "told": "source, signal, part, hours, start, what", "message": "sha256", "finding": "id", "note": "seq",
    "evidence": "alert, area, detector, step, observed, at", "scan": "scan, signal, at",
    "cluster": "scan, signal, at, id", "tick": "at", "fault": "at, part, message",
}  # fmt: skip


def copy_store(source: Store, to: Store, progress: Callable[[str, int], None] = lambda _, __: None) -> dict[str, int]:
    """Copy all of `source` into the empty store `to`, in one transaction, and compare; how many rows each table has.

    StoreError when `to` is not empty, or holds anything else afterwards (nothing is kept then). `progress` is told
    the table and its rows so far.
    """
    with source.snapshot() as ours, to.transaction() as theirs:
        for table in TABLES:
            if theirs.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]:
                raise StoreError(f"{to.where} is not empty ({table} has rows): name an empty database or schema")
        digests, rows = {}, {}
        for table in TABLES:
            done, seen = 0, hashlib.sha256()
            columns = _columns(ours, table)
            insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
            for batch in _batches(_rows(source, ours, table, columns)):
                theirs.executemany(insert, batch)
                _feed(seen, batch)
                done += len(batch)
                progress(table, done)
            digests[table], rows[table] = seen.hexdigest(), done
        for table, digest in digests.items():
            if _digest(to, theirs, table, _columns(ours, table)) != digest:
                raise StoreError(f"{to.where}: {table} is not what was copied; nothing was kept")
    return rows


def digests(store: Store) -> dict[str, str]:
    """SHA-256 of every table's rows, in their order: equal for equal stores, whatever holds them."""
    with store.snapshot() as db:
        return {table: _digest(store, db, table, _columns(db, table)) for table in TABLES}


def _digest(store: Store, db: Connection, table: str, columns: list[str]) -> str:
    seen = hashlib.sha256()
    for batch in _batches(_rows(store, db, table, columns)):
        _feed(seen, batch)
    return seen.hexdigest()


def _rows(store: Store, db: Connection, table: str, columns: list[str]) -> Iterator[Any]:
    return store.stream(db, f"SELECT {', '.join(columns)} FROM {table} ORDER BY {TABLES[table]}")


def _columns(db: Connection, table: str) -> list[str]:
    """Its columns, by name: the same list on any store."""
    return sorted(c[0] for c in db.execute(f"SELECT * FROM {table} LIMIT 0").description)


def _feed(seen: Any, batch: list[tuple[Any, ...]]) -> None:
    for row in batch:  # PostgreSQL's text holds a picture for the character 0, see postgres.py
        seen.update(repr(tuple(v.replace("\0", "␀") if isinstance(v, str) else v for v in row)).encode())


def _batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(islice(rows, BATCH)):
        yield batch
