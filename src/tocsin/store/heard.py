"""When each source was heard, by minute and by day: written with the events, read by whoever looks after feeds. I/O."""

from collections.abc import Mapping

from tocsin.store.db import Connection, Store

DAY = 1440  # minutes

ByDay = dict[str, dict[int, tuple[int, int]]]


def hear(db: Connection, said: Mapping[tuple[int, int], tuple[int, int]]) -> None:
    """Add (events, duplicates) of each (source's number, minute UTC since the epoch) to its minute and to its day."""
    days: dict[tuple[int, int], tuple[int, int]] = {}
    for (source, minute), (events, duplicates) in said.items():
        at = source, minute // DAY
        before = days.get(at, (0, 0))
        days[at] = before[0] + events, before[1] + duplicates
    for table, column, rows in (("arrival", "minute", said), ("arrival_day", "day", days)):
        db.executemany(
            f"INSERT INTO {table} (source, {column}, events, duplicates) VALUES (?, ?, ?, ?)"
            f" ON CONFLICT (source, {column}) DO UPDATE SET events = {table}.events + excluded.events,"
            f" duplicates = {table}.duplicates + excluded.duplicates",
            [(*at, *n) for at, n in rows.items()],
        )
    db.execute(
        "INSERT INTO tide (one, heard) VALUES (1, ?)"
        " ON CONFLICT (one) DO UPDATE SET heard = tide.heard + excluded.heard",
        (sum(events + duplicates for events, duplicates in said.values()),),
    )


def by_day(store: Store) -> ByDay:
    """(events, duplicates) of each UTC day since the epoch on which a source was heard, ascending, by source."""
    found: ByDay = {}
    for name, day, events, duplicates in store.db.execute(
        "SELECT s.name, d.day, d.events, d.duplicates FROM arrival_day d JOIN source s ON s.id = d.source"
        " ORDER BY d.source, d.day"
    ):
        found.setdefault(name, {})[day] = events, duplicates
    return found


def minutes(store: Store, source: str, first: int, last: int) -> list[tuple[int, int]]:
    """(minute UTC, new events) from first to last in which a source was heard, ascending."""
    return store.db.execute(
        "SELECT minute, events FROM arrival WHERE source = (SELECT id FROM source WHERE name = ?) AND minute >= ?"
        " AND minute <= ? ORDER BY minute",
        (source, first, last),
    ).fetchall()


def last_heard(store: Store, until: int) -> dict[str, int]:
    """The last minute (UTC, since the epoch) up to `until` at which each source was heard."""
    rows = store.db.execute(
        "SELECT s.name, (SELECT MAX(a.minute) FROM arrival a WHERE a.source = s.id AND a.minute <= ?) FROM source s",
        (until,),
    )
    return {name: minute for name, minute in rows if minute is not None}


def tide(store: Store) -> int:
    """A number that grows with every event heard, new or not."""
    row = store.db.execute("SELECT heard FROM tide").fetchone()
    return 0 if row is None else int(row[0])
