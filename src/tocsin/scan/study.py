"""What is scanned: places, intervals, counts, and what they are held against. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tocsin.errors import MethodError
from tocsin.scan.zones import globe
from tocsin.types import Floats, Ints


@dataclass(frozen=True, slots=True)
class Stream:
    """One data set (L, T) on the study's locations and intervals.

    cases; at_risk: for Bernoulli the controls, otherwise the expected counts before any adjustment (None where the
    model makes its own); strata: cases split by covariate (permutation); dispersion of each cell (ebnb), inf = Poisson.
    """

    cases: Ints
    at_risk: Floats | None = None
    strata: tuple[Ints, ...] = ()
    dispersion: float = float("inf")


def pooled(stream: Stream, axis: int) -> Stream:
    """All places (axis 0) or all intervals (axis 1) taken together."""
    return Stream(
        stream.cases.sum(axis=axis, keepdims=True),
        None if stream.at_risk is None else stream.at_risk.sum(axis=axis, keepdims=True),
        tuple(s.sum(axis=axis, keepdims=True) for s in stream.strata),
        stream.dispersion,
    )


@dataclass(frozen=True, slots=True)
class Study:
    """L locations in byte order of their names, T intervals, one or more streams.

    points (L, d): latitude, longitude in degrees if `earth`, else Cartesian. edges (T + 1,): day numbers, see
    `periods.intervals`. centres: of the circles, if not the locations. neighbours: lists that replace circles, reach:
    how far those in them are (see `network`). risks (L, T): known relative risks.
    """

    ids: tuple[str, ...]
    points: Floats
    earth: bool
    edges: Ints
    streams: tuple[Stream, ...]
    centres: Floats | None = None
    neighbours: tuple[Ints, ...] | None = None
    risks: Floats | None = None
    reach: tuple[Floats, ...] | None = None
    dated: bool = True  # the study period is known
    left_out: int = 0  # rows of counts at places or times that are not part of it
    pooled: int = 0  # places that a purely temporal study has taken together, 0 = none were

    def __post_init__(self) -> None:
        """Refuse shapes that do not fit together."""
        L, T = len(self.ids), len(self.edges) - 1
        if self.points.shape[0] != L:
            raise MethodError(f"{L} locations but {self.points.shape[0]} points; give one point a location")
        for stream in self.streams:
            for part in (stream.cases, stream.at_risk, *stream.strata):
                if part is not None and part.shape != (L, T):
                    raise MethodError(f"a stream has shape {part.shape}; {L} locations × {T} intervals were expected")
        if not np.isfinite(self.points).all():
            raise MethodError("a location has no coordinates; give every location a point")
        if self.earth and ((abs(self.points[:, 0]) > 90) | (abs(self.points[:, 1]) > 180)).any():
            raise MethodError("a latitude is beyond ±90 or a longitude beyond ±180; or are these Cartesian?")

    @property
    def places(self) -> int:
        """How many places there are, those taken together counted."""
        return self.pooled or len(self.ids)

    @property
    def space(self) -> Floats:
        """Straight coordinates (L, d or 3)."""
        return globe(self.points) if self.earth else self.points


def merged(ids: Sequence[str], points: Floats, earth: bool) -> tuple[tuple[str, ...], Floats, dict[str, int]]:
    """Locations in byte order, those at one and the same point taken as one under the first name.

    Returns names, points and the index of every original name.
    """
    by = sorted(range(len(ids)), key=lambda i: ids[i].encode())
    names: list[str] = []
    rows: list[int] = []
    seen: dict[tuple[float, ...], int] = {}
    index: dict[str, int] = {}
    space = globe(points) if earth else points
    for i in by:
        place = tuple(space[i].tolist())
        if place not in seen:
            seen[place] = len(names)
            names.append(ids[i])
            rows.append(i)
        index[ids[i]] = seen[place]
    return tuple(names), points[rows], index
