"""An alert on a nowcast gains evidence when something was reported, not because the clock moved."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from test_outlook import HOURS, START, city, end_of, events

from city import DAY_US, put
from tocsin import loop
from tocsin.calendar import day_of
from tocsin.desk import Desk
from tocsin.outlook.picture import picture, view
from tocsin.types import Event

LAST = 78


def rising(folder: Path) -> tuple[Desk, list[Event]]:
    """A street whose cases rise fourfold from day 74 on; reports come at ten in the morning."""
    rng = np.random.default_rng(5)
    usual, more = events(rng, 92, 3.0, ["111"], late=3.0), events(rng, 92, 12.0, ["111"], late=3.0)
    rise = [e._replace(key=f"r{i}") for i, e in enumerate(more) if e.reference_time > (START + 74) * DAY_US]
    return city(folder), sorted(usual + rise, key=lambda e: e.report_time)


def rows(desk: Desk) -> list[tuple[object, ...]]:
    found = []
    for table in ("note", "evidence"):
        found += sorted(desk.store.db.execute(f"SELECT '{table}', * FROM {table}").fetchall(), key=repr)
    return found


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, list[Event]]:
    desk, told = rising(tmp_path_factory.mktemp("idle"))
    put(desk, [e for e in told if e.report_time <= end_of(LAST)])
    for day in range(72, LAST):
        loop.tick(desk, end_of(day), strict=True)
    return desk, told


def test_an_idle_city_adds_nothing_to_its_alerts(idle: tuple[Desk, list[Event]]) -> None:
    desk, _ = idle
    noon = end_of(LAST) - 10 * HOURS
    loop.tick(desk, noon, strict=True)
    assert loop.tick(desk, noon, strict=True).rows == 0
    before = rows(desk)
    assert any(r[0] == "evidence" and r[-1] is not None for r in before)  # alarms of a nowcast
    for beat in range(1, 21):
        loop.tick(desk, noon + beat * HOURS // 2 - 1, strict=True)
    assert rows(desk) == before


def test_the_same_reports_give_the_same_draws_a_moment_later(idle: tuple[Desk, list[Event]]) -> None:
    desk, _ = idle
    first, later = (view(desk, picture(desk, "cases", end_of(LAST) - s), "city").draws for s in (1_500_000, 0))
    np.testing.assert_array_equal(first, later)


def test_new_reports_are_evidence_and_a_replay_says_the_same(tmp_path: Path) -> None:
    desk, told = rising(tmp_path)
    put(desk, told)
    first, last = (day_of((START + d) * 1440) for d in (72, 82))
    assert last - first == timedelta(days=10)
    assert isinstance(first, date)
    days = list(loop.replay(desk, first, last, strict=True))
    assert sum(len(d.changed) for d in days) >= 2
    once = rows(desk)
    reported = {(r[1:]) for r in once if r[0] == "evidence"}
    assert len(reported) >= 4
    assert all(d.rows == 0 for d in loop.replay(desk, first, last, strict=True))
    assert rows(desk) == once
