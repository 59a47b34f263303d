"""Windows along a network: where the network is as the crow flies they are circles; what is not joined never mixes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.errors import MethodError
from tocsin.scan import Settings, Stream, Study, scan
from tocsin.scan.network import paths
from tocsin.scan.wire import geojson

ASK = Settings(model="poisson", analysis="spatial", replicates=19, threads=1)


def study(points: np.ndarray, cases: np.ndarray, near: tuple | None = None) -> Study:
    held = np.full((len(points), 1), cases.sum() / len(points))
    names = tuple(f"{i:03d}" for i in range(len(points)))
    lists, reach = near or (None, None)
    return Study(names, points, False, np.array([0, 1]), (Stream(cases, held),), neighbours=lists, reach=reach)


def every_pair(n: int) -> np.ndarray:
    return np.array([(i, j) for i in range(n) for j in range(i)])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.sampled_from([0.2, 0.5]), limit=st.sampled_from([0.0, 3.0]))
def test_all_roads_straight_are_circles(seed: int, size: float, limit: float) -> None:
    rng = np.random.default_rng(seed)
    points, cases = rng.uniform(0, 9, (14, 2)), rng.poisson(2, (14, 1)) + 1
    pairs = every_pair(14)
    near = paths(points, False, pairs, np.full(len(pairs), np.nan))
    asked = replace(ASK, max_size=size, max_distance=limit, criterion=5)
    round_, along = scan(study(points, cases), asked), scan(study(points, cases, near), asked)
    assert [c.members for c in round_.clusters] == [c.members for c in along.clusters]
    assert np.array_equal(round_.maxima, along.maxima)
    for a, b in zip(round_.clusters, along.clusters, strict=True):
        assert (a.llr, a.rank, a.relative_risk) == (b.llr, b.rank, b.relative_risk)
        assert a.radius == pytest.approx(b.radius)


def test_a_street_is_a_line_of_circles_and_its_ties_too() -> None:
    points = np.column_stack([np.arange(12.0), np.zeros(12)])
    cases = np.random.default_rng(2).poisson(3, (12, 1))
    pairs = np.column_stack([np.arange(11), np.arange(1, 12)])
    near = paths(points, False, pairs, np.ones(11))
    for a, b in zip(
        scan(study(points, cases), ASK).clusters, scan(study(points, cases, near), ASK).clusters, strict=True
    ):
        assert (a.center, a.members, a.radius, a.llr, a.rank) == (b.center, b.members, b.radius, b.llr, b.rank)


def test_a_grid_of_streets_has_the_distance_of_taxis() -> None:
    points = np.array([(x, y) for x in range(5) for y in range(4)], dtype=float)
    pairs = np.array([(i, j) for i in range(20) for j in range(i) if abs(points[i] - points[j]).sum() == 1])
    lists, reach = paths(points, False, pairs, np.full(len(pairs), np.nan))
    for c in range(20):
        taxi = abs(points - points[c]).sum(axis=1)
        assert sorted(lists[c].tolist()) == list(range(20))
        assert reach[c].tolist() == taxi[lists[c]].tolist()
        ranked = sorted(range(20), key=lambda i, taxi=taxi, c=c: (taxi[i], i != c, *points[i]))
        assert lists[c].tolist() == ranked


def test_a_river_keeps_its_sides_apart() -> None:
    """Two rows of houses one step apart, no bridge: no window has both."""
    points = np.array([(x, y) for y in (0.0, 1.0) for x in range(8)])
    row = np.column_stack([np.arange(7), np.arange(1, 8)])
    near = paths(points, False, np.vstack([row, row + 8]), np.full(14, np.nan))
    cases = np.ones((16, 1), np.int64)
    cases[[2, 3, 10, 11]] += 9
    found = scan(study(points, cases, near), ASK).clusters
    assert found
    for c in found:
        sides = {int(m) // 8 for m in c.members}
        assert len(sides) == 1
    drawn = geojson(scan(study(points, cases, near), ASK), study(points, cases, near))
    assert {f["geometry"]["type"] for f in drawn["features"]} == {"MultiPoint"}


def test_the_shortest_of_two_ways_counts_a_limit_cuts_and_nobody_is_nearer_than_at_home() -> None:
    points = np.array([(0.0, 0.0), (1, 0), (2, 0)])
    pairs, lengths = np.array([(0, 1), (1, 0), (1, 2), (0, 0)]), np.array([5.0, 2.0, 0.0, 1.0])
    lists, reach = paths(points, False, pairs, lengths)
    assert [x.tolist() for x in lists] == [[0, 1, 2], [1, 2, 0], [2, 1, 0]]
    assert [x.tolist() for x in reach] == [pytest.approx([0, 2, 2]), pytest.approx([0, 0, 2]), pytest.approx([0, 0, 2])]
    assert [len(x) for x in paths(points, False, pairs, lengths, 1.0)[0]] == [1, 2, 2]
    with pytest.raises(MethodError, match="below 0"):
        paths(points, False, pairs, -lengths)


def test_lists_without_distances_cannot_be_cut_by_distance() -> None:
    points, cases = np.array([(0.0, 0.0), (1, 0)]), np.array([[3], [1]])
    lists = (np.array([0, 1]), np.array([1, 0]))
    with pytest.raises(MethodError, match="no distances"):
        scan(study(points, cases, (lists, None)), replace(ASK, max_distance=1.0))
    assert np.isnan(scan(study(points, cases, (lists, None)), ASK).clusters[0].radius)
