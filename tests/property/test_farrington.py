"""What both Farrington methods hold whatever the counts: fits, bounds, windows, and the cases that break others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tocsin.detect import bounds, calibration, detector, farrington, farrington_flexible, glm, panel
from tocsin.detect.windows import windows
from tocsin.errors import MethodError

WEEK = 7 * 1440
START = 270


def _plain(y, t, level, share, trend):
    """One regression by least squares on the whole design: intercept of part 9, trend, Pearson dispersion."""
    here = np.isfinite(y)
    y, t, level, share = y[here], t[here], level[here], share[here]
    levels = np.unique(level)
    x = np.column_stack([*(level == g for g in levels), *([t] if trend else [])]).astype(float)
    mean, before = y + 0.1, np.inf
    while True:
        w = mean
        z = np.log(mean / share) + (y - mean) / mean
        beta = np.linalg.solve(x.T @ (w[:, None] * x), x.T @ (w * z))
        mean = share * np.exp(x @ beta)
        deviance = 2 * (np.where(y > 0, y * np.log(np.maximum(y, 1) / mean), 0) - (y - mean)).sum()
        if abs(deviance - before) < 1e-8 * (abs(deviance) + 0.1):
            break
        before = deviance
    pearson = (w * (y / mean - 1) ** 2).sum() / (len(y) - x.shape[1])
    return beta[list(levels).index(9)], beta[-1] if trend else 0.0, pearson


@pytest.mark.parametrize("trend", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_the_batched_fit_is_the_plain_one(seed, trend):
    rng = np.random.default_rng(seed)
    t = np.arange(300)
    mean = np.exp(
        rng.uniform(0, 4, (21, 1)) + rng.uniform(-0.004, 0.004, (21, 1)) * t + 0.5 * np.cos(t * 2 * np.pi / 52)
    )
    share = rng.uniform(0.5, 2, mean.shape)
    y = rng.poisson(mean * share * rng.gamma(5, 0.2, mean.shape)).astype(float)
    y[rng.random(y.shape) < 0.1] = np.nan
    p = panel(y, first="2015-01-05", step="1w")
    found = windows(p.time, 298, step=WEEK, b=5, w=3, no_periods=10, past=26, freq=None, even=False)
    fits = glm.fit(y, share, found, trend=trend, threshold=np.inf)
    for i in (0, 15, 16, 20):
        row, time, level = found.row[1], found.time[1], found.level[1]
        expected = _plain(y[i, row], time, level, share[i, row], trend)
        ours = fits.intercept[i, 1], fits.trend[i, 1], fits.pearson[i, 1]
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-12)


@given(
    mean=st.floats(1e-12, 1e14),
    excess=st.one_of(st.just(0.0), st.floats(1e-15, 1e4)),
    alpha=st.sampled_from([0.05, 0.005, 1e-6]),
)
@settings(max_examples=200, deadline=None)
def test_the_quantile_is_the_least_that_holds(mean, excess, alpha):
    m, phi = np.array([[mean]]), np.array([[1 + excess]])
    q = bounds.nbinom_quantile(alpha, m, phi)
    assert q[0, 0] >= 0
    assert bounds.nbinom_tail(q + 1, m, phi)[0, 0] <= alpha * (1 + 1e-12)
    if q[0, 0] > 0:
        assert bounds.nbinom_tail(q, m, phi)[0, 0] > alpha * (1 - 1e-12)


@pytest.mark.parametrize(("mean", "phi"), [(0.3, 1.0), (7.0, 1.4), (250.0, 9.0)])
def test_tails_are_those_of_the_distribution(mean, phi):
    k = np.arange(0, 40.0)
    theirs = stats.poisson.sf(k - 1, mean) if phi == 1 else stats.nbinom.sf(k - 1, mean / (phi - 1), 1 / phi)
    np.testing.assert_allclose(bounds.nbinom_tail(k, np.full(40, mean), np.full(40, phi)), theirs, rtol=1e-9)


@pytest.mark.parametrize("threshold", [1.0, 2.58])
def test_reweighting_leaves_what_theory_says(threshold):
    s = np.random.default_rng(1).standard_normal(2_000_000)
    w = np.where(s > threshold, 1 / s**2, 1.0)
    mean = (w * s).sum() / w.sum()
    left = (w * s**2).sum() / w.sum() - mean**2
    np.testing.assert_allclose(calibration.consistency(threshold), (mean, left), atol=3e-3)


def test_reference_weeks_keep_the_weekday_and_leap_days_become_march():
    days = np.arange("2008-01-01", "2013-01-01", dtype="datetime64[D]").astype("datetime64[m]")
    tested = int(np.flatnonzero(days == np.datetime64("2012-02-29"))[0])
    found = windows(days[: tested + 1], tested, step=1440, b=3, w=0, no_periods=1, past=0, freq=None, even=True)
    assert days[found.row[0]].astype("datetime64[D]").astype(str).tolist() == ["2009-03-01", "2010-03-01", "2011-03-01"]
    weeks = np.arange("2003-12-29", "2010-01-11", 7, dtype="datetime64[D]").astype("datetime64[m]")
    last = len(weeks) - 1  # 2010-01-04; the year 2009 has 53 ISO weeks
    found = windows(weeks, last, step=WEEK, b=5, w=0, no_periods=1, past=0, freq=None, even=True)
    assert weeks[found.row[0]].astype("datetime64[D]").astype(str).tolist() == [
        "2005-01-03", "2006-01-02", "2007-01-01", "2008-01-07", "2009-01-05",
    ]  # fmt: skip


@given(no_periods=st.integers(2, 12), w=st.integers(0, 6), past=st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_every_row_before_the_gap_has_one_level(no_periods, w, past):
    weeks = (np.arange(300) * WEEK).astype("datetime64[m]")
    found = windows(weeks, 299, step=WEEK, b=4, w=w, no_periods=no_periods, past=past, freq=52, even=True)
    rows, level = found.row[0], found.level[0]
    assert rows.tolist() == list(range(299 - 4 * 52 - w, 299 - past))
    sizes = [np.count_nonzero(level[rows < 299 - 3 * 52 - w] == g) for g in range(no_periods - 1)]
    assert max(sizes) - min(sizes) <= 1
    assert sizes == sorted(sizes, reverse=True)


def _weekly(y, **more):
    return panel(y, first="2010-01-04", step="1w", **more)


def test_a_series_of_zeros_expects_nothing_and_hears_an_outbreak():
    y = np.zeros((3, START + 2))
    y[0, -1], y[1, -1], y[2, -1] = 1, 5, 40
    alarms = detector("farrington_flexible", limit54=(0, 4)).run(_weekly(y), START)
    assert (alarms.expected < 0.01).all()
    assert (alarms.upper == 1).all()
    assert alarms.score[:, 0].max() <= 1
    assert (alarms.score[1:, 1] > 1).all()
    assert alarms.score[0, 1] <= 1
    assert alarms.p[0, 1] > alarms.p[1, 1] > alarms.p[2, 1]
    r = farrington_flexible.explained(_weekly(y), START, compat="surveillance", no_periods=10, limit54=(0, 4))
    assert np.isnan(r.alarms.score).all(), "R's regression does not converge on zeros in ten parts of the year"


def test_too_short_a_history_is_a_reason_not_an_error():
    y = np.full((2, 100), 7.0)
    for method in (farrington, farrington_flexible):
        told = method.explain(_weekly(y), 1, 99)
        assert np.isnan([told.expected, told.upper, told.score, told.p]).all()
        assert "too little history" in told.reason


def test_a_missing_week_is_neither_zero_nor_an_alarm_and_silences_no_other():
    rng = np.random.default_rng(2)
    y = rng.poisson(20, (1, START + 3)).astype(float)
    y[0, START + 2] = 90
    whole = detector("farrington_flexible").run(_weekly(y), START)
    gone = y.copy()
    gone[0, START + 1] = np.nan
    alarms = detector("farrington_flexible").run(_weekly(gone), START)
    assert np.isnan(alarms.score[0, 1])
    assert alarms.score[0, 2] == whole.score[0, 2] > 1
    ours = detector("farrington_flexible", compat="surveillance").run(_weekly(gone), START)
    assert not detector("farrington_flexible").alarming(ours)[0, 2], "R is silent for four weeks after a missing one"
    gone[0, 100:130] = np.nan
    told = farrington_flexible.explain(_weekly(gone), 0, START + 2)
    assert (told.weight == 0).sum() == 30
    assert told.expected == pytest.approx(20, rel=0.15)


def test_few_cases_hold_an_alarm_back_and_say_so():
    y = np.zeros((1, START + 1))
    y[0, ::40] = 1
    y[0, -1] = 4
    told = farrington_flexible.explain(_weekly(y), 0, START)
    assert told.score <= 1
    assert told.p < 0.01
    assert (told.cases, told.needed) == (4, 5)
    assert "limit54" in told.reason
    assert farrington_flexible.explain(_weekly(y), 0, START, limit54=(4, 4)).score > 1


def test_past_outbreaks_count_less_and_trends_tell_their_fate():
    rng = np.random.default_rng(4)
    y = rng.poisson(20, (1, START + 1)).astype(float)
    y[0, 150:154] += 80
    told = farrington_flexible.explain(_weekly(y), 0, START)
    bad = (told.row >= 150) & (told.row < 154)
    assert (told.weight[bad] < 0.2).all()
    assert (told.weight[~bad] > 0.9).mean() > 0.95
    assert told.weight.sum() == pytest.approx(len(told.row))
    assert told.trend in ("kept", "it would lead over the largest baseline count")
    assert farrington_flexible.explain(_weekly(y), 0, START, trend=False).trend == "not asked for"
    assert farrington.explain(_weekly(y), 0, START, b=2).trend == "fewer than three years"
    growing = rng.poisson(np.exp(np.linspace(0, 6, START + 1)))[None].astype(float)
    assert "largest" in farrington_flexible.explain(_weekly(growing), 0, START).trend


def test_a_grown_population_explains_its_cases():
    rng = np.random.default_rng(5)
    y = rng.poisson(30, (1, START + 8)).astype(float)
    people = np.full(y.shape, 1000.0)
    y[0, -30:] *= 3
    people[0, -30:] *= 3
    counts = detector("farrington_flexible").run(_weekly(y, exposure=people), START)
    rates = detector("farrington_flexible", population_offset=True).run(_weekly(y, exposure=people), START)
    assert (counts.score[0] > 1).any()
    assert (rates.score[0] <= 1).all()
    people[0, -1] = 0
    told = farrington_flexible.explain(_weekly(y, exposure=people), 0, START + 7, population_offset=True)
    assert np.isnan(told.score)
    assert "population" in told.reason


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"threshold_method": "magic"}, "delta, nb_plugin or muan"),
        ({"power_transform": "3/4"}, "2/3, 1/2, none"),
        ({"alpha": 0.0}, "alpha"),
        ({"b": 0}, "at least one year"),
        ({"compat": "excel"}, "surveillance"),
        ({"no_periods": 0}, "no_periods"),
        ({"limit54": (5, 0)}, "limit54"),
        ({"freq": 4, "w": 3}, "freq"),
    ],
)
def test_settings_that_cannot_be_are_refused(setting, said):
    with pytest.raises(MethodError, match=said):
        detector("farrington_flexible", **setting).run(_weekly(np.ones((1, START + 1))), START)


def test_surveillances_names_are_understood():
    y = np.random.default_rng(5).poisson(6, (2, 330)).astype(float)
    p = panel(y, first="2012-01-02", step="1w", exposure=np.linspace(1000, 4000, 330))
    said = detector("farrington", powertrans="1/2", fitFun="algo.farrington.fitGLM.populationOffset").run(p, 320)
    meant = detector("farrington", power_transform="1/2", population_offset=True).run(p, 320)
    np.testing.assert_array_equal(said.upper, meant.upper)
    assert (said.upper > detector("farrington", power_transform="1/2").run(p, 320).upper).any()
    with pytest.raises(MethodError, match="fit_fun is 'mine'"):
        detector("farrington", fit_fun="mine").run(p, 320)
