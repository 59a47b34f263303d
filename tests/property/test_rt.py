"""What must hold for R whatever the counts."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import gamma

from tocsin.errors import MethodError
from tocsin.estimate import aggregate, cohort, interval, rt, uncertain

WEIGHTS = interval.discretised(3.2, 1.4, 25)
counts = arrays(np.float64, (3, 25), elements=st.integers(0, 60).map(float))


@given(counts, counts)
def test_series_are_independent_and_the_future_changes_nothing(local, imported):
    windows = rt.sliding(20, 5)
    whole = rt.estimate(local, WEIGHTS, imported, windows)
    alone = rt.estimate(local[1], WEIGHTS, imported[1], windows)
    np.testing.assert_allclose(whole.quantiles[1:2], alone.quantiles, rtol=1e-12)
    cut = rt.estimate(local[:, :20], WEIGHTS, imported[:, :20], windows)
    np.testing.assert_allclose(whole.mean, cut.mean, rtol=1e-12)


@given(counts)
def test_missing_is_zero_and_input_is_not_touched(local):
    before = local.copy()
    gaps = np.where(local == 0, np.nan, local)
    np.testing.assert_array_equal(rt.estimate(local, WEIGHTS).mean, rt.estimate(gaps, WEIGHTS).mean)
    np.testing.assert_array_equal(local, before)


@given(counts)
def test_calling_cases_imported_never_raises_r(local):
    imported = np.floor(local / 3)
    apart = rt.estimate(local - imported, WEIGHTS, imported)
    together = rt.estimate(local, WEIGHTS)
    assert (np.nan_to_num(apart.mean) <= np.nan_to_num(together.mean) + 1e-12).all()


@given(st.floats(1.5, 15), st.floats(0.3, 5))
def test_discretised_interval_has_its_mean(mean, sd):
    weights = interval.discretised(mean, sd, 2000)
    assert weights[0] == 0
    assert abs(weights.sum() - 1) < 1e-6
    found, spread = interval.mean_sd(weights)
    assert abs(found - mean) < 1e-3 * mean
    assert 0.9 * sd < spread < np.sqrt(sd**2 + 0.35)  # smeared over a step at both ends, floored at lag 0


def test_quantiles_are_those_of_the_gamma():
    shape, scale = np.array([[1.0, 4.0, 4.0, 37.5]]), np.array([[5.0, 0.1, 0.7, 0.02]])
    found = rt.gamma_quantiles(shape, scale, rt.LEVELS)
    np.testing.assert_allclose(found, gamma.ppf(rt.LEVELS, shape[..., None], scale=scale[..., None]), rtol=1e-10)


def test_one_sure_interval_is_the_plain_posterior():
    local = np.array([5, 3, 8, 9, 14, 11, 20, 18, 25, 30.0])
    mixed = uncertain.estimate(local, np.stack([WEIGHTS, WEIGHTS]))
    plain = rt.estimate(local, WEIGHTS)
    np.testing.assert_allclose(mixed.quantiles, plain.quantiles, rtol=1e-10)
    np.testing.assert_allclose(mixed.sd, plain.sd, rtol=1e-10)


def test_cohort_counts_every_infection_once():
    rng = np.random.default_rng(4)
    local = rng.poisson(20, 60).astype(float)
    (found,) = cohort.estimate(local, WEIGHTS, windows=np.stack([np.arange(2, 61)] * 2, axis=1))
    infected = (found.mean[0] * local[found.windows[:, 0] - 1]).sum()
    column = np.zeros(60)
    column[:25] = WEIGHTS
    # all but step 1's cases were infected by someone; a part of them by step 1's
    first = sum(local[t] * column[t] * local[0] / rt.infectivity(local[None], WEIGHTS)[0, t] for t in range(1, 60))
    assert infected == pytest.approx(local[1:].sum() - first, rel=1e-9)


def test_binomial_sum_quantiles_against_drawing():
    rng = np.random.default_rng(5)
    n, p = np.array([30.0, 4, 100, 7]), np.array([0.3, 0.9, 0.02, 0.5])
    drawn = rng.binomial(n.astype(int), p, (200_000, 4)).sum(axis=1)
    levels = np.array([0.025, 0.25, 0.5, 0.75, 0.975])
    np.testing.assert_array_equal(
        cohort.binomial_sum_quantiles(n, p, levels), np.quantile(drawn, levels, method="inverted_cdf")
    )


def test_weeks_keep_their_sums_and_growth_is_inverted():
    counts = np.array([20, 45, 90, 160, 210, 190, 120.0])
    cases, begin = aggregate.daily(counts, interval.discretised(4, 2, 49))
    np.testing.assert_allclose(cases.reshape(-1, 7).sum(axis=1), counts)
    assert begin == 8
    rate = aggregate.growth_rates(np.array([0.5, 1.0, 2.0]), interval.discretised(4, 2, 49))
    assert rate[0] < -0.1 < rate[1] == 0 < 0.1 < rate[2]


def test_refusals_say_what_to_do():
    with pytest.raises(MethodError, match="start at step 2"):
        rt.estimate(np.ones(10), WEIGHTS, windows=np.array([[1, 4]]))
    with pytest.raises(MethodError, match="below 0"):
        rt.estimate(np.array([1, -1, 2.0]), WEIGHTS, windows=np.array([[2, 3]]))
    with pytest.raises(MethodError, match="above 1 step"):
        interval.discretised(0.9, 1, 10)
    with pytest.raises(MethodError, match="sum to"):
        interval.checked(np.array([0, 0.4, 0.4]))
    with pytest.raises(MethodError, match="lag 0"):
        interval.checked(np.array([0.2, 0.4, 0.4]))


def test_the_page_tells_every_interval_and_marks_what_was_not_seen_in_its_paper():
    page = (Path(__file__).parents[2] / "docs/methods/rt.md").read_text("utf-8")
    for one in interval.INTERVALS:
        mark = "" if one.seen.startswith("abstract") else " †"
        row = next(line for line in page.splitlines() if line.startswith(f"| {one.disease}{mark} |"))
        assert f"| {one.mean:g}, {one.sd:g} |" in row
        assert one.seen.split(";")[0].split(",")[0] in row
        assert one.cite.split(" ")[0].rstrip(",") in row
