"""The only SQL: events, increments, findings, notes and evidence, in an SQLite file or a PostgreSQL schema. I/O."""

import sqlite3
from pathlib import Path

from tocsin.errors import ConfigError
from tocsin.store.db import Store, migrate
from tocsin.store.keys import fill
from tocsin.store.sqlite import FILE, SqliteStore, explained


def open_store(directory: Path, url: str = "", schema: str = "tocsin") -> Store:
    """The store of a city directory, or the one at `url`, made if need be and brought to this program's version.

    StoreError or ConfigError say what to do when it can't be.
    """
    if not url:
        path = directory / FILE
        try:
            return _ready(SqliteStore(path))
        except sqlite3.DatabaseError as e:
            raise explained(e, path) from e
    try:
        from tocsin.store.postgres import PostgresStore
    except ImportError as e:
        raise ConfigError("store.url needs PostgreSQL's client: pip install 'tocsin[postgres]'") from e
    return _ready(PostgresStore(url, schema))


def _ready(store: Store) -> Store:
    migrate(store)
    fill(store)
    return store
