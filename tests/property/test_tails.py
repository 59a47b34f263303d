"""The compiled sums say what the incomplete beta functions say, and the lanes fit what Newton's method fits."""

import numpy as np
import pytest
from scipy import optimize, special

from tocsin.detect import baseline, bounds, detector, panel, predictive, tails


@pytest.mark.parametrize("mean", [0.05, 0.5, 3.0, 20.0, 150.0, 3000.0])
@pytest.mark.parametrize("values", [6, 7, 25])
def test_p_of_a_count_after_a_handful_of_others(values, mean):
    rng = np.random.default_rng([values, round(100 * mean)])
    baseline_ = rng.negative_binomial(mean / 0.5, 1 / 1.5, (values, 900)).astype(float)
    y = np.round(rng.negative_binomial(mean / 0.5, 1 / 1.5, 900) * rng.choice([1.0, 1.0, 1.7, 3.0], 900))
    baseline_[rng.random(baseline_.shape) < 0.05] = np.nan
    y[:3] = np.nan
    y[3] += 0.5
    fast, slow = predictive.counted(y, baseline_), predictive.counted_slowly(y, baseline_)
    np.testing.assert_array_equal(np.isnan(fast), np.isnan(slow))
    np.testing.assert_allclose(fast, slow, rtol=1e-10, atol=1e-13)


def _drawn(n=3000):
    rng = np.random.default_rng(6)
    mean, freedom = np.exp(rng.uniform(-5, 6, n)), np.exp(rng.uniform(0.1, 9, n))
    ratio = 1 + np.exp(rng.uniform(-6, 3, n)) * (rng.random(n) < 0.8)
    unsure = np.exp(rng.uniform(-6, 1, n))
    y = np.floor(mean * rng.uniform(0, 6, n) + rng.integers(0, 5, n))
    return y, mean, ratio, freedom, unsure


def test_the_average_over_what_the_variance_may_be():
    y, *told = _drawn()
    np.testing.assert_allclose(
        predictive.averaged(y, *told), predictive.averaged_slowly(y, *told), rtol=1e-8, atol=1e-11
    )


@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.001])
def test_the_bound_is_where_the_average_passes_alpha(alpha):
    _, *told = _drawn()
    bound = predictive.averaged_bound(alpha, *told)
    assert (predictive.averaged(np.floor(bound), *told) >= alpha * (1 - 1e-9)).all()
    assert (predictive.averaged(np.ceil(bound), *told) <= alpha * (1 + 1e-9)).all()
    great = [np.array([x]) for x in (5e4, 3.0, 200.0, 0.5)]  # too great for sums
    there = predictive.averaged_bound(alpha, *great)
    np.testing.assert_allclose(predictive.averaged_slowly(there, *great), alpha, rtol=1e-3)


@pytest.mark.parametrize("alpha", [0.1, 0.05, 0.01, 0.001])
def test_quantiles_by_sums_are_those_by_search(alpha):
    _, mean, phi, _, _ = _drawn()
    phi[::5] = 1.0
    np.testing.assert_array_equal(bounds.nbinom_quantile(alpha, mean, phi), bounds._quantile(alpha, mean, phi))


def test_students_tail():
    t, freedom = np.meshgrid(np.linspace(-6, 6, 25), [1, 2, 3, 6, 12, 24, 103])
    ours = [tails.beyond(float(a), int(n)) for a, n in zip(t.ravel(), freedom.ravel(), strict=True)]
    np.testing.assert_allclose(ours, special.stdtr(freedom, -t).ravel(), atol=1e-14)


@pytest.mark.parametrize("step", ["1d", "1w"])
def test_the_lanes_find_the_greatest_penalised_likelihood(step):
    rng = np.random.default_rng(8)
    known = 500 if step == "1d" else 160
    p = panel(rng.poisson(np.exp(rng.uniform(-2, 3, (19, 1))), (19, known)), step=step, first="2019-03-04")
    p.y[rng.random(p.y.shape) < 0.02] = np.nan
    holiday = np.arange(known) % 60 == 7
    of = baseline.design(p.time, holiday, p.step, known, 2, True)
    offset = rng.normal(0, 0.1, p.y.shape)
    fit = baseline.fit(p.y, offset, of, "count", np.inf)
    for i in (0, 16, 18):
        seen = ~np.isnan(p.y[i])
        y, X, away = p.y[i, seen] + 1 / seen.sum(), of.X[seen], offset[i, seen]

        def loss(b, y=y, X=X, away=away):
            return (np.exp(X @ b + away) - y * (X @ b)).sum() + (of.precision * b * b).sum() / 2

        def slope(b, y=y, X=X, away=away):
            return X.T @ (np.exp(X @ b + away) - y) + of.precision * b

        found = optimize.minimize(loss, np.zeros(len(of.precision)), jac=slope, method="BFGS", options={"gtol": 1e-7})
        np.testing.assert_allclose(X @ fit.effects[i], X @ found.x, atol=2e-5)
        mean = np.exp(X @ fit.effects[i] + away)
        inverse = np.linalg.inv(X.T @ (mean[:, None] * X) + np.diag(of.precision + 1e-9))
        # The curvature is that of the last step over STALE, a tenth on the log scale.
        ours, theirs = (np.einsum("tp,pq,tq->t", X, c, X) for c in (fit.covariance[i], inverse))
        np.testing.assert_allclose(ours, theirs, rtol=0.1)


def test_a_series_is_fitted_the_same_in_any_company():
    rng = np.random.default_rng(9)
    y = rng.poisson(np.exp(rng.uniform(-2, 3, (40, 1))), (40, 420)).astype(float)
    y[::3, 100:120] *= 9
    run = detector("baseline_nb").run
    whole = run(panel(y), 415)
    for rows in ([5], [39, 0, 17], list(range(20, 40))):
        part = run(panel(y[rows]), 415)
        np.testing.assert_allclose(part.expected, whole.expected[rows], rtol=1e-12)
        np.testing.assert_allclose(part.p, whole.p[rows], rtol=1e-10)
