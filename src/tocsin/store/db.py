"""Opening the store, its versions, and the one way to write: a transaction that is on disk when it returns. I/O."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from tocsin.errors import StoreError

FILE = "tocsin.sqlite"


class Store:
    """A city's store. Threads may share it: each gets a connection of its own, and writers wait for one another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._writing = threading.RLock()

    @property
    def db(self) -> sqlite3.Connection:
        """This thread's connection."""
        found: sqlite3.Connection | None = getattr(self._local, "db", None)
        if found is None:
            found = self._local.db = _connect(self.path)
        return found

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write all of it or nothing; durable (fsync) when the outermost block has ended without an exception.

        StoreError for a disk that is full, a store that is locked, read-only or damaged: nothing was written then.
        """
        with self._writing:
            try:
                db = self.db
                if db.in_transaction:  # a part of a larger write
                    yield db
                    return
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                    self.commit(db)
                except BaseException:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise
            except sqlite3.DatabaseError as e:
                if type(e) not in (sqlite3.OperationalError, sqlite3.DatabaseError):
                    raise  # a constraint or a wrong statement: ours to mend, not the operator's
                raise explained(e, self.path) from e

    def commit(self, db: sqlite3.Connection) -> None:
        """The moment a transaction lands; tests make it fail before and after."""
        db.execute("COMMIT")

    def close(self) -> None:
        """Close this thread's connection."""
        if getattr(self._local, "db", None) is not None:
            self._local.db.close()
            self._local.db = None


def open_store(directory: Path, *, create: bool = False) -> Store:
    """The store of a city directory, brought to this program's version. StoreError says what to do when it can't be."""
    path = directory / FILE
    if not path.exists() and not create:
        raise StoreError(f"no store in {directory}; `tocsin init {directory}` makes one, --city names another")
    store = Store(path)
    try:
        _migrate(store)
    except sqlite3.DatabaseError as e:
        raise explained(e, path) from e
    return store


def explained(e: sqlite3.DatabaseError, path: Path | str = FILE) -> StoreError:
    """What SQLite says, as a sentence with what to do."""
    if isinstance(e, sqlite3.OperationalError):
        return StoreError(f"{path}: {e}; is another program holding it, or the disk full or read-only?")
    advice = "restore a backup, or move it away and take the files in again (their bytes are in raw/)"
    return StoreError(f"{path} is not a Tocsin store, or is damaged ({e}); {advice}")


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=30.0, check_same_thread=False)
    # FULL: an acknowledged event survives a power cut; WAL: readers never wait for the writer.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"):
        db.execute(f"PRAGMA {pragma}")
    return db


def _migrate(store: Store) -> None:
    """Run the numbered scripts that this store has not seen, each in a transaction of its own."""
    folder = resources.files("tocsin.store") / "migrations"
    scripts = sorted((s for s in folder.iterdir() if s.name.endswith(".sql")), key=lambda s: s.name)
    newest = int(scripts[-1].name[:4])
    version = int(store.db.execute("PRAGMA user_version").fetchone()[0])
    if version > newest:
        raise StoreError(f"{store.path} has version {version}, this program knows {newest}; upgrade Tocsin")
    for script in scripts:
        number = int(script.name[:4])
        if number > version:
            with store.transaction() as db:
                if int(db.execute("PRAGMA user_version").fetchone()[0]) >= number:
                    continue  # another process was quicker
                for statement in _statements(script.read_text("utf-8")):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {number}")


def _statements(script: str) -> Iterator[str]:
    """The script's statements one by one: `executescript` would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
