"""Scans where reports come late: what was reported is held against what would be reported by now."""

import numpy as np
import pytest

from grid import DAYS, FIRST, RAISED, SIDE, US, city
from tocsin import loop, views
from tocsin.calendar import DAY, end_of_day
from tocsin.desk import Desk, open_desk
from tocsin.locate import reported_share, study_of
from tocsin.store import deliveries
from tocsin.types import Event


def late_city(folder, judge: str, extra: int = 0, model: str = "ebp") -> Desk:
    """Three cases a day in every street, reported after 1.5 days in the mean; `extra` more in RAISED at the end."""
    desk = city(folder, np.zeros((SIDE * SIDE, DAYS), int))
    toml = folder / "city.toml"
    text = toml.read_text("utf-8").replace('name = "cases"', f'name = "cases"\njudge = "{judge}"', 1)
    toml.write_text(text.replace('name = "streets"', f'name = "streets"\nmodel = "{model}"', 1), "utf-8")
    desk = open_desk(folder, {})
    rng, found = np.random.default_rng(5), []
    cases = rng.poisson(3.0, (SIDE * SIDE, DAYS))
    cases[[int(c[0]) * SIDE + int(c[1]) for c in RAISED], -4:] += extra
    for (a, t), n in np.ndenumerate(cases):
        at = end_of_day(FIRST.fromordinal(FIRST.toordinal() + t), desk.tz) - 8 * 3600 * US
        for i, wait in enumerate(rng.geometric(0.4, n) - 1):
            code = f"{a // SIDE}{a % SIDE}"
            found.append(Event("s", f"{code}-{t}-{i}", "cases", code, at, at + int(wait) * DAY * 60 * US, 1.0))
    begun = deliveries.begin(desk.store, "s", "late", "late", "m", 10**15)
    loop.put(desk, found, begun.id, 10**15)
    return desk


def looked_at(desk: Desk):
    """What the scan sees at the end of the last day; the share reported of its newest days."""
    now = end_of_day(FIRST.fromordinal(FIRST.toordinal() + DAYS - 1), desk.tz)
    table, signal = desk.settings.scans[0], desk.settings.signals[0]
    study = study_of(desk, table, signal, now)
    assert study is not None
    end = desk.today(now) // DAY * DAY - table.lag_days * DAY
    return study.streams[0], reported_share(desk, signal, "street", now, end - 9 * DAY, end)


def test_on_a_nowcast_reports_are_held_against_what_would_be_reported_by_now(tmp_path):
    stream, share = looked_at(late_city(tmp_path / "late", "nowcast"))
    assert share[0] == 1 or share[0] > 0.95
    assert (share <= 1).all()
    assert share[-1] < 0.7
    full = 25 * 3.0
    expected = stream.at_risk.sum(axis=0)
    np.testing.assert_allclose(expected[-3:], full * share[-3:], rtol=0.25)
    seen = stream.cases.sum(axis=0)[-3:]
    assert (np.abs(seen - expected[-3:]) < 4 * np.sqrt(expected[-3:])).all(), "no deficit where reports are late"


def test_without_a_nowcast_the_newest_days_are_held_against_all_that_is_expected(tmp_path):
    stream, share = looked_at(late_city(tmp_path / "late", "reported"))
    assert (share == 1).all()
    assert stream.cases.sum(axis=0)[-1] < 0.7 * stream.at_risk.sum(axis=0)[-1]


@pytest.mark.parametrize("model", ["ebp", "permutation"])
def test_a_cluster_of_late_reports_says_how_much_of_it_is_reported(tmp_path, model):
    desk = late_city(tmp_path / "late", "nowcast", 12, model)
    now = end_of_day(FIRST.fromordinal(FIRST.toordinal() + DAYS - 1), desk.tz)
    loop.tick(desk, now, strict=True)
    (row,) = [a for a in views.alerts(desk, None, None, None, 9, now)["alerts"] if len(a["members"]) > 1]
    cluster = views.alert(desk, row["id"], None, now)["cluster"]
    days = len([t for t in row["spark"]["times"] if cluster["start"] <= t <= cluster["end"]])
    truth = np.mean([1 - 0.6 ** (k + 1) for k in range(days)])  # what a delay of 0, 1, 2 … days at 0.4 leaves reported
    assert cluster["reported"] == pytest.approx(truth, abs=0.12)
    share = f"{cluster['reported']:.0%}"
    assert f"Reports still come in, about {share} of these days' cases so far" in row["reason"]["en"]
    assert f"报告尚未到齐：这些天的病例约有 {share} 已报告" in row["reason"]["zh"]


def test_a_cluster_of_reports_that_are_all_in_says_nothing_of_it(tmp_path):
    desk = late_city(tmp_path / "late", "reported", 20)
    now = end_of_day(FIRST.fromordinal(FIRST.toordinal() + DAYS - 1), desk.tz)
    loop.tick(desk, now, strict=True)
    (row,) = [a for a in views.alerts(desk, None, None, None, 9, now)["alerts"] if len(a["members"]) > 1]
    assert views.alert(desk, row["id"], None, now)["cluster"]["reported"] == 1
    assert "still come in" not in row["reason"]["en"]
