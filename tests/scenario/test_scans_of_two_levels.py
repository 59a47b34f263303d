"""Scans at two levels that find the same thing make one alert, whichever saw it first and whichever names it today."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid import CITY, FIRST, RAISED, SIDE, START, areas, counts, put, squares
from tocsin import loop, views
from tocsin.alert import episode, severity
from tocsin.alert.join import Where, joined, voices
from tocsin.calendar import DAY, end_of_day
from tocsin.desk import Desk, open_desk
from tocsin.store import notes
from tocsin.types import Cluster

DISTRICTS = """
[[scans]]
name = "districts"
signals = ["cases"]
level = "district"
study_days = 90
min_days = 2
max_days = 7
"""


def city(folder: Path, y: np.ndarray, streets: str = "", districts: str = "") -> Desk:
    """The grid's city with a second scan, of its districts, which lie in the middle of their rows."""
    folder.mkdir()
    (folder / "city.toml").write_text(CITY.format(more=streets) + DISTRICTS + districts, "utf-8")
    table = areas()
    for i in range(SIDE):
        table = table.replace(
            f"d{i},1,district,区{i},District {i},,,", f"d{i},1,district,区{i},District {i},121.04,{31 + i / 50},"
        )
    (folder / "areas.csv").write_text(table, "utf-8")
    (folder / "areas.geojson").write_text(squares(), "utf-8")
    desk = open_desk(folder, {})
    put(desk, y, "all")
    return desk


def live(desk: Desk, first: int, last: int) -> None:
    for done in loop.replay(desk, FIRST + timedelta(days=first), FIRST + timedelta(days=last), strict=True):
        assert done.faults == []


def alerts(desk: Desk) -> list:
    return [a for a in episode.fold(notes.read_notes(desk.store, 2**62)).values() if a.cluster]


def scans_behind(desk: Desk, alert: str) -> set[str]:
    return {e.detector for e in notes.read_evidence(desk.store, alert, 2**62) if e.detector.startswith("scan:")}


def test_one_alert_named_by_the_finer_with_both_behind_it(tmp_path):
    desk = city(tmp_path / "city", counts(6))
    loop.tick(desk, end_of_day(FIRST + timedelta(days=START + 2), desk.tz), strict=True)
    told = views.clusters(desk, "cases", None, end_of_day(FIRST + timedelta(days=START + 2), desk.tz))
    by_scan = {s["scan"]: s["clusters"] for s in told["scans"]}
    assert all(by_scan[name] for name in ("streets", "districts")), "both scans see it"
    (alert,) = alerts(desk)
    assert set(RAISED) <= set(alert.members), "the streets are where to go"
    assert alert.detectors == tuple(sorted({*alert.detectors, "scan:streets", "scan:districts"}))
    assert scans_behind(desk, alert.id) == {"scan:streets", "scan:districts"}
    assert {c["alert"] for found in by_scan.values() for c in found} == {alert.id}, "each of them leads to it"


def test_what_districts_saw_first_and_streets_name_later_is_one_alert(tmp_path):
    """The street scan asks for more cases than there are in the first days; then it sees what the districts saw."""
    y = counts(8, days=7)
    desk = city(tmp_path / "city", y, streets="min_cases = 150")
    live(desk, START, START + 5)
    (alert,) = alerts(desk)
    evidence = notes.read_evidence(desk.store, alert.id, 2**62)
    first = {d: min(e.step for e in evidence if e.detector == d) for d in scans_behind(desk, alert.id)}
    assert first["scan:districts"] < first["scan:streets"]
    assert set(RAISED) <= set(alert.members)


@pytest.mark.parametrize("days", ["d sd d s", "s sd d s", "sd d d sd", "d d sd s d"])
@pytest.mark.parametrize("single", [False, True])
def test_once_told_as_one_it_stays_one_alert_whichever_scan_still_tells_it(days, single):
    """Of each day, the clusters that stand: of streets (s), of districts (d)."""
    streets, districts = (("11",), ("d1",)) if single else (("11", "12"), ("d1", "d2"))
    of = {"s": _cluster("s", "streets", streets, 30, 5), "d": _cluster("d", "districts", districts, 40, 10)}
    area = ("11", "d1") if single else ("1", "1")
    where = {"s": Where(area[0], {*streets}, 2), "d": Where(area[1], {*streets, *districts}, 1)}
    said: list = []
    for day, standing in enumerate(days.split(), 1):
        found = [of[c]._replace(end=day * DAY) for c in standing]
        flags = [f for f, _ in joined([], found, where, {"cases": DAY}, day)]
        before = episode.current(episode.fold(said).values())
        said += episode.advance(before, flags, day, day * DAY, 3, 6)
    (alert,) = episode.fold(said).values()
    assert alert.last == len(days.split()) * DAY
    assert alert.kin == ("d", "s")


def test_two_alerts_that_turn_out_to_be_one_are_shown_as_one_with_the_other_behind_it():
    of = {"s": _cluster("s", "streets", ("11", "12"), 30, 5), "d": _cluster("d", "districts", ("d1", "d2"), 40, 10)}
    apart = {"s": Where("1", {"11", "12"}, 2), "d": Where("1", {"d1", "d2"}, 1)}
    same = {"s": Where("1", {"11", "12"}, 2), "d": Where("1", {"d1", "d2", "11", "12"}, 1)}
    said: list = []
    for day, where in enumerate([apart, same], 1):
        flags = [f for f, _ in joined([], [c._replace(end=day * DAY) for c in of.values()], where, {"cases": DAY}, day)]
        said += episode.advance(episode.current(episode.fold(said).values()), flags, day, day * DAY, 3, 6)
    districts, streets = sorted(episode.fold(said).values(), key=lambda a: a.members[0], reverse=True)
    assert (streets.last, districts.last) == (2 * DAY, DAY)
    assert severity.explained([streets, districts], {}) == {districts.id: [streets.id]}


def test_a_hot_spot_that_explains_little_of_a_larger_cluster_is_part_of_it():
    street = _cluster("s", "streets", ("11",), 9, 1)
    district = _cluster("d", "districts", ("d1",), 160, 100)
    where = {"s": Where("11", {"11"}, 2), "d": Where("d1", {"d1", "11", "12", "13"}, 1)}
    (voice,) = voices([street, district], where)
    assert (voice.leader, voice.kin) == (district, (street,))
    (voice,) = voices([_cluster("s", "streets", ("11",), 40, 1), district], where)
    assert (voice.leader.id, voice.kin) == ("s", (district,))


def test_a_district_whose_excess_lies_in_a_cluster_that_reaches_beyond_it_is_told_with_it():
    """Two of the cluster's four streets make up the district's excess; they are a fifth of its streets."""
    streets = _cluster("s", "streets", ("11", "12", "21", "22"), 200, 40)
    district = _cluster("d", "districts", ("d1",), 150, 80)
    inside = {"d1", *(f"1{i}" for i in range(10))}
    where = {"s": Where("1", {*streets.members}, 2), "d": Where("d1", inside, 1)}
    (voice,) = voices([streets, district], where)
    assert (voice.leader, voice.kin) == (streets, (district,))


@pytest.mark.parametrize(
    "other",
    [
        {"scan": "streets"},  # one scan's clusters are different ones
        {"signal": "other"},
        {"start": -20 * DAY, "end": -2 * DAY},
    ],
)
def test_what_is_not_the_same_stays_apart(other):
    a, b = _cluster("a", "streets", ("11",), 9, 1), _cluster("b", "districts", ("d1",), 9, 1)._replace(**other)
    where = {"a": Where("11", {"11"}, 2), "b": Where("d1", {"d1", "11"}, 1)}
    assert [v.kin for v in voices([a, b], where)] == [(), ()]


NAMES = "abcdef"
GIVEN = st.lists(
    st.tuples(
        st.sampled_from(["one", "two", "three"]),
        st.sets(st.integers(0, 7), min_size=1),
        st.integers(0, 2),
        st.floats(0, 0.01),
        st.integers(2, 60),
    ),
    max_size=6,
)


@given(GIVEN)
def test_every_cluster_speaks_once_and_in_the_same_voice_whatever_the_order(given_):
    found = [
        _cluster(NAMES[i], scan, tuple(map(str, sorted(members))), n, 1)._replace(p=p)
        for i, (scan, members, _, p, n) in enumerate(given_)
    ]
    where = {
        c.id: Where(c.members[0], set(c.members), depth) for c, (_, _, depth, _, _) in zip(found, given_, strict=True)
    }
    told = voices(found, where)
    assert sorted(c.id for v in told for c in (v.leader, *v.kin)) == sorted(c.id for c in found)
    assert voices(found[::-1], where) == told
    flags = joined([], found, where, {"cases": DAY}, 0)
    assert sorted(e[0].detector for _, e in flags) == sorted(f"scan:{c.scan}" for c in found)
    for v in told:
        assert {f.kin for f, _ in flags if f.cluster == v.leader.id} == {tuple(sorted(c.id for c in v.kin))}


def _cluster(name: str, scan: str, members: tuple[str, ...], observed: float, expected: float) -> Cluster:
    return Cluster(
        name, scan, "cases", 0, "new", members[0], 0.0, 0.0, 1.0, members, 0, 3 * DAY, float(observed), float(expected),
        observed / expected, 5.0, 1e-4, 1000.0, ((observed / len(members), expected / len(members)),) * len(members),
    )  # fmt: skip
