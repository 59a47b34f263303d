"""A city's nowcast: it adds up, equals what is known, brings alerts forward and says so; boards tell imports apart."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import poisson

from city import DAY_US, make_city, put
from tocsin import loop, views
from tocsin.calendar import DAY
from tocsin.desk import Desk, open_desk
from tocsin.detect import Detector, detector, panel
from tocsin.errors import ConfigError, InputError, MethodError
from tocsin.outlook import counts, likely
from tocsin.outlook.boards import boards
from tocsin.outlook.course import course
from tocsin.outlook.picture import picture, view
from tocsin.outlook.triangle import Rows, triangle
from tocsin.outlook.whatif import Asked, whatif
from tocsin.store import notes
from tocsin.types import Alarms, Event, Panel

START = 20_000  # days since 1970
HOURS = DAY_US // 24


def events(rng: np.random.Generator, days: int, rate: float, areas: list[str], late: float = 1.5) -> list[Event]:
    """Cases by day and area, reported after a geometric number of days."""
    found = []
    for day in range(days):
        for area in areas:
            for _ in range(rng.poisson(rate)):
                at = (START + day) * DAY_US - 8 * HOURS + 10 * HOURS  # ten in the morning in Shanghai
                wait = int(rng.geometric(1 / (1 + late))) - 1
                found.append(Event("hospital", f"{len(found)}", "cases", area, at, at + wait * DAY_US, 1.0))
    return sorted(found, key=lambda e: e.report_time)


def end_of(day: int) -> int:
    """The last microsecond of a day in Shanghai."""
    return (START + day + 1) * DAY_US - 8 * HOURS - 1


def city(folder: Path, *extra: str, judge: str = "nowcast") -> Desk:
    make_city(folder)
    toml = folder / "city.toml"
    more = "\n".join([f'judge = "{judge}"', "interval = { mean = 4.0, sd = 2.0 }", *extra])
    toml.write_text(toml.read_text().replace('name = "cases"', f'name = "cases"\n{more}'), "utf-8")
    return open_desk(folder, {})


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = city(tmp_path_factory.mktemp("busy"))
    found = events(np.random.default_rng(1), 90, 2.0, ["111", "112", "121"])
    put(desk, found + [e._replace(key=f"d{i}", area="12") for i, e in enumerate(found[::9])])
    return desk


def test_what_is_reported_is_the_cube_at_every_level(busy: Desk) -> None:
    found = picture(busy, "cases", end_of(89))
    for level in ("city", "district", "street"):
        whole = view(busy, found, level)
        known = busy.cube("cases", level, end_of(89), int(whole.times[0].astype(np.int64)), None)
        np.testing.assert_array_equal(whole.reported, np.nan_to_num(known.values[0]))


def test_draws_add_up_from_street_to_city_though_some_cases_have_no_street(busy: Desk) -> None:
    found = picture(busy, "cases", end_of(89))
    whole, districts, streets = (view(busy, found, level).draws for level in ("city", "district", "street"))
    np.testing.assert_array_equal(whole.sum(axis=0), districts.sum(axis=0))
    np.testing.assert_array_equal(streets[:2].sum(axis=0), districts[0])  # all of East's cases have a street
    assert (streets[2:].sum(axis=0) <= districts[1]).all()
    assert (streets[2:].sum(axis=0) < districts[1]).any()  # some of West's have none


def test_the_nowcast_holds_what_comes_and_the_same_moment_gives_the_same_draws(busy: Desk, tmp_path: Path) -> None:
    inside = []
    for day in range(55, 85):
        found = view(busy, picture(busy, "cases", end_of(day)), "city")
        low, high = np.quantile(found.draws[0, -1], [0.025, 0.975])
        final = view(busy, picture(busy, "cases", end_of(89)), "city")
        truth = final.reported[0, -(90 - day)]
        inside.append(low <= truth <= high)
        assert found.reported[0, -1] < truth
    assert np.mean(inside) >= 0.8
    again = open_desk(busy.directory, {})
    np.testing.assert_array_equal(picture(again, "cases", end_of(80)).draws, picture(busy, "cases", end_of(80)).draws)


def test_as_of_a_day_is_what_was_said_on_that_day(busy: Desk, tmp_path: Path) -> None:
    """Every question of the slider: later reports change nothing of it, neither counts nor R, boards nor runs."""
    then = city(tmp_path)
    day = str(np.datetime64(START + 60, "D"))
    found = events(np.random.default_rng(1), 90, 2.0, ["111", "112", "121"])
    told = found + [e._replace(key=f"d{i}", area="12") for i, e in enumerate(found[::9])]
    put(then, [e for e in told if e.report_time <= end_of(60)])
    asked = Asked(days=14, contacts=0.5)
    for ask in (
        lambda desk, now: views.nowcast(desk, "cases", "1", day, now),
        lambda desk, now: views.nowcast(desk, "cases", "112", day, now),
        lambda desk, now: views.outlook(desk, day, now),
        lambda desk, now: views.boards(desk, "cases", "district", day, now),
        lambda desk, now: views.what_if(desk, "cases", "district", asked, day, now),
    ):
        said = ask(then, end_of(60))
        assert ask(busy, end_of(89)) == said
        assert said["as_of"].startswith(day)
    later = views.nowcast(busy, "cases", "1", str(np.datetime64(START + 66, "D")), end_of(89))
    first = views.nowcast(busy, "cases", "1", day, end_of(89))
    at = later["times"].index(first["times"][-1])
    assert later["reported"][at] > first["reported"][-1]  # what the day itself could not know


def test_a_day_of_which_no_word_has_come_is_not_a_day_without_cases(tmp_path: Path) -> None:
    city(tmp_path).store.close()
    toml = tmp_path / "city.toml"
    toml.write_text(toml.read_text().replace("[[sources]]", '[[sources]]\nevery = "1d"', 1), "utf-8")
    desk = open_desk(tmp_path, {})
    found = events(np.random.default_rng(3), 80, 4.0, ["111", "112", "121"], late=0.5)
    put(desk, [e for e in found if e.report_time <= end_of(78)])  # heard every morning, but not on the last
    went = course(desk, "cases", "city", end_of(79))
    assert went.found is not None
    seen = picture(desk, "cases", end_of(79)).seen
    assert end_of(77) < seen < end_of(78)
    assert went.times[-1] == np.datetime64(START + 78, "D")
    assert np.quantile(went.found.log_r[0, -1], 0.975) > 0  # as many as ever, as far as is known: 12 a day
    whole = view(desk, picture(desk, "cases", end_of(79)), "city")
    low, high = np.quantile(whole.draws[0, -1], [0.025, 0.975])
    assert low <= 12 <= high
    later = views.nowcast(desk, "cases", "1", None, end_of(79))
    assert later["seen"] < later["as_of"]  # and the page says so


def test_history_that_came_at_once_is_no_delay(tmp_path: Path) -> None:
    desk = city(tmp_path)
    put(desk, [e._replace(report_time=end_of(90)) for e in events(np.random.default_rng(1), 60, 2.0, ["111"])])
    found = picture(desk, "cases", end_of(90))
    assert found.open == 0
    assert "at once" in found.why.en
    assert views.nowcast(desk, "cases", "1", None, end_of(90))["why_no_nowcast"] == found.why._asdict()


def test_delays_are_counted_back_from_the_moment() -> None:
    """At ten in the morning the newest diagonal holds the 24 hours before, as every older one does."""
    now = 100 * DAY + 600
    step = np.repeat(np.arange(60, 101), 4) * DAY
    reported = step + np.tile([300, 1200, DAY + 300, DAY + 1200], 41)  # 5:00, 20:00, and the same a day later
    keep = reported <= now
    rows = Rows(np.zeros(164, dtype=np.int64), step, reported, np.ones(164), np.zeros(164, dtype=bool))
    found = triangle(Rows(*(x[keep] for x in rows)), 100 * DAY, now, 60 * DAY, DAY)
    assert found is not None
    old = found.counts[0, :-3]
    np.testing.assert_array_equal(old, np.broadcast_to([1, 2, 1], old.shape))
    assert found.counts[0, -1].tolist() == [1, 0, 0]


def _steady(y: np.ndarray, start: int) -> tuple[Detector, Panel]:
    return detector("ears_c2", baseline=14), panel(y, first="2024-01-01")


def test_a_certain_nowcast_is_judged_as_a_count_and_a_doubtful_one_less_sure() -> None:
    y = np.r_[np.random.default_rng(3).poisson(10, 60), 30.0][None]
    ears, shown = _steady(y, 60)
    plain = ears.run(shown, 60)
    sure = likely.run(
        ears, shown, likely.Pasts(y, np.repeat(y[None], len(likely.NODES), axis=0)), 60, np.zeros(y.shape, dtype=bool)
    )
    np.testing.assert_array_equal(sure.p, plain.p)
    doubtful = np.repeat(y[None], len(likely.NODES), axis=0)
    doubtful[:, 0, -1] = np.linspace(10, 50, len(likely.NODES))
    wide = likely.run(ears, shown, likely.Pasts(y, doubtful), 60, np.zeros(y.shape, dtype=bool))
    assert wide.p[0, 0] > 2 * plain.p[0, 0]
    assert wide.p[0, 0] > likely.WEIGHTS[0] * 0.2  # as long as the lowest past is usual, p cannot be small


def test_rules_want_cases_not_estimates() -> None:
    rule = detector("fixed_value", value=5)
    y = np.array([[0.0, 4.0]])
    pasts = likely.Pasts(y + 10, np.repeat(y[None] + 10, len(likely.NODES), axis=0))
    found: Alarms = likely.run(rule, panel(y, first="2024-01-01"), pasts, 1, np.zeros(y.shape, dtype=bool))
    assert not rule.alarming(found).any()


def test_an_outbreak_is_found_earlier_on_the_nowcast_and_the_alert_says_why(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    usual = events(rng, 92, 3.0, ["111"], late=3.0)
    rise = [e._replace(key=f"r{i}") for i, e in enumerate(events(rng, 92, 12.0, ["111"], late=3.0))
            if e.reference_time > (START + 74) * DAY_US]  # fmt: skip
    first = {}
    for judge in ("reported", "nowcast"):
        desk = city(tmp_path / judge, judge=judge)
        put(desk, sorted(usual + rise, key=lambda e: e.report_time))
        opened = {day: loop.tick(desk, end_of(day), strict=True).opened for day in range(66, 92)}
        first[judge] = min(day for day, ids in opened.items() if ids)
        assert first[judge] >= 74  # the rise begins on day 74
        before = [n.what for n in notes.read_notes(desk.store, end_of(first[judge]))]
        assert all(("estimated" in what) == (judge == "nowcast") for what in before if '"opened"' in what)
    assert first["nowcast"] < first["reported"]
    listed = views.alerts(desk, None, None, None, 10, end_of(first["nowcast"]))["alerts"]
    shown = next(a for a in listed if a["estimated"])
    bounds = shown["ratio_range"]
    assert bounds["low"] < shown["estimated"]["low"] / shown["expected"]
    assert bounds["low"] < shown["ratio"] < bounds["high"]
    assert bounds["high"] > shown["estimated"]["high"] / shown["expected"]
    assert shown["estimated"]["reported"] < shown["observed"] <= shown["estimated"]["high"]
    assert "nowcast" in shown["reason"]["en"]
    assert "迟报校正" in shown["reason"]["zh"]
    told = views.alert(desk, shown["id"], None, end_of(first["nowcast"]))["evidence"]
    assert any(e["estimated"] and e["estimated"]["low"] <= e["observed"] <= e["estimated"]["high"] for e in told)


def test_the_boards_tell_imports_from_chains(tmp_path: Path) -> None:
    desk = city(tmp_path)
    background = events(np.random.default_rng(1), 60, 0.5, ["112"], late=0.2)
    at = [(START + d) * DAY_US + 2 * HOURS for d in (61, 62, 63, 66, 70, 74)]
    far = [Event("hospital", f"i{i}", "cases", "121", t, t, 1.0, "yes") for i, t in enumerate(at[:3])]
    here = [Event("hospital", f"l{i}", "cases", "111", t, t, 1.0, "no") for i, t in enumerate(at[3:])]
    put(desk, [*background, *far, *here])
    found = boards(desk, "cases", "district", end_of(80))
    east, west = (found.areas.index(a) for a in ("11", "12"))
    assert found.importation.imported[west, 1] == 3
    assert found.importation.share[west, 1] > 0.7
    assert found.spread.explained[west] == 1
    assert math.isnan(found.spread.chain_since[west])
    assert found.spread.explained[east] < 0.05
    assert found.spread.chain_since[east] > 0
    later = boards(desk, "cases", "district", end_of(140))
    assert later.spread.over[east] > 0.99
    assert (later.spread.since[east] > 60).all()
    shown = views.boards(desk, "cases", "district", None, end_of(80))
    assert shown["knows_imports"]
    assert not shown["knows_travel"]


def test_expected_arrivals_come_from_a_travel_table(tmp_path: Path) -> None:
    desk = city(tmp_path, 'incidence = "abroad.csv"')
    toml = tmp_path / "city.toml"
    toml.write_text(toml.read_text() + '\n[travel]\narrivals = "arrivals.csv"\n', "utf-8")
    (tmp_path / "arrivals.csv").write_text("origin,to,travellers\nX,11,1000\nX,121,500\n")
    first = np.datetime64(START, "D")
    (tmp_path / "abroad.csv").write_text(f"origin,date,incidence\nX,{first},20\nX,{first + 200},900\n")
    desk = open_desk(tmp_path, {})
    put(desk, events(np.random.default_rng(1), 90, 2.0, ["111", "121"]))
    comes = boards(desk, "cases", "district", end_of(89)).importation
    each = np.array([1000 * 4 * 20e-5, 500 * 4 * 20e-5])  # infected four days, the interval's mean
    np.testing.assert_allclose(comes.expected, each)
    np.testing.assert_array_equal(comes.coming, poisson.ppf([[0.025, 0.5, 0.975]], 28 * each[:, None]))
    shown = views.boards(desk, "cases", "city", None, end_of(89))["areas"][0]
    assert shown["expected_imports"]["low"] < 28 * each.sum() < shown["expected_imports"]["high"]
    (tmp_path / "arrivals.csv").write_text("origin,to,travellers\nY,11,1000\n")
    with pytest.raises(ConfigError, match="no incidence for 'Y'"):
        boards(open_desk(tmp_path, {}), "cases", "district", end_of(88))


def test_r_follows_growth_and_what_if_answers_the_sliders(busy: Desk) -> None:
    went = course(busy, "cases", "district", end_of(89))
    assert went.found is not None
    r = np.exp(went.found.log_r[:, -1])
    assert (np.quantile(r, 0.025, axis=1) < 1).all()
    assert (np.quantile(r, 0.975, axis=1) > 1).all()  # nothing grows or falls here
    free = whatif(busy, "cases", "district", end_of(89), Asked(days=28))
    np.testing.assert_array_equal(free.without.cases, free.measured.cases)
    assert (free.averted == 0).all()
    shut = whatif(busy, "cases", "district", end_of(89), Asked(days=28, contacts=0.2))
    assert shut.measured.total[2] < shut.without.total[2] / 2
    np.testing.assert_array_equal(shut.without.cases, free.without.cases)  # the same seed
    assert (free.without.beds == np.rint(free.without.beds))[:, 2].all()
    peak = free.without.beds_peak
    assert peak[4] - peak[0] >= 2 * np.sqrt(peak[2])  # who of the cases needs a bed is chance too
    with pytest.raises(InputError, match="not at level"):
        whatif(busy, "cases", "district", end_of(89), Asked(areas=("999",)))


def test_what_cannot_be_said_is_said(busy: Desk) -> None:
    said = course(busy, "other", "city", end_of(89)).why
    assert "no interval" in said.en
    assert "代间隔" in said.zh
    with pytest.raises(MethodError, match="only counts"):
        picture(busy, "air", end_of(89))
    found = picture(busy, "cases", end_of(89))
    with pytest.raises(InputError, match="add 'street'"):
        view(busy, found.__class__(**{**found.__dict__, "base": "district"}), "street")


def test_steps_are_made_to_have_the_sums_of_the_nowcast() -> None:
    rng = np.random.default_rng(2)
    sums, closed = rng.integers(0, 50, (3, 4, 9)).astype(float), rng.integers(0, 9, (4, 7)).astype(float)
    steps = np.concatenate([np.broadcast_to(closed, (3, 4, 7)), counts._with_sums(sums, closed)], axis=2)
    moving = np.lib.stride_tricks.sliding_window_view(steps, 7, axis=2).sum(axis=3)[:, :, 1:]
    assert (steps >= 0).all()
    assert (moving >= sums).all()
    np.testing.assert_array_equal(moving[steps[:, :, 7:] > 0], sums[steps[:, :, 7:] > 0])  # over it only at a step of 0
    assert (moving > sums).any()
