"""Where to look: for each centre, the locations in the order in which a growing window takes them in. Pure.

Circles (Euclid or the chord of the sphere), ellipses, graph neighbourhoods. Locations enter one at a time, equal
distances in the order of their coordinates. Source: Kulldorff & Nagarwalla (1995), Stat. Med. 14:799.
"""

import math
from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from tocsin.errors import MethodError
from tocsin.scan.nearest import Reach, around
from tocsin.scan.settings import Settings
from tocsin.types import Floats, Ints

EARTH_KM = 6367.0
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
    return joined([zones, everywhere(locations)])


def zones(
    space: Floats, weight: Floats, settings: Settings, centres: Floats | None = None, earth: bool = False
) -> Zones:
    """Circles and ellipses around every location, or around the `centres` given.

    space (L, d) straight coordinates (see `globe`); weight (L,) what the size limit counts. A window stops where its
    weight would exceed max_size of the total or its distance the limit.
    """
    if len(settings.shapes) and (earth or space.shape[1] != 2):
        raise MethodError("ellipses need Cartesian coordinates in two dimensions; project the coordinates first")
    total = weight.sum()
    reach = Reach(
        _straight(settings.max_distance, earth),
        total * settings.max_size if settings.max_size else math.inf,
        _straight(settings.reported_max_distance, earth),
        total * settings.reported_max_size if settings.reported_max_size else math.inf,
    )
    by = order(space)
    middle = by if centres is None else order(centres)
    found = []
    for shape, angle in [(1.0, 0.0), *_ellipses(settings)]:
        lined = (space if shape == 1.0 else squeeze(space, shape, angle))[by]
        rounds = lined if centres is None else (centres if shape == 1.0 else squeeze(centres, shape, angle))[middle]
        near, begin, told = around(lined, weight[by], rounds, reach, settings.threads or nb.get_num_threads())
        found.append(_families(by.astype(np.int32)[near], begin, middle, shape, angle, told))
    return joined(found)


def from_lists(
    lists: tuple[Ints, ...], weight: Floats, settings: Settings, reach: tuple[Floats, ...] | None = None
) -> Zones:
    """Windows along given lists: lists[c] the locations in the order they join the window of location c.

    For adjacency, travel times, rivers: anything that orders places around a place. reach[c]: how far each of them
    is; only then limits of distance can be kept.
    """
    if reach is None and (settings.max_distance or settings.reported_max_distance):
        raise MethodError("lists of neighbours have no distances to limit; give a network, or limit the share")
    members, sizes, told = [np.zeros(0, np.int32)], [0], []
    for c, near in enumerate(lists):
        load = np.cumsum(weight[near])
        far = np.zeros(len(near)) if reach is None else reach[c]
        most = _prefix(load, far, weight.sum() * settings.max_size, settings.max_distance)
        told.append(
            min(most, _prefix(load, far, weight.sum() * settings.reported_max_size, settings.reported_max_distance))
        )
        members.append(near[:most].astype(np.int32))
        sizes.append(most)
    centres = np.arange(len(lists), dtype=np.int64)
    return _families(np.concatenate(members), np.cumsum(sizes), centres, 1.0, 0.0, np.array(told, dtype=np.int64))


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


def _families(members: NDArray[np.int32], begin: Ints, centre: Ints, shape: float, angle: float, told: Ints) -> Zones:
    """Families of one shape."""
    Z = len(centre)
    return Zones(members, begin, centre, np.full(Z, shape), np.full(Z, angle), told, np.ones(Z, np.int64))


def joined(parts: list[Zones]) -> Zones:
    """Families of several kinds, end to end."""
    if len(parts) == 1:
        return parts[0]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    sizes = np.concatenate([np.diff(part.begin) for part in parts])
    return Zones(*columns)._replace(begin=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64))


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
