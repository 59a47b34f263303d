"""Between full beats: marks are where cells begin to speak, reaching one is judged at once, the rest soon."""

import numpy as np
import pytest

from city import DAY_US, make_city, put
from tocsin import ahead as ahead_module
from tocsin import loop
from tocsin.ahead import Ahead, marks
from tocsin.judge import believed, flagged, judge, judge_cube
from tocsin.server import beat as beat_module
from tocsin.server.beat import Beat
from tocsin.server.site import Site
from tocsin.types import Event

NOW = 1_770_000_000_000_000


def case(key, area, days_ago=0, n=1.0):
    return Event("hospital", str(key), "cases", area, NOW - days_ago * DAY_US, NOW, n)


def history(areas=("111", "112", "121"), days=60):
    """One to three a day in each street until yesterday."""
    return [case(f"{a}-{d}", a, d, float(1 + (d * 7 + int(a)) % 3)) for a in areas for d in range(1, days)]


@pytest.mark.parametrize(
    "detectors",
    ['[{ method = "ears_c2", baseline = 14 }]', '["ears_c1", "ears_c3"]', '["fixed_value"]',
     '["baseline_nb", "moving_percentile"]'],
)  # fmt: skip
def test_a_mark_is_the_smallest_count_that_speaks(tmp_path, detectors):
    """Told of one case fewer, no cell of the area speaks; told of the mark, it does."""
    city = make_city(tmp_path, detectors=detectors)
    put(city, history(), "history")
    table = city.settings.signal("cases")
    mark = marks(city, table, "street", NOW)
    places = [a.code for a in city.tree.at("street")]
    assert np.isfinite(mark).all()
    assert len(mark) == len(places) == 3

    def speaking() -> set[str]:
        one = judge(city, table, "street", NOW, 1)
        (of,) = believed([one], city.settings.alerts)
        return {flag.area for flag, _ in flagged(table, one, of, NOW)}

    put(city, [case(f"under-{a}", a, 0, m - 1) for a, m in zip(places, mark, strict=True)], "under")
    assert speaking() == set()
    put(city, [case(f"at-{a}", a) for a in places], "at")
    assert speaking() == set(places)


def test_what_moved_is_told_and_what_reached_its_mark_is_urgent_once(tmp_path):
    city = make_city(tmp_path)
    put(city, history(), "history")
    ahead = Ahead(city)
    assert ahead.look(NOW) == ([], False, False)
    put(city, [case("a", "111")], "a")
    seen = ahead.look(NOW)  # no marks yet: it is for the next full beat
    assert {(c.area, c.value) for c in seen.cells} >= {("111", 1.0), ("11", 1.0)}
    assert (seen.urgent, seen.other) == (False, True)
    while ahead.prepare(NOW):
        pass
    ahead.judged()
    put(city, [case("b", "111")], "b")
    assert ahead.look(NOW)[1:] == (False, False)  # one comparison, and nothing to do
    put(city, [case("c", "111", 0, 50.0)], "c")
    assert ahead.look(NOW).urgent
    loop.tick(city, NOW)
    ahead.judged()
    put(city, [case("d", "111")], "d")
    assert ahead.look(NOW)[1:] == (False, True)  # it speaks already: soon is soon enough
    put(city, [case("e", "121", 3)], "e")
    assert ahead.look(NOW)[1:] == (False, True)  # a late report changes what the marks rest on
    assert ahead.prepare(NOW)


def test_the_beat_judges_at_once_what_reaches_its_mark(tmp_path):
    city = make_city(tmp_path)
    put(city, history(), "history")
    site = Site(city, clock=lambda: NOW)
    beat = Beat(site, 0.2)
    told = []
    site.broker.tell = lambda event, value: told.append((event, value))
    beat.once()
    for _ in range(8):  # marks are made while nothing else is to be done
        beat.glance()
        beat._rested = -1e9
    told.clear()
    put(city, [case("one", "112")], "one")
    beat.glance()
    assert [e for e, _ in told] == ["counts"]
    cells = told[0][1]["cells"]
    assert {"signal": "cases", "area": "112", "time": "2026-02-02", "value": 1.0} in cells
    put(city, [case("many", "112", 0, 60.0)], "many")
    beat.glance()
    assert [e for e, _ in told][1:3] == ["counts", "source"] or "alert" in [e for e, _ in told]
    assert ("112", "new") in [(v["area"], v["state"]) for e, v in told if e == "alert"]
    assert site.faults == []


def test_a_look_is_answered_while_marks_are_being_made(tmp_path, monkeypatch):
    """One judgement may take seconds in a large city; between two of them what is new is told."""
    city = make_city(tmp_path)
    put(city, history(), "history")
    clock, asked = [0.0], []
    monkeypatch.setattr(beat_module.time, "monotonic", lambda: clock[0])

    def slowly(*given):
        clock[0] += 5.0
        asked.append(len(given[2].areas))
        return judge_cube(*given)

    monkeypatch.setattr(ahead_module, "judge_cube", slowly)
    beat = Beat(Site(city, clock=lambda: NOW), 0.2)
    told = []
    beat._site.broker.tell = lambda event, value: told.append((event, value))
    beat.once()
    for n in range(4):
        clock[0] = beat._judged + 20.0 + n / 10
        beat._rested, beat._took = 0.0, 1e6  # time for marks, and not for a full beat
        before = len(asked)
        put(city, [case(f"new-{n}", "112")], f"new-{n}")
        beat.glance()
        assert len(asked) <= before + 1
        cells = [c for event, value in told if event == "counts" for c in value["cells"] if c["area"] == "112"]
        assert cells[-1]["value"] == n + 1
    assert asked
    assert not beat._ahead._marks  # and they are still being made


def test_marks_made_a_few_areas_at_a_time_are_those_of_all(tmp_path, monkeypatch):
    city = make_city(tmp_path, detectors='["baseline_nb", "ears_c2"]')
    put(city, history(), "history")
    whole = marks(city, city.settings.signal("cases"), "street", NOW)
    monkeypatch.setattr(ahead_module, "ROWS", 2)
    ahead, steps = Ahead(city), 0
    while ahead.prepare(NOW):
        steps += 1
        ahead.look(NOW)
    assert steps > 20
    assert ahead._marks["cases", "street"].least.tolist() == whole.tolist()


def test_what_marks_rest_on_moves_while_they_are_made(tmp_path):
    """A late report in the middle of the search: the marks are those of the counts as they are then."""
    city = make_city(tmp_path)
    put(city, history(), "history")
    ahead = Ahead(city)
    for _ in range(3):
        assert ahead.prepare(NOW)
    before = marks(city, city.settings.signal("cases"), "district", NOW)
    put(city, [case("late", "112", 5, 40.0)], "late")
    ahead.look(NOW)
    while ahead.prepare(NOW):
        pass
    after = marks(city, city.settings.signal("cases"), "district", NOW)
    assert ahead._marks["cases", "district"].least.tolist() == after.tolist()
    assert after.tolist() != before.tolist()


def test_what_comes_while_the_first_beat_is_made_is_news(tmp_path, monkeypatch):
    city = make_city(tmp_path)
    put(city, history(), "history")
    beat = Beat(Site(city, clock=lambda: NOW), 0.2)
    tick = loop.tick

    def meanwhile(*given, **more):
        ticked = tick(*given, **more)
        put(city, [case("many", "112", 0, 60.0)], "many")
        return ticked

    with monkeypatch.context() as m:
        m.setattr(loop, "tick", meanwhile)
        beat.once()
    told = []
    beat._site.broker.tell = lambda event, value: told.append(event)
    beat._judged = beat._took = 0.0  # it is due as soon as something moved
    beat.glance()
    assert "alert" in told
