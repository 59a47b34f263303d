"""Fail every write, before and after it lands; go on as a restarted program would; nothing may differ then."""

import sqlite3
from datetime import date
from pathlib import Path

import pytest

from city import make_city
from tocsin import loop
from tocsin.calendar import end_of_day
from tocsin.desk import Desk
from tocsin.store.db import Store

TABLES = (
    "source",
    "area",
    "signal",
    "delivery",
    "event",
    "increment",
    "arrival",
    "arrival_day",
    "tide",
    "span",
    "finding",
    "note",
    "evidence",
    "tick",
)
NOW = 1_409_600_000_000_000


class PowerCut(Exception):
    """The lights go out."""


def rows_of(store: Store) -> dict[str, list[tuple[object, ...]]]:
    return {t: sorted(map(tuple, store.db.execute(f"SELECT * FROM {t}").fetchall()), key=repr) for t in TABLES}


def feed(folder: Path) -> None:
    """Two files of a month: quiet, then an outbreak in one street; corrections, bad rows, one file twice."""
    lines = ["id,onset,reported,street,district,n"]
    for day in range(1, 29):
        visits = range(1 + (day > 24) * 12)
        lines += [f"v{day}-{i},2014-08-{day:02},2014-08-{day:02},111,11,1" for i in visits]
        if day % 7 == 0:
            lines.append(f"v{day}-0,2014-08-{day:02},2014-08-{day + 1:02},112,11,1")
            lines.append(f"bad{day},2014-13-{day:02},2014-08-{day:02},111,11,1")
            lines.append(f"far{day},2014-08-{day:02},2014-08-{day:02},999,12,1")
    (folder / "first.csv").write_text("\n".join(lines[:60]) + "\n")
    (folder / "second.csv").write_text("\n".join([lines[0], *lines[60:]]) + "\n")


def work(desk: Desk) -> None:
    source = desk.settings.source("hospital")
    for name in ("first.csv", "second.csv", "first.csv"):
        loop.take(desk, source, desk.directory / name, NOW)
    for day in (24, 25, 26, 27, 28, 28):
        loop.tick(desk, end_of_day(date(2014, 8, day), desk.tz), strict=True)
    alerts = loop.episode.fold(loop.notes.read_notes(desk.store, NOW))
    first = min(alerts)
    if alerts[first].state == "new":
        loop.note(desk, first, "acknowledge", "duty officer", "calling", NOW)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(loop, "BATCH", 11)


def test_failing_every_write_before_and_after_it_lands(tmp_path, monkeypatch):
    quiet = make_city(tmp_path / "quiet")
    feed(quiet.directory)
    writes = count_commits(monkeypatch, lambda: work(quiet))
    wanted = rows_of(quiet.store)
    assert len(wanted["event"]) > 60
    assert wanted["note"]
    assert wanted["evidence"]
    for n in range(writes):
        for lands in (False, True):
            desk = make_city(tmp_path / f"{n}-{lands}")
            feed(desk.directory)
            with pytest.raises(PowerCut):
                cut_at(monkeypatch, n, lands, lambda desk=desk: work(desk))
            desk.store.close()
            again = make_city(tmp_path / f"{n}-{lands}")
            work(again)
            got = rows_of(again.store)
            for table in TABLES:
                assert got[table] == wanted[table], (n, lands, table)
            again.store.close()


def test_the_check_sees_a_missing_uniqueness_rule(tmp_path, monkeypatch):
    """With one rule gone, only a write that landed before the cut shows it: both arms are needed."""
    desk = make_city(tmp_path / "a")
    feed(desk.directory)
    source = desk.settings.source("hospital")
    loop.take(desk, source, desk.directory / "first.csv", NOW)
    before = len(rows_of(desk.store)["event"])
    desk.store.db.execute("UPDATE delivery SET items = 0, done = 0")  # forgets how far it came
    desk.store.db.execute("UPDATE event SET key = 'lost' || seq")  # … and what it knows
    loop.take(desk, source, desk.directory / "first.csv", NOW)
    assert len(rows_of(desk.store)["event"]) == 2 * before


def count_commits(monkeypatch, run) -> int:
    done = 0
    commit = Store.commit

    def counting(self: Store, db: sqlite3.Connection) -> None:
        nonlocal done
        done += 1
        commit(self, db)

    with monkeypatch.context() as m:
        m.setattr(Store, "commit", counting)
        run()
    return done


def cut_at(monkeypatch, n: int, lands: bool, run) -> None:
    seen = 0
    commit = Store.commit

    def cutting(self: Store, db: sqlite3.Connection) -> None:
        nonlocal seen
        seen += 1
        if seen == n + 1:
            if lands:
                commit(self, db)
            raise PowerCut
        commit(self, db)

    with monkeypatch.context() as m:
        m.setattr(Store, "commit", cutting)
        run()
