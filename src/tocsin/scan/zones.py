"""Where to look: for each centre, the locations in the order in which a growing window takes them in. Pure.

Circles (Euclid or the chord of the sphere), ellipses, graph neighbourhoods. Locations enter one at a time, equal
distances in the order of their coordinates. Source: Kulldorff & Nagarwalla (1995), Stat. Med. 14:799.
"""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from tocsin.errors import MethodError
from tocsin.scan.settings import Settings
from tocsin.types import Floats, Ints

EARTH_KM = 6367.0
FEW = 512  # points of which it pays to sort all around all
Index = NDArray[np.int32] | NDArray[np.int64]  # of locations: 32 bits save memory where there are many


class Zones(NamedTuple):
    """Z nested families of windows: family z is members[begin[z]:begin[z + 1]], a window each prefix of it.

    centre (Z,): the location (or grid point) in the middle; shape, angle (Z,): 1 and 0 for circles; penalty (Z,).
    reported (Z,): the longest prefix that may be reported; smallest (Z,): the shortest that counts.
    """

    members: Index
    begin: Ints
    centre: Ints
    shape: Floats
    angle: Floats
    reported: Ints
    smallest: Ints


def globe(points: Floats) -> Floats:
    """Latitude, longitude in degrees (L, 2) to points on a sphere of 6,367 km (L, 3), so that 180° has no seam."""
    lat, lon = np.radians(points[:, 0]), np.radians(points[:, 1])
    return EARTH_KM * np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def chord(km: float) -> float:
    """The straight line through the sphere for a distance along it."""
    return 2 * EARTH_KM * math.sin(min(km / (2 * EARTH_KM), math.pi / 2))


def along(line: float) -> float:
    """The distance along the sphere for a straight line through it."""
    return 2 * EARTH_KM * math.asin(min(line / (2 * EARTH_KM), 1.0))


def order(space: Floats) -> Ints:
    """Locations by their coordinates, the first coordinate first: the order of centres and of ties."""
    return np.lexsort(space.T[::-1]).astype(np.int64)


def everywhere(locations: int) -> Zones:
    """One window: all locations at once."""
    one, all_of_them = np.ones(1), np.array([locations])
    members = np.arange(locations, dtype=np.int32)
    return Zones(members, np.array([0, locations]), np.array([-1]), one, one * 0, all_of_them, all_of_them)


def with_everywhere(zones: Zones, locations: int) -> Zones:
    """The zones, and one window more: all locations at once."""
    one = everywhere(locations)
    return Zones(
        np.concatenate([zones.members, one.members]),
        np.append(zones.begin, zones.begin[-1] + locations),
        np.append(zones.centre, -1),
        np.append(zones.shape, 1.0),
        np.append(zones.angle, 0.0),
        np.append(zones.reported, locations),
        np.append(zones.smallest, locations),
    )


def zones(
    space: Floats, weight: Floats, settings: Settings, centres: Floats | None = None, earth: bool = False
) -> Zones:
    """Circles and ellipses around every location, or around the `centres` given.

    space (L, d) straight coordinates (see `globe`); weight (L,) what the size limit counts. A window stops where its
    weight would exceed max_size of the total or its distance the limit.
    """
    if len(settings.shapes) and (earth or space.shape[1] != 2):
        raise MethodError("ellipses need Cartesian coordinates in two dimensions; project the coordinates first")
    limit = _straight(settings.max_distance, earth)
    shown = _straight(settings.reported_max_distance, earth)
    heavy = weight.sum() * settings.max_size if settings.max_size else math.inf
    heavy_shown = weight.sum() * settings.reported_max_size if settings.reported_max_size else math.inf
    found = _Families()
    for shape, angle in [(1.0, 0.0), *_ellipses(settings)]:
        flat = space if shape == 1.0 else squeeze(space, shape, angle)
        by = order(space)
        lined, loads = flat[by], weight[by]
        middle = by if centres is None else order(centres)
        around = lined if centres is None else (centres if shape == 1.0 else squeeze(centres, shape, angle))[middle]
        for c, (near, far) in zip(middle, _around(lined, loads, around, limit, heavy), strict=True):
            most = int(np.searchsorted(far, shown, side="right")) if shown < math.inf else len(near)
            if heavy_shown < math.inf:
                most = min(most, int(np.searchsorted(np.cumsum(loads[near]), heavy_shown * (1 + 1e-12), side="right")))
            found.add(by[near], int(c), shape, angle, most)
    return found.zones()


def from_lists(
    lists: tuple[Ints, ...], weight: Floats, settings: Settings, reach: tuple[Floats, ...] | None = None
) -> Zones:
    """Windows along given lists: lists[c] the locations in the order they join the window of location c.

    For adjacency, travel times, rivers: anything that orders places around a place. reach[c]: how far each of them
    is; only then limits of distance can be kept.
    """
    if reach is None and (settings.max_distance or settings.reported_max_distance):
        raise MethodError("lists of neighbours have no distances to limit; give a network, or limit the share")
    found = _Families()
    for c, near in enumerate(lists):
        load = np.cumsum(weight[near])
        far = np.zeros(len(near)) if reach is None else reach[c]
        most = _prefix(load, far, weight.sum() * settings.max_size, settings.max_distance)
        told = _prefix(load, far, weight.sum() * settings.reported_max_size, settings.reported_max_distance)
        found.add(near[:most], c, 1.0, 0.0, min(most, told))
    return found.zones()


def _prefix(load: Floats, far: Floats, heavy: float, limit: float) -> int:
    """How many join before a limit (0 = none) is passed."""
    most = len(load)
    if heavy:
        most = int(np.searchsorted(load, heavy * (1 + 1e-12), side="right"))
    return min(most, int(np.searchsorted(far, limit, side="right"))) if limit else most


def limited(table: Zones, weight: Floats, share: float) -> Zones:
    """A table made without a limit on size (`max_size` 0), cut where the weight would exceed the share of the total."""
    if not share:
        return table
    heavy = weight.sum() * share * (1 + 1e-12)
    members, begin = _cut(table.members, table.begin, table.smallest, weight.astype(np.float64), heavy)
    return table._replace(members=members, begin=begin, reported=np.minimum(table.reported, np.diff(begin)))


@nb.njit(cache=True, nogil=True)
def _cut(members: Index, begin: Ints, smallest: Ints, weight: Floats, heavy: float) -> tuple[Index, Ints]:
    kept = np.empty(members.size, members.dtype)
    start = np.zeros(begin.size, np.int64)
    size = 0
    for z in range(begin.size - 1):
        load = 0.0
        for i in range(begin[z], begin[z + 1]):
            load += weight[members[i]]
            if load > heavy and smallest[z] == 1:
                break
            kept[size] = members[i]
            size += 1
        start[z + 1] = size
    return kept[:size].copy(), start


class _Families:
    """Collects families, then lays them end to end."""

    def __init__(self) -> None:
        self.members: list[NDArray[np.int32]] = []
        self.rows: list[tuple[int, float, float, int]] = []

    def add(self, members: Ints, centre: int, shape: float, angle: float, reported: int) -> None:
        self.members.append(members.astype(np.int32))
        self.rows.append((centre, shape, angle, reported))

    def zones(self) -> Zones:
        begin = np.concatenate([[0], np.cumsum([len(m) for m in self.members])]).astype(np.int64)
        flat = np.concatenate([*self.members, np.zeros(0, np.int32)])
        centre, shape, angle, reported = (np.array(c) for c in zip(*self.rows, strict=True))
        return Zones(
            flat,
            begin,
            centre.astype(np.int64),
            shape * 1.0,
            angle * 1.0,
            reported.astype(np.int64),
            np.ones(len(centre), np.int64),
        )


def _straight(distance: float, earth: bool) -> float:
    if not distance:
        return math.inf
    return chord(distance) if earth else distance


def _ellipses(settings: Settings) -> list[tuple[float, float]]:
    return [
        (s, math.pi * i / n) for s, n in zip(settings.shapes, settings.angles, strict=True) for i in range(n)
    ]  # fmt: skip


def squeeze(points: Floats, shape: float, angle: float) -> Floats:
    """Turn by the angle and shorten the long axis, so that the ellipse becomes a circle of its short half-axis."""
    x, y = points[:, 0], points[:, 1]
    along_axis = (x * math.cos(angle) + y * math.sin(angle)) / shape
    return np.column_stack([along_axis, y * math.cos(angle) - x * math.sin(angle)])


def _around(
    points: Floats, loads: Floats, middles: Floats, limit: float, heavy: float
) -> Iterator[tuple[Ints, Floats]]:
    """For each middle the points within both limits, nearest first, equal distances in index order; and distances."""
    if len(points) <= FEW:
        near, far, begin = _few(points, loads, middles, limit, heavy * (1 + 1e-12))
        yield from ((near[a:b], far[a:b]) for a, b in pairwise(begin.tolist()))
        return
    guess = 64
    for middle in middles:
        found = _nearest(points, loads, middle, limit, heavy, guess)
        guess = max(2 * len(found[0]), 64)
        yield found


@nb.njit(cache=True, nogil=True)
def _few(points: Floats, loads: Floats, middles: Floats, limit: float, heavy: float) -> tuple[Ints, Floats, Ints]:
    """Few points, all middles at once: indices, distances, where each middle's begin (M + 1,)."""
    M, L = len(middles), len(points)
    near, far = np.empty(M * L, np.int64), np.empty(M * L)
    begin = np.zeros(M + 1, np.int64)
    distance, size = np.empty(L), 0
    for c in range(M):
        for i in range(L):
            square = 0.0
            for d in range(points.shape[1]):
                square += (points[i, d] - middles[c, d]) ** 2
            distance[i] = math.sqrt(square)
        load = 0.0
        for i in np.argsort(distance, kind="mergesort"):
            load += loads[i]
            if load > heavy or distance[i] > limit:
                break
            near[size], far[size] = i, distance[i]
            size += 1
        begin[c + 1] = size
    return near[:size].copy(), far[:size].copy(), begin


def _nearest(
    points: Floats, loads: Floats, middle: Floats, limit: float, heavy: float, guess: int
) -> tuple[Ints, Floats]:
    """Indices of the points within both limits, nearest first, equal distances in index order; and the distances."""
    gap = points - middle
    squares = np.einsum("ij,ij->i", gap, gap)
    L = len(points)
    while True:
        if limit < math.inf:  # told by the squares, with room for rounding
            head = np.flatnonzero(squares <= limit * limit * (1 + 1e-9))
            guess = L
        elif guess < L:
            edge = np.partition(squares, guess)[guess]
            head = np.flatnonzero(squares <= edge)
        else:
            head = np.arange(L)
        distance = np.sqrt(squares[head])
        by = np.argsort(distance)  # several times faster than a stable sort, which only ties need
        if (np.diff(distance[by]) == 0).any():
            by = np.argsort(distance, kind="stable")
        near, far = head[by], distance[by]
        load = np.cumsum(loads[near])
        keep = int(np.searchsorted(load, heavy * (1 + 1e-12), side="right"))
        keep = min(keep, int(np.searchsorted(far, limit, side="right")))
        if keep < len(near) or guess >= L:
            return near[:keep], far[:keep]
        guess *= 2
