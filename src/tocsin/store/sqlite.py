"""The store in one SQLite file beside city.toml: the default, nothing to install or run. I/O."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from tocsin.errors import StoreError
from tocsin.store.db import Connection, Store

FILE = "tocsin.sqlite"
LEAD = "tocsin.lead"


class SqliteStore(Store):
    """One file, in WAL mode: readers never wait for the writer."""

    kind: ClassVar[str] = "sqlite"
    READING: ClassVar[str] = "BEGIN"

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path
        self._held: int | None = None

    def __del__(self) -> None:
        if self._held is not None:
            os.close(self._held)

    def stream(self, db: Connection, sql: str) -> Iterator[Any]:
        """Rows of a question, one by one."""
        return iter(db.execute(sql))

    def lead(self) -> bool:
        """Whether this process holds the lock beside the file; the system frees it when the process ends."""
        if self._held is None:
            held = os.open(self.path.parent / LEAD, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(held)
                return False
            self._held = held
        return True

    def damage(self) -> list[str]:
        """`PRAGMA integrity_check`, sentence by sentence."""
        said = [str(row[0]) for row in self.db.execute("PRAGMA integrity_check")]
        return [] if said == ["ok"] else said

    def version(self) -> int:
        return int(self.db.execute("PRAGMA user_version").fetchone()[0])

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, timeout=30.0, check_same_thread=False)
        # FULL: an acknowledged event survives a power cut.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"):
            db.execute(f"PRAGMA {pragma}")
        return db

    def _lost(self, db: sqlite3.Connection) -> bool:
        return False

    def _begin(self, db: Connection) -> None:
        db.execute("BEGIN IMMEDIATE")

    def _rollback(self, db: Any) -> None:
        if db.in_transaction:
            db.execute("ROLLBACK")

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as e:
            if type(e) not in (sqlite3.OperationalError, sqlite3.DatabaseError):
                raise  # a constraint or a wrong statement: ours to mend, not the operator's
            raise explained(e, self.path) from e

    def _upgrade(self, db: Connection, number: int, script: str) -> None:
        for statement in statements(script):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number}")


def explained(e: sqlite3.DatabaseError, path: Path | str = FILE) -> StoreError:
    """What SQLite says, as a sentence with what to do."""
    if isinstance(e, sqlite3.OperationalError):
        return StoreError(f"{path}: {e}; is another program holding it, or the disk full or read-only?")
    advice = "restore a backup, or move it away and take the files in again (their bytes are in raw/)"
    return StoreError(f"{path} is not a Tocsin store, or is damaged ({e}); {advice}")


def statements(script: str) -> Iterator[str]:
    """A script's statements one by one: running it whole would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
