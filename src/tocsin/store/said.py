"""What a source has delivered, and what it says now under each key. I/O."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from tocsin.store.db import Store
from tocsin.types import Event, Instant


class Kept(NamedTuple):
    """One delivery's bytes: their digest, the name they came under, and when they first came."""

    sha256: str
    file: str
    received: Instant


def kept(store: Store, source: str) -> list[Kept]:
    """The different files of a source, in the order they first came."""
    rows = store.db.execute(
        "SELECT d.sha256, MIN(d.file), MIN(d.received) FROM delivery d JOIN source s ON s.id = d.source"
        " WHERE s.name = ? GROUP BY d.sha256 ORDER BY MIN(d.received), MIN(d.id)",
        (source,),
    )
    return [Kept(*row) for row in rows]


def newest(store: Store, source: str) -> Iterator[Event]:
    """What each key of a source says now, in no order."""
    rows = store.db.execute(
        "SELECT e.key, g.name, a.code, e.reference_time, e.report_time, e.value, e.imported FROM event e"
        " JOIN signal g ON g.id = e.signal JOIN area a ON a.id = e.area WHERE e.seq IN"
        " (SELECT MAX(x.seq) FROM event x JOIN source s ON s.id = x.source WHERE s.name = ? GROUP BY x.key)",
        (source,),
    )
    for key, signal, area, reference, report, value, imported in rows:
        yield Event(source, key, signal, area, reference, report, math.nan if value is None else value, imported)
