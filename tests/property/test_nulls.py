"""Null histories are what they are said to be, a city's own among them, and rates of speaking are counted right."""

import numpy as np
import pytest
from scipy import stats

from tocsin import detect
from tocsin.calendar import DAY
from tocsin.detect import Detector, nulls
from tocsin.types import Alarms


@pytest.mark.parametrize("step", [DAY, 7 * DAY])
def test_histories_have_the_means_and_variances_of_the_grid(step):
    null = nulls.grid(step, 120)
    panel, of = nulls.draw(null, np.random.default_rng(2), 3000, 30)
    assert (np.bincount(of) == 3000).all()
    assert len(panel.time) == 120
    for s, level in enumerate(nulls.MEANS):
        rows = np.flatnonzero(nulls.stratum(null.mean[:, -30:].mean(axis=1)) == s)
        assert rows.tolist() == [2 * s, 2 * s + 1], "a mean of the grid is alone in its stratum"
        y, mean = panel.y[of == s], null.mean[rows[0]]
        np.testing.assert_allclose(y.mean(axis=0), mean, rtol=0.3)
        assert y.mean() == pytest.approx(mean.mean(), rel=0.02)
        # Half of the series vary as Poisson's do, half twice as much.
        assert ((y - mean) ** 2 / mean).mean() == pytest.approx(1.5, rel=0.05), level


def test_a_city_is_drawn_as_it_is():
    """Level, season, weekday, days off and variance come back; an outbreak does not; before the data no trend."""
    rng = np.random.default_rng(3)
    days = 5 * 365
    panel = detect.panel(np.zeros((40, days)), first="2019-01-07", step="1d")
    number = np.arange(days)
    off = np.isin(number % 365, (10, 100, 200, 300))
    log = 2.5 + 0.5 * np.sin(2 * np.pi * number / 365.25) - 0.6 * (number % 7 >= 5) - 0.8 * off + 0.2 * number / 365
    mean = np.exp(log)
    y = rng.negative_binomial(mean, 1 / 2, (40, days)).astype(float)
    outbreak = slice(700, 715)
    y[:, outbreak] += 80
    y[:, :200] = np.nan
    panel = panel._replace(y=y, holiday=off)
    longer = np.arange(-2 * 365, days)
    time = panel.time[0] + DAY * longer
    null = nulls.fitted(panel, time, np.isin(longer % 365, (10, 100, 200, 300)))
    assert null.mean.shape == (40, len(longer))
    there = null.mean[:, 2 * 365 :].mean(axis=0)
    np.testing.assert_allclose(there[200:], mean[200:], rtol=0.12)
    assert null.ratio.mean() == pytest.approx(2.0, rel=0.25)
    before, after = null.mean[:, :365].mean(), null.mean[:, 365 : 2 * 365].mean()
    assert before == pytest.approx(after, rel=0.02)


def test_what_says_nothing_of_a_baseline_is_left_out():
    panel = detect.panel(np.stack([np.zeros(100), np.full(100, np.nan), np.r_[np.full(90, np.nan), np.ones(10)],
                                   np.ones(100)]), step="1d")  # fmt: skip
    assert len(nulls.fitted(panel, panel.time, panel.holiday).mean) == 1


def _says(p):
    def method(panel, start):
        """Says what it is told."""
        part = np.broadcast_to(p(panel), panel.y.shape)[:, start:].astype(float)
        return Alarms(part * 0, part * 0 + 1, np.where(part <= 0.02, 2.0, 0.0), part)

    return Detector("told", method, lambda step: 5, "made up 2020")


def test_rates_are_counted_among_steps_with_a_p():
    panel, of = nulls.draw(nulls.grid(DAY, 60), np.random.default_rng(4), 500, 10)
    uniform = np.random.default_rng(5).random(panel.y.shape)
    uniform[:, ::2] = np.nan
    found = nulls.false_alarms(_says(lambda seen: uniform[:, -seen.y.shape[1] :]), panel, of, 10)
    assert [f.stratum for f in found] == list(range(5))
    for f in found:
        assert (f.cells, f.claims) == (5000, 2500)
        assert f.alarms.value == pytest.approx(0.01, abs=0.006)  # of all steps, silent ones among them
        for rate, a in zip(f.p, nulls.LEVELS, strict=True):
            assert rate.low <= a <= rate.high or abs(rate.value - a) < 2 * (rate.high - rate.low)
    silent = nulls.false_alarms(_says(lambda seen: np.nan * seen.y), panel, of, 10)
    assert all(np.isnan(f.p[0].value) and f.claims == 0 and f.alarms.value == 0 for f in silent)


def test_steps_of_a_series_that_go_together_widen_the_interval():
    panel, of = nulls.draw(nulls.grid(DAY, 60), np.random.default_rng(6), 200, 20)
    rng = np.random.default_rng(7)
    apart, whole = rng.random(panel.y.shape), np.repeat(rng.random((len(of), 1)), 60, axis=1)
    width = []
    for p in (apart, whole):
        found = nulls.false_alarms(_says(lambda seen, p=p: p[:, -seen.y.shape[1] :]), panel, of, 20)
        width.append(np.mean([f.p[0].high - f.p[0].low for f in found]))
    assert width[1] / width[0] == pytest.approx(np.sqrt(20), rel=0.25)


def test_wilsons_interval_is_wilsons():
    hits = np.zeros((400, 1), bool)
    hits[:7] = True
    rate = nulls._rate(hits, np.ones_like(hits))
    wanted = stats.binomtest(7, 400).proportion_ci(0.95, method="wilson")
    assert (rate.low, rate.high) == pytest.approx((wanted.low, wanted.high), rel=0.01)
