"""Which of many overlapping candidates are told apart as clusters of their own. Pure.

    criterion  a candidate is kept unless, for a cluster already kept,
    0          they share a location, or a centre or location of one lies within the circle of the other
    1          the centre of either lies in the other
    2          its own centre lies in the kept one
    3          the kept one's centre lies in it
    4          each centre lies in the other
    5          (always kept)

Clusters apart in time do not overlap, whatever their places. Candidates are taken best first; equal statistics go by
fewer locations, then by the centre's name, then in the order of centres.
"""

import functools
from typing import NamedTuple

import numpy as np

from tocsin.scan.statistic import TIED
from tocsin.types import Floats, Ints

MOST = 500  # clusters kept at most


class Candidate(NamedTuple):
    """One window as the rules see it: where its members and its centre are, when it begins and stops (exclusive)."""

    family: int
    members: Ints
    centre: Floats
    radius: float  # in straight coordinates of its own shape
    first: int
    stop: int
    way: int
    llr: float
    name: str


def ranked(candidates: list[Candidate]) -> list[Candidate]:
    """Best first, with the rule for ties."""

    def compare(a: Candidate, b: Candidate) -> int:
        if abs(a.llr - b.llr) >= TIED:
            return -1 if a.llr > b.llr else 1
        left, right = (len(a.members), a.name.encode(), a.family), (len(b.members), b.name.encode(), b.family)
        return (left > right) - (left < right)

    return sorted(candidates, key=functools.cmp_to_key(compare))


def apart(candidates: list[Candidate], space: Floats, criterion: int, most: int = MOST) -> list[Candidate]:
    """The candidates that criterion leaves, best first. space (L, d): straight coordinates of the locations."""
    kept: list[Candidate] = []
    for c in ranked(candidates):
        if len(kept) == most:
            break
        if not any(_overlap(k, c, space, criterion) for k in kept):
            kept.append(c)
    return kept


def _overlap(kept: Candidate, new: Candidate, space: Floats, criterion: int) -> bool:
    if criterion == 5:
        return False
    if kept.stop <= new.first - 1 or new.stop <= kept.first - 1:
        return False
    everywhere = len(kept.centre) == 0 or len(new.centre) == 0
    if everywhere:
        return len(kept.centre) == len(new.centre)
    if criterion == 0:
        return (
            bool(np.intersect1d(kept.members, new.members).size)
            or _inside(new.centre[None], kept)
            or _inside(kept.centre[None], new)
            or _inside(space[new.members], kept)
            or _inside(space[kept.members], new)
        )
    here, there = _inside(new.centre[None], kept), _inside(kept.centre[None], new)
    return {1: here or there, 2: here, 3: there, 4: here and there}[criterion]


def _inside(points: Floats, cluster: Candidate) -> bool:
    """Whether any point is within the cluster's circle."""
    return bool((np.sqrt(((points - cluster.centre) ** 2).sum(axis=1)) <= cluster.radius + TIED).any())
