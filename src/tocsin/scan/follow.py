"""Yesterday's clusters and today's: which is new, goes on, has grown or shrunk, has ended. Pure."""

from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from tocsin.scan import expected as ex
from tocsin.scan.prepare import strata
from tocsin.scan.run import Result, scan
from tocsin.scan.settings import Settings
from tocsin.scan.study import Stream, Study
from tocsin.scan.zones import Zones
from tocsin.types import Change, Floats, Ints

SHARED = 0.5  # of the smaller one's places: from here two clusters are the same


class Shape(Protocol):
    """What of a cluster tells it from others: a `run.Found`, or what a city keeps of one."""

    @property
    def members(self) -> tuple[str, ...]: ...
    @property
    def start_day(self) -> int: ...
    @property
    def end_day(self) -> int: ...
    @property
    def high(self) -> bool: ...
    @property
    def observed(self) -> float: ...


C = TypeVar("C", bound=Shape)


class Followed(NamedTuple, Generic[C]):
    """A cluster of today (or one that has ended), what became of it, the index of its yesterday's self or −1."""

    cluster: C
    change: Change
    before: int


def follow(yesterday: tuple[C, ...], today: tuple[C, ...]) -> tuple[Followed[C], ...]:
    """Match clusters from day to day: each of today's, best first, takes the unclaimed one it shares most with.

    Two clusters are the same if they point the same way, their times touch and they share at least half of the smaller
    one's places. Grown and shrunk speak of places and cases: grown = a place or a case more, shrunk = fewer and none
    more. What nobody claims has ended; those come last, in yesterday's order.
    """
    free = list(range(len(yesterday)))
    found: list[Followed[C]] = []
    for now in today:
        ranked = sorted((-_shared(yesterday[i], now), i) for i in free)
        if not ranked or -ranked[0][0] < SHARED:
            found.append(Followed(now, "new", -1))
            continue
        i = ranked[0][1]
        free.remove(i)
        found.append(Followed(now, _change(yesterday[i], now), i))
    return (*found, *(Followed(yesterday[i], "ended", i) for i in free))


def _shared(a: Shape, b: Shape) -> float:
    if a.high != b.high or a.end_day < b.start_day - 1 or b.end_day < a.start_day - 1:
        return 0.0
    return len(set(a.members) & set(b.members)) / max(min(len(a.members), len(b.members)), 1)


def _change(before: Shape, now: Shape) -> Change:
    more = set(now.members) - set(before.members) or now.observed > before.observed
    fewer = set(before.members) - set(now.members) or now.observed < before.observed
    return "grown" if more else "shrunk" if fewer else "ongoing"


def course(
    study: Study, settings: Settings, members: tuple[str, ...], first: int
) -> tuple[tuple[int, float, float], ...]:
    """What was seen and expected of places together in each interval from the day `first` on: (its first day, n, u).

    Of the study's first stream, as the scan holds it before time or place are adjusted for.
    """
    stream, index = study.streams[0], {name: i for i, name in enumerate(study.ids)}
    rows = [index[m] for m in members]
    held = ex.from_margins(strata(stream, settings)) if stream.at_risk is None else stream.at_risk
    begin = int(np.searchsorted(study.edges[:-1], first))
    parts = (study.edges[begin:-1], stream.cases[rows, begin:].sum(axis=0), held[rows, begin:].sum(axis=0))
    days, n, u = (part.tolist() for part in parts)
    return tuple(zip(days, map(float, n), u, strict=True))


def clusters(
    counts: Ints,
    points: Floats,
    ids: tuple[str, ...],
    edges: Ints,
    settings: Settings,
    at_risk: Floats | None = None,
    table: Zones | None = None,
    earth: bool = True,
) -> Result:
    """Counts by area × step to clusters, in one call: what a beat needs.

    counts (A, T); points (A, 2); edges (T + 1,) day numbers; at_risk (A, T): expected counts (poisson, ebp, ebnb) or
    controls (bernoulli), not wanted for the permutation. `table`: the neighbours, kept while the places
    stay. Missing counts must be filled before (a scan cannot see what was not reported).
    """
    by = np.argsort(np.array([i.encode() for i in ids]), kind="stable")
    held = None if at_risk is None else np.asarray(at_risk, dtype=np.float64)[by]
    stream = Stream(np.asarray(counts)[by].astype(np.int64), held)
    study = Study(tuple(ids[i] for i in by), np.asarray(points, dtype=np.float64)[by], earth, edges, (stream,))
    return scan(study, settings, table)
