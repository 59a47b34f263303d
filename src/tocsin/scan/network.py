"""Distance along a network (streets, rivers, flights, borders): who is how far from whom, by Dijkstra. Pure."""

import math

import numpy as np

from tocsin.errors import MethodError
from tocsin.scan.zones import along, globe, order
from tocsin.types import Floats, Ints

_AT_ONCE = 256  # sources: their distances to all places are in memory together


def paths(
    points: Floats, earth: bool, pairs: Ints, lengths: Floats, limit: float = 0.0
) -> tuple[tuple[Ints, ...], tuple[Floats, ...]]:
    """For each of L places: those it can reach, nearest first (itself at 0), and how far they are.

    points (L, d); pairs (E, 2) places joined, both ways; lengths (E,) 0 or more, in any unit, NaN = as the crow flies
    (km if `earth`, else map units). limit: of the distance, 0 = none. Equal distances in the order of coordinates, as
    for circles. What cannot be reached is in no list. They are a Study's `neighbours` and `reach`.

    Source: Dijkstra (1959), Numer. Math. 1:269. MethodError for lengths below 0.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    L = len(points)
    lengths = np.where(np.isnan(lengths), straight(points, earth, pairs), lengths)
    if (lengths < 0).any():
        raise MethodError("a length on the network is below 0; lengths are 0 or more")
    a, b = pairs.T
    shortest: dict[tuple[int, int], float] = {}
    for x, y, d in zip(np.minimum(a, b).tolist(), np.maximum(a, b).tolist(), lengths.tolist(), strict=True):
        shortest[x, y] = min(d, shortest.get((x, y), math.inf))
    ends = np.array([k for k in shortest if k[0] != k[1]], dtype=np.int32).reshape(-1, 2)
    weight = np.array([max(d, 1e-300) for k, d in shortest.items() if k[0] != k[1]])  # a sparse 0 is no edge
    graph = coo_array((weight, (ends[:, 0], ends[:, 1])), shape=(L, L)).tocsr()
    by = order(globe(points) if earth else points)
    place = np.empty(L, np.int64)
    place[by] = np.arange(L)
    lists, reach = [], []
    for first in range(0, L, _AT_ONCE):
        sources = np.arange(first, min(first + _AT_ONCE, L))
        far = dijkstra(graph, directed=False, indices=sources, limit=limit or np.inf)
        for row, source in zip(far, sources, strict=True):
            near = np.flatnonzero(np.isfinite(row))
            ranked = near[np.lexsort((place[near], near != source, row[near]))]
            lists.append(ranked.astype(np.int64))
            reach.append(row[ranked])
    return tuple(lists), tuple(reach)


def straight(points: Floats, earth: bool, pairs: Ints) -> Floats:
    """Distances (E,) of pairs as the crow flies: km along the sphere if `earth`, else map units."""
    space = globe(points) if earth else points
    gap = np.sqrt(((space[pairs[:, 0]] - space[pairs[:, 1]]) ** 2).sum(axis=1))
    return np.array([along(line) for line in gap.tolist()]) if earth else gap
