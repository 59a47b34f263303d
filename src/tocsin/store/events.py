"""Appending what arrived: events, their increments, findings and progress, in one transaction. I/O."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from tocsin.cube.increments import fold, judge, same
from tocsin.errors import StoreError
from tocsin.store.db import Connection, Store, next_number
from tocsin.store.findings import close_keys, write_findings
from tocsin.store.heard import hear
from tocsin.store.keys import AT_ONCE, Keys, digest
from tocsin.types import Event, Finding, Imported, Increment, Instant, Minute

_SPAN = """
INSERT INTO span (one, first, last) VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET
  first = CASE WHEN excluded.first < span.first THEN excluded.first ELSE span.first END,
  last = CASE WHEN excluded.last > span.last THEN excluded.last ELSE span.last END
WHERE excluded.first < span.first OR excluded.last > span.last
"""

Result = Literal["accepted", "duplicate", "finding", "kept"]  # kept: a finding whose event follows it
StepOf = Callable[[Event], Minute]


class Taken(NamedTuple):
    """What one append did; `results` has one word for each item, `refused` the findings that the store itself made."""

    accepted: int
    duplicates: int
    findings: int
    results: list[Result]
    refused: dict[int, Finding]


def append(
    store: Store,
    items: Sequence[Event | Finding],
    *,
    delivery: int,
    step: StepOf,
    signals: Mapping[str, tuple[str, str]],
    at: Instant,
    known: bool = False,
) -> Taken:
    """Write a batch of one delivery; when this returns, all of it is durable and counted, and `items` moved on.

    Of one (source, key) the newest event stands: one that says the same is a duplicate, one reported earlier than
    what is known is refused with a finding. `signals` gives (kind, step) of each name the batch uses. `known`: the
    delivery came before, its findings have been written.
    """
    with store.transaction() as db:
        _agree(db, signals)
        writer = _Writer(db, signals)
        keys = store.keys
        keys.look(db)
        named = {(e.source, e.key): digest(writer.source[e.source], e.key) for e in items if isinstance(e, Event)}
        latest = _latest(db, writer, keys, named)

        def said(event: Event) -> bool:
            told = _read(db, writer, keys.every(db, named[_name(event)])).values()
            return any(_name(e) == _name(event) and e.report_time == event.report_time and same(e, event) for e in told)

        results, refused = _sort_out(items, latest, said)
        fresh = [i for i, word in zip(items, results, strict=True) if word == "accepted" and isinstance(i, Event)]
        _write(db, writer, fresh, latest, delivery, step, keys.last + 1)
        keys.add(named[e.source, e.key] for e in fresh)
        keys.write(db, len(fresh))
        _hear(db, writer, items, results)
        findings = [(n, i) for n, i in enumerate(items) if isinstance(i, Finding)] + list(refused.items())
        close_keys(db, [(writer.source[e.source], e.key) for e in fresh], at)
        written = [] if known else [f for _, f in sorted(findings, key=lambda x: x[0])]
        write_findings(db, written, writer.source.__getitem__, delivery, at)
        tally = Counter(results)
        taken = Taken(tally["accepted"], tally["duplicate"], len(findings), results, refused)
        db.execute(
            "UPDATE delivery SET items = items + ?, events = events + ?, duplicates = duplicates + ?,"
            " findings = findings + ? WHERE id = ?",
            (len(items), taken.accepted, taken.duplicates, len(written), delivery),
        )
    return taken


def _agree(db: Connection, signals: Mapping[str, tuple[str, str]]) -> None:
    for name, kind, step in db.execute("SELECT name, kind, step FROM signal"):
        if signals.get(name, (kind, step)) != (kind, step):
            raise StoreError(f"{name} is stored as {kind} by {step} since `tocsin rebuild`; start this program again")


class _Numbers(dict[str, int]):
    """The number of each name, asked for once."""

    def __init__(self, ask: Callable[[str], int]) -> None:
        super().__init__()
        self.ask = ask

    def __missing__(self, name: str) -> int:
        number = self[name] = self.ask(name)
        return number


class _Writer:
    """Small numbers for names, made when first needed, and the names back."""

    def __init__(self, db: Connection, signals: Mapping[str, tuple[str, str]]) -> None:
        self.db, self.signals = db, signals
        self.names: dict[tuple[str, int], str] = {}
        self.source = _Numbers(lambda name: self._id("source", "name", name))
        self.area = _Numbers(lambda code: self._id("area", "code", code))
        self.signal = _Numbers(lambda name: self._id("signal", "name", name, *self.signals[name]))

    def name(self, table: str, number: int) -> str:
        if (table, number) not in self.names:
            column = "code" if table == "area" else "name"
            row = self.db.execute(f"SELECT {column} FROM {table} WHERE id = ?", (number,)).fetchone()
            self.names[table, number] = row[0]
        return self.names[table, number]

    def _id(self, table: str, column: str, value: str, *rest: str) -> int:
        marks = ",".join(["?"] * (1 + len(rest)))
        columns = column + (", kind, step" if rest else "")
        number = next_number(table, "id")
        sql = f"INSERT INTO {table} (id, {columns}) VALUES ({number}, {marks}) ON CONFLICT DO NOTHING"
        self.db.execute(sql, (value, *rest))
        row = self.db.execute(f"SELECT id FROM {table} WHERE {column} = ?", (value,)).fetchone()
        return int(row[0])


def _latest(
    db: Connection, writer: _Writer, keys: Keys, named: Mapping[tuple[str, str], int]
) -> dict[tuple[str, str], Event]:
    """The newest stored event of every (source, key) in the batch; `named` gives their digests."""
    newest = keys.newest(db, named.values())
    if not newest:
        return {}
    found = _read(db, writer, newest.values())
    latest = {name: e for name, one in named.items() if (e := found.get(newest.get(one, 0))) and _name(e) == name}
    for name, one in named.items():
        if one in newest and name not in latest:  # the newest of its digest is of another key
            mine = {seq: e for seq, e in _read(db, writer, keys.every(db, one)).items() if _name(e) == name}
            if mine:
                latest[name] = mine[max(mine)]
    return latest


def _name(e: Event) -> tuple[str, str]:
    return e.source, e.key


def _read(db: Connection, writer: _Writer, seqs: Iterable[int]) -> dict[int, Event]:
    found, ordered = {}, sorted(seqs)
    for start in range(0, len(ordered), AT_ONCE):
        part = ordered[start : start + AT_ONCE]
        rows = db.execute(
            "SELECT seq, source, key, signal, area, reference_time, report_time, value, imported FROM event"
            f" WHERE seq IN ({','.join('?' * len(part))})",
            part,
        ).fetchall()  # names are looked up between the rows
        found.update({row[0]: _event(writer, *row[1:]) for row in rows})
    return found


def _event(
    writer: _Writer, source: int, key: str, signal: int, area: int, reference: int, report: int, value: float | None,
    imported: Imported,
) -> Event:  # fmt: skip
    names = writer.name("signal", signal), writer.name("area", area)
    known = math.nan if value is None else value
    return Event(writer.name("source", source), key, *names, reference, report, known, imported)


def _sort_out(
    items: Iterable[Event | Finding], latest: Mapping[tuple[str, str], Event], said: Callable[[Event], bool]
) -> tuple[list[Result], dict[int, Finding]]:
    """A word for each item, and findings for the events that come too late to be true.

    `said`: has this very event been stored before? Then it is a late copy, not a contradiction.
    """
    now = dict(latest)
    results: list[Result] = []
    refused = {}
    for i, item in enumerate(items):
        if isinstance(item, Finding):
            results.append("kept" if item.kept else "finding")
            continue
        before = now.get((item.source, item.key))
        verdict = judge(before, item)
        if verdict == "stale" and said(item):
            verdict = "duplicate"
        if verdict == "stale" and before is not None:
            refused[i] = _stale(item, before)
            results.append("finding")
            continue
        if verdict == "new":
            now[item.source, item.key] = item
        results.append("accepted" if verdict == "new" else "duplicate")
    return results, refused


def _stale(event: Event, before: Event) -> Finding:
    known = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=before.report_time)).isoformat(" ", "seconds")
    return Finding(
        event.source, "", 0, "report", str(event.report_time), "stale-report",
        "an event of this key with a later report time is already known; report times of one key go forward. "
        f"Known: {before.value:g} reported at {known}. Send the correction with its own, later time.",
        repr(tuple(event)).encode(), False, event.key,
    )  # fmt: skip


def _write(
    db: Connection, writer: _Writer, fresh: list[Event], latest: dict[tuple[str, str], Event], delivery: int,
    step: StepOf, first: int,
) -> None:  # fmt: skip
    said: dict[Increment, int] = {}
    rows = []
    for seq, e in enumerate(fresh, first):
        before = latest.get((e.source, e.key))
        for i in fold(before, e, step):
            said[i] = said.get(i, 0) + 1
        latest[e.source, e.key] = e
        value = None if math.isnan(e.value) else e.value
        rows.append(
            (seq, writer.source[e.source], e.key, writer.signal[e.signal], writer.area[e.area], e.reference_time,
             e.report_time, value, e.imported, delivery)
        )  # fmt: skip
    db.executemany(
        "INSERT INTO event (seq, source, key, signal, area, reference_time, report_time, value, imported, delivery)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    net: Counter[Increment] = Counter()
    for i, times in said.items():
        net[i._replace(n=0)] += i.n * times
    newest = int(db.execute("SELECT COALESCE(MAX(seq), 0) FROM increment").fetchone()[0])
    insert_increments(db, net, writer.signal.__getitem__, writer.area.__getitem__, newest)


def insert_increments(
    db: Connection,
    net: Counter[Increment],
    signal: Callable[[str], int],
    area: Callable[[str], int],
    after: int,
) -> int:
    """Write increments (each with n = 0) and their net multiplicity, numbered on from `after`; the last number."""
    left = [(i, n) for i, n in net.items() if n]
    db.executemany(
        "INSERT INTO increment (seq, signal, area, step, report_time, value, n, imported)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (seq, signal(i.signal), area(i.area), i.step, i.report_time, i.value, n, i.imported)
            for seq, (i, n) in enumerate(left, after + 1)
        ],
    )
    if left:
        steps = [i.step for i, _ in left]
        db.execute(_SPAN, (min(steps), max(steps)))
    return after + len(left)


def _hear(db: Connection, writer: _Writer, items: Iterable[Event | Finding], results: list[Result]) -> None:
    heard: dict[tuple[int, int], tuple[int, int]] = {}
    for item, word in zip(items, results, strict=True):
        if isinstance(item, Event):
            at = writer.source[item.source], item.report_time // 60_000_000
            events, duplicates = heard.get(at, (0, 0))
            heard[at] = events + (word == "accepted"), duplicates + (word == "duplicate")
    hear(db, heard)
