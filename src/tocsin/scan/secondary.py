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
from tocsin.scan.zones import Index, squeeze
from tocsin.types import Bools, Floats

MOST = 500  # clusters kept at most


class Candidate(NamedTuple):
    """One window as the rules see it: where its members and its centre are, when it begins and stops (exclusive)."""

    family: int
    members: Index
    centre: Floats
    radius: float  # in straight coordinates of its own shape
    first: int
    stop: int
    way: int
    llr: float
    name: str
    shape: float = 1.0
    angle: float = 0.0
    at: int = -1  # the location that is the centre, -1 if none is


def ranked(candidates: list[Candidate]) -> list[Candidate]:
    """Best first, with the rule for ties."""

    def compare(a: Candidate, b: Candidate) -> int:
        if abs(a.llr - b.llr) >= TIED:
            return -1 if a.llr > b.llr else 1
        left, right = (len(a.members), a.name.encode(), a.family), (len(b.members), b.name.encode(), b.family)
        return (left > right) - (left < right)

    return sorted(candidates, key=functools.cmp_to_key(compare))


def apart(
    candidates: list[Candidate], space: Floats, criterion: int, most: int = MOST, least: float = 0.0
) -> list[Candidate]:
    """The candidates that the criterion leaves, best first; but for the best, only those of at least `least`.

    space (L, d): straight coordinates of the locations.
    """
    kept = _Kept(space, criterion, min(most, len(candidates)))
    for c in ranked(candidates):
        if len(kept.clusters) == most or (kept.clusters and c.llr < least):
            break
        if not kept.overlaps(c):
            kept.add(c)
    return kept.clusters


class _Kept:
    """The clusters kept so far, and which locations each covers."""

    def __init__(self, space: Floats, criterion: int, most: int) -> None:
        self.space, self.criterion = space, criterion
        self.clusters: list[Candidate] = []
        self.inside = np.zeros((most, len(space)), bool)  # members, and locations within the circle
        self.members = np.zeros((most, len(space)), bool)
        self.spans = np.zeros((most, 2), np.int64)

    def add(self, c: Candidate) -> None:
        k = len(self.clusters)
        if len(c.centre):
            self.inside[k] = within(self.space, c)
            self.inside[k, c.members] = self.members[k, c.members] = True
        self.spans[k] = c.first, c.stop
        self.clusters.append(c)

    def overlaps(self, new: Candidate) -> bool:
        """Whether the criterion forbids the candidate beside what is kept."""
        if self.criterion == 5:
            return False
        first, stop = self.spans[: len(self.clusters)].T
        together = np.flatnonzero((stop >= new.first) & (first <= new.stop))
        around = None
        for k in together:
            old = self.clusters[k]
            if not (len(old.centre) and len(new.centre)):
                if len(old.centre) == len(new.centre):
                    return True
                continue
            if self.criterion == 0 and self.inside[k, new.members].any():
                return True
            if around is None:
                around = within(self.space, new)
                around[new.members] = True
            if self._by_centres(int(k), new, around) or (
                self.criterion == 0 and bool((self.members[k] & around).any())
            ):
                return True
        return False

    def _by_centres(self, k: int, new: Candidate, around: Bools) -> bool:
        old = self.clusters[k]
        here = self.inside[k, new.at] if new.at >= 0 else within(new.centre[None], old)[0]
        there = around[old.at] if old.at >= 0 else within(old.centre[None], new)[0]
        return bool({0: here or there, 1: here or there, 2: here, 3: there, 4: here and there}[self.criterion])


def within(points: Floats, cluster: Candidate) -> Bools:
    """Which points are within the cluster's circle or ellipse."""
    gap = points - cluster.centre
    if cluster.shape != 1.0:
        gap = squeeze(gap, cluster.shape, cluster.angle)
    found: Bools = np.einsum("ij,ij->i", gap, gap) <= (cluster.radius + TIED) ** 2
    return found
