"""What if: nothing done goes on as it was; measures do what they say; draws stay within the people there are."""

import numpy as np
import pytest

from tocsin.errors import MethodError
from tocsin.estimate import interval, scenario

WEIGHTS = interval.discretised(4.0, 2.0, 30)
AREAS, PAST, DRAWS = 3, 30, 200
MIXING = np.array([[0.9, 0.06, 0.04], [0.06, 0.85, 0.09], [0.04, 0.09, 0.87]])
ALL = np.ones(AREAS, bool)


def run(r=1.2, measures=(), population=1e7, steps=40, seed=0, past=50.0, mixing=MIXING, **more):
    return scenario.simulate(
        np.full((AREAS, PAST, DRAWS), past),
        np.full((AREAS, DRAWS), r),
        WEIGHTS,
        mixing,
        np.full(AREAS, population),
        steps,
        np.random.default_rng(seed),
        measures=measures,
        **more,
    )


def test_r_of_one_goes_on_and_the_renewal_equation_holds():
    flat = run(r=1.0).infections.mean(axis=-1)
    np.testing.assert_allclose(flat, 50, rtol=0.25)
    mean = run(r=1.2, dispersion=1e6).infections.mean(axis=-1).mean(axis=0)
    expected = np.full(PAST + 40, 50.0)
    for t in range(PAST, PAST + 40):
        expected[t] = 1.2 * (WEIGHTS[1:30] * expected[t - np.arange(1, 30)]).sum()
    np.testing.assert_allclose(mean, expected[PAST:], rtol=0.05)


@pytest.mark.parametrize(
    "measure",
    [
        {"contacts": 0.5},
        {"vaccinated": 0.05},
        {"isolated": 0.7, "isolated_after": 2},
    ],
)
def test_each_measure_lowers_infections_after_it_begins_and_not_before(measure):
    plain = run().infections.sum(axis=0)
    done = run(measures=(scenario.Measure(ALL, 10, 40, **measure),)).infections.sum(axis=0)
    np.testing.assert_array_equal(plain[:10], done[:10])
    assert done[-5:].mean() < 0.7 * plain[-5:].mean()
    gained = scenario.days_gained(plain, done, 400)
    assert (gained >= 0).mean() > 0.95
    assert np.median(gained) > 0


def test_closing_roads_keeps_a_clean_area_clean():
    past = np.zeros((AREAS, PAST, DRAWS))
    past[0] = 100
    args = (np.full((AREAS, DRAWS), 1.3), WEIGHTS, MIXING, np.full(AREAS, 1e6), 15)
    open_ = scenario.simulate(past, *args, np.random.default_rng(1)).infections[2]
    shut = scenario.Measure(np.array([False, False, True]), 0, 15, travel=0.0)
    closed = scenario.simulate(past, *args, np.random.default_rng(1), measures=(shut,)).infections[2]
    assert open_.sum() > 0
    assert closed.sum() == 0


def test_no_more_infections_than_people():
    done = run(r=5.0, population=5000.0, steps=80)
    assert (done.infections.sum(axis=1) <= 5000).all()
    assert (done.susceptible >= 0).all()
    np.testing.assert_allclose(done.infections.sum(axis=1) + done.susceptible, 5000)


def test_arrivals_start_what_was_not_there():
    arrivals = np.zeros((AREAS, 40))
    arrivals[1, :5] = 3
    done = run(past=0.0, arrivals=arrivals).infections
    assert done[1].sum() > 15 * DRAWS
    assert run(past=0.0).infections.sum() == 0


def test_same_seed_same_bytes():
    assert run(seed=4).infections.tobytes() == run(seed=4).infections.tobytes()
    assert run(seed=4).infections.tobytes() != run(seed=5).infections.tobytes()


def test_beds_are_a_recount():
    infections = np.zeros((1, 8, 1))
    infections[0, 1] = 100
    found = scenario.beds(infections, 0.1, np.array([0, 0.5, 0.5]), np.array([1, 1, 0.5]))[0, :, 0]
    np.testing.assert_allclose(found, [0, 0, 5, 10, 7.5, 2.5, 0, 0])


def test_what_cannot_be_is_refused():
    with pytest.raises(MethodError, match="sum to 1"):
        run(mixing=MIXING * 2)
    with pytest.raises(MethodError, match="shares from 0 to 1"):
        run(measures=(scenario.Measure(ALL, 0, 9, travel=1.5),))


def test_people_are_in_beds_and_not_shares_of_people():
    expected = np.repeat(np.array([0.0, 0.3, 2.0, 60.0, 390.0, 900.0, 40.0])[None, :, None], 20_000, axis=2)
    found = scenario.by_chance(expected, np.random.default_rng(1))
    assert found.shape == expected.shape
    assert (found == np.rint(found)).all()
    np.testing.assert_allclose(found.mean(axis=-1)[0], expected[0, :, 0], rtol=0.02, atol=0.01)
    np.testing.assert_allclose(found.var(axis=-1)[0], expected[0, :, 0], rtol=0.05, atol=0.01)


def test_beds_of_one_seed_share_their_chance():
    expected = np.random.default_rng(2).gamma(2, 30, (3, 25, 50))
    plain, fewer = (scenario.by_chance(x, np.random.default_rng(7)) for x in (expected, 0.6 * expected))
    assert (fewer <= plain).all()
    np.testing.assert_array_equal(scenario.by_chance(expected, np.random.default_rng(7)), plain)
