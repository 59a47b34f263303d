"""Scans on the beat: mild rises side by side make one alert, alarms within a cluster are one, and it ends."""

import json
import math
import os
from datetime import timedelta

import numpy as np
import pytest
from click.testing import CliRunner

from grid import CITY, DAYS, FIRST, RAISED, SIDE, START, US, areas, city, counts, put, squares
from tocsin import cli, locate, loop, views
from tocsin.alert import episode
from tocsin.calendar import end_of_day
from tocsin.desk import Desk, open_desk
from tocsin.errors import ConfigError, NotFound
from tocsin.server import wire, wire_clusters
from tocsin.store import notes
from tocsin.store.clusters import last_run, read_clusters, write_scans
from tocsin.types import Cluster


def day(desk: Desk, index: int) -> int:
    return end_of_day(FIRST + timedelta(days=index), desk.tz)


def live(desk: Desk, first: int, last: int) -> None:
    for done in loop.replay(desk, FIRST + timedelta(days=first), FIRST + timedelta(days=last), strict=True):
        assert done.faults == []


def alerts(desk: Desk) -> list:
    return list(episode.fold(notes.read_notes(desk.store, 2**62)).values())


def told(desk: Desk) -> list[Cluster]:
    return read_clusters(desk.store, "streets", "cases", 0, 2**62)


@pytest.fixture(scope="module")
def mild(tmp_path_factory) -> Desk:
    """Five streets mildly raised for four days; lived through from before to after."""
    desk = city(tmp_path_factory.mktemp("mild") / "city", counts(3))
    live(desk, START - 3, DAYS - 1)
    return desk


def test_five_streets_mildly_raised_are_one_alert(mild):
    (alert,) = alerts(mild)
    assert set(RAISED) <= set(alert.members)
    assert alert.area == "1", "the smallest area that holds them all: they lie in three districts"
    assert alert.detectors == ("scan:streets",), "no street was alarming by itself"
    assert alert.observed > alert.expected
    assert alert.p < 0.01


def test_a_cluster_keeps_its_name_from_day_to_day_and_ends(mild):
    found = told(mild)
    assert len({c.id for c in found}) == 1
    assert found[0].change == "new"
    assert found[-1].change == "ended"
    assert {c.change for c in found[1:-1]} <= {"ongoing", "grown", "shrunk"}
    assert found[0].at >= day(mild, START)
    assert alerts(mild)[0].cluster == found[0].id


def test_when_the_cluster_has_ended_the_episode_goes_quiet(mild):
    said = [n.action for n in notes.read_notes(mild.store, 2**62)]
    assert said[0] == "open"
    assert said[-1] in ("quiet", "lapse")


def test_evidence_names_the_scan_and_a_replay_writes_nothing(mild):
    (alert,) = alerts(mild)
    behind = notes.read_evidence(mild.store, alert.id, 2**62)
    assert {e.detector for e in behind} == {"scan:streets"}
    before = told(mild)
    again = loop.replay(mild, FIRST + timedelta(days=START - 3), FIRST + timedelta(days=DAYS - 1), strict=True)
    assert [done.rows for done in again] == [0] * (DAYS - START + 3)
    assert told(mild) == before


def test_live_would_have_said_the_same(mild, tmp_path):
    """A city that is told each day's cases on that day says the same to the letter."""
    y = counts(3)
    desk = city(tmp_path / "city", y, until=START - 3)
    for t in range(START - 3, DAYS):
        put(desk, y[:, t : t + 1], f"day {t}", t)
        loop.tick(desk, day(desk, t), strict=True)
    assert told(desk) == told(mild)
    assert [n[1:] for n in notes.read_notes(desk.store, 2**62)] == [n[1:] for n in notes.read_notes(mild.store, 2**62)]


def test_five_alarmed_streets_are_one_alert(tmp_path):
    y = counts(20)
    alone = city(tmp_path / "alone", y)
    (alone.directory / "city.toml").write_text(CITY.format(more="").split("[[scans]]")[0], "utf-8")
    alone = open_desk(alone.directory, {})
    loop.tick(alone, day(alone, START + 1), strict=True)
    assert {a.area for a in alerts(alone)} == set(RAISED), "without a scan they are five"

    desk = city(tmp_path / "city", y)
    loop.tick(desk, day(desk, START + 1), strict=True)
    (alert,) = alerts(desk)
    assert set(alert.members) == set(RAISED)
    assert alert.detectors == ("ears_c2", "scan:streets")
    assert alert.p <= min(a.p for a in alerts(alone)), "it is as grave as the gravest of them"
    behind = notes.read_evidence(desk.store, alert.id, 2**62)
    assert {e.area for e in behind if e.detector == "ears_c2"} == set(RAISED)


def test_a_cluster_of_one_street_joins_the_streets_own_alert(tmp_path):
    y = counts(0)
    y[7, START:] += 20
    desk = city(tmp_path / "city", y)
    loop.tick(desk, day(desk, START + 1), strict=True)
    (alert,) = alerts(desk)
    assert (alert.area, alert.place, alert.members) == ("12", "12", ("12",))
    assert alert.detectors == ("ears_c2", "scan:streets")


def test_a_cluster_that_grows_from_one_street_stays_one_alert(tmp_path):
    y = counts(0)
    y[7, START : START + 2] += 12
    for code in RAISED:
        y[int(code[0]) * SIDE + int(code[1]), START + 2 :] += 12
    desk = city(tmp_path / "city", y)
    live(desk, START, START + 4)
    (alert,) = [a for a in alerts(desk) if a.cluster]
    assert alert.place == "12"
    assert alert.area == "1"
    assert set(RAISED) <= set(alert.members)
    assert len({c.id for c in told(desk)}) == 1


def test_quiet_counts_make_no_alert(tmp_path):
    desk = city(tmp_path / "city", counts(0))
    live(desk, START, START + 3)
    assert told(desk) == []
    run = last_run(desk.store, "streets", "cases", 2**62)
    assert run is not None
    assert run.p > 0.01


def runs(desk: Desk) -> int:
    found, at = 0, 2**62
    while (run := last_run(desk.store, "streets", "cases", at)) is not None:
        found, at = found + 1, run.at - 1
    return found


def test_a_beat_every_second_scans_when_there_is_something_new_and_not_too_often(tmp_path):
    y = counts(3)
    desk = city(tmp_path / "city", y, until=START)
    noon = day(desk, START) - 12 * 3600 * US
    for second in range(5):
        loop.tick(desk, noon + second * US, strict=True)
    assert runs(desk) == 1, "nothing new"
    put(desk, y[:, START : START + 1], "late", START)  # reported at 16:00
    for minutes in (250, 251, 252):
        loop.tick(desk, noon + minutes * 60 * US, strict=True)
    assert runs(desk) == 2, "new counts, and the last run was long ago: once"
    loop.tick(desk, noon + 500 * 60 * US, strict=True)
    assert runs(desk) == 2, "long ago, but nothing new"
    loop.tick(desk, noon + 721 * 60 * US, strict=True)
    assert runs(desk) == 3, "a new day"


def test_neighbours_are_sorted_once(mild):
    kept = mild._kept["neighbours"]
    assert len(kept) == 1


def test_a_broken_scan_is_a_fault_and_the_beat_goes_on(tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("it broke")

    monkeypatch.setattr(locate, "scan", broken)
    desk = city(tmp_path / "city", counts(20))
    done = loop.tick(desk, day(desk, START + 1))
    assert done.faults == [("scan streets of cases", "RuntimeError: it broke")]
    assert {a.area for a in alerts(desk)} == set(RAISED)
    with pytest.raises(RuntimeError):
        loop.tick(desk, day(desk, START + 2), strict=True)


@pytest.mark.parametrize("model", ["poisson", "ebp", "ebnb"])
def test_other_models_find_it_too(tmp_path, model):
    desk = city(tmp_path / "city", counts(6), f'model = "{model}"')
    loop.tick(desk, day(desk, START + 2), strict=True)
    (found,) = [c for c in told(desk) if set(RAISED) <= set(c.members)]
    assert found.recurrence_days >= 100
    assert found.observed > found.expected > 0
    observed, expected = np.array(found.by_member).sum(axis=0)
    assert (observed, expected) == (found.observed, pytest.approx(found.expected)), "its areas add up to it"


def test_days_are_counted_together(tmp_path):
    desk = city(tmp_path / "city", counts(6), "aggregate_days = 2")
    loop.tick(desk, day(desk, START + 3), strict=True)
    assert {(c.end_day - c.start_day + 1) % 2 for c in told(desk)} == {0}


def test_what_nobody_reported_is_not_expected_either(tmp_path):
    y = counts(0)
    desk = city(tmp_path / "city", y, 'model = "poisson"', until=80)
    study = locate.study_of(desk, desk.settings.scans[0], desk.settings.signals[0], day(desk, 60))
    assert study is not None
    stream = study.streams[0]
    missing = 90 - 61
    assert stream.at_risk is not None
    assert stream.at_risk[:, :missing].sum() == 0
    assert math.isclose(stream.at_risk.sum(), stream.cases.sum())
    assert (stream.at_risk[:, missing:] > 0).all()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('level = "village"', "scans[0].level: 'village' is not a level of the city; allowed: city, district, street"),
        ('level = "district"', "need longitude and latitude; without: d0"),
        ('model = "bernoulli"', "allowed: permutation, poisson, ebp, ebnb"),
        ("max_size = 0.7", "scans[0].max_size: 0.7; allowed: 0.001 to 0.5"),
        ("replicates = 9", "scans[0].replicates: 9; allowed: 99 to 99999"),
        ('every = "2d"', "scans[0].every"),
        ('baseline = "ears_c2"', "scans[0].baseline: the permutation model makes its own"),
        ('model = "ebp"\nbaseline = "farrington"', "scans[0].baseline: needs a detector of cases"),
        ("aggregate_days = 3", "aggregate_days ≤ min_days ≤ max_days ≤ half of study_days"),
        ("maximum = 3", "unknown field `maximum`"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(tmp_path, more, message):
    with pytest.raises(ConfigError) as refused:
        city(tmp_path / "city", counts(0), more, until=0)
    assert message in str(refused.value)


def test_a_signal_that_is_no_count_cannot_be_scanned(tmp_path):
    text = CITY.format(more="").replace('signals = ["cases"]', 'signals = ["air"]')
    (tmp_path / "city.toml").write_text(text, "utf-8")
    (tmp_path / "areas.csv").write_text(areas(), "utf-8")
    (tmp_path / "areas.geojson").write_text(squares(), "utf-8")
    with pytest.raises(ConfigError, match="'air' cannot be scanned; allowed: cases, other"):
        open_desk(tmp_path, {})


def test_what_is_stored_of_a_cluster_comes_back(mild):
    c = told(mild)[0]._replace(p=math.nan, relative_risk=math.inf)
    later = c._replace(at=2**61, scan="kept apart")
    write_scans(mild.store, [], [later])
    (back,) = read_clusters(mild.store, "kept apart", "cases", 0, 2**62)
    assert math.isnan(back.p)
    assert back._replace(p=0.0) == later._replace(p=0.0)
    assert json.dumps(back.by_member) == json.dumps(later.by_member)


def test_people_read_where_when_how_many_and_how_rare(mild):
    at, now = (FIRST + timedelta(days=START + 2)).isoformat(), 2**60
    wire.encode(views.alerts(mild, None, None, at, 9, now), wire.Alerts)
    (row,) = views.alerts(mild, None, None, at, 9, now)["alerts"]
    found = views.alert(mild, row["id"], at, now)
    wire.encode(found, wire.AlertDetail)
    n = len(found["cluster"]["members"])
    assert f"Cases cluster in {n} areas around Street 12 (within" in found["reason"]["en"]
    assert f"以街12为中心的 {n} 个区域" in found["reason"]["zh"]
    assert "from 21 Apr to 23 Apr" in found["reason"]["en"]
    assert "4月21日至4月23日" in found["reason"]["zh"]
    assert "relative risk" in found["reason"]["en"]
    assert "重现间隔" in found["reason"]["zh"]
    assert found["cluster"]["observed"] == sum(m["observed"] for m in found["cluster"]["members"])
    y = counts(3)
    members = [int(c[0]) * SIDE + int(c[1]) for c in found["members"]]
    assert found["spark"]["values"][-1] == y[members, START + 2].sum(), "the curve is that of its areas together"
    assert found["kin"] == []


@pytest.mark.parametrize("more", ["", 'model = "ebp"', "aggregate_days = 2"])
def test_the_small_curve_of_a_cluster_is_observed_against_expected_with_its_days_marked(tmp_path, more):
    desk = city(tmp_path / "city", counts(6), more)
    loop.tick(desk, day(desk, START + 3), strict=True)
    at = (FIRST + timedelta(days=START + 3)).isoformat()
    (row,) = views.alerts(desk, None, None, at, 9, 2**60)["alerts"]
    (c,) = (c for scan in views.clusters(desk, "cases", at, 2**60)["scans"] for c in scan["clusters"])
    spark = row["spark"]
    assert spark["window"] == {"start": c["start"], "end": c["end"]}
    inside = [i for i, time in enumerate(spark["times"]) if c["start"] <= time <= c["end"]]
    assert sum(spark["values"][i] for i in inside) == c["observed"]
    assert sum(spark["expected"][i] for i in inside) == pytest.approx(c["expected"], rel=1e-4)
    before = [u for u in spark["expected"][: inside[0]] if u is not None]
    assert len(before) >= 14 / (2 if more.startswith("aggregate") else 1)
    assert min(before) > 0


def test_days_that_came_after_the_scan_are_on_the_curve_without_an_expectation(tmp_path):
    desk = city(tmp_path / "city", counts(6))
    loop.tick(desk, day(desk, START + 3), strict=True)
    at = (FIRST + timedelta(days=START + 5)).isoformat()
    (row,) = views.alerts(desk, None, None, at, 9, 2**60)["alerts"]
    assert row["spark"]["times"][-1] == at
    assert row["spark"]["expected"][-2:] == [None, None]
    assert None not in row["spark"]["values"]


def test_the_map_of_a_day_shows_what_was_told_on_that_day(mild):
    def on(index: int) -> list:
        found = views.clusters(mild, "cases", (FIRST + timedelta(days=index)).isoformat(), 2**60)
        wire.encode(found, wire_clusters.Clusters)
        (scan,) = found["scans"]
        assert scan["ran"] is not None
        assert (scan["scan"], scan["level"], scan["q"]) == ("streets", "street", scan["p"])
        return scan["clusters"]

    assert on(START - 2) == []
    (c,) = on(START + 2)
    assert (c["center"], c["end"], c["alerting"]) == ("12", "2026-04-23", True)
    assert c["alert"] == alerts(mild)[0].id
    assert c["radius_km"] == pytest.approx(2.2, abs=0.3)
    changes = [c["change"] for index in range(START, DAYS) for c in on(index)]
    assert changes[-1] == "ended"
    pins = views.area_map(mild, "cases", "street", (FIRST + timedelta(days=START + 2)).isoformat(), 2**60)["alerts"]
    assert [p["area"] for p in pins] == ["12"], "a cluster is pinned in its middle"


def test_a_run_of_long_ago_says_nothing_of_today(mild):
    (scan,) = views.clusters(mild, None, "2026-08-01", 2**60)["scans"]
    assert (scan["ran"], scan["clusters"]) == (None, [])
    with pytest.raises(NotFound):
        views.clusters(mild, "nothing", None, 2**60)


def test_an_alert_of_one_street_within_a_cluster_is_explained_by_it(tmp_path):
    y = counts(0)
    y[7, START - 1] += 20
    for code in RAISED:
        y[int(code[0]) * SIDE + int(code[1]), START + 3 :] += 8
    desk = city(tmp_path / "city", y, "min_cases = 60")
    live(desk, START - 1, START + 4)
    found = {a["area"]: a for a in views.alerts(desk, None, None, None, 9, day(desk, START + 4))["alerts"]}
    cluster = found["1"]
    assert found["12"]["explained_by"] == [cluster["id"]]
    assert cluster["explained_by"] == []
    assert cluster["rank"] < found["12"]["rank"]


@pytest.mark.skipif("TOCSIN_TEST_STORE" in os.environ, reason="the command would open another store")
def test_the_command_lists_them(mild):
    asked = ["clusters", "--city", str(mild.directory), "--as-of", "2026-04-23"]
    plain = CliRunner().invoke(cli._tocsin, asked)
    assert plain.exit_code == 0, plain.output
    assert "1 clusters as of" in plain.output
    told_ = json.loads(CliRunner().invoke(cli._tocsin, [*asked, "--json"]).output)
    assert told_["scans"][0]["clusters"][0]["center"] == "12"


def test_a_cluster_does_not_live_on_while_its_source_is_silent(tmp_path):
    """The study ends with the last day that anybody spoke of, so the same cluster is not told anew every day."""
    text = CITY.replace("[[scans]]", '[[sources]]\nname = "s"\nevery = "1d"\n{mapping}\n[[scans]]')
    mapping = '[sources.mapping]\nreference = "day"\narea = "street"\nsignal = "cases"'
    y = counts(6)
    desk = city(tmp_path / "city", y, until=START + 3)
    (desk.directory / "city.toml").write_text(text.format(more="", mapping=mapping), "utf-8")
    desk = open_desk(desk.directory, {})
    live(desk, START + 2, START + 9)
    assert {c.end_day for c in told(desk)} == {c.end_day for c in told(desk)[:1]}
    assert runs(desk) == 1
    (alert,) = (a for a in alerts(desk) if a.signal == "cases")  # and one that says that the source is silent
    assert alert.phase in ("quiet", "ended")
