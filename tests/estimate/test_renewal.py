"""R that moves: it finds the R that made the cases, is as sure as it says, and is not fooled by late reports."""

import numpy as np
import pytest

from tocsin.errors import MethodError
from tocsin.estimate import interval, nowcast, renewal, rt

WEIGHTS = interval.discretised(3.6, 1.6, 30)


def epidemic(seed, steps=90, imports=8.0, size=20.0):
    rng = np.random.default_rng(seed)
    r = np.exp(0.35 * np.sin(np.arange(steps) / 14 + seed))
    local, imported = np.zeros(steps), np.zeros(steps)
    imported[:5] = imports
    for t in range(1, steps):
        lags = np.arange(1, min(t, 29) + 1)
        mean = r[t] * (WEIGHTS[lags] * (local + imported)[t - lags]).sum()
        local[t] = rng.negative_binomial(size, size / (size + mean)) if mean > 0 else 0
    return r, local, imported


def test_covers_the_truth():
    inside, half = [], []
    for seed in range(16):
        r, local, imported = epidemic(seed)
        found = renewal.estimate(local, WEIGHTS, imported, draws=400)
        q = np.quantile(np.exp(found.log_r[0, 9:]), [0.025, 0.25, 0.75, 0.975], axis=-1)
        inside.append(((q[0] <= r[9:]) & (r[9:] <= q[3])).mean())
        half.append(((q[1] <= r[9:]) & (r[9:] <= q[2])).mean())
    assert np.mean(inside) > 0.88
    assert 0.35 < np.mean(half) < 0.65


def test_growth_doubling_and_the_side_of_one_agree():
    _, local, imported = epidemic(1)
    found = renewal.estimate(local, WEIGHTS, imported, draws=300)
    growth = found.growth()[0, 20:]
    above = found.log_r[0, 20:] > 1e-3
    below = found.log_r[0, 20:] < -1e-3
    assert (growth[above] > 0).all()
    assert (growth[below] < 0).all()
    np.testing.assert_allclose(found.doubling()[0, 20:] * growth, np.log(2))
    np.testing.assert_allclose(found.above_one()[0, 20:], (found.log_r[0, 20:] > 0).mean(axis=-1))


def test_truncation_is_a_fall_in_reports_but_not_in_nowcast_draws():
    rng = np.random.default_rng(2)
    steps = 60
    cases = rng.poisson(50, steps).astype(float)
    seen = np.ones(steps)
    seen[-5:] = [0.9, 0.75, 0.55, 0.3, 0.1]
    known = rng.binomial(cases.astype(int), seen).astype(float)
    draws = known[:, None] + rng.poisson((50 * (1 - seen))[:, None], (steps, 300))
    naive = renewal.estimate(known, WEIGHTS, draws=300)
    honest = renewal.estimate(draws[None], WEIGHTS)
    assert naive.above_one()[0, -1] < 0.25
    assert 0.3 < honest.above_one()[0, -1] < 0.7
    assert 0.9 < np.median(np.exp(honest.log_r[0, -1])) < 1.1
    assert honest.log_r[0, -1].std() > honest.log_r[0, -20].std()  # the newest step is the least sure


def test_from_late_reports_to_r_in_two_calls():
    """A steady epidemic reported late: R of the reports falls, R of the nowcast does not."""
    rng = np.random.default_rng(6)
    share = 0.25 * 0.75 ** np.arange(20)
    counts = rng.poisson(80 * share / share.sum(), (1, 120, 20)).astype(float)
    counts[:, np.add.outer(np.arange(120), np.arange(20)) >= 120] = np.nan
    found = nowcast.nowcast(counts, rng, draws=300)
    honest = renewal.estimate(nowcast.history(found, counts), WEIGHTS)
    naive = renewal.estimate(np.nansum(counts, axis=2), WEIGHTS, draws=300)
    low, high = np.quantile(np.exp(honest.log_r[0, -1]), [0.025, 0.975])
    assert low < 1 < high
    assert naive.above_one()[0, -1] < 0.01


def test_small_places_lean_on_the_city_and_large_ones_do_not():
    rng = np.random.default_rng(3)
    big = np.cumprod(np.full(60, 1.02)) * 100
    small = np.where(rng.random(60) < 0.15, 1.0, 0.0)
    small[0] = 1
    cases = np.stack([rng.poisson(big).astype(float), small])
    alone = renewal.estimate(cases, WEIGHTS, draws=300)
    pooled = renewal.estimate(cases, WEIGHTS, draws=300, pooled=True)
    city = np.median(pooled.log_r[0, -20:])
    assert abs(np.median(pooled.log_r[1, -20:]) - city) < abs(np.median(alone.log_r[1, -20:]) - city)
    assert np.nanstd(pooled.log_r[1, -1]) < np.nanstd(alone.log_r[1, -1])
    assert abs(np.median(pooled.log_r[0, -20:]) - np.median(alone.log_r[0, -20:])) < 0.05


def test_imports_are_not_local_transmission():
    rng = np.random.default_rng(4)
    imported = rng.poisson(20, 60).astype(float)
    local = rng.poisson(4, 60).astype(float)
    apart = renewal.estimate(local, WEIGHTS, imported, draws=300).by_window(rt.sliding(60))
    mixed = renewal.estimate(local + imported, WEIGHTS, draws=300).by_window(rt.sliding(60))
    assert apart.quantiles[0, -1, -1] < 0.4
    assert mixed.mean[0, -1] > 0.8


def test_nothing_known_nothing_said():
    found = renewal.estimate(np.array([0, 0, 0, 3, 0, 2, 1.0, 4]), WEIGHTS, draws=100)
    assert np.isnan(found.log_r[0, :4]).all()
    assert np.isfinite(found.log_r[0, 4:]).all()
    assert np.isnan(found.above_one()[0, 0])
    with pytest.raises(MethodError, match="cases"):
        renewal.estimate(np.zeros((1, 2, 3, 4)), WEIGHTS)
