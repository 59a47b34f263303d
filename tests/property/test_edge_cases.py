"""Records short, empty, broken or changed: docs/methods/edge_cases.md line by line, library and command."""

import warnings

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from tocsin.cli.detect import command
from tocsin.detect import DETECTORS, detector, farrington_flexible, panel
from tocsin.detect.judgement import EMPTY, FEW_CASES, MISSING, REASONS, SHORT
from tocsin.errors import MethodError

WEEKS = 420
HOSTILE = ("all zero", "leading zeros", "never moves", "nothing reported", "every third missing", "1e15", "one of 1e15",
           "not whole", "closed at weekends")  # fmt: skip
SOUND = sorted(set(DETECTORS) - {"fixed_value"})


def _hostile(name):
    rng = np.random.default_rng(4)
    y = rng.poisson(5, (2, WEEKS)).astype(float)
    if name == "all zero":
        y[:] = 0
    elif name == "leading zeros":
        y[:, :-20] = 0
    elif name == "never moves":
        y[:] = 7
    elif name == "nothing reported":
        y[:] = np.nan
    elif name == "every third missing":
        y[:, ::3] = np.nan
    elif name == "1e15":
        y *= 1e15
    elif name == "one of 1e15":
        y[:, -1] = 1e15
    elif name == "not whole":
        y += 0.3
    elif name == "closed at weekends":
        y = rng.poisson(5, (2, 1500)).astype(float)
        y[:, np.arange(1500) % 7 > 4] = 0
        return panel(y, first="2015-03-02", step="1d")
    return panel(y, first="2012-01-02", step="1w")


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("name", DETECTORS)
def test_a_hostile_series_is_judged_or_passed_over_in_silence(name, kind):
    p = _hostile(kind)
    start = p.y.shape[1] - 9
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        alarms = DETECTORS[name].run(p, start)
    for f in ("expected", "upper", "score", "p"):
        assert getattr(alarms, f).shape == (2, 9), f
    told = alarms.p[~np.isnan(alarms.p)]
    assert ((told >= 0) & (told <= 1)).all()
    alarming = DETECTORS[name].alarming(alarms)
    if kind in ("all zero", "nothing reported"):
        assert not alarming.any()
    absent = np.isnan(p.y[:, start:])
    assert np.isnan(alarms.score[absent]).all()
    assert not alarming[absent].any()


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize(("value", "says"), [(np.inf, "infinite"), (-1.0, "negative"), (1e19, "over 1e18")])
def test_what_is_no_count_is_refused_in_words(name, value, says):
    p = _hostile("not whole")
    p.y[1, -3] = value
    with pytest.raises(MethodError, match=says):
        DETECTORS[name].run(p, WEEKS - 9)


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("shape", [(0, 0), (0, 30), (3, 0), (3, 1)])
def test_panels_without_much_in_them_come_back_in_their_shape(name, shape):
    alarms = DETECTORS[name].run(panel(np.ones(shape), step="1w"), 0)
    assert alarms.score.shape == shape
    assert DETECTORS[name].rule or not DETECTORS[name].alarming(alarms).any()


def test_farrington_says_why_it_is_silent():
    y = np.random.default_rng(1).poisson(5, (3, WEEKS)).astype(float)
    y[0, -1] = np.nan
    y[1, -4:] = 1
    y[2, :-1] = np.nan
    p = panel(y, first="2012-01-02", step="1w")
    reason = farrington_flexible.explained(p, WEEKS - 1).reason[:, 0]
    assert reason.tolist() == [MISSING, FEW_CASES, EMPTY]
    short = farrington_flexible.explained(panel(y[:, :50], first="2012-01-02", step="1w"), 49)
    assert (short.reason == SHORT).all()
    assert all(REASONS[r] for r in (MISSING, FEW_CASES, EMPTY, SHORT))


def test_the_first_case_of_a_new_disease_waits_for_limit54_and_not_for_a_year():
    y = np.zeros((2, WEEKS))
    y[0, -1], y[1, -3:] = 1, 2
    p = panel(y, first="2012-01-02", step="1w")
    flexible, fixed = detector("farrington_flexible"), detector("fixed_value")
    assert flexible.alarming(flexible.run(p, WEEKS - 1)).tolist() == [[False], [True]]
    assert fixed.alarming(fixed.run(p, WEEKS - 1)).tolist() == [[True], [True]]
    assert (flexible.run(p, WEEKS - 1).upper >= 1).all()


def test_cusum_after_zeros_alone_reckons_with_a_case_to_come():
    y = np.zeros((1, WEEKS))
    y[0, -3] = 1
    found = detector("cusum", memory_years=None).run(panel(y, step="1w"), WEEKS - 9)
    assert np.isfinite(found.score).all()


def test_week_53_and_leap_day_keep_their_place():
    weeks = panel(np.ones(53 * 7), first="2014-12-29", step="1w")  # 2015 and 2020 have a week 53
    at = farrington_flexible.explained(weeks, len(weeks.time) - 1, b=1, w=0, no_periods=1, past_weeks_not_included=0)
    back = weeks.time[at.windows.row[0]].astype("datetime64[D]")
    assert (
        np.abs((weeks.time[-1] - weeks.time[at.windows.row[0]]).astype("timedelta64[D]").astype(int) - 365) < 8
    ).all()
    assert len(back) == at.windows.n[0] == 1
    days = panel(np.ones(1000), first="2021-06-01", step="1d")
    leap = int(np.searchsorted(days.time, np.datetime64("2024-02-25", "m")))
    longer = panel(np.ones(leap + 5), first="2021-06-01", step="1d")
    found = farrington_flexible.explained(longer, leap + 4, b=1, w=0, no_periods=1, past_weeks_not_included=0)
    assert str(longer.time[leap + 4])[:10] == "2024-02-29"
    assert str(longer.time[found.windows.row[0, 0]])[:10] == "2023-03-01"


def test_a_level_shift_is_forgotten_when_it_is_marked():
    rng = np.random.default_rng(3)
    y = np.concatenate([rng.poisson(5, (4, 300)), rng.poisson(20, (4, 120))], axis=1).astype(float)
    p = panel(y, first="2012-01-02", step="1w")
    plain = detector("baseline_nb").run(p, WEEKS - 8).expected
    marked = detector("baseline_nb", leave_out=[["2012-01-02", "2017-10-01"]]).run(p, WEEKS - 8).expected
    assert abs(marked.mean() - 20) < min(abs(plain.mean() - 20), 4)


def test_no_one_to_be_ill_is_silent():
    y = np.random.default_rng(2).poisson(5, (3, WEEKS)).astype(float)
    for name in ("farrington_flexible", "baseline_nb"):
        for population in (0.0, np.nan):
            p = panel(y, first="2012-01-02", step="1w", exposure=population)
            assert np.isnan(detector(name, population_offset=True).run(p, WEEKS - 3).score).all()


@pytest.mark.parametrize(
    ("rows", "says"),
    [("2026-01-05,1\n2026-01-12,inf\n2026-01-19,1", "infinite"),
     ("2026-01-05,1\n2026-01-12,-4\n2026-01-19,1", "negative"),
     ("2026-01-05,1\n2026-01-12,1e300\n2026-01-19,1", "over 1e18"), ("2026-01-05,1", "needs a history")],
)  # fmt: skip
def test_the_command_refuses_in_words(tmp_path, rows, says):
    source = tmp_path / "x.csv"
    source.write_text(f"date,count\n{rows}\n")
    done = CliRunner().invoke(command, [str(source), "--method", "ears_c1", "--range", "1:3"])
    assert done.exit_code != 0
    assert says in str(done.exception)


def test_the_command_leaves_empty_what_it_cannot_say(tmp_path):
    source = tmp_path / "x.csv"
    source.write_text(
        "date,count\n" + "\n".join(f"{np.datetime64('2026-01-05') + 7 * i},{'' if i == 4 else 3}" for i in range(12))
    )
    done = CliRunner().invoke(command, [str(source), "--method", "farrington_flexible", "--range", "3:12"])
    assert done.exit_code == 0, done.output
    shown = pl.read_csv(done.stdout.encode(), infer_schema_length=None)
    assert shown["score"].null_count() == len(shown) == 10
    assert "10 cells could not be judged" in " ".join(done.stderr.split())
