"""The ground: a river city of streets and districts as polygons that share their borders to the last digit. Pure.

Streets are Voronoi cells of relaxed sites (Lloyd 1982). Sites in pairs on both banks make borders follow the river; a
ring of sites outside, thrown away, gives the city its edge. Each border is bent once (midpoint displacement) and used
by both neighbours. Distances in km from the centre.
"""

from dataclasses import dataclass
from itertools import count, pairwise

import numpy as np
from scipy.spatial import Voronoi, cKDTree

from tocsin.sim.chance import stream
from tocsin.types import Bools, Floats, Ints

STREETS, DISTRICTS, RADIUS = 51, 8, 18.0
BANK = 0.22  # km from the middle of the river to its bank
_PAIRS = 7  # streets on each bank that follow the river
_LONGITUDE, _LATITUDE, _KM = 160.0, 30.0, 111.2  # the open Pacific: nobody's city

Ring = list[tuple[float, float]]  # closed; (longitude, latitude)


@dataclass(frozen=True)
class Ground:
    """Streets: site (51, 2) km, district (51,) 0…7 numbered from the centre, neighbours (51, 51) sharing a border.

    Polygons are lists of rings, the outer one first and counter-clockwise, holes clockwise (RFC 7946).
    """

    site: Floats
    district: Ints
    neighbours: Bools
    streets: list[list[Ring]]
    districts: list[list[Ring]]
    city: list[Ring]


def lonlat(km: Floats) -> Floats:
    """(…, 2) km east and north of the centre to degrees, rounded to about a metre."""
    scale = np.array([_KM * np.cos(np.radians(_LATITUDE)), _KM])
    return np.asarray(np.round(np.array([_LONGITUDE, _LATITUDE]) + km / scale, 5))


def ground(seed: int) -> Ground:
    """The city of a seed: the first of its draws in which no border crosses another (about four in five do)."""
    draws = (_draw(stream(seed, f"geography {k}")) for k in count())
    return next(land for land in draws if not _crossing([*land.streets, *land.districts, land.city]))


def _draw(rng: np.random.Generator) -> Ground:
    bend = _Bends(rng)
    site = _sites(rng, bend)
    voronoi = Voronoi(np.vstack([site, _outside(rng, bend)]))
    north = site[:, 1] > bend.river(site[:, 0])
    borders = _Borders(voronoi, north, bend, rng)
    district = _districts(site, north, borders.neighbours)
    order = np.argsort([np.hypot(*site[district == d].mean(axis=0)) for d in range(DISTRICTS)])
    district = np.argsort(order)[district]
    return Ground(
        site,
        district,
        borders.neighbours,
        [borders.polygon({i}) for i in range(STREETS)],
        [borders.polygon(set(np.flatnonzero(district == d).tolist())) for d in range(DISTRICTS)],
        borders.polygon(set(range(STREETS))),
    )


class _Bends:
    """The city's edge as a radius by angle, and the river as y by x: sums of a few waves."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.size = rng.uniform(0.02, 0.07, 4)
        self.phase = rng.uniform(0, 2 * np.pi, 4)
        self.swing, self.drift = rng.uniform(1.5, 2.6), rng.uniform(-2, 2)
        self.turn = rng.uniform(0, 2 * np.pi)

    def edge(self, angle: Floats) -> Floats:
        waves = self.size[:, None] * np.cos(np.arange(2, 6)[:, None] * angle + self.phase[:, None])
        return np.asarray(RADIUS * (1 + waves.sum(axis=0)))

    def river(self, x: Floats) -> Floats:
        return np.asarray(self.drift + self.swing * np.sin(x / 5.5 + self.turn))

    def normal(self, x: Floats) -> Floats:
        """(n, 2) unit vectors across the river, to the north."""
        slope = self.swing / 5.5 * np.cos(x / 5.5 + self.turn)
        return np.asarray(np.stack([-slope, np.ones_like(x)], axis=-1) / np.hypot(slope, 1)[:, None])


def _sites(rng: np.random.Generator, bend: _Bends) -> Floats:
    """Sites of the streets (51, 2): pairs along the river stay; the others are relaxed, closer at the centre."""
    x = np.linspace(-0.88, 0.88, _PAIRS) * RADIUS * 0.95 + rng.uniform(-0.5, 0.5, _PAIRS)
    middle = np.stack([x, bend.river(x)], axis=1)
    reach = (1.3 + 0.07 * np.abs(x))[:, None] * bend.normal(x)
    angle = rng.uniform(0, 2 * np.pi, 12_000)
    share = rng.uniform(0, 1, 12_000) ** 0.62  # 0.5 is even over the disc; more is denser at the centre
    people = (share * bend.edge(angle))[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    sites = np.vstack([middle + reach, middle - reach, people[: STREETS - 2 * _PAIRS]])
    for _ in range(30):
        _, nearest = cKDTree(sites).query(people)
        for i in range(2 * _PAIRS, STREETS):
            mine = people[nearest == i]
            if len(mine):
                sites[i] = mine.mean(axis=0)
    return sites


def _outside(rng: np.random.Generator, bend: _Bends) -> Floats:
    """Sites beyond the edge (n, 2): they bound the outer streets and are no part of the city."""
    angle = np.arange(64) * (2 * np.pi / 64) + rng.uniform(-0.02, 0.02, 64)
    radius = bend.edge(angle) + rng.uniform(1.6, 2.6, 64)
    return np.asarray(radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1))


class _Borders:
    """Borders between Voronoi cells, bent once each; polygons of any set of cells by dropping what lies inside."""

    def __init__(self, voronoi: Voronoi, north: Bools, bend: _Bends, rng: np.random.Generator) -> None:
        self.bend, self.north = bend, north
        self.neighbours = np.zeros((STREETS, STREETS), dtype=bool)
        self.edges: list[tuple[int, int, int, int, Floats]] = []  # cell, other cell, from vertex, to vertex, points
        self.wet: set[int] = set()  # vertices on the river
        for (i, j), (a, b) in zip(voronoi.ridge_points.tolist(), voronoi.ridge_vertices, strict=True):
            if min(i, j) >= STREETS:
                continue
            assert min(a, b) >= 0, "the ring outside must bound every street"
            line = _bent(voronoi.vertices[a], voronoi.vertices[b], rng)
            if max(i, j) < STREETS:
                self.neighbours[i, j] = self.neighbours[j, i] = True
                if north[i] != north[j]:
                    self.wet |= {a, b}
            for cell, other in ((i, j), (j, i)):
                if cell < STREETS:
                    (ax, ay), (bx, by) = line[0] - voronoi.points[cell], line[-1] - voronoi.points[cell]
                    left = ax * by > ay * bx  # the street lies to the left of a → b: counter-clockwise
                    self.edges.append((cell, other, a, b, line) if left else (cell, other, b, a, line[::-1]))

    def polygon(self, cells: set[int]) -> list[Ring]:
        """Rings around a set of streets that hangs together: the outer one, then holes."""
        ahead = {}
        for cell, other, a, b, line in self.edges:
            if cell in cells and other not in cells:
                ahead[a] = (b, self._banked(cell, other, a, b, line))
        rings: list[Ring] = []
        while ahead:
            start = at = next(iter(ahead))
            parts = []
            while True:
                at, line = ahead.pop(at)
                parts.append(line)
                if at == start:
                    break
            rings.append(_closed(lonlat(np.vstack(parts))))
        return sorted(rings, key=_doubled_area, reverse=True)

    def _banked(self, cell: int, other: int, a: int, b: int, line: Floats) -> Floats:
        """A border moved from the middle of the river to the cell's own bank, as far as it touches the river.

        A border that ends at the river is moved less and less away from it: moving its end alone would fold it.
        """
        if other < STREETS and self.north[cell] != self.north[other]:
            wet = np.ones(len(line))
        else:
            fade = np.linspace(1, 0, len(line))
            wet = np.maximum(fade * (a in self.wet), fade[::-1] * (b in self.wet))
        way = self.bend.normal(line[:, 0]) * (BANK if self.north[cell] else -BANK)
        return np.asarray(line + way * wet[:, None])


def _bent(a: Floats, b: Floats, rng: np.random.Generator) -> Floats:
    """A line from a to b (9, 2) with its middles pushed aside, each time by a share of the length."""
    line = np.stack([a, b])
    for _ in range(3):
        ahead = line[1:] - line[:-1]
        aside = (
            np.stack([-ahead[:, 1], ahead[:, 0]], axis=1) * rng.normal(0, 0.06, len(ahead)).clip(-0.12, 0.12)[:, None]
        )
        points = np.empty((2 * len(line) - 1, 2))
        points[::2], points[1::2] = line, (line[1:] + line[:-1]) / 2 + aside
        line = points
    return line


def _closed(points: Floats) -> Ring:
    ring: Ring = []
    for x, y in points.tolist():
        if not ring or ring[-1] != (x, y):
            ring.append((x, y))
    return ring if ring[0] == ring[-1] else [*ring, ring[0]]


def _crossing(polygons: list[list[Ring]]) -> bool:
    """Whether any two pieces of border cross one another, or themselves."""
    pieces = {(min(a, b), max(a, b)) for polygon in polygons for ring in polygon for a, b in pairwise(ring)}
    ends = np.array(sorted(pieces))
    a, ab = ends[:, None, 0], ends[:, None, 1] - ends[:, None, 0]

    def side(points: Floats) -> Floats:
        to = points[None, :] - a
        return np.asarray(ab[..., 0] * to[..., 1] - ab[..., 1] * to[..., 0])

    apart = side(ends[:, 0]) * side(ends[:, 1]) < 0
    return bool((apart & apart.T).any())


def _doubled_area(ring: Ring) -> float:
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairwise(ring))


def _districts(site: Floats, north: Bools, neighbours: Bools) -> Ints:
    """District of each street: grown street by street from far apart starts, so that each hangs together."""
    district = np.full(STREETS, -1, dtype=np.int64)
    share = min(max(round(DISTRICTS * north.sum() / STREETS), 2), DISTRICTS - 2)
    starts = [*_apart(site, np.flatnonzero(north), share), *_apart(site, np.flatnonzero(~north), DISTRICTS - share)]
    district[starts] = np.arange(DISTRICTS)
    for same_bank in (True, False):  # across the river only what cannot be reached on its own bank
        near = neighbours & (north[:, None] == north) if same_bank else neighbours
        while True:
            size = np.bincount(district[district >= 0], minlength=DISTRICTS)
            for d in np.argsort(size, kind="stable"):
                free = np.flatnonzero((district < 0) & near[:, district == d].any(axis=1))
                if len(free):
                    far = np.hypot(*(site[free] - site[district == d].mean(axis=0)).T)
                    district[free[np.argmin(far)]] = d
                    break
            else:
                break
    return district


def _apart(site: Floats, among: Ints, n: int) -> list[int]:
    """n streets far from one another: k-means with the farthest-first start, then the street nearest each centre."""
    centre = [int(among[np.argmin(site[among, 0])])]
    while len(centre) < n:
        gap = np.min([np.hypot(*(site[among] - site[c]).T) for c in centre], axis=0)
        centre.append(int(among[np.argmax(gap)]))
    middle = site[centre].copy()
    for _ in range(20):
        nearest = np.argmin(np.hypot(*(site[among][:, None] - middle).transpose(2, 0, 1)), axis=1)
        middle = np.array([site[among[nearest == k]].mean(axis=0) for k in range(n)])
    return [int(among[np.argmin(np.hypot(*(site[among] - m).T))]) for m in middle]
