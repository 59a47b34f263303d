"""The simulated scenarios are what the literature says, and the measures say what happened."""

import csv

import numpy as np
import pytest

from shared import shared
from tocsin.detect import detector, evaluate, panel, scenarios
from tocsin.detect.contract import Detector
from tocsin.types import Alarms


def _read(path):
    with shared(path).open() as file:
        return list(csv.DictReader(file))


def test_the_42_weekly_scenarios_are_the_published_ones():
    rows = _read("goldens/noufaily/scenarios.csv")
    theirs = [tuple(float(r[k]) for k in ("theta", "beta", "gamma1", "gamma2", "phi", "m")) for r in rows]
    assert [tuple(map(float, s)) for s in scenarios.WEEKLY] == theirs


def test_the_16_daily_signals_are_the_published_ones():
    names = ["sigid", "days_per_week", "k_annual", "k_weekly", "alpha", "beta", *(f"gamma{i}" for i in range(1, 5))]
    names += ["phi", "shift", "divide_by"]
    theirs = [tuple(float(r[k]) for k in names) for r in _read("goldens/noufaily/daily_scenarios.csv")]
    assert [tuple(map(float, s)) for s in scenarios.DAILY] == theirs


def test_counts_have_the_mean_and_variance_asked_for():
    rng = np.random.default_rng(3)
    drawn = scenarios.weekly(rng, 40, sizes=(0,))
    for i in (0, 18, 30, 41):
        s = scenarios.WEEKLY[i]
        y = drawn.panel.y[(drawn.scenario == i) & ~drawn.past]
        t = np.arange(1, 625)
        season = sum(
            s.gamma1 * np.cos(2 * np.pi * j * t / 52) + s.gamma2 * np.sin(2 * np.pi * j * t / 52)
            for j in range(1, s.m + 1)
        )
        mean = np.exp(s.theta + s.beta * t + season)
        assert y.mean() == pytest.approx(mean.mean(), rel=0.03)
        assert ((y - mean) ** 2 / mean).mean() == pytest.approx(s.phi, rel=0.06)


def test_outbreaks_fall_where_and_as_large_as_said():
    drawn = scenarios.weekly(np.random.default_rng(4), 4)
    assert drawn.start == 624 - 49
    assert drawn.cases.shape == (42 * 2 * 4 * 4, 49)
    assert (drawn.cases[drawn.size == 0] == 0).all()
    whole = drawn.cases.sum(axis=1)
    assert whole[drawn.size == 10].mean() > 1.7 * whole[drawn.size == 5].mean() > 3 * whole[drawn.size == 2].mean()
    assert (drawn.panel.y[:, drawn.start :] >= drawn.cases).all()
    before = drawn.panel.y[:, 312:575].mean(axis=1)
    assert before[drawn.past].mean() > before[~drawn.past].mean()


def test_five_day_services_rest_at_weekends_and_on_holidays():
    drawn = scenarios.daily(np.random.default_rng(5), 1, sizes=(0,))
    holiday = drawn.panel.time[drawn.panel.holiday].astype("datetime64[D]").astype(str).tolist()
    assert {"2010-01-01", "2010-12-25"} & set(holiday) == {"2010-12-25"}
    assert {"2012-04-06", "2012-04-09", "2012-05-07", "2012-05-28", "2012-08-27", "2012-12-26"} <= set(holiday)
    assert sum(day.startswith("2012") for day in holiday) == 8
    weekend = np.arange(drawn.panel.y.shape[1]) % 7 >= 5
    calm = ~drawn.past
    for i, s in enumerate(scenarios.DAILY):
        y = drawn.panel.y[calm & (drawn.scenario == i)]
        resting = y[:, weekend].sum() == 0 and y[:, drawn.panel.holiday].sum() == 0
        assert resting == (s.days == 5), s


def _fixed(score):
    def method(seen, start):
        """Says what it is told."""
        part = np.broadcast_to(score, (len(seen.y), seen.y.shape[1] - start)).astype(float)
        return Alarms(np.zeros_like(part), np.ones_like(part), part, np.full_like(part, np.nan))

    return Detector("fixed", method, lambda step: 0, "made up 2020")


def test_measures_of_a_case_done_by_hand():
    cases = np.zeros((3, 10))
    cases[1, [4, 6]] = 5
    cases[2, [0, 1]] = 1
    score = np.zeros((3, 10))
    score[0, 3] = 2  # a false alarm where there is no outbreak
    score[1, [2, 5, 6]] = 2  # one early, then from the second of three steps
    y = panel(np.ones((3, 10)), step="1w")
    drawn = scenarios.Drawn(y, 0, cases, np.array([0, 5, 5]), np.zeros(3, bool), np.zeros(3, int))
    p = evaluate.evaluate([_fixed(score)], drawn, np.random.default_rng(1), level=0.1)[0]
    found = {m: getattr(p, m).value for m in evaluate.MEASURES}
    assert found["fpr"] == pytest.approx(1 / 10)
    assert found["pod"] == pytest.approx(1 / 2)
    assert found["pod_first"] == 0
    assert found["sensitivity"] == pytest.approx(2 / 5)
    assert found["specificity"] == pytest.approx(14 / 15)
    assert found["ppv"] == pytest.approx(2 / 3)
    assert found["npv"] == pytest.approx(14 / 17)
    assert found["f1"] == pytest.approx(4 / 8)
    assert found["timeliness"] == pytest.approx((1 / 3 + 1) / 2)
    assert "fixed" in evaluate.table([p])


def test_ties_are_shared_out_between_the_operating_points_beside_the_rate():
    """Of 20 null steps one scores 3 and nine score 1; of four outbreaks one is over 1, two are on it, one is below."""
    score = np.zeros((6, 10))
    score[0, 0], score[0, 1:5], score[1, :5] = 3, 1, 1
    cases = np.zeros((6, 10))
    cases[2:, 4] = 1
    score[2, 4], score[3:5, 4], score[5, 4] = 2, 1, 0.5
    known = evaluate.Truth(cases, np.array([0, 0, 5, 5, 5, 5]), np.zeros(6, bool), np.zeros(6, int))
    found = evaluate.Judged(score > 1, score)
    rates = np.array([0.05, 0.275, 0.5])  # over 1; half way from there to 1 and over; over 0
    np.testing.assert_allclose(evaluate.curve(found, known, rates), [0.25, 0.5, 1.0])
    for rate, pod in zip(rates, (0.25, 0.5, 1.0), strict=True):
        told = evaluate.measured("tied", found, known, np.random.default_rng(1), rate)
        assert told.pod_at.value == pytest.approx(pod)


def test_without_ties_the_rate_is_met_by_a_threshold():
    rng = np.random.default_rng(3)
    cases = np.zeros((400, 10))
    cases[200:, 4] = 1
    score = rng.normal(size=(400, 10)) + cases
    known = evaluate.Truth(cases, np.repeat([0, 5], 200), np.zeros(400, bool), np.zeros(400, int))
    rates = np.array([0.01, 0.1])
    by_hand = [(score[200:, 4] > np.quantile(score[:200], 1 - r)).mean() for r in rates]
    np.testing.assert_allclose(evaluate.curve(evaluate.Judged(score > 9, score), known, rates), by_hand, atol=0.006)


def test_what_cannot_take_the_step_is_skipped_with_its_reason():
    drawn = scenarios.weekly(np.random.default_rng(6), 1, sizes=(0, 5))
    daily = drawn._replace(panel=drawn.panel._replace(kind="measure"))
    told = evaluate.evaluate([detector("farrington_flexible")], daily, np.random.default_rng(1))[0]
    assert "not measure" in told.skipped
    assert told.skipped in evaluate.table([told])


def test_noufailys_method_scores_as_it_is_known_to():
    """At alpha 0.01 and 10,080 series like these R's scored FPR 0.0106, POD 0.142, 0.474 and 0.910 by size."""
    drawn = scenarios.weekly(np.random.default_rng(7), 4)
    known = detector("farrington_flexible", alpha=0.01)
    p = evaluate.evaluate([known], drawn, np.random.default_rng(1))[0]
    assert p.fpr.value == pytest.approx(0.0106, abs=0.003)
    assert p.pod.value == pytest.approx(0.508, abs=0.05)
    assert p.pod.low < p.pod.value < p.pod.high
    assert p.timeliness.value == pytest.approx(0.530, abs=0.05)
    assert p.pod_at.value == pytest.approx(p.pod.value, abs=0.05)
