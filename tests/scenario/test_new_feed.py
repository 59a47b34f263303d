"""A new feed is judged from its first days: while its detectors are silent the next in line speaks, and says so."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from city import make_city, put
from tocsin import loop, views
from tocsin.calendar import end_of_day
from tocsin.desk import open_desk
from tocsin.errors import ConfigError
from tocsin.judge import judge
from tocsin.types import Event

FIRST = date(2026, 3, 2)
CHAIN = """["farrington_flexible"]
fallback = ["ears_c2", { method = "fixed_value", value = 30 }]"""


def feed(desk, counts, first=FIRST, area="111"):
    """One event a day and area of so many cases, known on the day itself."""
    items = []
    for i, n in enumerate(counts):
        at = datetime.combine(first + timedelta(days=i), datetime.min.time(), UTC) + timedelta(hours=3)
        moment = int(at.timestamp() * 1e6)
        items.append(Event("hospital", f"{area}-{first}-{i}", "cases", area, moment, moment, float(n)))
    put(desk, items, f"{area}-{first}")


def explained(desk, day, **more):
    now = end_of_day(day, desk.tz)
    return views.explain(desk, "cases", "111", str(day), more.get("detector"), more.get("as_of"), now)


def test_before_any_baseline_a_fixed_value_speaks_then_ears_and_each_says_for_whom(tmp_path):
    desk = make_city(tmp_path, detectors=CHAIN)
    feed(desk, [3, 40, 4, 2, 3, 5, 3, 4, 2, 3, 4, 3, 5, 3, 60])
    ticked = list(loop.replay(desk, FIRST, FIRST + timedelta(days=14), strict=True))
    assert [t.faults for t in ticked] == [[]] * 15
    opened = {t.as_of: t.opened for t in ticked if t.opened}
    assert list(opened) == [end_of_day(FIRST + timedelta(days=d), desk.tz) for d in (1, 14)]
    second = explained(desk, FIRST + timedelta(days=1))
    assert [(d["name"], d["fallback"], d["silent"], d["alarm"]) for d in second["detectors"]] == [
        ("farrington_flexible", False, "too little history", False),
        ("fixed_value", True, "", True),
    ]
    assert "fallback fixed value speaks" in second["text"][0]["en"]
    assert "后备方法" in second["text"][0]["zh"]
    assert "needs 1,837 days and has 1" in second["detectors"][0]["text"][0]["en"]
    last = explained(desk, FIRST + timedelta(days=14))
    assert [d["name"] for d in last["detectors"]] == ["farrington_flexible", "ears_c2"]
    assert last["detectors"][1]["fallback"]
    assert last["speaks"]
    behind = [
        {e["detector"] for i in ids for e in views.alert(desk, i, None, at)["evidence"]} for at, ids in opened.items()
    ]
    assert behind == [{"fixed_value"}, {"ears_c2"}]


def test_ears_speaks_by_default_after_nine_days_and_silence_before_is_stated(tmp_path):
    desk = make_city(tmp_path, detectors='["farrington_flexible"]')
    feed(desk, [3, 4, 2, 3, 5, 3, 4, 2, 3, 4, 3, 60])
    ticked = list(loop.replay(desk, FIRST, FIRST + timedelta(days=11), strict=True))
    assert [bool(t.opened) for t in ticked] == [False] * 11 + [True]
    early = explained(desk, FIRST + timedelta(days=4))
    assert [d["silent"] for d in early["detectors"]] == ["too little history"]
    assert not early["speaks"]
    asked = explained(desk, FIRST + timedelta(days=4), detector="ears_c2")["detectors"][0]
    assert (asked["fallback"], asked["silent"], asked["has"], asked["needs"]) == (True, "too little history", 4, 9)


def test_the_fallback_is_silent_where_a_detector_speaks_and_where_nothing_was_reported(tmp_path):
    desk = make_city(tmp_path, detectors='["ears_c1", { method = "fixed_value", value = 1000 }]')
    feed(desk, [3, 4, 2, 3, 5, 3, 4, 2, 3, 4, 3, 60])
    now = end_of_day(FIRST + timedelta(days=13), desk.tz)
    table = desk.settings.signal("cases")
    of = judge(desk, table, "street", now, 4, "111")
    assert set(of.alarms) == {"ears_c1", "fixed_value"}
    desk = make_city(tmp_path / "b", detectors='["farrington_flexible", { method = "fixed_value", value = 1000 }]')
    feed(desk, [3, 4, 2, 3, 5, 3, 4, 2, 3, 4, 3, 60])
    of = judge(desk, table, "street", now, 4, "111")
    assert set(of.alarms) == {"farrington_flexible", "fixed_value", "ears_c2"}  # a rule alone is no judgement
    assert (of.alarms["ears_c2"].score > 1).tolist() == [[False, True, False, False]]


def test_no_fallback_may_be_asked_for(tmp_path):
    desk = make_city(tmp_path, detectors='["farrington_flexible"]\nfallback = []')
    feed(desk, [3] * 12 + [60])
    assert not any(t.opened for t in loop.replay(desk, FIRST, FIRST + timedelta(days=12), strict=True))


@pytest.mark.parametrize("fallback", ['["no_such"]', '[{ method = "ears_c2", alpha = 7 , k = 1}]', "[{ alpha = 1 }]"])
def test_a_mistake_in_the_fallback_is_said_when_the_city_is_opened(tmp_path, fallback):
    with pytest.raises(ConfigError, match="fallback"):
        make_city(tmp_path, detectors=f"[]\nfallback = {fallback}")


def test_a_marked_outbreak_is_left_out_of_baselines_of_its_area_and_all_within(tmp_path):
    desk = make_city(tmp_path, detectors='[{ method = "ears_c2", baseline = 21 }, "baseline_nb"]')
    counts = [4, 5, 3, 4, 6, 4, 5] * 12
    for i in range(30, 37):
        counts[i] = 70
    feed(desk, [*counts, 30])
    feed(desk, [*counts, 30], area="121")
    day = FIRST + timedelta(days=len(counts))
    toml = (tmp_path / "city.toml").read_text("utf-8")
    begun, ended = FIRST + timedelta(days=30), FIRST + timedelta(days=36)
    mark = f'\n[[outbreaks]]\nsignal = "cases"\narea = "11"\nfrom = {begun}\nto = {ended}\n'
    (tmp_path / "city.toml").write_text(toml + mark, "utf-8")
    desk.store.close()
    marked = open_desk(tmp_path, {})
    inside = explained(marked, day, detector="baseline_nb")["detectors"][0]
    other = views.explain(marked, "cases", "121", str(day), "baseline_nb", None, end_of_day(day, marked.tz))
    outside = other["detectors"][0]
    assert sum(b["left_out"] for b in inside["baseline"]) == 7
    assert not any(b["left_out"] for b in outside["baseline"])
    assert 3 < inside["expected"] < 6
    assert inside["upper"] < 20 < outside["upper"]
    assert any("7 天因标为暴发而未用" in t["zh"] for t in inside["text"])
    # … and the steps of the outbreak itself are judged all the same
    during = explained(marked, begun)
    assert during["observed"] == 70
    assert during["speaks"]
    curve = views.series(marked, "cases", "111", str(begun), str(day), None, end_of_day(day, marked.tz))
    assert curve["values"][:7] == [70] * 7
    assert [a["time"] for a in curve["alarms"] if a["detector"] == "baseline_nb"][-1] == str(day)


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ('area = "99"\nfrom = 2026-01-01\nto = 2026-01-02', "no area '99'"),
        ('area = "11"\nfrom = 2026-01-03\nto = 2026-01-02', "is before"),
        ('area = "11"\nsignal = "no"\nfrom = 2026-01-01\nto = 2026-01-02', "is not a signal"),
        ('area = "11"\nsince = 2026-01-01\nto = 2026-01-02', "from"),
    ],
)
def test_a_mistake_in_a_marked_outbreak_is_said(tmp_path, mark, said):
    desk = make_city(tmp_path)
    desk.store.close()
    toml = (tmp_path / "city.toml").read_text("utf-8")
    (tmp_path / "city.toml").write_text(f"{toml}\n[[outbreaks]]\n{mark}\n", "utf-8")
    with pytest.raises(ConfigError, match=said):
        open_desk(tmp_path, {})


@pytest.mark.parametrize("by", ["cell", "signal"])
def test_alerts_may_go_by_a_false_discovery_rate_and_show_their_q(tmp_path, by):
    desk = make_city(tmp_path)
    desk.store.close()
    toml = (tmp_path / "city.toml").read_text("utf-8")
    rule = f'[alerts]\nfdr = 0.05\nfdr_by = "{by}"'
    (tmp_path / "city.toml").write_text(toml.replace("[alerts]\np = 0.001", rule), "utf-8")
    desk = open_desk(tmp_path, {})
    feed(desk, [4, 5, 3, 4, 6, 4, 5, 3, 4, 4, 5, 3, 4, 6, 4, 5, 3, 4, 3, 40])
    ticked = list(loop.replay(desk, FIRST, FIRST + timedelta(days=19), strict=True))
    (first,) = {i for t in ticked for i in t.opened if views.alert(desk, i, None, t.as_of)["area"] == "111"}
    alert = views.alert(desk, first, None, ticked[-1].as_of)
    assert alert["opened"] == str(FIRST + timedelta(days=19))
    if by == "cell":
        assert alert["p"] < alert["q"] <= 0.05
    else:
        assert alert["q"] is None
    said = explained(desk, FIRST + timedelta(days=19))
    assert (said["speaks"], said["quiet"]) == (None, None)
    assert "false discovery rate of 5%" in said["text"][0]["en"]


def test_a_p_value_that_is_none_is_a_fault_of_its_signal_alone(tmp_path, monkeypatch):
    desk = make_city(tmp_path)
    feed(desk, [4] * 30)
    wrong = desk.detectors["cases"][0]
    real = wrong.method

    def lies(panel, start, **parameters):
        alarms = real(panel, start, **parameters)
        return replace(alarms, p=alarms.p + 2)

    monkeypatch.setitem(desk.detectors, "cases", [replace(wrong, method=lies)])
    done = loop.tick(desk, end_of_day(FIRST + timedelta(days=29), desk.tz))
    assert [part for part, _ in done.faults] == ["cases at district", "cases at street"]
