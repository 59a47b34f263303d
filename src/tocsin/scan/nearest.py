"""The neighbours of many middles at once, nearest first: dealt into rings of equal area, sorted only in these. Pure."""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from tocsin.types import Floats, Ints

CROWD = 32  # so many in a ring are sorted by merging
SMALL = 1 << 19  # pairs of a middle and a point that are not worth a second thread
AT_ONCE = 1 << 22  # pairs in memory for each piece of the work


class Reach(NamedTuple):
    """Where a window stops, and up to where it is told: distance and weight, infinite = no limit."""

    distance: float
    weight: float
    told_distance: float
    told_weight: float


def around(
    points: Floats, loads: Floats, middles: Floats, reach: Reach, threads: int = 1
) -> tuple[NDArray[np.int32], Ints, Ints]:
    """For each middle (M, d) the points (L, d) within reach, nearest first, equal distances in the order of the points.

    loads (L,): what each point weighs. The indices end to end, where each middle's begin (M + 1,), and how many of
    them may be told (M,). A weight may be passed by 1e-12 of it: that is rounding.
    """
    lines = np.ascontiguousarray(points.T)
    low, high = points.min(axis=0), points.max(axis=0)
    room = reach._replace(weight=reach.weight * (1 + 1e-12), told_weight=reach.told_weight * (1 + 1e-12))
    step = len(middles)
    if len(points) * step > SMALL:
        step = max(min(AT_ONCE // len(points), -(-step // (2 * threads))), 1)
    pieces = [middles[i : i + step] for i in range(0, len(middles), step)]

    def one(piece: Floats) -> tuple[NDArray[np.int32], Ints, Ints]:
        return _each(lines, low, high, loads, piece, *room)

    if threads == 1 or len(pieces) == 1:
        found = [one(p) for p in pieces]
    else:
        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(one, pieces))
    sizes = np.concatenate([size for _, size, _ in found])
    begin = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return np.concatenate([near for near, _, _ in found]), begin, np.concatenate([told for _, _, told in found])


@nb.njit(cache=True, nogil=True)
def _each(
    lines: Floats, low: Floats, high: Floats, loads: Floats, middles: Floats, limit: float, heavy: float, shown: float,
    heavy_shown: float,
) -> tuple[NDArray[np.int32], Ints, Ints]:  # fmt: skip
    """Indices end to end, how many of each middle, how many of these are told."""
    M, L = len(middles), lines.shape[1]
    near = np.empty(M * L, np.int32)
    sizes, told = np.zeros(M, np.int64), np.zeros(M, np.int64)
    far, head, ring = np.empty(L), np.empty(L, np.int64), np.empty(L, np.int64)
    key, at = np.empty(L), np.empty(L, np.int32)
    stop, weight = np.empty(L + 1, np.int64), np.empty(L + 1)
    size = 0
    for c in range(M):
        _measure(lines, middles[c], far)
        H = _within(far, limit, head)
        top = min(limit, _farthest(low, high, middles[c]))
        rings = _deal(far, head[:H], loads, top, heavy, ring, stop, weight, key, at)
        load, a, begun, open_ = 0.0, 0, size, True
        for r in range(rings):
            _sort(key, at, a, stop[r])
            for k in range(a, stop[r]):
                load += loads[at[k]]
                if load > heavy:
                    open_ = False
                    break
                near[size] = at[k]
                size += 1
                if key[k] <= shown and load <= heavy_shown:
                    told[c] = size - begun
            if not open_:
                break
            a = stop[r]
        sizes[c] = size - begun
    return near[:size].copy(), sizes, told


@nb.njit(cache=True, nogil=True)
def _measure(lines: Floats, middle: Floats, far: Floats) -> None:
    far[:] = 0.0
    for a in range(len(lines)):
        for i in range(len(far)):
            far[i] += (lines[a, i] - middle[a]) * (lines[a, i] - middle[a])
    for i in range(len(far)):
        far[i] = math.sqrt(far[i])


@nb.njit(cache=True, nogil=True)
def _within(far: Floats, limit: float, head: Ints) -> int:
    found = 0
    for i in range(len(far)):
        head[found] = i  # written always, kept if within: no branch to guess
        found += far[i] <= limit
    return found


@nb.njit(cache=True, nogil=True)
def _farthest(low: Floats, high: Floats, middle: Floats) -> float:
    """No point is farther: the far corner of the box around all."""
    square = 0.0
    for a in range(len(low)):
        square += max(abs(low[a] - middle[a]), abs(high[a] - middle[a])) ** 2
    return math.sqrt(square)


@nb.njit(cache=True, nogil=True)
def _deal(
    far: Floats, head: Ints, loads: Floats, top: float, heavy: float, ring: Ints, stop: Ints, weight: Floats,
    key: Floats, at: NDArray[np.int32],
) -> int:  # fmt: skip
    """Deal the points into rings, as many as there are points, up to the one where the weight is passed.

    Distances into `key`, points into `at`, ring by ring, in each by index; where each ring stops. How many rings.
    """
    H = len(head)
    scale = H / (top * top) if top > 0 else 0.0
    stop[: H + 1] = 0
    weight[: H + 1] = 0.0
    for k in range(H):
        i = head[k]
        r = min(int(far[i] * far[i] * scale), H - 1)
        ring[k] = r
        stop[r + 1] += 1
        weight[r] += loads[i]
    rings, load = 0, 0.0
    while rings < H and load <= heavy * (1 + 1e-9):  # summed in another order: with room for rounding
        load += weight[rings]
        stop[rings + 1] += stop[rings]
        rings += 1
    for k in range(H):
        r = ring[k]
        if r < rings:
            to = stop[r]  # begins where the one before it stops, and is its own stop when all are in
            key[to], at[to] = far[head[k]], head[k]
            stop[r] += 1
    return rings


@nb.njit(cache=True, nogil=True)
def _sort(key: Floats, at: NDArray[np.int32], a: int, b: int) -> None:
    """Sort a ring by distance; equal ones stay in their order."""
    if b - a > CROWD:
        by = np.argsort(key[a:b], kind="mergesort")
        key[a:b], at[a:b] = key[a:b][by], at[a:b][by]
        return
    for k in range(a + 1, b):
        far, i = key[k], at[k]
        to = k
        while to > a and key[to - 1] > far:
            key[to], at[to] = key[to - 1], at[to - 1]
            to -= 1
        key[to], at[to] = far, i
