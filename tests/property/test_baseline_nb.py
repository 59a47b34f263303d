"""The baseline finds the effects that were put in, forgets outbreaks, and says less the less it knows."""

import numpy as np
import pytest

from tocsin.detect import baseline, detector, panel, predictive
from tocsin.errors import MethodError

RNG = np.random.default_rng(7)


def daily(days, level=20.0, trend=0.0, season=0.5, weekend=0.4):
    t = np.arange(days)
    weekday = t % 7  # 2020-01-06 was a Monday
    mean = (
        level
        * np.exp(trend * t / 365.25 + season * np.cos(2 * np.pi * t / 365.25))
        * np.where(weekday >= 5, weekend, 1)
    )
    return RNG.poisson(np.tile(mean, (20, 1))).astype(float), mean


def test_expected_follows_trend_season_and_weekday():
    y, mean = daily(4 * 365, trend=0.2)
    alarms = detector("baseline_nb").run(panel(y), 3 * 365)
    off = alarms.expected.mean(axis=0) / mean[3 * 365 :]
    assert np.abs(off - 1).max() < 0.12


def test_a_past_outbreak_hardly_raises_the_baseline():
    y, mean = daily(2 * 365, season=0.0)
    y[:, 300:330] *= 6
    plain = detector("baseline_nb", weights_threshold=1e9).run(panel(y), 700).expected
    robust = detector("baseline_nb").run(panel(y), 700).expected
    marked = detector("baseline_nb", leave_out=[["2020-11-01", "2020-12-01"]]).run(panel(y), 700).expected
    excess = [abs(e.mean() / mean[700:].mean() - 1) for e in (plain, robust, marked)]
    assert excess[1] < 0.5 * excess[0]
    assert excess[2] < 0.05


def test_a_short_history_is_unsure():
    y, _ = daily(800, season=0.0)
    young = detector("baseline_nb").run(panel(y[:, -40:]), 39)
    old = detector("baseline_nb").run(panel(y), 799)
    assert (young.upper - young.expected).mean() > (old.upper - old.expected).mean()
    assert np.isnan(detector("baseline_nb").run(panel(y[:, :20]), 0).score).all()


def test_a_holiday_is_learnt():
    y, mean = daily(3 * 365, season=0.0, weekend=1.0)
    holiday = np.arange(3 * 365) % 30 == 0
    y[:, holiday] = np.round(y[:, holiday] * 0.3)
    last = np.flatnonzero(holiday)[-1]
    alarms = detector("baseline_nb").run(panel(y[:, : last + 1], holiday=holiday[: last + 1]), last)
    assert abs(alarms.expected.mean() / (0.3 * mean[0]) - 1) < 0.15


def test_rates_follow_a_growing_population():
    population = np.repeat([1000.0, 3000.0], 365)
    y = RNG.poisson(np.tile(population * 0.01, (10, 1))).astype(float)
    p = panel(y, exposure=population)
    with_it = detector("baseline_nb", population_offset=True).run(p, 380).expected.mean()
    without = detector("baseline_nb").run(p, 380).expected.mean()
    assert abs(with_it / 30 - 1) < 0.05
    assert without < 20


def test_weeks_and_log_readings():
    weeks = np.arange(4 * 52)
    level = np.exp(5 + np.cos(2 * np.pi * weeks / 52.18) + RNG.normal(0, 0.2, (8, len(weeks))))
    level[:, -1] *= 4
    p = panel(level, step="1w", kind="measure")
    alarms = detector("baseline_nb", log=True).run(p, len(weeks) - 2)
    assert (alarms.p[:, 1] < 1e-4).all()
    assert (alarms.p[:, 0] > 1e-3).all()
    with pytest.raises(MethodError, match="log is for readings"):
        detector("baseline_nb", log=True).run(panel(np.ones(60)), 59)


def test_hours_are_refused_in_words():
    with pytest.raises(MethodError, match="days, weeks or months"):
        detector("baseline_nb").history(60)


def test_a_young_series_is_judged_alike_however_far_back_the_panel_reaches():
    """Rows of a panel before a series began are no record of it: no season is read out of two months."""
    rng = np.random.default_rng(5)
    y = rng.poisson(6.0, (2, 90)).astype(float)
    y[1, 30:37] = 60
    d = detector("baseline_nb")
    short = d.run(panel(y, first="2026-03-02"), 80)
    old = rng.poisson(6.0, (1, 1900 + 90)).astype(float)
    padded = np.concatenate([np.concatenate([np.full((2, 1900), np.nan), y], axis=1), old])
    long = d.run(panel(padded, first=str(np.datetime64("2026-03-02") - 1900)), 1980)
    np.testing.assert_allclose(long.expected[:2], short.expected, rtol=1e-6)
    np.testing.assert_array_equal(long.upper[:2], short.upper)
    assert (long.expected[:2] > 4).all()


def test_few_cases_do_not_vouch_for_their_own_dispersion():
    """Of two dozen cases in 365 weeks the ratio is drawn towards 2, the less the more cases there are."""
    n, ratio = np.full(4, 365.0), np.ones(4)
    drawn, freedom = predictive.granted(np.array([0.02, 0.1, 1.0, 30.0]), ratio, n)
    assert (np.diff(drawn) < 0).all()
    assert (np.diff(freedom) > 0).all()
    assert drawn[0] > 1.4
    assert drawn[3] < 1.01
    over, _ = predictive.granted(np.full(4, 0.1), np.full(4, 3.5), n)
    np.testing.assert_allclose(over, 3.5)


@pytest.mark.parametrize(("cases", "kept"), [(4, True), (12, False)])
def test_fewer_than_five_cases_are_no_outbreak_to_weigh_down(cases, kept):
    y = np.zeros((1, 400))
    y[0, ::40] = 1
    y[0, 205] = cases
    p = panel(y, step="1w")
    of = baseline.design(p.time, p.holiday, p.step, 400, 2, True)
    weight = baseline.fit(y, np.zeros_like(y), of, "count", 2.58).weights[0, 205]
    assert weight == 1.0 if kept else weight < 0.7
