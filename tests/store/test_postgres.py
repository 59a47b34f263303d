"""PostgreSQL as the store: equal to SQLite row by row, and there when it is stopped, started, shared, fought over."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from city import make_city, put
from tocsin import cli, desk, loop
from tocsin.desk import open_desk
from tocsin.errors import ConfigError, StoreError
from tocsin.server.beat import Beat
from tocsin.server.site import Site
from tocsin.store import copy, open_store
from tocsin.store.postgres import translated
from tocsin.types import Event, Finding

DAY = 86_400_000_000
NOW = 1_770_000_000_000_000


def events(n: int, first: int = 0) -> list[Event]:
    return [
        Event("hospital", f"k{i}", "cases", ("111", "112", "121")[i % 3], NOW - (i % 40) * DAY, NOW, 1.0)
        for i in range(first, first + n)
    ]


def on_postgres(folder: Path, url: str, schema: str) -> desk.Desk:
    made = make_city(folder)
    toml = (folder / "city.toml").read_text("utf-8")
    (folder / "city.toml").write_text(toml + f'[store]\nurl = "{url}"\nschema = "{schema}"\n', "utf-8")
    made.store.close()
    return open_desk(folder, {})


def test_one_history_makes_equal_stores(pg, tmp_path):
    """Events, corrections, findings, ticks and notes: every table has the same rows, numbers included."""
    cities = [make_city(tmp_path / "a"), on_postgres(tmp_path / "b", pg.url, "same")]
    for city in cities:
        put(city, events(60), "one")
        bad = Finding("hospital", "f.csv", 3, "onset", "x\0y", "bad-date", "a date, please", b"\x00\xff", False, "k1")
        put(city, [*events(5, 100), bad, events(1)[0]._replace(value=3.0, report_time=NOW + DAY)], "two")
        for day in range(4):
            ticked = loop.tick(city, NOW + day * DAY, strict=True)
        many = [Event("hospital", f"m{i}", "cases", "111", NOW + 4 * DAY, NOW + 4 * DAY, 1.0) for i in range(60)]
        put(city, many, "three")
        ticked = loop.tick(city, NOW + 4 * DAY, strict=True)
        assert ticked.opened
        loop.note(city, ticked.opened[0], "acknowledge", "duty", "long " * 2000, NOW + 6 * DAY)
    assert copy.digests(cities[0].store) == copy.digests(cities[1].store)


def test_every_table_is_copied(tmp_path):
    made = make_city(tmp_path)
    there = {r[0] for r in made.store.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert there == set(copy.TABLES) | {"known", "known_upto"}  # the index of keys: each store fills its own


def test_migrate_store_copies_and_proves(pg, tmp_path, capfd):
    made = make_city(tmp_path)
    put(made, events(50))
    loop.tick(made, NOW, strict=True)
    run = ["migrate-store", "--city", str(tmp_path), "--to", pg.url, "--schema", "moved"]
    with pytest.raises(SystemExit) as ended:
        cli.main(run)
    assert ended.value.code == 0
    assert "both stores are equal" in capfd.readouterr().out
    assert copy.digests(open_store(tmp_path, pg.url, "moved")) == copy.digests(made.store)
    with pytest.raises(SystemExit) as ended:  # what is there is never overwritten
        cli.main(run)
    assert ended.value.code == 4
    assert "not empty" in capfd.readouterr().err


def test_a_copy_that_differs_is_taken_back(pg, tmp_path, monkeypatch):
    made, to = make_city(tmp_path), open_store(tmp_path, pg.url, "differs")
    put(made, events(50))
    real = type(to.db).executemany

    def forgetful(self, sql, rows):
        return real(self, sql, list(rows)[:-1] if "INTO event" in sql else rows)

    monkeypatch.setattr(type(to.db), "executemany", forgetful)
    with pytest.raises(StoreError, match="event is not what was copied"):
        copy.copy_store(made.store, to)
    assert to.db.execute("SELECT COUNT(*) FROM source").fetchone()[0] == 0


def test_stopped_and_started_in_the_middle(pg, tmp_path):
    """What was acknowledged is there; what was not is refused in a sentence and goes in when it is sent again."""
    city = on_postgres(tmp_path, pg.url, "stopped")
    put(city, events(10), "one")
    for how in (signal.SIGINT, signal.SIGQUIT):
        pg.stop(how)
        try:
            with pytest.raises(StoreError, match="is the server running"):
                put(city, events(10, 10), "two")
        finally:
            pg.start()
        put(city, events(10, 10), "two")
        assert loop.tick(city, NOW, strict=True).rows >= 0
    assert city.store.db.execute("SELECT COUNT(*) FROM event").fetchone()[0] == 20


def test_several_write_at_once(pg, tmp_path):
    """Threads of one process and processes of their own: nothing lost, nothing twice, numbers without gaps."""
    city = on_postgres(tmp_path, pg.url, "several")
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_write, args=(tmp_path, n)) for n in range(2)]
    threads = [threading.Thread(target=_write, args=(tmp_path, n)) for n in (1, 2)]  # one writes what a process writes
    for each in [*others, *threads]:
        each.start()
    for each in [*others, *threads]:
        each.join(60)
    seqs = [r[0] for r in city.store.db.execute("SELECT seq FROM event ORDER BY seq")]
    assert seqs == list(range(1, 3 * 200 + 1))
    assert loop.tick(city, NOW, strict=True).faults == []
    rows = city.columns("cases", NOW)
    assert int(sum(rows.value * rows.n)) == 600


def _write(folder: Path, n: int) -> None:
    city = open_desk(folder, {})
    for start in range(0, 200, 20):
        put(city, events(20, 1000 * n + start), f"{n} {start}")


HERE = {**os.environ, "PYTHONPATH": str(Path(desk.__file__).parents[1])}
LEADS = """
import sys, time
from pathlib import Path
from tocsin.desk import open_desk
desk = open_desk(Path(sys.argv[1]), {})
print("leads" if desk.leads() else "follows", flush=True)
time.sleep(120)
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_another_takes_the_beat_over(kind, pg, tmp_path):
    """One leads; the rest follow and tell their pages what it did; killed, it is followed at the next beat."""
    city = make_city(tmp_path) if kind == "sqlite" else on_postgres(tmp_path, pg.url, "leads")
    first = subprocess.Popen([sys.executable, "-c", LEADS, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=HERE)
    try:
        assert first.stdout.readline() == "leads\n"
        site = Site(city, clock=lambda: NOW + 9 * DAY)
        beat = Beat(site, 1.0)
        beat._upto = NOW
        beat.once()
        assert not site.faults
        assert city.store.db.execute("SELECT COUNT(*) FROM tick").fetchone()[0] == 0
        put(city, events(40))
        told = []
        site.broker.tell = lambda kind, what: told.append(kind) if kind == "tick" else None
        loop.tick(city, NOW + DAY)  # by the leader, as it were
        beat.once()
        assert told == ["tick"]
        beat.once()
        assert told == ["tick"]  # once
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait(10)
        first.stdout.close()
    until = time.monotonic() + 10
    while not city.leads():
        assert time.monotonic() < until
        time.sleep(0.05)
    beat.once()
    assert told == ["tick", "tick"]
    assert not site.faults


def test_messages_hold_no_password(tmp_path):
    with pytest.raises(StoreError) as found:
        open_store(tmp_path, "postgresql://me:hush@127.0.0.1:1/none")
    assert "127.0.0.1" in str(found.value)
    assert "hush" not in str(found.value)
    with pytest.raises(ConfigError, match=r"store\.url"):
        open_store(tmp_path, "postgresql://me:hush@[")


@pytest.mark.parametrize(("theirs", "ours"), [("off", "on"), ("local", "local"), ("on", "on")])
def test_a_commit_waits_for_the_disk_whatever_the_server_is_used_to(tmp_path, pg, theirs, ours):
    city = on_postgres(tmp_path, f"{pg.url}?options=-c%20synchronous_commit%3D{theirs}", f"waits_{theirs}")
    assert city.store.db.execute("SHOW synchronous_commit").fetchone()[0] == ours


def test_the_schema_in_postgres_words():
    (table, index) = translated("CREATE TABLE x (a TEXT, n INTEGER, what TEXT, UNIQUE (a, what)) WITHOUT ROWID;")
    assert re.sub(r"\s+", " ", table) == 'CREATE TABLE x (a TEXT COLLATE "C", n BIGINT, what TEXT COLLATE "C");'
    assert index == "CREATE UNIQUE INDEX ON x (a, md5(what))"
