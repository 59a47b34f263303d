"""A few seeds of `make soak`: every kind of fault, and what would slip through if a promise were not kept."""

import random
import signal
import threading

import pytest

import soak
from history import acts, differences, opened, state, whole
from tocsin import desk as city_desk
from tocsin import loop, store
from tocsin.errors import StoreError
from tocsin.store import events, keys
from tocsin.store.db import Store

pytestmark = pytest.mark.sqlite


@pytest.fixture(autouse=True)
def put_back(monkeypatch):
    """What a soak makes small for itself is as it was afterwards."""
    for module, name in ((loop, "BATCH"), (keys, "FEW"), (keys, "MOST")):
        monkeypatch.setattr(module, name, getattr(module, name))


@pytest.mark.parametrize("way", soak.WAYS)
def test_whatever_breaks_every_row_is_as_without_faults(tmp_path, way):
    assert soak.one(3, way, tmp_path) >= 3, "nothing broke"


def test_a_history_that_once_differed(tmp_path):
    """A late correction made a beat say `grow`, and the same beat again, after a cut, `quiet`."""
    assert soak.one(400, "cuts", tmp_path) >= 3


def test_a_store_that_answers_before_it_has_written_is_caught(tmp_path, monkeypatch):
    wanted = soak.quiet(tmp_path / "quiet", 3)
    most, brought, real = 0, 0, Store.commit

    def hasty(self, db):
        nonlocal most, brought
        there = db.execute("SELECT COUNT(*) FROM event").fetchone()[0]
        more, most = there > most, max(there, most)
        brought += more
        if more and brought == 20:  # one that brings records: sums that are lost are made again
            db.execute("ROLLBACK")  # … and says that it is done
        else:
            real(self, db)

    monkeypatch.setattr(Store, "commit", hasty)
    monkeypatch.setitem(soak.WAYS, "hasty", lambda folder, told, _: [a.do(soak.opened(folder)) for a in told] and 1)
    with pytest.raises(AssertionError, match="missing"):
        soak.one(3, "hasty", tmp_path, wanted)


def test_findings_that_are_said_twice_are_caught(tmp_path, monkeypatch):
    wanted = soak.quiet(tmp_path / "quiet", 3)

    def forgetful(*given, known, **more):
        return events.append(*given, **more)

    monkeypatch.setattr(loop, "append", forgetful)
    with pytest.raises(AssertionError, match="finding: too many"):
        soak.one(3, "cuts", tmp_path, wanted)


@pytest.fixture
def on_postgres(pg, monkeypatch):
    """Cities opened in this test live on the server; those that a backup or a move makes are left out."""
    real = store.open_store
    monkeypatch.setattr(city_desk, "open_store", lambda folder, *_: real(folder, pg.url, f"soak_{folder.name}"))
    monkeypatch.setattr(loop, "BATCH", 7)
    monkeypatch.setattr(keys, "FEW", 4)
    monkeypatch.setattr(keys, "MOST", 16)
    return [a for a in acts(5) if a.name not in ("move", "backup")]


def quits(server, folder, told, chance):
    """The server's power is cut while something is on its way; what was refused is sent again."""
    desk, broke = opened(folder), 0
    for act in told:
        cut = None
        if chance.random() < 0.08:
            cut = threading.Timer(chance.random() * 0.03, server.stop, [signal.SIGQUIT])
            cut.start()
        for last in (False, False, True):  # a connection that has gone is noticed by the next that uses it
            try:
                act.do(desk)
                break
            except StoreError:
                assert not last
                broke += 1
                if cut is not None:
                    cut.join()
                    server.start()
                    cut = None
        if cut is not None:
            cut.join()
            server.start()
    desk.store.close()
    return broke


@pytest.mark.parametrize("way", ["cuts", "quits"])
def test_so_it_is_on_postgresql(tmp_path, pg, on_postgres, way):
    wanted = soak.quiet(tmp_path / f"quiet_{way}", 5, on_postgres)
    chance = random.Random(5)
    told, folder = soak.shuffled(on_postgres, chance), tmp_path / way
    broke = soak.cuts(folder, told, chance) if way == "cuts" else quits(pg, folder, told, chance)
    assert broke >= 3
    desk = opened(folder)
    assert [*differences(state(desk), wanted), *whole(desk)] == []
    desk.store.close()
