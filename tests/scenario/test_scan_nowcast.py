"""Scans where reports come late: what was reported is held against what would be reported by now."""

import numpy as np

from grid import DAYS, FIRST, SIDE, US, city
from tocsin import loop
from tocsin.calendar import DAY, end_of_day
from tocsin.desk import Desk, open_desk
from tocsin.locate import reported_share, study_of
from tocsin.store import deliveries
from tocsin.types import Event


def late_city(folder, judge: str) -> Desk:
    """Three cases a day in every street, reported after 1.5 days in the mean."""
    desk = city(folder, np.zeros((SIDE * SIDE, DAYS), int))
    toml = folder / "city.toml"
    text = toml.read_text("utf-8").replace('name = "cases"', f'name = "cases"\njudge = "{judge}"', 1)
    toml.write_text(text.replace('name = "streets"', 'name = "streets"\nmodel = "ebp"', 1), "utf-8")
    desk = open_desk(folder, {})
    rng, found = np.random.default_rng(5), []
    for (a, t), n in np.ndenumerate(rng.poisson(3.0, (SIDE * SIDE, DAYS))):
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
