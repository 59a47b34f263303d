"""The index of keys says what the events say: whoever wrote them, whatever failed, however little memory it has."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city import make_city, put
from tocsin.desk import Desk, open_desk
from tocsin.store import events as store_events
from tocsin.store import keys as module
from tocsin.store import open_store
from tocsin.store.copy import copy_store
from tocsin.store.db import Store
from tocsin.store.fsck import fsck
from tocsin.store.rebuild import rebuild
from tocsin.types import Event

NOW = 1_770_000_000_000_000
SOURCES = "hospital", "school"


class PowerCut(Exception):
    """What the test breaks with."""


def event(source: int, key: int, report: int) -> Event:
    return Event(SOURCES[source], f"k{key}", "cases", "111", NOW, NOW + report, float(report + 1))


records = st.lists(st.builds(event, st.integers(0, 1), st.integers(0, 20), st.integers(0, 9)), min_size=1, max_size=12)
deeds = st.lists(
    st.tuples(st.sampled_from(["put", "put", "put", "fail", "lose", "reopen", "rebuild"]), st.booleans(), records),
    max_size=30,
)


@pytest.fixture(params=[None, 7], ids=["own digests", "seven digests for all keys"])
def tight(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hardly any memory, and digests that many keys share."""
    monkeypatch.setattr(module, "FEW", 4)
    monkeypatch.setattr(module, "MOST", 12)
    if request.param:
        whole = module.digest
        for place in (module, store_events):
            monkeypatch.setattr(place, "digest", lambda source, key: whole(source, key) % request.param)


def newest(store: Store) -> dict[tuple[str, str], int]:
    """By asking all events."""
    asked = "SELECT s.name, e.key, MAX(e.seq) FROM event e JOIN source s ON s.id = e.source GROUP BY s.name, e.key"
    return {(source, key): seq for source, key, seq in store.db.execute(asked)}


def told(desk: Desk) -> dict[tuple[str, str], int]:
    """By asking the index."""
    found = {}
    with desk.store.transaction() as db:
        desk.store.keys.look(db)
        number = dict(db.execute("SELECT name, id FROM source").fetchall())
        for source, key in newest(desk.store):
            one = module.digest(number[source], key)
            every = desk.store.keys.every(db, one)
            assert desk.store.keys.newest(db, [one])[one] == every[-1]
            named = [db.execute("SELECT source, key FROM event WHERE seq = ?", (seq,)).fetchone() for seq in every]
            mine = [seq for seq, name in zip(every, named, strict=True) if name == (number[source], key)]
            asked = "SELECT seq FROM event WHERE source = ? AND key = ? ORDER BY seq"
            assert mine == [row[0] for row in db.execute(asked, (number[source], key))]
            found[source, key] = mine[-1]
    return found


def do(desk: Desk, deed: str, some: list[Event], n: int) -> Desk:
    """One deed of a process; the desk it goes on with."""
    store = desk.store
    if store.kind == "sqlite":
        store.db.execute("PRAGMA synchronous=OFF")  # a hundred histories, none of which loses its power
    if deed == "put":
        put(desk, some, f"d{n}")
    elif deed == "fail":

        def half() -> None:
            with store.transaction():
                put(desk, some, f"d{n}")
                raise PowerCut

        with pytest.raises(PowerCut):
            half()
    elif deed == "lose":  # it lands, and nobody is told
        land = store.commit

        def cut(db: object) -> None:
            land(db)  # type: ignore[arg-type]  # a connection
            raise PowerCut

        store.commit = cut  # type: ignore[method-assign]
        with pytest.raises(PowerCut):
            put(desk, some, f"d{n}")
        del store.commit
    elif deed == "reopen":
        store.close()
        return open_desk(desk.directory, {})
    else:
        rebuild(store, desk.stored_as, "Asia/Shanghai", desk.step_of)
    return desk


@pytest.mark.usefixtures("tight")
@given(done=deeds)
def test_two_processes_find_every_key(done):
    with TemporaryDirectory() as folder:
        first = make_city(Path(folder))
        desks = [first, open_desk(first.directory, {})]
        for n, (deed, second, some) in enumerate(done):
            desks[second] = do(desks[second], deed, some, n)
        for desk in desks:
            assert told(desk) == newest(desk.store)
            assert desk.store.db.execute("SELECT COUNT(*) FROM known").fetchone()[0] <= len(done) * 12
            assert not [c.problems for c in fsck(desk.store, desk.directory, desk.step_of) if c.problems]
            desk.store.close()


@pytest.mark.sqlite  # the store is opened by its folder
@pytest.mark.usefixtures("tight")
def test_a_copied_store_is_filled_when_it_is_opened(tmp_path):
    made = make_city(tmp_path / "a")
    put(made, [event(0, i, 0) for i in range(200)])
    (tmp_path / "b").mkdir()
    copy = open_store(tmp_path / "b")
    copy_store(made.store, copy)
    assert copy.db.execute("SELECT COUNT(*) FROM known").fetchone()[0] == 0
    copy.close()
    (tmp_path / "b" / "city.toml").write_text((tmp_path / "a" / "city.toml").read_text("utf-8"), "utf-8")
    (tmp_path / "b" / "areas.csv").write_text((tmp_path / "a" / "areas.csv").read_text("utf-8"), "utf-8")
    again = open_desk(tmp_path / "b", {})
    assert again.store.db.execute("SELECT COUNT(*) FROM known").fetchone()[0] >= 200 - 4 * module.MOST
    assert put(again, [event(0, i, 0) for i in range(200)], "again").duplicates == 200


def test_fsck_sees_an_index_that_is_not_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FEW", 4)
    made = make_city(tmp_path)
    for n in range(20):
        put(made, [event(0, n * 10 + i, 0) for i in range(10)], f"d{n}")
    made.store.db.execute("DELETE FROM known WHERE seq = (SELECT MIN(seq) FROM known)")
    said = {c.name: c.problems for c in fsck(made.store, made.directory, made.step_of)}
    assert "tocsin rebuild" in said["keys"][0]
    rebuild(made.store, made.stored_as, "Asia/Shanghai", made.step_of)
    assert not any(c.problems for c in fsck(made.store, made.directory, made.step_of))


def test_the_index_is_written_behind_the_events_and_never_far(tmp_path, monkeypatch):
    """What is held in memory is bounded, whatever comes; most of it is in the table."""
    monkeypatch.setattr(module, "FEW", 16)
    monkeypatch.setattr(module, "MOST", 64)
    made = make_city(tmp_path)
    for n in range(100):
        put(made, [event(0, n * 20 + i, 0) for i in range(20)], f"d{n}")
    assert made.store.db.execute("SELECT COUNT(*) FROM known").fetchone()[0] > 2000 - 4 * 64
