"""Nowcasts are as sure as they say where delays change, where weeks are few, and where strata go wrong together.

Each trial is one world of its own, so that shares of trials have a binomial error: three of its standard deviations,
and the 0.05 that is asked of coverage on real data, are allowed.
"""

import numpy as np
import pytest

from tocsin.estimate import nowcast, scores, spread

TRIALS = 120


def allowed(share):
    return 0.05 + 3 * np.sqrt(share * (1 - share) / TRIALS)


def as_of(counts, step):
    seen = counts[:, : step + 1].copy()
    seen[:, np.add.outer(np.arange(step + 1), np.arange(counts.shape[2])) > step] = np.nan
    return seen


def world(seed, *, strata, steps, size, level, swing, own=0.0):
    """Counts (S, T, D + 1): a wave, and geometric delays whose speed wanders for all strata alike.

    `swing`: standard deviation of the logit of the daily share, half of it gone after 30 steps; `own`: the same of
    every single report day of a stratum.
    """
    rng = np.random.default_rng(seed)
    rate = level * np.exp(0.8 * np.sin(np.arange(steps) / 25 + rng.uniform(0, 6)))
    speed = np.empty(steps + size)
    speed[0], keep = rng.normal(0, swing), 0.5 ** (1 / 30)
    for t in range(1, steps + size):
        speed[t] = keep * speed[t - 1] + rng.normal(0, swing * np.sqrt(1 - keep**2))
    counts = np.zeros((strata, steps, size))
    day = np.add.outer(np.arange(steps), np.arange(size))
    for s in range(strata):
        left = rng.poisson(rate)
        odd = rng.normal(0, own, steps + size) if own else np.zeros(steps + size)
        for d in range(size):
            p = 1 / (1 + np.exp(0.9 - speed[day[:, d]] - odd[day[:, d]]))
            counts[s, :, d] = left if d == size - 1 else rng.binomial(left, p)
            left = left - counts[s, :, d].astype(int)
    return counts


def held(trials, *, step, ages, weekday, step_days=1.0, total=False, window=1):
    """Shares of trials whose 50 and 95 % intervals held what came, mean over the newest `ages`."""
    half, most = [], []
    for seed, counts in enumerate(trials):
        seen = as_of(counts, step)
        found = nowcast.nowcast(seen, np.random.default_rng(seed), weekday=weekday, step_days=step_days, draws=300)
        drawn = nowcast.windowed(found, seen, window)[:, :ages]
        final = counts.sum(axis=2)
        sums = np.stack([final[:, step - a - window + 1 : step - a + 1].sum(axis=1) for a in range(ages)], axis=1)
        if total:
            drawn, sums = drawn.sum(axis=0, keepdims=True), sums.sum(axis=0, keepdims=True)
        quantiles = np.moveaxis(np.quantile(drawn, nowcast.LEVELS, axis=-1), 0, -1)
        half.append(scores.covered(quantiles, nowcast.LEVELS, sums, 0.5).mean())
        most.append(scores.covered(quantiles, nowcast.LEVELS, sums, 0.95).mean())
    return float(np.mean(half)), float(np.mean(most))


def test_coverage_where_delays_wander():
    trials = (world(s, strata=1, steps=140, size=16, level=150, swing=0.35) for s in range(TRIALS))
    half, most = held(trials, step=120, ages=5, weekday=0, window=7)
    assert half == pytest.approx(0.5, abs=allowed(0.5))
    assert most == pytest.approx(0.95, abs=allowed(0.95))


def test_coverage_of_a_sum_of_strata_whose_delays_wander_together():
    trials = (world(s, strata=6, steps=140, size=16, level=12, swing=0.35) for s in range(TRIALS))
    half, most = held(trials, step=120, ages=10, weekday=0, total=True, window=7)
    assert half == pytest.approx(0.5, abs=allowed(0.5))
    assert most == pytest.approx(0.95, abs=allowed(0.95))


def test_coverage_in_the_first_weeks_when_single_deliveries_stray():
    trials = (world(s, strata=4, steps=20, size=5, level=400, swing=0.2, own=1.2) for s in range(TRIALS))
    half, most = held(trials, step=9, ages=4, weekday=None, step_days=7.0)
    assert half == pytest.approx(0.5, abs=allowed(0.5))
    assert most == pytest.approx(0.95, abs=allowed(0.95))


def errors_of(size, factor_sigma, level, seed):
    """Errors (S, A, H), cases to come and weights, with E error² = G + σ²G² exactly."""
    rng = np.random.default_rng(seed)
    gross = np.full((40, 84, size), level)
    shock = factor_sigma * rng.standard_normal(gross.shape)
    return rng.poisson(np.maximum(gross * (1 + shock), 0)) - gross, gross, np.ones((84, size))


@pytest.mark.parametrize("level", [2.0, 8.0, 40.0, 400.0])
def test_spread_is_found_however_few_the_cases(level):
    error, gross, weight = errors_of(6, 0.4, level, 1)
    found = spread.sigma(error, gross, weight, 200, np.zeros(6))
    assert found.mean() == pytest.approx(0.4, abs=0.1)


def test_chance_alone_is_no_spread():
    error, gross, weight = errors_of(6, 0.0, 30.0, 1)
    assert spread.sigma(error, gross, weight, 10_000, np.zeros(6)).max() < 0.14  # what is left of the prior


def test_errors_that_strata_share_are_found_by_age():
    rng = np.random.default_rng(3)
    gross = np.full((8, 84, 12), 300.0)
    both = rng.standard_normal((1, 84, 1)) * (np.arange(12) >= 6)
    alone = rng.standard_normal((8, 84, 12)) * (np.arange(12) < 6)
    error = rng.poisson(np.maximum(gross * (1 + 0.3 * (both + alone)), 0)) - gross
    between = spread.links(error, gross, np.full((8, 12), 0.3), np.ones((84, 12)))[2]
    assert between[2] < 0.3
    assert between[-1] > 0.8


def test_strata_with_few_cases_have_the_spread_that_their_sum_shows():
    rng = np.random.default_rng(5)
    gross = np.full((60, 84, 8), 0.8)
    shock = np.maximum(1 + 0.4 * rng.standard_normal((1, 84, 1)), 0)
    error = rng.poisson(gross * shock) - gross
    found = spread.sigma(error, gross, np.ones((84, 8)), 200, np.zeros(8))
    assert 0.25 < found.mean() < 0.48  # of 0.4; each by itself shows 0.11


def test_a_rise_that_many_thin_places_share_is_seen_in_their_sum():
    """Forty places with a case a week or two, then five per cent more a day: each alone is late to believe it."""
    errors = []
    for seed in range(15):
        rng = np.random.default_rng(seed)
        share = 0.15 * 0.85 ** np.arange(25)
        days = np.clip(np.arange(145) - 75, 0, 60)
        rate = 0.05 * np.exp(0.05 * days) * rng.gamma(4, 0.25, (40, 1))
        counts = rng.poisson(rate[:, :, None] * (share / share.sum())).astype(float)
        found = nowcast.nowcast(as_of(counts, 115), np.random.default_rng(seed), weekday=0, draws=100)
        came = counts.sum(axis=2)[:, 109:116].sum()
        errors.append(found.mean[:, :7].sum() / came - 1)
    assert -0.16 < np.mean(errors) < 0.05  # -0.19 where only what strata lost by it is looked at
