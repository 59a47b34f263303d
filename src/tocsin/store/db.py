"""What every store is: connections by thread, and the one way to write, a transaction on disk when it returns. I/O.

SQLite (`sqlite.py`) is the default, PostgreSQL (`postgres.py`) the server's choice. Both speak the same SQL, written
once in this folder: `?` marks, `ON CONFLICT DO NOTHING`, whole numbers, doubles, text and bytes.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import resources
from typing import Any, ClassVar, Protocol

from tocsin.errors import StoreError
from tocsin.store.keys import Keys


class Rows(Protocol):
    """What a statement answers."""

    @property
    def rowcount(self) -> int: ...
    @property
    def description(self) -> Any: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """One thread's way to the store."""

    def execute(self, sql: str, values: Any = ..., /) -> Rows: ...
    def executemany(self, sql: str, rows: Iterable[Any], /) -> Rows: ...


class Store(ABC):
    """A city's store. Threads may share it: each gets a connection of its own, and writers wait for one another."""

    kind: ClassVar[str]
    READING: ClassVar[str]  # begins a transaction that sees one moment

    def __init__(self, where: str) -> None:
        """`where` names the store in messages; it holds no secret."""
        self.where = where
        self._local = threading.local()
        self._writing = threading.RLock()
        self._inside = False
        self.keys = Keys()

    @property
    def db(self) -> Connection:
        """This thread's connection."""
        found: Connection | None = getattr(self._local, "db", None)
        if found is None or self._lost(found):
            found = self._local.db = self._connect()
        return found

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Write all of it or nothing; durable when the outermost block has ended without an exception.

        StoreError for a disk that is full, a store that is locked, read-only, damaged or gone: nothing was written
        then, or, where the connection broke in the very moment of landing, all of it: writing it again is harmless.
        """
        with self._writing, self._explaining():
            db = self.db
            if self._inside:  # a part of a larger write
                yield db
                return
            self._inside = True
            try:
                self._begin(db)
                yield db
                self.commit(db)
                self.keys.landed()
            except BaseException:
                self.keys.undo()
                self._rollback(db)
                raise
            finally:
                self._inside = False

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Read everything as it is at one moment, while others go on writing."""
        with self._explaining():
            db = self.db
            db.execute(self.READING)
            try:
                yield db
            finally:
                self._rollback(db)

    def commit(self, db: Connection) -> None:
        """The moment a transaction lands; tests make it fail before and after."""
        db.execute("COMMIT")

    def close(self) -> None:
        """Close this thread's connection."""
        found = getattr(self._local, "db", None)
        if found is not None:
            found.close()
            self._local.db = None

    @abstractmethod
    def stream(self, db: Connection, sql: str) -> Iterator[Any]:
        """Rows of a question too large to hold, while other statements run, inside a transaction."""

    @abstractmethod
    def lead(self) -> bool:
        """Whether this process is the one that runs the beat: the first to ask, until it ends or loses the store."""

    @abstractmethod
    def damage(self) -> list[str]:
        """What the store's own check of its pages finds wrong."""

    @abstractmethod
    def version(self) -> int:
        """The number of the last migration that was run, 0 for a new store."""

    @abstractmethod
    def _connect(self) -> Any: ...
    @abstractmethod
    def _lost(self, db: Any) -> bool: ...
    @abstractmethod
    def _begin(self, db: Connection) -> None: ...
    @abstractmethod
    def _rollback(self, db: Connection) -> None: ...
    @abstractmethod
    def _explaining(self) -> AbstractContextManager[None]: ...
    @abstractmethod
    def _upgrade(self, db: Connection, number: int, script: str) -> None: ...


def next_number(table: str, column: str) -> str:
    """The number of a new row: without gaps, so that two stores of one history are equal, row by row."""
    return f"(SELECT COALESCE(MAX({column}), 0) + 1 FROM {table})"


def migrate(store: Store) -> None:
    """Run the numbered scripts that this store has not seen, each in a transaction of its own."""
    folder = resources.files("tocsin.store") / "migrations"
    scripts = sorted((s for s in folder.iterdir() if s.name.endswith(".sql")), key=lambda s: s.name)
    newest, version = int(scripts[-1].name[:4]), store.version()
    if version > newest:
        raise StoreError(f"{store.where} has version {version}, this program knows {newest}; upgrade Tocsin")
    for script in scripts:
        number = int(script.name[:4])
        if number > version:
            with store.transaction() as db:
                if store.version() < number:  # else another process was quicker
                    store._upgrade(db, number, script.read_text("utf-8"))
