"""Deliveries: what file or request came, how far it has been read, and its raw bytes. I/O."""

import gzip
import hashlib
import os
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple

from tocsin.errors import InputError
from tocsin.store.db import Store, next_number
from tocsin.store.findings import close_file
from tocsin.types import Instant


class Delivery(NamedTuple):
    """One file or request. `items` events and findings of it are stored; `received` stands for the whole of it."""

    id: int
    received: Instant
    items: int
    done: bool


def begin(store: Store, source: str, file: str, sha256: str, mapping: str, now: Instant) -> Delivery:
    """Begin a delivery, or find the one of the same bytes and mapping that was begun before."""
    with store.transaction() as db:
        named = f"INSERT INTO source (id, name) VALUES ({next_number('source', 'id')}, ?) ON CONFLICT DO NOTHING"
        db.execute(named, (source,))
        number = db.execute("SELECT id FROM source WHERE name = ?", (source,)).fetchone()[0]
        db.execute(
            "INSERT INTO delivery (id, source, file, sha256, mapping, received)"
            f" VALUES ({next_number('delivery', 'id')}, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (number, file, sha256, mapping, now),
        )
        row = db.execute(
            "SELECT id, received, items, done FROM delivery WHERE source = ? AND sha256 = ? AND mapping = ?",
            (number, sha256, mapping),
        ).fetchone()
    return Delivery(row[0], row[1], row[2], bool(row[3]))


def named(path: Path) -> str:
    """A file's name as text: what of it is no UTF-8 shows as �."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def finish(store: Store, source: str, file: str, delivery: int, now: Instant) -> None:
    """All of it is stored; findings of earlier deliveries of the same file are closed."""
    with store.transaction() as db:
        number = db.execute("SELECT id FROM source WHERE name = ?", (source,)).fetchone()[0]
        db.execute("UPDATE delivery SET done = 1 WHERE id = ?", (delivery,))
        close_file(db, number, file, delivery, now)


def done(store: Store, delivery: int) -> None:
    """A message is stored. Those before it under the same name are other messages: their findings stand."""
    with store.transaction() as db:
        db.execute("UPDATE delivery SET done = 1 WHERE id = ?", (delivery,))


def supersede(store: Store, delivery: int, now: Instant) -> None:
    """A delivery is stored, and says all there is to say of its bytes: what was found of them before is closed."""
    with store.transaction() as db:
        db.execute("UPDATE delivery SET done = 1 WHERE id = ?", (delivery,))
        db.execute(
            "UPDATE finding SET closed = ?1 WHERE closed IS NULL AND delivery <> ?2 AND delivery IN (SELECT o.id"
            " FROM delivery o JOIN delivery d ON o.source = d.source AND o.sha256 = d.sha256 WHERE d.id = ?2)",
            (now, delivery),
        )


def keep_message(store: Store, sha256: str, data: bytes, now: Instant) -> None:
    """Keep a message's bytes, compressed, under their digest."""
    with store.transaction() as db:
        db.execute(
            "INSERT INTO message (sha256, received, data) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (sha256, now, zlib.compress(data, 1)),
        )


def read_message(store: Store, sha256: str) -> bytes | None:
    """The bytes of a message; None where they were not kept, or no longer are."""
    row = store.db.execute("SELECT data FROM message WHERE sha256 = ?", (sha256,)).fetchone()
    return None if row is None else zlib.decompress(row[0])


def digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def raw_path(directory: Path, sha256: str) -> Path:
    """Where bytes are kept, by their digest."""
    return directory / "raw" / sha256[:2] / f"{sha256}.gz"


def raw_sound(path: Path, sha256: str) -> bool:
    """Whether a kept file can be opened and holds the bytes of its digest."""
    try:
        with gzip.open(path) as f:
            return hashlib.file_digest(f, "sha256").hexdigest() == sha256
    except (OSError, EOFError, zlib.error):
        return False


def keep_raw(directory: Path, path: Path, sha256: str) -> Path:
    """Keep a file's bytes, compressed, under their digest: raw/ab/abcd….gz. Doing it twice is doing it once.

    InputError for a file that is no longer the one that was digested: somebody still writes it.
    """
    kept = raw_path(directory, sha256)
    if kept.exists():
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    half = kept.with_suffix(f".{os.getpid()}.half")
    try:
        with path.open("rb") as source, half.open("wb") as out:
            with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, compresslevel=1) as packed:
                seen = _copy(source, packed)
            out.flush()
            os.fsync(out.fileno())
        if seen != sha256:
            raise InputError(f"{path}: the file changes while it is read; take it in when it is whole")
        half.replace(kept)
    finally:
        half.unlink(missing_ok=True)
    return kept


def _copy(source: BinaryIO, to: gzip.GzipFile) -> str:
    seen = hashlib.sha256()
    while block := source.read(1 << 20):
        seen.update(block)
        to.write(block)
    return seen.hexdigest()
