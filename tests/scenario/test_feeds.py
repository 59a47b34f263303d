"""Feeds as signals, through the loop: a feed falls silent, its alert opens, grows, and ends when it is back."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from city import make_city, put
from tocsin import loop, quality, views
from tocsin.alert import episode
from tocsin.calendar import end_of_day
from tocsin.desk import Desk, open_desk
from tocsin.errors import ConfigError
from tocsin.store import notes
from tocsin.types import Event

FIRST = date(2025, 1, 6)  # a Monday
HOUR = 3_600_000_000


def moment(desk: Desk, day: int, hour: float = 12.0) -> int:
    return end_of_day(FIRST + timedelta(days=day - 1), desk.tz) + 1 + int(hour * HOUR)


def send(
    desk: Desk, days, n: int = 30, *, hour: float = 8.0, area: str = "", delay: int = 0, value: float = 1.0
) -> None:
    """The hospital sends `n` cases a day, at about eight, of what happened `delay` days before."""
    rng = np.random.default_rng(3)
    streets = ("111", "112", "121")
    items = [
        Event("hospital", f"{d}-{i}", "cases", area or streets[i % 3], moment(desk, d - delay, 1),
              moment(desk, d, hour) + int(rng.integers(0, HOUR // 2)), value)
        for d in days for i in range(n)
    ]  # fmt: skip
    put(desk, items, name=f"{list(days)}{n}{hour}{area}{delay}{value}")


def said(desk: Desk) -> list[tuple[str, str]]:
    """(action, detectors so far) of what was said of feeds."""
    told = notes.read_notes(desk.store, 1 << 60)
    feeds = {a.id for a in episode.fold(told).values() if a.signal.startswith("data.")}
    return [n.action for n in told if n.alert in feeds]


def of_feeds(desk: Desk, at: int) -> list[dict]:
    found = views.alerts(desk, None, None, None, 50, at, ended=True)["alerts"]
    return [a for a in found if a["signal"].startswith("data.")]


def play(desk: Desk, days, hours=(7.0, 9.0, 12.0, 18.0, 23.5)) -> None:
    for d in days:
        for h in hours:
            loop.tick(desk, moment(desk, d, h), strict=True)


def test_a_feed_goes_silent_is_told_and_its_alert_ends_when_it_is_back(tmp_path: Path) -> None:
    desk = make_city(tmp_path / "live", detectors="[]")
    send(desk, range(40))
    play(desk, range(38, 40))
    assert said(desk) == []
    play(desk, range(40, 43))
    assert said(desk) == ["open", "grow", "grow", "grow"]  # one a day, and one when late becomes silent
    (alert,) = of_feeds(desk, moment(desk, 42, 23.5))
    assert (alert["signal"], alert["area"], alert["severity"], alert["phase"]) == (
        "data.hospital",
        "1",
        "blue",
        "growing",
    )
    assert "断报" in alert["reason"]["zh"]
    assert "2月14日 08:" in alert["reason"]["zh"]
    assert "silent: last heard on 14 Feb at 08:" in alert["reason"]["en"]
    assert "about 30 records" in alert["reason"]["en"]
    send(desk, range(43, 47))
    play(desk, range(43, 46))
    assert said(desk)[-2:] == ["quiet", "lapse"]
    assert of_feeds(desk, moment(desk, 45, 23.5))[0]["phase"] == "ended"
    before = list(map(tuple, desk.store.db.execute("SELECT * FROM note UNION ALL SELECT * FROM note").fetchall()))
    play(desk, range(38, 46))  # replayed: not one row more
    assert before == list(
        map(tuple, desk.store.db.execute("SELECT * FROM note UNION ALL SELECT * FROM note").fetchall())
    )
    again = make_city(tmp_path / "again", detectors="[]")
    send(again, range(40))
    send(again, range(43, 47))
    play(again, range(38, 46))
    assert notes.read_notes(again.store, 1 << 60) == notes.read_notes(desk.store, 1 << 60)


def test_an_alert_of_a_feed_is_moved_by_people_and_stays_in_hand(tmp_path: Path) -> None:
    desk = make_city(tmp_path, detectors="[]")
    send(desk, range(30))
    play(desk, [30])
    (alert,) = of_feeds(desk, moment(desk, 30, 23.5))
    assert loop.note(desk, alert["id"], "acknowledge", "duty", "called", moment(desk, 30, 23.6)) == "acknowledged"
    send(desk, range(31, 40))
    play(desk, range(31, 38))
    (alert,) = of_feeds(desk, moment(desk, 38))
    assert (alert["phase"], alert["state"]) == ("quiet", "acknowledged")
    detail = views.alert(desk, alert["id"], None, moment(desk, 38))
    assert {e["detector"] for e in detail["evidence"]} == {"late"}
    assert [n["action"] for n in detail["notes"]] == ["open", "acknowledge", "grow", "quiet"]


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("shifted:area", {"area": "121"}),
        ("shifted:delay", {"delay": 9}),
        ("shifted:value", {"value": 12.0}),
    ],
)
def test_what_is_sent_has_changed(tmp_path: Path, words: str, change: dict) -> None:
    desk = make_city(tmp_path, detectors="[]")
    send(desk, range(30))
    play(desk, [29])
    assert said(desk) == []
    send(desk, [30], **change)
    play(desk, [30, 31], hours=(1.0,))
    (alert,) = of_feeds(desk, moment(desk, 31))
    assert alert["detectors"] == [words]
    assert alert["reason"]["zh"] != alert["reason"]["en"]


def test_a_source_that_moves_from_morning_to_night_is_told(tmp_path: Path) -> None:
    """One late delivery is late; two nights running are other hours. After a week or so they are its hours."""
    desk = make_city(tmp_path, detectors="[]")
    send(desk, range(40))
    send(desk, [40], hour=21.0)
    play(desk, range(38, 42), hours=(1.0,))
    assert said(desk) == []
    send(desk, range(41, 56), hour=21.0)
    play(desk, [42], hours=(1.0,))
    (alert,) = of_feeds(desk, moment(desk, 42, 2))
    assert alert["detectors"] == ["shifted:hour"]
    assert "2月16日的数据多在 21 时前后到达，通常在 8 时前后" in alert["reason"]["zh"]
    assert "around 21:00, usually around 8:00" in alert["reason"]["en"]
    play(desk, range(43, 53), hours=(1.0,))
    assert [a["phase"] for a in of_feeds(desk, moment(desk, 52, 2))] == ["ended"]


def test_half_for_two_days(tmp_path: Path) -> None:
    desk = make_city(tmp_path, detectors="[]")
    send(desk, range(30), 60)
    send(desk, [30, 31], 30)
    play(desk, [31, 32], hours=(1.0,))
    (alert,) = of_feeds(desk, moment(desk, 32))
    assert alert["detectors"] == ["half"]
    assert alert["observed"] == 60
    assert alert["expected"] == pytest.approx(120)
    assert "2月5日至2月6日只收到 60 条，通常约 120 条" in alert["reason"]["zh"]


def test_a_backlog_after_an_outage_is_no_outbreak(tmp_path: Path) -> None:
    desk = make_city(tmp_path, detectors='["ears_c2"]')
    send(desk, range(40), 9)
    backlog = [
        Event("hospital", f"late{d}-{i}", "cases", ("111", "112", "121")[i % 3], moment(desk, d, 1),
              moment(desk, 45, 8), 1.0)
        for d in range(40, 46) for i in range(9)
    ]  # fmt: skip
    play(desk, range(38, 45), hours=(12.0,))
    put(desk, backlog, name="backlog")
    play(desk, range(45, 48), hours=(12.0,))
    found = episode.fold(notes.read_notes(desk.store, 1 << 60)).values()
    assert {a.signal for a in found} == {"data.hospital"}


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_clocks_that_change_make_no_feed_late(tmp_path: Path, zone: str) -> None:
    desk = make_city(tmp_path, detectors="[]", zone=zone)
    send(desk, range(45, 100))
    play(desk, range(60, 100), hours=(9.0, 12.0, 20.0))
    assert said(desk) == []


def test_the_feeds_own_series_is_what_it_sent(tmp_path: Path) -> None:
    desk = make_city(tmp_path, detectors="[]")
    send(desk, [1, 2, 4], 7)
    found = views.series(desk, "data.hospital", "1", None, None, None, moment(desk, 5))
    assert found["values"][-5:] == [7, 7, 0, 7, 0]


def test_a_part_that_breaks_is_fenced(tmp_path: Path, monkeypatch) -> None:
    desk = make_city(tmp_path, detectors="[]")
    send(desk, range(30))

    def broken(*_: object) -> None:
        raise ValueError("no")

    monkeypatch.setattr(quality.arrivals, "judged", broken)
    assert loop.tick(desk, moment(desk, 30)).faults == [("arrivals of hospital", "ValueError: no")]
    with pytest.raises(ValueError, match="no"):
        loop.tick(desk, moment(desk, 31), strict=True)


def test_a_signal_may_not_have_the_name_of_a_feed(tmp_path: Path) -> None:
    make_city(tmp_path)
    file = tmp_path / "city.toml"
    file.write_text(file.read_text("utf-8").replace('name = "other"', 'name = "data.hospital"'), "utf-8")
    with pytest.raises(ConfigError, match=r"data\.hospital"):
        open_desk(tmp_path, {})
