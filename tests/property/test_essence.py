"""The ESSENCE methods are a plain recursion and a plain least-squares fit."""

import numpy as np
from scipy import stats

from tocsin.detect import detector, panel

RNG = np.random.default_rng(3)


def test_ewma_is_the_recursion():
    y = RNG.poisson(20, 60).astype(float)
    alarms = detector("ewma").run(panel(y), 40)
    for t in (40, 47, 59):
        window = y[t - 30 : t - 2]
        mean, sd = window.mean(), window.std(ddof=1)
        found = []
        for w in (0.4, 0.9):
            e = mean
            for v in y[t - 30 : t + 1]:
                e = w * v + (1 - w) * e
            found.append((e - mean) / (sd * np.sqrt(w / (2 - w)) * stats.t.ppf(0.99, 27)))
        np.testing.assert_allclose(alarms.score[0, t - 40], max(found))
        raised = y[: t + 1].copy()
        raised[t] = alarms.upper[0, t - 40]
        np.testing.assert_allclose(detector("ewma").run(panel(raised), t).score, 1)


def test_regression_is_least_squares_with_weekdays():
    t = np.arange(70)
    y = RNG.poisson(30 + 0.3 * t + 10 * (t % 7 == 0)).astype(float)
    alarms = detector("regression").run(panel(y), 60)
    for at in (60, 66):
        rows = np.arange(at - 30, at - 2)
        X = np.column_stack([np.ones(28), rows, *[(rows % 7 == d) for d in range(6)]]).astype(float)
        ahead = np.array([1, at, *[float(at % 7 == d) for d in range(6)]])
        effects, rest, *_ = np.linalg.lstsq(X, y[rows], rcond=None)
        sd = np.sqrt(rest[0] / 20 * (1 + ahead @ np.linalg.inv(X.T @ X) @ ahead))
        np.testing.assert_allclose(alarms.expected[0, at - 60], ahead @ effects)
        np.testing.assert_allclose(alarms.upper[0, at - 60], ahead @ effects + stats.t.ppf(0.99, 20) * sd)


def test_the_switch_takes_the_regression_where_there_is_a_pattern():
    t = np.arange(40)
    weekly = 50 + 40 * (t % 7 < 2) + RNG.integers(0, 3, 40)
    noise = RNG.poisson(50, 40)
    p = panel(np.array([weekly, noise]))
    both = detector("regression_ewma_switch").run(p, 35)
    np.testing.assert_array_equal(both.upper[0], detector("regression").run(p, 35).upper[0])
    np.testing.assert_array_equal(both.upper[1], detector("ewma").run(p, 35).upper[1])


def test_serfling_follows_the_winter():
    weeks = np.arange(6 * 52)
    wave = 200 + 100 * np.cos(2 * np.pi * weeks / 52.18)
    y = wave + RNG.normal(0, 8, (5, len(weeks)))
    alarms = detector("serfling").run(panel(y, step="1w", kind="measure"), 5 * 52 + 20)
    assert np.abs(alarms.expected - wave[5 * 52 + 20 :]).max() < 12
