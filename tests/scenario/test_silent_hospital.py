"""A hospital falls silent: its days are missing, not small, in what is counted, judged, said and sent to the page."""

from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from scenario.test_completeness import HOSPITALS, city, moment, put, send
from tocsin import loop, views
from tocsin.desk import Desk, open_desk
from tocsin.server.app import build
from tocsin.server.site import Site
from tocsin.types import Event

LAST = 40  # the last day on which the big hospital was heard


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Three hospitals send every day at eight; the big one stops; five days later 30 cases come from the small one."""
    folder: Path = tmp_path_factory.mktemp("silent")
    city(folder).store.close()
    file = folder / "city.toml"
    text = file.read_text("utf-8").replace("detectors = []", 'detectors = [{ method = "ears_c2", baseline = 14 }]', 1)
    file.write_text(text, "utf-8")
    desk = open_desk(folder, {})
    for source in HOSPITALS:
        send(desk, source, range(LAST + 1 if source == "big" else LAST + 6))
    more = [
        Event("small", f"x{i}", "cases", "121", moment(desk, LAST, 2), moment(desk, LAST + 1, 8), 1.0)
        for i in range(30)
    ]
    put(desk, more, "more")
    for day in range(LAST, LAST + 6):
        for hour in (9.0, 12.0, 23.0):
            loop.tick(desk, moment(desk, day, hour), strict=True)
    return desk


def test_its_days_are_missing_and_nothing_judges_them(desk: Desk) -> None:
    now = moment(desk, LAST + 5)
    cube = desk.cube("cases", "street", now, None, None)
    east = cube.values[0, list(cube.areas).index("111")]
    assert np.isnan(east[LAST + 1 : LAST + 3]).all()  # the middle hospital's ten are not taken for the street's
    assert east[LAST] == 26
    assert east[LAST + 3] == 10  # not due yet: two cadences after its end
    said = views.series(desk, "cases", "111", None, None, None, now)
    assert said["values"][LAST + 1 - len(cube.times)] is None
    assert not [a for a in said["alarms"] if a["time"] > "2025-02-16"]


def test_it_is_an_alert_of_its_own_and_the_others_say_what_they_lack(desk: Desk) -> None:
    now = moment(desk, LAST + 2)
    found = {a["signal"]: a for a in views.alerts(desk, None, None, None, 50, now)["alerts"]}
    assert set(found["data.big"]["detectors"]) <= {"late", "silent"}
    west = found["cases"]
    assert west["area"] in ("12", "121")
    assert "sources" not in west["reason"]["en"]  # the big one never told of the west
    whole = {a["area"]: a for a in views.alerts(desk, None, None, None, 50, now, ended=True)["alerts"]}
    assert all("sources" not in a["reason"]["en"] for a in whole.values() if a["signal"].startswith("data."))


def test_an_alert_of_its_own_places_says_that_counts_are_incomplete(desk: Desk) -> None:
    extra = [
        Event("middle", f"y{i}", "cases", "111", moment(desk, LAST + 4, 2), moment(desk, LAST + 4, 8), 1.0)
        for i in range(300)
    ]
    put(desk, extra, "extra")
    loop.tick(desk, moment(desk, LAST + 4, 13.5), strict=True)
    now = moment(desk, LAST + 4, 14)
    (east,) = [a for a in views.alerts(desk, None, None, None, 50, now)["alerts"] if a["area"] == "111"]
    lacks = "1 of 2 sources is silent or late (big): counts are incomplete"
    lacks += ", and those under 80% of the usual are not judged."
    assert east["reason"]["en"].endswith(lacks)
    assert "2 个来源中有 1 个断报或迟报（big）：数据不全，不足 80% 的计数不作研判。" in east["reason"]["zh"]


def test_the_wire_says_null_and_how_much_had_come(desk: Desk) -> None:
    site = Site(desk, clock=lambda: moment(desk, LAST + 5, 14))
    with TestClient(build(site)) as web:
        said = web.get("/api/v1/completeness", params={"signal": "cases", "level": "street"}).json()
        shares = {a["code"]: a["complete"] for a in said["areas"]}
        assert shares["111"] < 0.9 < shares["121"] == 1
        (big,) = [s for s in said["sources"] if s["name"] == "big"]
        assert big["states"][-1] == "silent"
        assert big["alert"]
        values = web.get("/api/v1/series", params={"signal": "cases", "area": "111"}).json()["values"]
        assert values[-6:] == [26, None, None, 10, 310, 10]
