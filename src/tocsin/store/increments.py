"""Reading increments back as columns, from where a reader stopped. I/O."""

from collections.abc import Mapping

import numpy as np

from tocsin.cube.cube import Columns
from tocsin.store.db import Store


def read_increments(
    store: Store, signal: str, after: int, place: Mapping[str, int], *, limit: int = 1 << 62,
    since: int = -1 << 62, as_of: int = 1 << 62,
) -> tuple[Columns, int]:  # fmt: skip
    """At most `limit` increments of a signal after row `after`, reported from `since` to `as_of`; the last's number.

    `place` gives each area code's position in the tree; rows of areas it does not hold are left to the root (0).
    """
    to = {number: place.get(code, 0) for number, code in store.db.execute("SELECT id, code FROM area")}
    rows = store.db.execute(
        "SELECT i.seq, i.area, i.step, i.report_time, i.value, i.n, i.imported = 'yes' FROM increment i"
        " JOIN signal s ON s.id = i.signal WHERE s.name = ? AND i.seq > ? AND i.report_time >= ? AND i.report_time <= ?"
        " ORDER BY i.seq LIMIT ?",
        (signal, after, since, as_of, limit),
    ).fetchall()
    table = np.array(rows, dtype=np.float64).reshape(-1, 7)  # every whole number here is under 2^53
    whole = table.astype(np.int64)
    area = np.array([to[a] for a in whole[:, 1].tolist()], dtype=np.int64)
    columns = Columns(area, whole[:, 2], whole[:, 3], table[:, 4].copy(), whole[:, 5], whole[:, 6] == 1)
    return columns, int(whole[-1, 0]) if len(rows) else after


def moved(store: Store, since: int) -> tuple[dict[str, set[int]], int]:
    """Which steps of which signals have increments after row `since`, and the newest row's number."""
    last = newest(store)
    found: dict[str, set[int]] = {}
    for signal, step in store.db.execute(
        "SELECT DISTINCT s.name, i.step FROM increment i JOIN signal s ON s.id = i.signal"
        " WHERE i.seq > ? AND i.seq <= ?",
        (since, last),
    ):
        found.setdefault(signal, set()).add(step)
    return found, last


def newest(store: Store) -> int:
    """The number of the last increment, 0 if there is none."""
    return int(store.db.execute("SELECT COALESCE(MAX(seq), 0) FROM increment").fetchone()[0])


def steps_in_store(store: Store) -> dict[str, tuple[str, str]]:
    """(kind, step) with which each signal's increments were made."""
    return {name: (kind, step) for name, kind, step in store.db.execute("SELECT name, kind, step FROM signal")}


def oldest(store: Store) -> int:
    """The number of the first increment, 0 if there is none: `rebuild` changes it."""
    return int(store.db.execute("SELECT COALESCE(MIN(seq), 0) FROM increment").fetchone()[0])


def zone_in_store(store: Store, zone: str) -> str:
    """The zone by whose clock steps were made; `zone` from now on where none was said yet."""
    found = store.db.execute("SELECT zone FROM clock").fetchone()
    if found is None:
        with store.transaction() as db:
            db.execute("INSERT INTO clock (one, zone) VALUES (1, ?) ON CONFLICT DO NOTHING", (zone,))
        return zone_in_store(store, zone)
    return str(found[0])
