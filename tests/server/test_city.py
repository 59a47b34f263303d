"""The server on a real store: from a push to an alert on the live stream, and every answer in its agreed shape."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tocsin.desk import open_desk
from tocsin.errors import StoreError
from tocsin.server.app import API, build
from tocsin.server.beat import Beat
from tocsin.server.site import Site

from . import small
from .conftest import TOKEN, WRITE

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Site]:
    site = Site(open_desk(small.city(tmp_path / "city"), {}), TOKEN, clock=lambda: int(NOW.timestamp() * 1e6))
    yield site
    site.desk.store.close()


def said(site: Site) -> str:
    """All that the live stream holds."""
    return b"".join(site.broker._ring).decode()


def test_from_a_push_to_an_alert_that_somebody_takes_in_hand(real: Site) -> None:
    events = small.outbreak(NOW.date())
    beat = Beat(real, 1)
    with TestClient(build(real)) as web:
        pushed = web.post(f"{API}/events", json=[*events, {**events[0], "key": "?", "signal": "no"}], headers=WRITE)
        assert pushed.status_code == 200, pushed.text
        assert {k: v for k, v in pushed.json().items() if k != "results"} == {
            "accepted": len(events), "duplicates": 0, "findings": 1,
        }  # fmt: skip
        assert pushed.json()["results"][-1]["code"] == "unknown-signal"
        assert web.post(f"{API}/events", json=events, headers=WRITE).json()["duplicates"] == len(events)
        beat.once()
        assert real.faults == []
        ranked = web.get(f"{API}/alerts").json()["alerts"]
        assert "11" in {a["area"] for a in ranked}
        assert all(a["last"] == "2026-03-01" for a in ranked)
        found = next(a for a in ranked if a["area"] == "11")
        notes = f"{API}/alerts/{found['id']}/notes"
        moved = web.post(notes, json={"action": "acknowledge", "who": "Li"}, headers=WRITE)
        assert (moved.status_code, moved.json()["state"]) == (201, "acknowledged")
        again = web.post(notes, json={"action": "acknowledge", "who": "Wu"}, headers=WRITE)
        assert again.status_code == 409
        assert "verify" in again.json()["error"]["allowed"]
        past = web.get(f"{API}/alerts", params={"as_of": "2026-02-01"}).json()
        assert past["alerts"] == []
    told = said(real)
    assert re.findall(r"event: (\w+)", told)[-2:] == ["tick", "alert"]
    states = [json.loads(d)["state"] for e, d in re.findall(r"event: (\w+)\ndata: (.*)", told) if e == "alert"]
    assert states[0] == "new"
    assert states[-1] == "acknowledged"


def test_every_answer_of_a_real_city_keeps_its_shape(real: Site) -> None:
    """Each answer is checked against its type before it is sent: a shape that is not agreed would be a 500."""
    reads = ["/city", "/signals", "/areas", "/areas?level=town", "/areas.geojson", "/series?signal=ed.ili&area=11",
             "/series?signal=ww.sars2&area=1", "/series?signal=ed.ili&area=1&from=2026-02-01&to=2026-02-20",
             "/map?signal=ed.ili&level=town", "/map?signal=ww.sars2&level=city", "/alerts", "/alerts?phase=growing",
             "/completeness", "/completeness?signal=ed.ili&as_of=2026-02-20",
             "/sources", "/findings", "/findings?source=hospital", "/health"]  # fmt: skip
    with TestClient(build(real)) as web:
        for _ in range(2):  # empty, then with an outbreak
            for path in reads:
                got = web.get(API + path)
                assert got.status_code == 200, (path, got.text)
            web.post(f"{API}/events", json=small.outbreak(NOW.date()), headers=WRITE)
            Beat(real, 1).once()
        for row in web.get(f"{API}/alerts").json()["alerts"]:
            assert web.get(f"{API}/alerts/{row['id']}").json()["evidence"]


def test_a_flood_of_one_kind_of_finding_does_not_hide_the_others(real: Site) -> None:
    case = {"source": "hospital", "signal": "ed.ili", "area": "11", "reference_time": "2026-03-01"}
    bad = [case | {"key": "first", "signal": "gone"}]
    bad += [case | {"key": f"k{n}", "reference_time": "someday"} for n in range(300)]
    with TestClient(build(real)) as web:
        assert web.post(f"{API}/events", json=bad, headers=WRITE).json()["findings"] == 301
        each = web.get(f"{API}/findings").json()
        assert each["total"] == 301
        assert {f["code"] for f in each["findings"]} == {"bad-date"}
        assert not any("alike" in f for f in each["findings"])
        by_kind = web.get(f"{API}/findings?kinds=true&source=hospital").json()
        assert by_kind["total"] == 301
        found = [(f["code"], f["field"], f["line"], f["alike"]) for f in by_kind["findings"]]
        assert found == [("bad-date", "reference_time", 301, 300), ("unknown-signal", "signal", 1, 1)]
        assert len(web.get(f"{API}/findings?kinds=true&limit=1").json()["findings"]) == 1


def test_files_put_into_the_folder_are_taken_and_told(real: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.feed.folder.QUIET_SECONDS", 0.0)
    inbox = real.desk.directory / "inbox"
    beat = Beat(real, 0.1)
    with TestClient(build(real)) as web:
        beat.once()
        (inbox / "a.csv").write_text("id,day,town\n1,2026-03-01,11\n2,2026-03-01,12\n3,someday,12\n", "utf-8")
        (inbox / "b.csv.part").write_text("id,day,town\n9,2026-03-01,11\n", "utf-8")
        beat.once()
        beat.once()
        source = web.get(f"{API}/sources").json()[1]
        assert (source["events"], source["findings_open"], source["state"]) == (2, 1, "ok")
        assert web.get(f"{API}/findings?source=inbox").json()["findings"][0]["line"] == 4
        beat.once()
        assert web.get(f"{API}/sources").json()[1]["events"] == 2
    told = re.findall(r"event: source\ndata: (.*)", said(real))
    assert [json.loads(d)["name"] for d in told] == ["inbox"]
    assert real.faults == []


def test_while_the_store_is_away_there_is_one_fault_without_traceback_and_none_when_it_is_back(
    real: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tocsin.feed.folder.QUIET_SECONDS", 0.0)
    for n in range(3):
        (real.desk.directory / "inbox" / f"{n}.csv").write_text(f"id,day,town\n{n},2026-03-01,11\n", "utf-8")
    beat = Beat(real, 0.1)
    with monkeypatch.context() as m:

        def away(*_: object) -> None:
            raise StoreError("the disk is full")

        m.setattr("tocsin.loop.take", away)
        for _ in range(3):
            beat.once()
        with TestClient(build(real)) as web:
            said = web.get(f"{API}/health").json()
            assert [(f["part"], f["message"]) for f in said["faults"]] == [
                ("watch", "0.csv: the disk is full (2 more files wait)")
            ]
            assert "tocsin_up 0" in web.get("/metrics").text
    assert "Traceback" not in caplog.text
    beat.once()
    with TestClient(build(real)) as web:
        assert web.get(f"{API}/health").json()["faults"] == []
        assert "tocsin_up 1" in web.get("/metrics").text
        assert web.get(f"{API}/sources").json()[1]["events"] == 3


def test_a_file_that_cannot_be_taken_is_one_fault_until_it_changes(real: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.feed.folder.QUIET_SECONDS", 0.0)

    def broken(*_: object) -> None:
        raise OSError("bad sector")

    monkeypatch.setattr("tocsin.loop.take", broken)
    (real.desk.directory / "inbox" / "a.csv").write_text("id,day,town\n1,2026-03-01,11\n", "utf-8")
    beat = Beat(real, 0.1)
    for _ in range(4):
        beat.once()
    assert [f["part"] for f in real.faults] == ["watch a.csv"]
    monkeypatch.undo()
    monkeypatch.setattr("tocsin.feed.folder.QUIET_SECONDS", 0.0)
    (real.desk.directory / "inbox" / "a.csv").write_text("id,day,town\n1,2026-03-01,11\n2,2026-03-01,11\n", "utf-8")
    for _ in range(2):
        beat.once()
    with TestClient(build(real)) as web:
        assert web.get(f"{API}/sources").json()[1]["events"] == 2
