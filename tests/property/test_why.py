"""What an explanation names is what the judgement rests on, and the count it calls quiet is quiet, for all."""

import numpy as np
import pytest

from conform.checks import as_panel, noise
from tocsin import detect
from tocsin.calendar import DAY
from tocsin.detect import DETECTORS, Detector, farrington_flexible, left_out
from tocsin.detect.contract import FIELDS
from tocsin.detect.sentences import RULES, sentences
from tocsin.detect.units import span, unit
from tocsin.detect.why import largest_quiet, why
from tocsin.types import Alarms, Title

NAME = Title("方法", "the method")
CASES = [pytest.param(d, id=name) for name, d in DETECTORS.items()] + [
    pytest.param(DETECTORS["cusum"].configured(m="glm"), id="cusum_glm"),
    pytest.param(DETECTORS["glr_nb"].configured(mu0=10, alpha=0.2), id="glr_nb_level"),
    pytest.param(DETECTORS["farrington_flexible"].configured(compat="surveillance"), id="flexible_as_r"),
    pytest.param(DETECTORS["bayes"].configured(b=2, w=4, act_y=False), id="bayes3"),
]


def last(detector: Detector, y: np.ndarray) -> list[float]:
    alarms = detector.run(as_panel(detector, y), y.shape[1] - 1)
    return [float(getattr(alarms, f)[0, -1]) for f in FIELDS]


@pytest.mark.parametrize("detector", CASES)
def test_what_is_not_named_does_not_matter_and_what_is_named_does(detector):
    y = noise(detector, 1, 60).y
    step = y.shape[1] - 1
    w = why(detector, as_panel(detector, y), 0, step)
    named = {*w.basis.row.tolist(), *w.basis.recent.tolist(), step}
    before = last(detector, y)
    assert before == [w.expected, w.upper, w.score, w.p] or np.isnan(w.p)
    other = [i for i in range(step) if i not in named]
    changed = y.copy()
    changed[0, other] = np.round(changed[0, other] * 3 + 17)
    np.testing.assert_array_equal(last(detector, changed), before)
    if detector.name != "fixed_value":
        assert other
        moved, rows = y.copy(), w.basis.row if len(w.basis.row) else w.basis.recent
        moved[0, rows] *= 2
        assert last(detector, moved)[:3] != before[:3]


@pytest.mark.parametrize("detector", CASES)
def test_the_largest_quiet_count_is_quiet_and_the_next_is_not(detector):
    p = noise(detector, 3, 4, mean=9.0, seed=4)
    step = p.y.shape[1] - 1
    for series in range(3):
        w = why(detector, p, series, step)
        seen = np.array([w.quiet, w.quiet + 1]) if np.isfinite(w.quiet) else np.array([0.0, 1e6])
        found = []
        for value in seen:
            y = p.y.copy()
            y[series, -1] = value
            found.append(bool(detector.alarming(detector.run(as_panel(detector, y), step))[series, -1]))
        assert found == ([False, True] if np.isfinite(w.quiet) else [w.quiet < 0] * 2)
        assert w.alarm == (w.observed > w.quiet)


def test_a_series_that_is_pooled_is_explained_in_the_panel_it_is_judged_in():
    d = detect.detector("rammie")
    p = noise(d, 4, 4, mean=9.0)
    p.y[:] = np.round(p.y * np.array([[1], [3], [0.2], [8]]))
    p.y[2, 400:410] = 60
    marked = np.zeros(p.y.shape, dtype=bool)
    marked[2, 400:410] = True
    step = p.y.shape[1] - 1
    judged = left_out.run(d, p, step, marked)
    for series in range(4):
        w = why(d, p, series, step, marked=marked)
        assert [w.expected, w.upper, w.score, w.p] == [float(getattr(judged, f)[series, -1]) for f in FIELDS]
        assert (w.basis.areas, w.left_out.sum()) == (4, 10 if series == 2 else 0)
        assert (w.basis.weight[w.left_out] == 0).all()
    alone = why(d, as_panel(d, p.y[2:3]), 0, step, marked=marked[2:3])
    assert alone.expected != w.expected
    said = sentences(why(d, p, 2, step, marked=marked), NAME)
    assert any("together with those of 3 other areas" in s.en for s in said)
    assert any("与其余 3 个区的同期一并计算" in s.zh for s in said)


def test_a_spike_names_the_days_it_is_moved_by():
    d = detect.detector("rammie", against="spike", recent_days=7.0)
    p = noise(d, 2, 4)
    step = p.y.shape[1] - 1
    assert why(d, p, 0, step).recent.tolist() == p.time[step - 7 : step].tolist()


def test_readings_have_a_largest_quiet_value_too():
    d = detect.detector("ears_c1")
    y = np.random.default_rng(3).normal(-20, 2, (1, 40))
    w = why(d, detect.panel(y, kind="measure"), 0, 39)
    assert w.quiet == pytest.approx(w.upper, abs=1e-6)


@pytest.mark.parametrize("limit", [0, 1, 2, 7, 63, 64, 1000, 123_456, 2**40 + 3])
def test_quiet_counts_are_found_exactly(limit):
    assert largest_quiet(lambda v: v > limit, 5.0, "count") == limit


@pytest.mark.parametrize("limit", [-1, 0, 1, 2, 7, 63, 64, 1000, 123_456, 2**40 + 3, np.inf])
def test_asked_one_by_one_the_same_is_found_in_few_questions(limit):
    asked = []

    def alarming(values):
        assert len(values) == 1
        asked.append(values[0])
        return values > limit

    assert largest_quiet(alarming, 5.0, "count", 1) == (limit if limit >= 0 else -np.inf)
    assert len(asked) <= 60


def test_a_reading_asked_one_by_one_is_found_too():
    assert largest_quiet(lambda v: v > 17.25, 5.0, "measure", 1) == pytest.approx(17.25, rel=1e-8)


def test_all_and_none_may_be_quiet():
    assert largest_quiet(lambda v: v > np.inf, 5.0, "count") == np.inf
    assert largest_quiet(lambda v: v >= 0, 5.0, "count") == -np.inf


def test_farrington_weights_are_those_of_its_fit():
    d = detect.detector("farrington_flexible")
    y = noise(d, 1, 1).y
    y[0, 120] = 90
    w = why(d, as_panel(d, y), 0, y.shape[1] - 1)
    theirs = farrington_flexible.explain(as_panel(d, y), 0, y.shape[1] - 1)
    np.testing.assert_array_equal(w.basis.weight, theirs.weight)
    assert w.basis.weight[list(w.basis.row).index(120)] < 0.1
    assert (w.basis.trend, w.basis.phi) == (theirs.trend, theirs.phi)


def test_limit54_is_said_to_hold_an_alarm_back():
    d = detect.detector("farrington_flexible")
    y = np.zeros((1, d.history(7 * 1440) + 1))
    y[0, ::37] = 1
    y[0, -4:] = [0, 0, 0, 4]
    w = why(d, detect.panel(y, first="2015-03-02", step="1w"), 0, y.shape[1] - 1)
    said = sentences(w, NAME)
    assert not w.alarm
    assert w.quiet == 4
    assert any("4 cases, under 5: by limit54 no alarm" in s.en for s in said)
    assert any("不足 5 例，按 limit54 不报警" in s.zh for s in said)


@pytest.mark.parametrize("detector", [c for c in CASES if c.id not in ("fixed_value",)])
def test_a_short_history_is_stated_with_what_is_there(detector):
    y = noise(detector, 1, 1).y[:, -4:]
    w = why(detector, as_panel(detector, y), 0, 3)
    if w.silent:
        assert (w.silent, w.has) == ("too little history", 3)
        assert w.needs > 3
        said = sentences(w, NAME)[0]
        assert f"needs {w.needs:,}" in said.en
        assert f"需要 {w.needs}" in said.zh
    else:  # reference methods make do with what there is
        assert detector.name in ("bayes", "rki", "outbreak_p", "cusum", "glr_nb", "glr_poisson")


def test_missing_counts_and_missing_baselines_are_told_apart():
    d = detect.detector("ears_c2")
    y = noise(d, 1, 20).y
    y[0, -1] = np.nan
    w = why(d, as_panel(d, y), 0, y.shape[1] - 1)
    assert w.silent == "not reported"
    assert np.isnan(w.quiet)
    y = noise(d, 1, 20).y
    y[0, -6] = np.nan
    w = why(d, as_panel(d, y), 0, y.shape[1] - 1)
    assert w.silent == "baseline not reported"
    said = sentences(w, NAME)[0]
    assert "1 of the 7 days of the baseline were not reported" in said.en
    assert "says nothing" not in said.en, "its p may raise an alert"
    assert f"expected {np.nanmean(y[0, -10:-3]):.3g}" in said.en
    assert f"p = {w.p:.2g}" in said.zh


def test_a_marked_outbreak_is_said_to_be_left_out():
    d = detect.detector("baseline_nb")
    p = noise(d, 2, 3)
    p.y[1, 100:110] = 400
    marked = np.zeros(p.y.shape, dtype=bool)
    marked[1, 100:110] = True
    step = p.y.shape[1] - 1
    w, without = why(d, p, 1, step, marked=marked), why(d, p, 1, step)
    assert w.left_out.sum() == 10
    assert (w.basis.weight[w.left_out] == 0).all()
    assert w.values[w.left_out].min() == 400
    assert w.expected < without.expected
    assert any("10 left out as a marked outbreak" in s.en for s in sentences(w, NAME))
    assert any("10 天因标为暴发而未用" in s.zh for s in sentences(w, NAME))


def test_every_detector_has_a_rule_in_both_languages():
    for name, d in DETECTORS.items():
        said = RULES[name](d.allowed(), unit(DAY))
        assert said.zh
        assert said.en
        assert said.zh != said.en


def test_a_method_of_another_package_is_explained_by_its_history_and_its_own_alarms():
    def double(panel, start):
        now, before = panel.y[:, start:], panel.y[:, start - 5 : -5]
        return Alarms(before, 2 * before, now / (2 * before), np.full_like(now, np.nan))

    d = Detector("double", double, lambda step: 5, "Somebody (2020)")
    w = why(d, detect.panel([[4.0] * 12 + [9.0]]), 0, 12)
    assert w.basis.row.tolist() == [7, 8, 9, 10, 11]
    assert np.isnan(w.basis.weight).all()
    assert (w.alarm, w.quiet) == (True, 8)
    assert any("does not tell their weights" in s.en for s in sentences(w, NAME))


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize(("minutes", "zh", "en"), [(DAY, "天", "day"), (7 * DAY, "周", "week")])
def test_time_is_told_in_days_or_weeks_and_never_in_steps(name, minutes, zh, en):
    d = detect.detector(name)
    long = noise(d, 1, 3).y
    for y in (long, long[:, -4:]):
        panel = as_panel(d, y)
        began = np.datetime64("2020-01-06", "m")
        panel = panel._replace(step=minutes, time=began + np.arange(y.shape[1]) * np.timedelta64(minutes, "m"))
        said = sentences(why(d, panel, 0, y.shape[1] - 1), NAME)
        assert not any("步" in s.zh or "step" in s.en for s in said), said
    if len(said) > 1 and said[0].en.count("history"):
        assert zh in said[0].zh
        assert en in said[0].en


def test_other_steps_are_spelt_out():
    assert span(1, DAY) == ("1 天", "1 day")
    assert span(1200, 7 * DAY) == ("1200 周", "1,200 weeks")
    assert span(12, 5) == ("12 个 5 分钟时段", "12 steps of 5 minutes")
    assert span(4, 6 * 60) == ("4 个 6 小时时段", "4 steps of 6 hours")
