"""Imports, chains, ends: each against a plain recount or a simulation of what it means."""

import numpy as np
import pytest
from scipy.stats import beta, poisson

from tocsin.errors import MethodError
from tocsin.estimate import importation, interval, severity

WEIGHTS = interval.discretised(3.0, 1.2, 20)


def test_share_is_a_beta_of_the_window():
    found = importation.share(np.array([[1, 2, 3.0]]), np.array([[4, 0, 1.0]]), 2)
    np.testing.assert_allclose(found[0, 2], beta.ppf([0.025, 0.5, 0.975], 1.5, 5.5))


def test_expected_arrivals():
    travellers = np.zeros((2, 1, 4))
    travellers[0, 0] = 1000
    travellers[1, 0] = 10
    incidence = np.array([[1e-3, 0, 0, 2e-3], [0.1, 0.1, 0.1, 0.1]])
    found = importation.expected(travellers, incidence, 2)
    np.testing.assert_allclose(found, [[1 + 1, 1 + 2, 0 + 2, 2 + 2]])
    with pytest.raises(MethodError):
        importation.expected(travellers, incidence[:1], 2)


def test_one_local_case_after_one_import_is_explained_and_a_late_one_is_not():
    imported = np.zeros((1, 30))
    imported[0, 1] = 1
    local = np.zeros((1, 30))
    local[0, 4] = 1
    assert importation.imports_explain(local, imported, WEIGHTS, 10)[0, 6] == 1
    assert importation.first_chain(local, imported, WEIGHTS, 10)[0] == 0
    local[0, 8] = 1  # could be of either; the import is seven steps old by then, the local case four
    chance = importation.by_import(local, imported, WEIGHTS)[0, 8]
    assert chance == pytest.approx(WEIGHTS[7] / (WEIGHTS[7] + WEIGHTS[4]))
    assert importation.imports_explain(local, imported, WEIGHTS, 10)[0, 9] == pytest.approx(chance)
    local[0, 26] = 1  # nobody known could have infected it
    assert importation.imports_explain(local, imported, WEIGHTS, 10)[0, 27] == 0
    assert importation.first_chain(local, imported, WEIGHTS, 10)[0] == 9 + 18 if chance > 0.05 else 9


def test_first_chain_uses_no_later_step():
    rng = np.random.default_rng(1)
    local, imported = rng.poisson(0.5, (5, 40)).astype(float), rng.poisson(1.0, (5, 40)).astype(float)
    whole = importation.first_chain(local, imported, WEIGHTS, 14)
    cut = importation.first_chain(local[:, :25], imported[:, :25], WEIGHTS, 14)
    np.testing.assert_array_equal(cut, np.where(whole <= 25, whole, 0))


def test_since_the_last_case_is_as_unsure_as_the_nowcast():
    past = np.array([[0, 2, 0, 0, 1, 0], [0, 2, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]], dtype=float)[..., None]
    np.testing.assert_array_equal(importation.since_last(past), [[1] * 3, [4] * 3, [np.nan] * 3])
    draws = np.repeat(past, 100, axis=2)
    draws[0, 5, :40] = 1  # perhaps a case of today is still to be reported
    draws[2, 3, :60] = 1
    np.testing.assert_array_equal(importation.since_last(draws), [[0, 1, 1], [4, 4, 4], [2, 2, np.nan]])


def test_how_many_come_by_chance():
    mean = np.array([0.0, 0.01, 0.5, 3.0, 250.0])
    np.testing.assert_array_equal(importation.by_chance(mean), poisson.ppf([[0.025, 0.5, 0.975]], mean[:, None]))
    assert np.isnan(importation.by_chance(np.array([np.nan]))).all()


def test_over_is_how_often_nothing_more_comes():
    """By simulation: offspring of each known case that are still to come, R drawn anew each time."""
    rng = np.random.default_rng(2)
    local = np.array([1, 0, 2, 3, 1, 0, 1, 0, 0, 0, 0.0])
    k, mean, sd = 0.5, 1.2, 0.4
    found = importation.over(local, WEIGHTS, r_mean=mean, r_sd=sd, dispersion=k)[0, -1]
    age = np.arange(local.size)[::-1]
    remaining = np.array([WEIGHTS[a + 1 :].sum() / WEIGHTS.sum() for a in age])
    quiet = 0
    for _ in range(20_000):
        r = rng.gamma((mean / sd) ** 2, sd**2 / mean)
        rates = r * np.repeat(remaining, local.astype(int))
        quiet += rng.poisson(rng.gamma(k, rates / k)).sum() == 0
    assert found == pytest.approx(quiet / 20_000, abs=0.012)


def test_over_grows_with_silence_and_falls_with_a_case():
    local = np.zeros(60)
    local[[0, 3, 5]] = 4
    local[30] = 1
    found = importation.over(local, WEIGHTS)[0]
    assert (np.diff(found[6:30]) >= 0).all()
    assert found[30] < found[29]
    assert found[-1] > 0.999


def test_severity_of_a_growing_epidemic_is_not_underestimated():
    rng = np.random.default_rng(3)
    steps = 60
    cases = np.round(10 * np.exp(0.08 * np.arange(steps)))
    weights = severity.delay(12, 5, 50)
    deaths = rng.poisson(0.02 * np.convolve(cases, weights)[:steps]).astype(float)
    found = severity.ratio(cases, deaths, weights)
    assert found.crude[0, -1] < 0.012
    assert found.adjusted[0, -1] == pytest.approx(0.02, rel=0.25)
    assert found.quantiles[0, -1, 0] < 0.02 < found.quantiles[0, -1, 2]
    assert found.known[0, -1] == pytest.approx(found.crude[0, -1] / found.adjusted[0, -1])


def test_severity_delay_is_a_distribution_with_its_mean():
    weights = severity.delay(12, 5, 100)
    assert weights.sum() == pytest.approx(1)
    assert weights @ np.arange(100) == pytest.approx(12, abs=0.05)
    with pytest.raises(MethodError):
        severity.ratio(np.ones(3), np.ones(4), weights)


def test_severity_before_any_outcome_could_be_known():
    found = severity.ratio(np.array([0, 0, 5, 5.0]), np.zeros(4), np.array([0, 0, 0, 1.0]))
    assert np.isnan(found.adjusted).all()
    assert np.isnan(found.crude[0, :2]).all()


def test_of_no_cases_there_is_no_share():
    found = importation.share(np.array([[0, 0, 3.0]]), np.zeros((1, 3)), 2)
    assert np.isnan(found[0, :2]).all()
    assert found[0, 2, 2] < 0.6


def cohort(rng, theta, steps, rate, growth):
    """Cases and outcomes of an outbreak: as they are, as reported, and draws of what both will have been."""
    weights = severity.delay(9, 5, steps)
    cases = rng.poisson(rate * np.exp(growth * np.arange(steps)))
    outcomes = np.zeros(steps, dtype=np.int64)
    for t, n in enumerate(rng.binomial(cases, theta).tolist()):
        on = t + rng.choice(steps, n, p=weights)
        np.add.at(outcomes, on[on < steps], 1)
    told = np.minimum(0.25 + 0.15 * np.arange(steps)[::-1], 1.0)  # the share reported, known to the nowcast
    draws = []
    for count in (cases, outcomes):
        seen = rng.binomial(count, told)
        more = rng.negative_binomial(np.tile(seen + 0.5, (60, 1)).T, np.tile(np.minimum(told, 1 - 1e-12), (60, 1)).T)
        draws.append(seen[:, None] + np.where(told[:, None] < 1, more, 0.0))
    return weights, *draws


@pytest.mark.parametrize(("theta", "rate", "growth"), [(0.02, 2.0, 0.08), (0.3, 0.4, 0.08), (0.3, 1.0, 0.0)])
def test_severity_intervals_hold_the_truth_as_often_as_they_say(theta, rate, growth):
    """400 outbreaks whose last days are half reported: 95 % intervals, within three binomial errors of 95 %."""
    rng, held, held_by_means, times = np.random.default_rng(11), 0, 0, 400
    for _ in range(times):
        weights, cases, outcomes = cohort(rng, theta, 50, rate, growth)
        _, (low, middle, high), known = severity.possible(cases, outcomes, weights, rng)
        held += low <= theta <= high
        assert low <= middle <= high
        assert 0 < known <= 1
        plain = severity.ratio(cases.mean(axis=1), outcomes.mean(axis=1), weights).quantiles[0, -1]
        held_by_means += plain[0] <= theta <= plain[2]
    assert abs(held / times - 0.95) < 3 * np.sqrt(0.95 * 0.05 / times)
    if growth and theta > 0.1:
        assert held_by_means < held  # a mean past passes for a sure one


def test_severity_without_doubt_is_jeffreys_beta_and_nothing_known_is_nothing_said():
    cases, outcomes = np.zeros((30, 50)), np.zeros((30, 50))
    cases[0], outcomes[9] = 200.0, 20.0
    crude, adjusted, known = severity.possible(cases, outcomes, np.ones(1), np.random.default_rng(1))
    exact = severity.proportion(20, 200)
    np.testing.assert_allclose(crude, exact, rtol=0.05)
    np.testing.assert_allclose(adjusted, exact, rtol=0.05)
    assert known == 1
    late = np.r_[np.zeros(29), 1.0]
    nothing, none, share = severity.possible(np.ones((5, 4)), np.zeros((5, 4)), late, np.random.default_rng(1))
    assert np.isnan([*nothing, *none, share]).all()
    with pytest.raises(MethodError, match="one shape"):
        severity.possible(np.ones((3, 2)), np.ones((4, 2)), late, np.random.default_rng(1))
