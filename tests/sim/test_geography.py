"""The ground tiles: shared borders are the same to the last digit, and nothing overlaps."""

from itertools import pairwise

import numpy as np
import pytest

from tocsin.sim.geography import DISTRICTS, STREETS, Ring, ground
from tocsin.sim.people import people
from tocsin.types import Floats


def area(ring: Ring) -> float:
    """Signed: positive when counter-clockwise."""
    p = np.array(ring)
    return float((p[:-1, 0] * p[1:, 1] - p[1:, 0] * p[:-1, 1]).sum() / 2)


@pytest.mark.parametrize("seed", range(12))
def test_polygons_are_closed_counter_clockwise_and_tile_the_city_but_for_the_river(seed: int) -> None:
    land = ground(seed)
    for polygon in [*land.streets, *land.districts, land.city]:
        assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in polygon)
        assert area(polygon[0]) > 0
        assert all(area(hole) < 0 for hole in polygon[1:])
    whole = sum(map(area, land.city))
    streets = sum(area(r) for p in land.streets for r in p)
    districts = sum(area(r) for p in land.districts for r in p)
    assert streets == pytest.approx(districts, rel=1e-9)
    assert 0.95 * whole < streets < 0.995 * whole  # the rest is the river


@pytest.mark.parametrize("seed", range(12))
def test_a_border_is_one_streets_or_two_streets_and_then_in_opposite_directions(seed: int) -> None:
    seen: dict[tuple[tuple[float, float], tuple[float, float]], int] = {}
    for (ring,) in ground(seed).streets:
        for a, b in pairwise(ring):
            assert (a, b) not in seen, "two streets claim the same side of a border"
            seen[a, b] = 1
    assert sum((b, a) in seen for a, b in seen) > 0.5 * len(seen)


@pytest.mark.parametrize("seed", range(12))
def test_no_border_crosses_itself(seed: int) -> None:
    land = ground(seed)
    for polygon in [*land.streets, *land.districts, land.city]:
        p = np.array(polygon[0])
        a, b = p[:-1, None], p[1:, None]
        side_c, side_d = (_turn(a, b, q[None, :]) for q in (p[:-1], p[1:]))
        apart = side_c * side_d < 0  # the ends of segment j lie on either side of segment i
        assert not (apart & apart.T).any()


def _turn(a: Floats, b: Floats, c: Floats) -> Floats:
    ab, ac = b - a, c - a
    return ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0]


@pytest.mark.parametrize("seed", range(12))
def test_every_street_has_a_district_that_hangs_together(seed: int) -> None:
    land = ground(seed)
    assert set(land.district) == set(range(DISTRICTS))
    for d in range(DISTRICTS):
        inside = np.flatnonzero(land.district == d)
        reached = {int(inside[0])}
        while True:
            more = {int(j) for i in reached for j in inside if land.neighbours[i, j]} - reached
            if not more:
                break
            reached |= more
        assert reached == set(inside.tolist())


def test_people_are_millions_and_commuters_are_some_of_them() -> None:
    folk = people(ground(7), 7)
    assert folk.population.shape == (STREETS,)
    assert folk.population.sum() == pytest.approx(2_600_000, abs=STREETS)
    assert (folk.commuting.sum(axis=1) < 0.4 * folk.population).all()
    assert folk.mixing.sum(axis=1) == pytest.approx(1.0)
    assert (np.diag(folk.commuting) == 0).all()
