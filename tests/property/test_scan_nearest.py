"""Neighbours dealt into rings are those of a stable sort, whatever lies on one spot or far away."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.scan import nearest
from tocsin.scan.nearest import SMALL, Reach, around

NONE = math.inf


def made(seed: int, kind: str, L: int) -> np.ndarray:
    chance = np.random.default_rng(seed)
    if kind == "grid":
        return chance.integers(0, 4, (L, 2)) * 1.0  # many on one spot, many equal distances
    points = chance.uniform(0, 1, (L, 3 if kind == "globe" else 2))
    if kind == "outlier":
        points[-1] = 1e6  # all others fall into one ring
    return points


def sorted_out(points: np.ndarray, loads: np.ndarray, middle: np.ndarray, reach: Reach) -> tuple[list[int], int]:
    gap = points - middle
    square = np.zeros(len(points))
    for axis in gap.T:
        square += axis * axis
    far = np.sqrt(square)
    near = np.argsort(far, kind="stable")
    load = np.cumsum(loads[near])
    inside = (far[near] <= reach.distance) & (load <= reach.weight * (1 + 1e-12))
    told = inside & (far[near] <= reach.told_distance) & (load <= reach.told_weight * (1 + 1e-12))
    return near[inside].tolist(), int(told.sum())


@settings(deadline=None)
@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(["grid", "plane", "globe", "outlier"]),
    L=st.integers(1, 90),
    distance=st.sampled_from([NONE, 0.0, 0.3, 2.0]),
    share=st.sampled_from([NONE, 0.1, 0.5]),
    told=st.sampled_from([NONE, 0.2]),
)
def test_they_are_those_of_a_stable_sort(
    seed: int, kind: str, L: int, distance: float, share: float, told: float
) -> None:
    points = made(seed, kind, L)
    loads = np.random.default_rng(seed + 1).integers(0, 5, L) * 1.0
    heavy, heavy_told = (loads.sum() * x if x < NONE else NONE for x in (share, told))
    reach = Reach(distance, heavy, told, heavy_told)
    middles = np.concatenate([points, made(seed + 2, kind, 2)])  # also around points of a grid of their own
    near, begin, shown = around(points, loads, middles, reach)
    assert len(begin) == len(middles) + 1
    for c, middle in enumerate(middles):
        expected = sorted_out(points, loads, middle, reach)
        assert (near[begin[c] : begin[c + 1]].tolist(), int(shown[c])) == expected


def test_threads_and_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "AT_ONCE", 100_000)
    points = made(1, "plane", 800)
    assert len(points) ** 2 > SMALL
    reach = Reach(0.2, NONE, NONE, NONE)
    one, two = (around(points, np.ones(800), points, reach, threads) for threads in (1, 2))
    for a, b in zip(one, two, strict=True):
        assert (a == b).all()
    few = around(points, np.ones(800), points[:5], reach)  # at once
    assert (few[0] == one[0][: one[1][5]]).all()
