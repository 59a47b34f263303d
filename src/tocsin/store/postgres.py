"""The store in a schema of a PostgreSQL server, for cities where several processes take records in. I/O.

Needs `pip install 'tocsin[postgres]'` and PostgreSQL 15 or later. Writers of all processes wait for one another
(an advisory lock for the time of a transaction): numbers of rows thus grow in the order in which they become visible,
and readers may go on from the last number they have seen, as with SQLite.
"""

import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, ClassVar

import psycopg
from psycopg import sql as names
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumper

from tocsin.errors import ConfigError, StoreError
from tocsin.store.copy import TABLES
from tocsin.store.db import Connection, Rows, Store
from tocsin.store.sqlite import statements

_TYPES = {
    "INTEGER": "BIGINT",
    "REAL": "DOUBLE PRECISION",
    "BLOB": "BYTEA",
    "TEXT": 'TEXT COLLATE "C"',  # the order of code points, as SQLite's
    " WITHOUT ROWID": "",
}
_LONG = ("what", "message")  # texts that may be longer than an index of PostgreSQL can hold: their digest stands in it
LEAD, WRITE, MAKE = 7 << 32, 8 << 32, 9 << 32  # advisory locks; the schema's digest is added
# What is acknowledged is on disk, whatever the server is used to; how many standbys have it is the server's choice.
_ON_DISK = b"""
SELECT set_config(name, 'on', false) FROM pg_settings WHERE name = 'synchronous_commit' AND setting = 'off'
"""
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError)


class _Whole(Int8Dumper):
    """Every whole number as 8 bytes, truth as 0 and 1."""

    def dump(self, obj: Any) -> bytes | bytearray | memoryview | None:
        return super().dump(int(obj))


class _Text(StrDumper):
    """PostgreSQL's text cannot hold the character 0; its picture stands for it."""

    def dump(self, obj: str) -> bytes | bytearray | memoryview | None:
        return super().dump(obj.replace("\0", "␀"))


class _Link(psycopg.Connection[Any]):
    """Closed when the thread that it belonged to has ended."""

    def __del__(self, *_: Any) -> None:
        self.close()


class _Postgres:
    """A connection that takes this folder's SQL; what the server's absence causes is a StoreError."""

    def __init__(self, to: psycopg.Connection[Any], where: str) -> None:
        self.to, self._where = to, where

    def execute(self, sql: str, values: Any = (), /) -> Rows:
        with explaining(self._where):
            return self.to.execute(_marks(sql), values or None)

    def executemany(self, sql: str, rows: Iterable[Any], /) -> Rows:
        with explaining(self._where):
            cursor = self.to.cursor()
            cursor.executemany(_marks(sql), list(rows))
            return cursor

    def close(self) -> None:
        self.to.close()


class PostgresStore(Store):
    """One schema of a database."""

    kind: ClassVar[str] = "postgresql"
    READING: ClassVar[str] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

    def __init__(self, url: str, schema: str) -> None:
        """`url` as libpq reads it. ConfigError if it cannot be read."""
        try:
            told = conninfo_to_dict(url)
        except psycopg.ProgrammingError as e:
            raise ConfigError("store.url: not an address of PostgreSQL: postgresql://USER@HOST:PORT/DATABASE") from e
        place = f"{told.get('host', 'the local socket')}, database {told.get('dbname', told.get('user', ''))}"
        super().__init__(f"PostgreSQL at {place}, schema {schema}")
        self._url = make_conninfo(url, connect_timeout=told.get("connect_timeout", 5), application_name="tocsin")
        self._schema = schema
        self._key = zlib.crc32(schema.encode())
        self._leading: _Postgres | None = None

    def stream(self, db: Any, sql: str) -> Iterator[Any]:
        """Rows of a question through a cursor on the server."""
        with explaining(self.where), psycopg.RawServerCursor(db.to, "stream") as cursor:
            cursor.itersize = 10_000
            yield from cursor.execute(_marks(sql))

    def lead(self) -> bool:
        """Whether this process holds the beat's lock; it is freed when the connection that took it breaks."""
        if self._leading is None or self._lost(self._leading):
            self._leading = self._connect()
        try:
            # Asked anew each time: it shows at once that the server went away; the lock counts up, which is no harm.
            return bool(self._leading.execute("SELECT pg_try_advisory_lock(?)", (LEAD + self._key,)).fetchone()[0])
        except StoreError:
            self._leading = None
            raise

    def damage(self) -> list[str]:
        """Tables that cannot be read through; pages are checked by the server (`pg_amcheck`, data checksums)."""
        found = []
        for table in TABLES:
            try:
                self.db.execute(f"SELECT SUM(LENGTH(t::text)) FROM {table} t")
            except psycopg.DatabaseError as e:
                found.append(f"{table}: {e}")
        return found

    def version(self) -> int:
        db = self.db
        db.execute("CREATE TABLE IF NOT EXISTS version (number BIGINT PRIMARY KEY)")
        return int(db.execute("SELECT COALESCE(MAX(number), 0) FROM version").fetchone()[0])

    def _connect(self) -> _Postgres:
        with explaining(self.where):
            to = _Link.connect(self._url, autocommit=True, cursor_factory=psycopg.RawCursor)
            if to.info.server_version < 150000:
                raise StoreError(f"{self.where}: version {to.info.server_version // 10000}; 15 or later is needed")
            to.adapters.register_dumper(int, _Whole)
            to.adapters.register_dumper(bool, _Whole)
            to.adapters.register_dumper(str, _Text)
            schema = names.Identifier(self._schema)
            with to.transaction():
                to.execute(b"SELECT pg_advisory_xact_lock($1)", (MAKE,))  # two that create one schema at once collide
                to.execute(names.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
            to.execute(names.SQL("SET search_path TO {}").format(schema))
            to.execute(_ON_DISK)
            return _Postgres(to, self.where)

    def _lost(self, db: _Postgres) -> bool:
        return db.to.broken or db.to.closed

    def _begin(self, db: Connection) -> None:
        db.execute("BEGIN")
        db.execute("SELECT pg_advisory_xact_lock(?)", (WRITE + self._key,))

    def _rollback(self, db: Any) -> None:
        if not self._lost(db) and db.to.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            db.execute("ROLLBACK")

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        with explaining(self.where):
            yield

    def _upgrade(self, db: Connection, number: int, script: str) -> None:
        for statement in statements(script):
            for part in translated(statement):
                db.execute(part)
        db.execute("INSERT INTO version (number) VALUES (?)", (number,))


@contextmanager
def explaining(where: str) -> Iterator[None]:
    """StoreError for a server that cannot be reached or goes away; its words carry no password."""
    try:
        yield
    except _AWAY as e:
        said = " ".join(str(e).split())
        raise StoreError(f"{where}: {said}; is the server running, and may this user use the database?") from e


def translated(statement: str) -> Iterator[str]:
    """A statement of the schema in PostgreSQL's words."""
    statement = re.sub(r"--[^\n]*", "", statement)
    after = []
    table = re.search(r"CREATE TABLE (\w+)", statement)
    for unique in re.findall(r",\s*UNIQUE \([^)]*\)", statement) if table else []:
        columns = re.findall(r"\w+", unique)[1:]
        if not set(columns).isdisjoint(_LONG):
            statement = statement.replace(unique, "")
            parts = ", ".join(f"md5({c})" if c in _LONG else c for c in columns)
            after.append(f"CREATE UNIQUE INDEX ON {table[1]} ({parts})")  # type: ignore[index]  # there is a table
    for ours, theirs in _TYPES.items():
        statement = re.sub(rf"(?<!\w){ours}\b", theirs, statement)
    yield statement
    yield from after


@lru_cache(maxsize=512)
def _marks(sql: str) -> bytes:
    """`?` and `?2` as `$1` and `$2`; this folder's SQL has no question mark elsewhere."""
    count = 0

    def mark(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"${found[1] or count}"

    return re.sub(r"\?(\d*)", mark, sql).encode()
