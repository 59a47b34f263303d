"""The simulated city tells who comes from elsewhere and what becomes of the ill, and the outlook shows it."""

import csv
import io
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tocsin import loop, views
from tocsin.calendar import end_of_day
from tocsin.cli import demo
from tocsin.cli import sim as sim_command
from tocsin.desk import Desk, open_desk
from tocsin.sim.abroad import INFECTED, ORIGINS, imported
from tocsin.sim.city import simulate
from tocsin.sim.outcomes import OUTCOMES, drawn
from tocsin.sim.world import world

END = date(2026, 11, 21)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    where = tmp_path_factory.mktemp("abroad")
    for path, data, _ in simulate(7, 1, END):
        (where / path).parent.mkdir(exist_ok=True)
        (where / path).write_bytes(data)
    found = open_desk(where, {})
    for source in found.settings.sources:
        if source.name in ("lab", "wards"):
            for file in where.glob(source.files):
                loop.take(found, source, file, end_of_day(END, found.tz))
    return found


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))


def test_every_origin_has_travellers_to_every_street_and_a_month_by_month_incidence(desk: Desk) -> None:
    arrivals, ill = table(desk.directory / "arrivals.csv"), table(desk.directory / "dengue-abroad.csv")
    streets = {a.code for a in desk.tree.at("street")}
    for origin in ORIGINS:
        mine = [r for r in arrivals if r["origin"] == origin.name]
        assert {r["to"] for r in mine} == streets
        assert sum(float(r["travellers"]) for r in mine) == pytest.approx(origin.travellers, rel=0.5)
        months = [r["date"] for r in ill if r["origin"] == origin.name]
        assert months == sorted(months)
        assert months[0] <= "2025-10-01"  # before the first day, so that it too has travellers who were infected
        assert months[-1] == "2026-11-01"
    assert {r["origin"] for r in ill} == {o.name for o in ORIGINS}


def test_imported_cases_are_drawn_from_the_tables_that_are_written() -> None:
    made = world(3, 7, END)
    got = sum(imported(seed, made.abroad, made.days).sum() for seed in range(20))
    first = made.abroad.months.searchsorted(made.days.date, side="right") - 1
    a_day = (made.abroad.travellers.sum(axis=1) @ made.abroad.incidence[:, first]) / 1e5 * INFECTED
    expected = 20 * a_day.sum()
    assert expected > 1000
    assert abs(got - expected) < 5 * np.sqrt(expected)


@pytest.mark.parametrize("what", OUTCOMES, ids=lambda o: o.signal)
def test_outcomes_come_to_their_share_of_cases_after_their_delay(what) -> None:
    day = np.sort(np.random.default_rng(1).integers(0, 1000, 100_000))
    who, when = drawn(np.random.default_rng(2), what, day)
    n = len(day) * what.share
    assert abs(len(who) - n) < 4 * np.sqrt(n)
    wait = when - day[who]
    assert wait.min() >= 0
    assert abs(wait.mean() - what.mean) < 4 * what.sd / np.sqrt(len(who)) + 0.05
    assert (np.diff(when) >= 0).all()


def test_both_boards_and_severity_of_the_simulated_city_are_full(desk: Desk) -> None:
    now = end_of_day(END, desk.tz)
    for level in desk.tree.levels:
        found = views.boards(desk, "lab.dengue", level, None, now)
        assert found["knows_imports"]
        assert found["knows_travel"]
        assert found["areas"]
        assert all(a["expected_arrivals"] > 0 and a["expected_imports"]["high"] >= 1 for a in found["areas"])
    (city,) = views.boards(desk, "lab.dengue", "city", None, now)["areas"]
    assert city["imported"]["middle"] >= 1
    assert city["local"]["middle"] >= 1
    assert city["expected_imports"]["low"] <= city["imported"]["middle"] <= city["expected_imports"]["high"]
    signals = {s["signal"]: s for s in views.outlook(desk, None, now)["signals"]}
    (admitted,) = signals["lab.dengue"]["severity"]
    assert admitted["adjusted"]["low"] < 0.3 < admitted["adjusted"]["high"]
    assert admitted["outcomes"] >= 5
    assert {s["outcome"] for s in signals["ed.ili"]["severity"]} == {"adm.ili", "death.ili"}
    assert [s for s, of in signals.items() if of["knows_imports"]] == ["lab.dengue"]  # with it the page's boards begin
    assert not {o.signal for o in OUTCOMES} & signals.keys()  # each is told with its cases, not beside them


@pytest.mark.parametrize(("hour", "end"), [(15, "2026-11-21"), (17, "2026-11-22")])
def test_a_demo_ends_yesterday_on_the_calendar_of_its_city(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hour: int, end: str
) -> None:
    """After 16:00 UTC it is tomorrow in Shanghai: the 22nd is over there while machines elsewhere still have it."""
    at = int(datetime(2026, 11, 22, hour, tzinfo=UTC).timestamp() * 1e6)
    monkeypatch.setattr(sim_command, "now", lambda: at)
    monkeypatch.setattr(demo.kernels, "begin", type("No", (), {"terminate": lambda self: None}))
    ends = []
    monkeypatch.setattr(demo, "catch_up", lambda desk, end, **_: ends.append(end))
    done = CliRunner().invoke(demo.command, [str(tmp_path / "city"), "--no-serve"])
    assert done.exit_code == 0, done.output
    assert ends == [date.fromisoformat(end)]
    assert f"records to {end}" in done.output
