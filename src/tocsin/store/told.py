"""What each source told, by hour and day of its reports: sums folded behind the events, on the beat. I/O.

Appending knows nothing of them, and whoever asks is told the same whether they are behind or not: what has not been
folded yet, and what lies in a part of an hour, is read from the events themselves.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from tocsin.store.db import Connection, Store
from tocsin.types import Instant

HOUR, DAY = 3_600_000_000, 86_400_000_000  # microseconds
AREA, REFERENCE, DELAY = range(3)  # parts: by what events are summed
FEW, MANY = 5_000, 20_000  # events that are left lying; those folded in one transaction, which holds up who writes
MOST = 50  # transactions of one fold: a beat that finds a store of before, or a long file, goes on after some seconds
_WHAT = "e.area", f"e.reference_time / {HOUR}", f"(e.report_time - e.reference_time) / {DAY}"
_MARK = "COALESCE((SELECT seq FROM folded), 0)"
_FLOOR = "{0} - ({0} % {1} + {1}) % {1}"
_SUMS = f"""
SELECT e.source, e.signal, p.part, h.hours, {_FLOOR.format("e.hour", "h.hours")} AS start,
  CASE p.part WHEN {AREA} THEN e.area WHEN {REFERENCE} THEN e.reference ELSE e.delay END AS what,
  CAST(SUM(e.events) AS BIGINT) AS events, COALESCE(SUM(e.total), 0.0) AS total
FROM (
  SELECT e.source, e.signal, ({_FLOOR.format("e.report_time", HOUR)}) / {HOUR} AS hour,
    {_WHAT[AREA]} AS area, {_WHAT[REFERENCE]} AS reference, {_WHAT[DELAY]} AS delay,
    COUNT(*) AS events, SUM(e.value) AS total
  FROM event e WHERE e.seq > ? AND e.seq <= ? GROUP BY 1, 2, 3, 4, 5, 6
) e
  CROSS JOIN (SELECT {AREA} AS part UNION ALL SELECT {REFERENCE} UNION ALL SELECT {DELAY}) p
  CROSS JOIN (SELECT 1 AS hours UNION ALL SELECT 24) h
GROUP BY 1, 2, 3, 4, 5, 6
"""
_FOLD = f"""
INSERT INTO told (source, signal, part, hours, start, what, events, total) {_SUMS}
ON CONFLICT (source, signal, part, hours, start, what)
DO UPDATE SET events = told.events + excluded.events, total = told.total + excluded.total
"""


class Sum(NamedTuple):
    """Events of one kind: `what` is an area's number, the UTC hour of reference since the epoch, or days of delay."""

    signal: str
    what: int
    events: int
    total: float  # of their values


def fold(store: Store, few: int = FEW, most: int = MOST) -> None:
    """Add the events that came since to the sums, as long as they are `few` or more; at most so many transactions."""
    for _ in range(most):
        if _left(store.db)[1] < max(few, 1):
            return
        with store.transaction() as db:
            upto, left = _left(db)  # another process may have been quicker
            to = upto + min(left, MANY)
            db.execute(_FOLD, (upto, to))
            db.execute(
                "INSERT INTO folded (one, seq) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET seq = excluded.seq", (to,)
            )


def odd(db: Connection) -> tuple[int, int]:
    """How many sums there are, and how many of them, made anew from the events, are others."""
    columns = "source, signal, part, hours, start, what, events"
    ours, anew = f"SELECT {columns} FROM told", f"SELECT {columns} FROM ({_SUMS}) x"
    upto = _left(db)[0]
    wrong = 0
    for one, other in ((ours, anew), (anew, ours)):
        wrong += int(db.execute(f"SELECT COUNT(*) FROM ({one} EXCEPT {other}) y", (0, upto)).fetchone()[0])
    return int(db.execute("SELECT COUNT(*) FROM told").fetchone()[0]), wrong


def _left(db: Connection) -> tuple[int, int]:
    """The last row that is folded, and how many came after it."""
    upto, last = db.execute(f"SELECT {_MARK}, COALESCE((SELECT MAX(seq) FROM event), 0)").fetchone()
    return int(upto), int(last) - int(upto)


def sums(store: Store, source: str, signal: str | None, part: int, since: Instant, until: Instant) -> list[Sum]:
    """What a source told from `since` until before `until` of a signal (None: of each), by part; in that order."""
    db = store.db
    whose = [row[0] for row in db.execute("SELECT id FROM source WHERE name = ?", (source,))]
    which = [row[0] for row in db.execute("SELECT id FROM signal WHERE name = ?", (signal,))] if signal else []
    if not whose or (signal and not which) or since >= until:
        return []
    parts: list[str] = []
    values: list[int] = []
    event = f"SELECT e.signal, {_WHAT[part]} AS what, 1 AS events, e.value AS total FROM event e WHERE "
    one = " AND {0}.signal = ?" if signal else ""

    def ask(sql: str, *given: int) -> None:
        parts.append(sql)
        values.extend([*whose, *which, *given])

    first, last = -(-since // HOUR), until // HOUR  # whole hours
    for begin, end in [(since, first * HOUR), (last * HOUR, until)] if first < last else [(since, until)]:
        if begin < end:
            ask(f"{event}e.source = ?{one.format('e')} AND e.report_time >= ? AND e.report_time < ?", begin, end)
    if first < last:
        # The first bound tells the planner where the rows lie; the second is of the same moment as all that is read.
        after = f"e.seq > ? AND e.seq > {_MARK} AND +e.report_time >= ? AND +e.report_time < ?"
        ask(f"{event}+e.source = ?{one.format('e')} AND {after}", _left(db)[0], first * HOUR, last * HOUR)
    for hours, begin, end in _whole(first, last):
        its = one.format("t") or " AND t.signal IN (SELECT id FROM signal)"
        ask(
            f"SELECT t.signal, t.what, t.events, t.total FROM told t WHERE t.source = ?{its}"
            f" AND t.part = {part} AND t.hours = {hours} AND t.start >= ? AND t.start < ?",
            begin, end,
        )  # fmt: skip
    rows = db.execute(
        "SELECT x.signal, x.what, CAST(SUM(x.events) AS BIGINT), COALESCE(SUM(x.total), 0.0)"
        f" FROM ({' UNION ALL '.join(parts)}) x GROUP BY 1, 2",
        values,
    ).fetchall()
    names = dict(db.execute("SELECT id, name FROM signal").fetchall())
    return sorted(Sum(names[number], *rest) for number, *rest in rows)


def _whole(first: int, last: int) -> list[tuple[int, int, int]]:
    """(length, begin, end) of the days between two hours, and of the hours before and after them."""
    begin, end = -(-first // 24) * 24, last // 24 * 24
    if begin >= end:
        return [(1, first, last)] if first < last else []
    return [s for s in ((1, first, begin), (24, begin, end), (1, end, last)) if s[1] < s[2]]


def areas(store: Store) -> dict[int, str]:
    """The code of each area's number."""
    return dict(store.db.execute("SELECT id, code FROM area").fetchall())


def total(sums: Iterable[Sum]) -> float:
    """Their values' sum, to twelve digits: the same number in whatever order, and in how many parts, it was added."""
    return float(f"{math.fsum(s.total for s in sums):.12g}")
