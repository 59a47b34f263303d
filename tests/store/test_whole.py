"""fsck sees what is planted, backup is taken from a city in use, restore gives the same rows or says why not."""

import io
import json
import sqlite3
import tarfile
import threading
from pathlib import Path

import pytest

from city import make_city, put
from tocsin import cli, loop
from tocsin.desk import Desk, open_desk
from tocsin.errors import InputError
from tocsin.store import copy, keys
from tocsin.store.backup import backup, restore
from tocsin.store.fsck import fsck
from tocsin.types import Event, Finding

DAY = 86_400_000_000
NOW = 1_770_000_000_000_000


def lived(folder: Path) -> Desk:
    """A city with a file taken in, corrections, a finding and an alert."""
    city = make_city(folder)
    rows = "".join(f"k{i},2026-01-{i % 28 + 1:02d},2026-02-01,111,\n" for i in range(60))
    (folder / "in.csv").write_text("id,onset,reported,street,n\n" + rows, "utf-8")
    loop.take(city, city.settings.source("hospital"), folder / "in.csv", NOW)
    said = [Event("hospital", f"p{i}", "cases", "112", NOW - i % 30 * DAY, NOW, 1.0) for i in range(90)]
    bad = Finding("hospital", "f", 1, "onset", "?", "bad-date", "a date", b"?", False)
    put(city, [*said, bad], "one")
    put(
        city,
        [said[0]._replace(value=9.0, report_time=NOW + 1), said[1]._replace(value=0.0, report_time=NOW + 1)],
        "two",
    )
    loop.tick(city, NOW, strict=True)
    return city


def problems(city: Desk) -> dict[str, list[str]]:
    found = fsck(city.store, city.directory, city.step_of)
    return {check.name: check.problems for check in found if check.problems}


def test_a_lived_in_store_is_whole(tmp_path):
    city = lived(tmp_path)
    with city.store.transaction() as db:
        keys.renew(db)  # so small a city has all of its index in memory
    checks = list(fsck(city.store, city.directory, city.step_of))
    assert [c.name for c in checks] == ["pages", "references", "numbers", "tallies", "keys", "counts", "raw bytes"]
    assert all(c.asked for c in checks)
    assert not any(c.problems for c in checks)


@pytest.mark.parametrize(
    ("damage", "seen"),
    [
        ("DELETE FROM event WHERE seq = 5", {"numbers", "tallies", "counts"}),
        ("DELETE FROM event WHERE seq = (SELECT MAX(seq) FROM event)", {"tallies", "counts"}),
        ("UPDATE event SET value = 2 WHERE seq = 7", {"counts"}),
        ("UPDATE increment SET n = 2 WHERE seq = 3", {"counts"}),
        ("DELETE FROM increment WHERE seq = 3", {"counts"}),
        ("UPDATE event SET area = 999 WHERE seq = 3", {"references", "counts"}),
        ("DELETE FROM finding WHERE id = 1", {"numbers", "tallies"}),
        ("UPDATE delivery SET events = events + 1 WHERE id = 1", {"tallies"}),
        ("UPDATE tide SET heard = heard + 1", {"tallies"}),
        ("UPDATE span SET last = last + 1440", {"tallies"}),
        ("INSERT INTO told VALUES (1, 1, 0, 24, 0, 1, 1, 1.0)", {"tallies"}),
        ("INSERT INTO note (seq, alert, at, who, action, what) VALUES (99, 'a', 1, 'b', 'comment', '')", {"numbers"}),
    ],
)
def test_what_is_planted_is_seen(damage, seen, tmp_path):
    city = lived(tmp_path)
    city.store.db.execute("PRAGMA foreign_keys=OFF")
    city.store.db.execute(damage)
    assert set(problems(city)) == seen


def test_kept_bytes_that_changed_are_seen(tmp_path):
    city = lived(tmp_path)
    (kept,) = (tmp_path / "raw").rglob("*.gz")
    kept.write_bytes(kept.read_bytes()[:-20])
    assert "in.csv" in problems(city)["raw bytes"][0]


def test_fsck_ends_with_1_and_json_lists_all(tmp_path, capfd):
    city = lived(tmp_path)
    city.store.db.execute("DELETE FROM increment")
    with pytest.raises(SystemExit) as ended:
        cli.main(["fsck", "--city", str(tmp_path), "--json"])
    assert ended.value.code == 1
    said = json.loads(capfd.readouterr().out)
    assert said["whole"] is False
    assert len(next(c for c in said["checks"] if c["name"] == "counts")["problems"]) > 20


def test_a_city_in_use_is_backed_up_whole(tmp_path):
    city = lived(tmp_path / "city")
    stop = threading.Event()

    def busy() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            put(city, [Event("hospital", f"w{n}-{i}", "cases", "121", NOW, NOW, 1.0) for i in range(5)], f"w{n}")

    writer = threading.Thread(target=busy)
    writer.start()
    try:
        files, _ = backup(city.directory, city.store, tmp_path / "b.tar.gz", {"city": "test", "at": "now"})
    finally:
        stop.set()
        writer.join()
    assert files >= 5  # city.toml, areas.csv, in.csv, the store, the kept bytes
    restore(tmp_path / "b.tar.gz", tmp_path / "again")
    again = open_desk(tmp_path / "again", {})
    assert not problems(again)
    live = [r[0] for r in city.store.db.execute("SELECT key FROM event ORDER BY seq")]
    then = [r[0] for r in again.store.db.execute("SELECT key FROM event ORDER BY seq")]
    assert then == live[: len(then)]
    assert len(then) % 5 == 152 % 5  # whole batches
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_the_commands(pg, tmp_path, capfd):
    """From a city on PostgreSQL too, the archive opens as an SQLite city with the same rows."""
    city = lived(tmp_path / "city")
    toml = (tmp_path / "city" / "city.toml").read_text("utf-8")
    moved = ["migrate-store", "--city", str(tmp_path / "city"), "--to", pg.url, "--schema", "backed"]
    for run in (moved, ["backup", str(tmp_path / "b.tar.gz"), "--city", str(tmp_path / "city"), "--no-raw"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(run)
        assert ended.value.code == 0, capfd.readouterr()
        (tmp_path / "city" / "city.toml").write_text(toml + f'[store]\nurl = "{pg.url}"\nschema = "backed"\n', "utf-8")
    with pytest.raises(SystemExit) as ended:
        cli.main(["restore", str(tmp_path / "b.tar.gz"), str(tmp_path / "again")])
    assert ended.value.code == 0
    assert not (tmp_path / "again" / "raw").exists()
    (tmp_path / "again" / "city.toml").write_text(toml, "utf-8")
    assert copy.digests(open_desk(tmp_path / "again", {}).store) == copy.digests(city.store)


def altered(good: Path, bad: Path, how: str) -> None:
    if how == "cut":
        bad.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
        return
    with tarfile.open(good) as old, tarfile.open(bad, "w:gz") as new:
        for member in old:
            data = old.extractfile(member).read()
            if how == "changed" and member.name == "areas.csv":
                data = data.replace(b"1000", b"1001")
            if how == "without" and member.name == "areas.csv":
                continue
            member.name = "../areas.csv" if how == "outside" and member.name == "areas.csv" else member.name
            new.addfile(member, io.BytesIO(data))


@pytest.mark.parametrize("how", ["cut", "changed", "without", "outside", "noise", "not empty"])
def test_what_is_no_whole_backup_is_refused(how, tmp_path):
    city = lived(tmp_path / "city")
    backup(city.directory, city.store, tmp_path / "b.tar.gz", {})
    bad, to = tmp_path / "bad.tar.gz", tmp_path / "again"
    if how == "noise":
        bad.write_bytes(b"no archive")
    elif how == "not empty":
        bad, to = tmp_path / "b.tar.gz", tmp_path / "city"
    else:
        altered(tmp_path / "b.tar.gz", bad, how)
    with pytest.raises(InputError):
        restore(bad, to)
    assert how == "not empty" or not to.exists()


def test_the_snapshot_is_one_moment(tmp_path):
    city = lived(tmp_path)
    with city.store.snapshot() as db:
        before = db.execute("SELECT COUNT(*) FROM event").fetchone()
        other = sqlite3.connect(tmp_path / "tocsin.sqlite")
        other.execute("INSERT INTO source (id, name) VALUES (77, 'x')")
        other.commit()
        other.close()
        assert db.execute("SELECT COUNT(*) FROM source WHERE id = 77").fetchone() == (0,)
        assert db.execute("SELECT COUNT(*) FROM event").fetchone() == before
    assert city.store.db.execute("SELECT COUNT(*) FROM source WHERE id = 77").fetchone() == (1,)
