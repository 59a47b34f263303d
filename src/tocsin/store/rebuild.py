"""Counting all events anew, as a live fold by today's settings would have counted them. I/O."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from tocsin.cube.increments import fold
from tocsin.store.db import Connection, Store
from tocsin.store.events import StepOf, insert_increments
from tocsin.store.keys import renew
from tocsin.types import Event, Increment

BATCH = 10_000  # events whose increments are netted before they are written


def rebuild(
    store: Store, signals: Mapping[str, tuple[str, str]], zone: str, step: StepOf,
    progress: Callable[[int], None] = lambda _: None,
) -> int:  # fmt: skip
    """Make the increments and the index of keys anew from the events, in one transaction; how many events there are.

    `signals` gives (kind, step) by name, `step` the civil minute at which an event's step begins. Rows get new
    numbers, so that readers that remember where they stopped (`read_increments`) see that all has changed.
    """
    with store.transaction() as db:
        db.executemany(
            "UPDATE signal SET kind = ?, step = ? WHERE name = ?", [(*s, name) for name, s in signals.items()]
        )
        db.execute("UPDATE clock SET zone = ?", (zone,))
        number = {name: n for n, name in db.execute("SELECT id, name FROM signal")}
        area = {code: n for n, code in db.execute("SELECT id, code FROM area")}
        newest = int(db.execute("SELECT COALESCE(MAX(seq), 0) FROM increment").fetchone()[0])
        db.execute("DELETE FROM increment")
        db.execute("DELETE FROM span")
        net: Counter[Increment] = Counter()
        done = 0
        for done, said in enumerate(folded(store, db, step), 1):
            for i in said:
                net[i._replace(n=0)] += i.n
            if done % BATCH == 0:
                newest = insert_increments(db, net, number.__getitem__, area.__getitem__, newest)
                net.clear()
                progress(done)
        insert_increments(db, net, number.__getitem__, area.__getitem__, newest)
        renew(db)
    return done


def folded(store: Store, db: Connection, step: StepOf) -> Iterator[list[Increment]]:
    """What each event changes: one (source, key) after another, each in the order of its rows."""
    rows = store.stream(
        db,
        "SELECT s.name, e.key, g.name, a.code, e.reference_time, e.report_time, e.value, e.imported FROM event e"
        " JOIN source s ON s.id = e.source JOIN signal g ON g.id = e.signal JOIN area a ON a.id = e.area"
        " ORDER BY e.source, e.key, e.seq",
    )
    before: Event | None = None
    for source, key, signal, place, reference, report, value, imported in rows:
        known = math.nan if value is None else value
        event = Event(source, key, signal, place, reference, report, known, imported)
        same = before is not None and (before.source, before.key) == (event.source, event.key)
        yield fold(before if same else None, event, step)
        before = event
