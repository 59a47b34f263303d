"""Who infects whom: nobody is lost, nobody is made, and R restated starts where the cases are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import MethodError
from tocsin.estimate import interval, mixing, outlook, scenario

PEOPLE = np.array([5e5, 2e5, 5e4])
FLOWS = np.array([[0, 1e4, 0], [6e4, 0, 0], [2e4, 0, 0]])


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_every_infection_lands_somewhere(seed, away):
    rng = np.random.default_rng(seed)
    people = rng.uniform(10, 1e6, 5)
    flows = rng.random((5, 5)) * people[:, None] / 6
    m = mixing.mixing(flows, people, away)
    np.testing.assert_allclose(m.sum(axis=0), 1)
    assert (m >= 0).all()
    # A contact has two sides: all of b's with a are all of a's with b.
    np.testing.assert_allclose(m * people, (m * people).T, rtol=1e-9)


def test_nobody_commutes_nobody_mixes():
    np.testing.assert_array_equal(mixing.mixing(np.zeros((3, 3)), PEOPLE), np.eye(3))
    np.testing.assert_allclose(mixing.mixing(FLOWS, PEOPLE, away=0), np.eye(3))
    with pytest.raises(MethodError, match="no more people"):
        mixing.mixing(FLOWS * 100, PEOPLE)


def test_a_run_begins_where_the_cases_are():
    weights = interval.discretised(4.0, 2.0, 20)
    m = mixing.mixing(FLOWS, PEOPLE)
    past = np.repeat(np.array([900.0, 300.0, 40.0])[:, None, None] * np.ones((1, 40, 1)), 200, axis=2)
    r = mixing.restated(np.ones((3, 200)), past, weights, m)
    assert r[2].mean() < 1 < r[0].mean()  # the small one is infected by the large one
    done = scenario.simulate(past, r, weights, m, PEOPLE * 1e4, 3, np.random.default_rng(0), dispersion=1e6)
    np.testing.assert_allclose(done.infections.mean(axis=(1, 2)), past[:, 0, 0], rtol=0.05)


def test_two_runs_differ_by_the_measure_alone():
    weights = interval.discretised(4.0, 2.0, 20)
    past, r = np.full((3, 20, 100), 30.0), np.full((3, 100), 1.2)
    m = mixing.mixing(FLOWS, PEOPLE)
    nothing = scenario.Measure(np.ones(3, bool), 0, 30, contacts=1.0)
    half = scenario.Measure(np.array([True, False, False]), 10, 30, contacts=0.5)
    runs = [scenario.simulate(past, r, weights, m, PEOPLE, 30, np.random.default_rng(5), measures=(x,)).infections
            for x in (nothing, half)]  # fmt: skip
    again = scenario.simulate(past, r, weights, m, PEOPLE, 30, np.random.default_rng(5)).infections
    np.testing.assert_array_equal(runs[0], again)
    beds = [scenario.beds(x, 0.1, np.array([0, 1.0]), np.ones(5)) for x in runs]
    gained = outlook.gain((runs[0], beds[0]), (runs[1], beds[1]), 200.0, 60.0)
    assert gained.infections.low > 0
    assert gained.days.median >= 0
    assert gained.beds.median > 0
    assert gained.beds_days is not None
    plain, done = outlook.outlook(runs[0], beds[0], 60.0), outlook.outlook(runs[1], beds[1], 60.0)
    assert plain.beds_short >= done.beds_short
    assert plain.infections.low <= plain.infections.median <= plain.infections.high


def test_contacts_halved_in_one_place_halve_what_happens_within_it():
    weights, past = np.array([0, 1.0]), np.full((2, 1, 4000), 100.0)
    half = scenario.Measure(np.array([True, False]), 0, 1, contacts=0.5)
    m = np.array([[0.8, 0.2], [0.2, 0.8]])
    done = scenario.simulate(past, np.ones((2, 4000)), weights, m, np.full(2, 1e9), 1, np.random.default_rng(0),
                             measures=(half,), dispersion=1e6).infections.mean(axis=(1, 2))  # fmt: skip
    np.testing.assert_allclose(done, [100 * (0.4 + 0.2 * 0.5**0.5), 100 * (0.8 + 0.2 * 0.5**0.5)], rtol=0.01)
