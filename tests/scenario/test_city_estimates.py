"""A city's estimates by command: scores of its own nowcasts, what-ifs, severity, R by weeks, and why of a nowcast."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from test_outlook import START, city, end_of, events

from city import make_city, put
from tocsin import loop, views
from tocsin.calendar import DAY, day_of
from tocsin.cli import scenario_city
from tocsin.cli.nowcast import command as nowcast_command
from tocsin.cli.rt import command as rt_command
from tocsin.cli.scenario import command as scenario_command
from tocsin.cli.score_estimates import command as score_command
from tocsin.desk import Desk, open_desk
from tocsin.errors import ConfigError, MethodError
from tocsin.outlook import judging, outcome, travel
from tocsin.outlook.course import course
from tocsin.outlook.picture import picture, view
from tocsin.outlook.whatif import Asked, start, whatif

LAST = day_of((START + 89) * DAY).isoformat()


def ran(command, *arguments):  # type: ignore[no-untyped-def]  # of any command
    done = CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("busy")
    desk = city(folder, 'outcomes = [{ signal = "other", mean = 5.0, sd = 2.0 }]')
    rng = np.random.default_rng(1)
    found = events(rng, 90, 2.0, ["111", "112", "121"])
    dead = [e._replace(key=f"x{i}", signal="other", reference_time=e.reference_time + 5 * 86_400_000_000,
                       report_time=max(e.report_time, e.reference_time + 6 * 86_400_000_000))
            for i, e in enumerate(found) if rng.random() < 0.2]  # fmt: skip
    put(desk, found + [e for e in dead if e.report_time <= end_of(89)])
    desk.store.close()
    return folder


def test_a_city_scores_its_own_nowcasts_against_what_came(busy: Path, tmp_path: Path) -> None:
    out = tmp_path / "kept.csv"
    base = ["--city", busy, "--signal", "cases", "--level", "district", "--every", 7, "--json"]
    (said,) = json.loads(ran(score_command, *base, "--out", out))
    assert (said["signal"], said["strata"]) == ("cases", 2)
    assert said["all"]["wis"] < 0.5 * said["all"]["reported"]
    assert 0.85 <= said["all"]["covered95"] <= 1
    lines = out.read_text().splitlines()
    out.write_text("\n".join(lines[:-5]) + "\n")  # stopped in the middle of a date
    assert json.loads(ran(score_command, *base, "--out", out)) == [said]
    assert sorted(out.read_text().splitlines()) == sorted(lines)
    desk = open_desk(busy, {})
    asked = judging.judging(desk, "cases", "city", 7, end_of(89))
    one = judging.judge(desk, asked, day_of((START + 60) * DAY))
    assert one is not None
    now, then = (view(desk, picture(desk, "cases", end_of(d)), "city") for d in (89, 60))
    assert one.truth[0, 0] == now.reported[0, -36:-29].sum()
    assert one.reported[0, 0] == then.reported[0, -7:].sum()
    assert "cases  city" in ran(score_command, "--city", busy, "--every", 9)
    with pytest.raises(MethodError, match="no as-of date"):
        ran(score_command, "--city", busy, "--signal", "cases", "--to", "2001-01-01")


def test_options_of_a_file_are_not_ignored_for_a_city(busy: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("date,local\n2026-01-01,3\n")
    for command, arguments in (
        (score_command, ["--city", busy, "--reference", "x"]),
        (score_command, [table, "--signal", "cases", "--reference", "date", "--report", "date"]),
        (rt_command, ["--city", busy, "--window", 3]),
        (rt_command, [table, "--level", "city"]),
        (nowcast_command, ["--city", busy, "--draws", 500]),
        (scenario_command, ["--city", busy, "--od", table]),
        (scenario_command, [table, "--as-of", "2026-01-01"]),
    ):
        done = CliRunner().invoke(command, [str(a) for a in arguments])
        assert done.exit_code == 2, (command.name, arguments, done.output)
        assert "alone" in done.output


def test_a_city_is_run_ahead_by_command(busy: Path, tmp_path: Path) -> None:
    base = ["--city", busy, "--as-of", LAST, "--level", "district", "--days", 30, "--json"]
    said = json.loads(ran(scenario_command, *base, "--measure", "contacts=0.2", "--out", tmp_path / "o.csv"))
    assert said["first"] == day_of((START + 90) * DAY).isoformat()
    assert said["gained"]["infections"]["low"] > 0
    assert said["without"] == json.loads(ran(scenario_command, *base))["without"]
    assert "11" in (tmp_path / "o.csv").read_text()


def test_commuting_ties_areas_together_and_those_in_bed_stay_there(busy: Path, tmp_path: Path) -> None:
    desk = city(tmp_path)
    put(desk, events(np.random.default_rng(2), 90, 6.0, ["111"], late=0.5))
    free = whatif(desk, "cases", "district", end_of(89), Asked(days=10, admitted=0.5))
    assert free.without.beds[0, 2] > 2 * 0.5 * free.without.cases[0, 2]  # of a week, not of one day
    assert free.without.by_area[1, 4] == 0  # an island without a case
    desk.store.close()
    toml = tmp_path / "city.toml"
    toml.write_text(toml.read_text() + '\n[travel]\ncommuting = "c.csv"\n')
    (tmp_path / "c.csv").write_text("from,to,commuters\n12,11,1000\n111,112,50\n")
    desk = open_desk(tmp_path, {})
    mixing, mixed = travel.mixing(desk, ("11", "12"))
    assert mixed
    np.testing.assert_allclose(mixing.sum(axis=0), 1)
    assert mixing[1, 0] > 0.1  # of those whom a case of East infects, some live in West
    tied = whatif(desk, "cases", "district", end_of(89), Asked(days=10))
    assert tied.without.by_area[1, 2] > free.without.by_area[1, 4]
    here = start(desk, "cases", "district", end_of(89))
    assert here.r[0].mean() > 1.05  # the infections that go West are East's too
    (tmp_path / "c.csv").write_text("from,to,commuters\n12,11,99000\n")
    with pytest.raises(ConfigError, match="no more people than live"):
        travel.mixing(desk, ("11", "12"))


def test_severity_counts_only_those_old_enough(busy: Path) -> None:
    desk = open_desk(busy, {})
    (found,) = outcome.ratios(desk, "cases", end_of(89))
    low, middle, high = found.adjusted
    assert low < 0.2 < high
    assert found.crude[0] < found.crude[1] < middle
    (shown,) = next(s for s in views.outlook(desk, LAST, end_of(89))["signals"] if s["signal"] == "cases")["severity"]
    assert shown["adjusted"]["middle"] == pytest.approx(middle)
    assert 0.9 < shown["known"] < 1


def weekly(folder: Path, grow: float) -> Desk:
    make_city(folder)
    toml = folder / "city.toml"
    said = toml.read_text().replace('name = "cases"', 'name = "cases"\ninterval = { mean = 3.6, sd = 1.6 }')
    toml.write_text(said.replace('step = "1d"', 'step = "1w"', 1), "utf-8")
    desk = open_desk(folder, {})
    rng = np.random.default_rng(4)
    found = []
    for day in range(140):
        found += [e._replace(key=f"{day}-{i}", reference_time=e.reference_time + day * 86_400_000_000,
                             report_time=e.report_time + day * 86_400_000_000)
                  for i, e in enumerate(events(rng, 1, 8.0 * np.exp(grow * day), ["111"]))]  # fmt: skip
    put(desk, sorted(found, key=lambda e: e.report_time))
    return desk


@pytest.mark.parametrize("grow", [0.02, -0.01])
def test_r_of_weekly_counts_with_an_interval_shorter_than_a_week(tmp_path: Path, grow: float) -> None:
    desk = weekly(tmp_path, grow)
    went = course(desk, "cases", "city", end_of(132))
    assert went.found is not None, went.why
    past = slice(-12, -4)  # a week's own R knows no other week: the mean of eight is sharper
    low, high = np.quantile(went.found.growth()[0, past] / 7, [0.025, 0.975], axis=-1)
    assert np.mean((low < grow) & (grow < high)) >= 0.75
    assert went.found.growth()[0, past].mean() / 7 == pytest.approx(grow, abs=0.015)
    assert np.exp(went.found.log_r[0, past]).mean() == pytest.approx(np.exp(3.6 * grow), abs=0.08)
    assert views.boards(desk, "cases", "city", None, end_of(132))["areas"][0]["over"] is None


def test_why_speaks_of_what_was_judged(tmp_path: Path) -> None:
    desk = city(tmp_path)
    rng = np.random.default_rng(5)
    usual = events(rng, 92, 3.0, ["111"], late=3.0)
    rise = [e for e in events(rng, 92, 12.0, ["111"], late=3.0) if e.reference_time > (START + 74) * 86_400_000_000]
    put(desk, sorted(usual + [e._replace(key=f"r{i}") for i, e in enumerate(rise)], key=lambda e: e.report_time))
    for day in range(66, 92):
        ticked = loop.tick(desk, end_of(day), strict=True)
        if ticked.opened:
            break
    alert = views.alert(desk, ticked.opened[0], None, end_of(day))
    newest = max(alert["evidence"], key=lambda e: e["time"])
    found = views.explain(desk, "cases", alert["area"], newest["time"], None, newest["at"], end_of(day))
    one = next(d for d in found["detectors"] if d["name"] == newest["detector"])
    for key in ("expected", "upper", "score", "p", "observed"):
        assert one[key] == pytest.approx(newest[key]), key
    assert found["speaks"]
    assert found["estimated"]["low"] <= one["observed"] <= found["estimated"]["high"]
    assert found["observed"] == newest["estimated"]["reported"]
    assert "Reports still come in" in found["text"][0]["en"]
    assert any("Were the final count known" in t["en"] for t in found["text"])
    old = views.explain(desk, "cases", "111", day_of((START + 40) * DAY).isoformat(), None, None, end_of(day))
    assert old["estimated"] is None


def test_imports_to_come_are_not_the_same_in_every_run(tmp_path: Path) -> None:
    desk = city(tmp_path)
    far = events(np.random.default_rng(2), 90, 0.4, ["111"], late=0.3)
    put(desk, [e._replace(imported="yes") for e in far])
    found = whatif(desk, "cases", "city", end_of(89), Asked(days=30, contacts=0.0, start=0, lasting=30))
    assert found.measured.total[4] - found.measured.total[0] > 2 * np.sqrt(30 * 0.4)  # nobody infects: imports alone
    assert found.measured.cases[:, 0].max() == 0  # on no day do all runs have one
    world = start(desk, "cases", "city", end_of(89))
    drawn = scenario_city.arrivals(world, 30, 1)
    assert drawn.shape == (1, 30, world.past.shape[2])
    assert drawn.std(axis=2).min() > 0
