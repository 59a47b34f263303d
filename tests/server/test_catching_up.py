"""A demo's page is there while records are taken in and days are judged, and shows each alert as it is raised."""

import threading
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from starlette.testclient import TestClient

from city import make_city
from tocsin import loop
from tocsin.cli import demo
from tocsin.server.app import build
from tocsin.server.beat import Beat
from tocsin.server.site import Site
from tocsin.server.watch import Ending

END = date(2026, 2, 2)
NOW = int(datetime(2026, 2, 3, 4, tzinfo=UTC).timestamp() * 1e6)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Two cases a day in one street for two months, forty on one of the days that are lived again; in a file."""
    monkeypatch.setattr(demo, "DAYS", 4)
    desk = make_city(tmp_path)
    text = (
        (tmp_path / "city.toml")
        .read_text("utf-8")
        .replace("[sources.mapping]", 'files = "in/*.csv"\n[sources.mapping]')
    )
    (tmp_path / "city.toml").write_text(text, "utf-8")
    days = [END - timedelta(days=d) for d in range(60)]
    rows = [f"{d}-{i},{d},{d} 12:00,111,11,1" for d in days for i in range(40 if d == END - timedelta(days=3) else 2)]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("\n".join(["id,onset,reported,street,district,n", *rows]) + "\n", "utf-8")
    desk.store.close()
    return Site(demo.open_city(tmp_path), clock=lambda: NOW)


def test_the_first_alert_is_there_before_the_last_day_is_judged(site, monkeypatch):
    waits, go, tick, told = threading.Event(), threading.Event(), loop.tick, []

    def slowly(desk, now, **more):
        if told.count("tick") == 1:  # a day has been judged: hold the next until the page has been looked at
            waits.set()
            assert go.wait(30)
        return tick(desk, now, **more)

    monkeypatch.setattr(loop, "tick", slowly)
    tell = site.broker.tell
    site.broker.tell = lambda event, value: (told.append(event), tell(event, value))
    with TestClient(build(site, Beat(site, 60.0, partial(demo.on_page, END)))) as client:
        assert waits.wait(30)
        assert client.get("/api/v1/city").json()["progress"] == {
            "part": "days", "done": 1, "total": 4, "day": "2026-01-30",
        }  # fmt: skip
        (alert, *_) = client.get("/api/v1/alerts").json()["alerts"]
        assert (alert["signal"], alert["opened"]) == ("cases", "2026-01-30")
        go.set()
        while client.get("/api/v1/city").json()["progress"]:
            go.wait(0.01)
    assert told[0] == "progress"
    assert told.count("tick") >= 4
    assert "reset" in told
    assert site.faults == []


def test_an_end_in_the_middle_ends_it(site):
    with pytest.raises(Ending):
        demo.on_page(END, site, lambda: True)
    with TestClient(build(site, Beat(site, 60.0, lambda s, ending: demo.on_page(END, s, ending)))):
        pass
    assert site.faults == []


def test_scans_may_be_left_out_of_the_first_days(site, monkeypatch):
    seen = []
    monkeypatch.setattr(
        loop, "locate", lambda desk, now, strict: seen.append(desk.day(now)) or loop.Located([], [], [], [])
    )
    list(loop.replay(site.desk, END - timedelta(days=3), END, scans_from=END - timedelta(days=1)))
    assert seen == [END - timedelta(days=1), END]
    list(loop.replay(site.desk, END - timedelta(days=3), END))
    assert len(seen) == 6
