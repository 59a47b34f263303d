"""Is the store whole? Its pages, its references, its numbers, and every count made again from the events. I/O."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tocsin.store import told
from tocsin.store.copy import TABLES
from tocsin.store.db import Connection, Store
from tocsin.store.deliveries import raw_path, raw_sound
from tocsin.store.events import StepOf
from tocsin.store.keys import differs
from tocsin.store.rebuild import folded
from tocsin.types import Increment

FEW = 20  # problems of one kind that are named; the rest is counted


class Check(NamedTuple):
    """One question to the store; no problems: it is whole in that."""

    name: str
    asked: int  # how many rows or files were looked at
    problems: list[str]


def fsck(
    store: Store, directory: Path, step: StepOf, progress: Callable[[str], None] = lambda _: None
) -> Iterator[Check]:
    """All checks, as of one moment, while others go on writing; nothing is changed."""
    progress("pages")
    yield Check("pages", 1, store.damage())
    with store.snapshot() as db:
        for name, check in (("references", _references), ("numbers", _numbers), ("tallies", _tallies)):
            progress(name)
            yield check(db)
        progress("keys")
        asked, why = differs(store, db)
        yield Check("keys", asked, [why] if why else [])
        progress("counts")
        yield _counts(store, db, step)
        progress("raw bytes")
        yield _raw(db, directory)


def _references(db: Connection) -> Check:
    problems, asked = [], 0
    refers = [("event", c, c) for c in ("source", "signal", "area", "delivery")]
    refers += [("increment", c, c) for c in ("signal", "area")]
    refers += [("finding", c, c) for c in ("source", "delivery")] + [("delivery", "source", "source")]
    for table, column, to in refers:
        asked += _one(db, f"SELECT COUNT(*) FROM {table}")
        lost = _one(
            db, f"SELECT COUNT(*) FROM {table} t WHERE NOT EXISTS (SELECT 1 FROM {to} o WHERE o.id = t.{column})"
        )
        if lost:
            problems.append(f"{lost} rows of {table} name a {to} that is not there")
    return Check("references", asked, problems)


def _numbers(db: Connection) -> Check:
    """Rows that are only ever added are numbered from 1 without a gap: a row that was taken out leaves one."""
    problems, asked = [], 0
    for table in ("event", "delivery", "finding", "note"):
        column = TABLES[table]
        rows, last = db.execute(f"SELECT COUNT(*), COALESCE(MAX({column}), 0) FROM {table}").fetchone()
        asked += rows
        if rows != last:
            problems.append(f"{table} has {rows} rows, numbered to {last}: {last - rows} are gone")
    return Check("numbers", asked, problems)


def _tallies(db: Connection) -> Check:
    """What each delivery says it brought is there."""
    problems, asked = [], 0
    for table in ("event", "finding"):
        rows = db.execute(
            f"SELECT d.id, d.file, d.{table}s, COALESCE(t.n, 0) FROM delivery d LEFT JOIN"
            f" (SELECT delivery, COUNT(*) AS n FROM {table} GROUP BY delivery) t ON t.delivery = d.id"
        ).fetchall()
        asked += len(rows)
        problems += [
            f"delivery {number} ({file}) brought {said} {table}s, {there} are there"
            for number, file, said, there in rows
            if said != there
        ]
    days = "SELECT source, (minute - (minute % 1440 + 1440) % 1440) / 1440, SUM(events), SUM(duplicates) FROM arrival"
    heard = {tuple(map(int, row)) for row in db.execute(f"{days} GROUP BY 1, 2")}
    summed = {tuple(map(int, row)) for row in db.execute("SELECT source, day, events, duplicates FROM arrival_day")}
    if odd := len({row[:2] for row in heard ^ summed}):
        problems.append(f"arrivals of {odd} days do not add up to what is kept of the day")
    if sum(row[2] + row[3] for row in summed) != sum(row[0] for row in db.execute("SELECT heard FROM tide")):
        problems.append("the days' arrivals do not add up to what is kept of all")
    sums, odd = told.odd(db)
    if odd:
        problems.append(f"{odd} sums of what sources told are not those of their events")
    span = "SELECT MIN(step), MAX(step) FROM increment HAVING COUNT(*) > 0"
    if db.execute("SELECT first, last FROM span").fetchall() != db.execute(span).fetchall():
        problems.append("the first and last step that are kept are not those of the increments")
    return Check("tallies", asked + len(heard) + sums, problems)


def _counts(store: Store, db: Connection, step: StepOf) -> Check:
    """The increments are those that the events make, cell by cell and moment by moment."""
    left: Counter[Increment] = Counter()
    for row in db.execute(
        "SELECT g.name, a.code, i.step, i.report_time, i.value, i.n, i.imported FROM increment i"
        " JOIN signal g ON g.id = i.signal JOIN area a ON a.id = i.area"
    ):
        left[Increment(*row)._replace(n=0)] += row[5]
    asked = 0
    for said in folded(store, db, step):
        asked += 1
        for i in said:
            left[i._replace(n=0)] -= i.n
    wrong = [i for i, n in left.items() if n]
    return Check(
        "counts", asked,
        [f"{i.signal} in {i.area} at step {i.step}, known {i.report_time}: {left[i]:+d} × {i.value:g}" for i in wrong],
    )  # fmt: skip


def _raw(db: Connection, directory: Path) -> Check:
    """The bytes that were kept are those that came."""
    problems, asked = [], 0
    for sha, file in db.execute("SELECT DISTINCT sha256, file FROM delivery ORDER BY sha256").fetchall():
        path = raw_path(directory, sha)
        if path.exists():
            asked += 1
            if not raw_sound(path, sha):
                problems.append(f"{path}: no longer the bytes of {file}")
    return Check("raw bytes", asked, problems)


def _one(db: Connection, sql: str) -> int:
    return int(db.execute(sql).fetchone()[0])
