"""The search itself: every family of zones × every window of intervals, the best of each family kept. Pure.

The first of equals wins (zones growing, windows in their order). In retrospective scans further windows of the same
family are found before and after the best one, as SaTScan does: recursively, with a gap of one interval.
"""

from typing import NamedTuple

import numba as nb
import numpy as np

from tocsin.scan.bare import bare
from tocsin.scan.periods import Windows
from tocsin.scan.statistic import HIGH, LOW, bound, direction, llr, no_better, risk_within
from tocsin.scan.zones import Index, Zones
from tocsin.types import Floats, Ints

WORTH = 1.0  # statistic of further windows of the same places, at least


class Field(NamedTuple):
    """What the search sees: counts n and what they are held against u, both summed from each interval to the end.

    n, u (S, L, T + 1), S streams; N, U (S, W) the totals each window is compared with (whole study, or, stratified by
    time, inside the window only).
    """

    kind: int
    n: Floats
    u: Floats
    N: Floats
    U: Floats


class Limits(NamedTuple):
    """What a window must satisfy to count."""

    ways: int
    least_high: float
    least_low: float
    floor: float
    ceiling: float
    adjust: bool  # streams: sum with signs, instead of those with excess only


class Found(NamedTuple):
    """Candidates, each (C,): family of zones, number of members, interval range, direction, log likelihood ratio."""

    family: Ints
    size: Ints
    first: Ints
    last: Ints
    way: Ints
    llr: Floats


def field(kind: int, n: Floats, u: Floats, windows: Windows, within: bool) -> Field:
    """Counts and expectations (S, L, T) made ready for a search; `within`: compare inside each window only."""
    S = len(n)
    W = len(windows.first)
    if within:
        by_time = np.concatenate([np.zeros((S, 1)), np.cumsum(n.sum(axis=1), axis=1)], axis=1)
        held = np.concatenate([np.zeros((S, 1)), np.cumsum(u.sum(axis=1), axis=1)], axis=1)
        N = by_time[:, windows.last + 1] - by_time[:, windows.first]
        U = held[:, windows.last + 1] - held[:, windows.first]
    else:
        N = np.repeat(n.sum(axis=(1, 2))[:, None], W, axis=1)
        U = np.repeat(u.sum(axis=(1, 2))[:, None], W, axis=1)
    return Field(kind, to_end(n), to_end(u), N, U)


def to_end(counts: Floats) -> Floats:
    """Sums from each interval to the end, (…, T) to (…, T + 1); the last is 0."""
    summed = np.cumsum(counts[..., ::-1], axis=-1, dtype=np.float64)[..., ::-1]
    return np.ascontiguousarray(np.concatenate([summed, np.zeros((*counts.shape[:-1], 1))], axis=-1))


def search(field: Field, zones: Zones, penalty: Floats, windows: Windows, limits: Limits, more: bool) -> Found:
    """The best window of every family; with `more`, also further ones of the same family apart from it in time."""
    if not more:
        return _each(field, zones.members, zones.begin, zones.reported, zones.smallest, penalty, windows, limits)
    rows: list[tuple[int, int, int, int, int, float]] = []
    T = field.n.shape[2] - 1
    parts: dict[tuple[int, int], tuple[Ints, Field, Windows]] = {}
    for z in range(len(zones.centre)):
        members = zones.members[zones.begin[z] : zones.begin[z] + zones.reported[z]]
        spans, floor = [(0, T)], 0.0
        while spans:
            low, high = spans.pop()
            if (low, high) not in parts:
                parts[low, high] = _between(low, high, field, windows)
            of, part, some = parts[low, high]
            size, w, way, best = _best(part, members, zones.smallest[z], penalty[z], some, limits, low, high)
            if way == 0 or best <= floor:
                continue
            first, last = int(windows.first[of[w]]), int(windows.last[of[w]])
            rows.append((z, size, first, last, way, best))
            if zones.centre[z] >= 0:
                floor = WORTH
                spans += _beside(low, high, first, last)
    return _table(rows)


def _between(low: int, high: int, field: Field, windows: Windows) -> tuple[Ints, Field, Windows]:
    """The windows inside [low, high), their numbers, and the field with the totals of these alone."""
    of = np.flatnonzero((windows.first >= low) & (windows.last < high))
    N, U = np.ascontiguousarray(field.N[:, of]), np.ascontiguousarray(field.U[:, of])
    return of, field._replace(N=N, U=U), Windows(windows.first[of], windows.last[of])


@nb.njit(cache=True, nogil=True)
def _each(
    field: Field, members: Index, begin: Ints, reported: Ints, smallest: Ints, penalty: Floats, windows: Windows,
    limits: Limits,
) -> Found:  # fmt: skip
    """The best window of every family."""
    Z, T = len(penalty), field.n.shape[2] - 1
    size, first, last, way = np.zeros(Z, np.int64), np.zeros(Z, np.int64), np.zeros(Z, np.int64), np.zeros(Z, np.int64)
    ratio = np.zeros(Z)
    for z in range(Z):
        inside = members[begin[z] : begin[z] + reported[z]]
        size[z], w, way[z], ratio[z] = _best(field, inside, smallest[z], penalty[z], windows, limits, 0, T)
        first[z], last[z] = windows.first[w], windows.last[w]
    some = np.flatnonzero(ratio > 0)
    return Found(some, size[some], first[some], last[some], way[some], ratio[some])


def search_times(field: Field, windows: Windows, limits: Limits) -> Found:
    """Purely temporal: the best window; before and after it, recursively, the last one whose statistic is above 1.

    Last in the order of `windows`, not best: so SaTScan 10.3 chooses further windows here, with a gap of one interval,
    as far as its outputs tell.
    """
    size, w, way, best = _best(field, np.zeros(1, np.int32), 1, 1.0, windows, limits, 0, field.n.shape[2] - 1)
    if way == 0:
        return _table([])
    rows = [(0, size, int(windows.first[w]), int(windows.last[w]), way, best)]
    ways, ratios = _singly(field, windows, limits)
    spans = _beside(0, field.n.shape[2] - 1, rows[0][2], rows[0][3])
    while spans:
        low, high = spans.pop()
        inside = np.flatnonzero((ratios > WORTH) & (windows.first >= low) & (windows.last < high))
        if len(inside):
            w = int(inside[-1])
            first, last = int(windows.first[w]), int(windows.last[w])
            rows.append((0, 1, first, last, int(ways[w]), float(ratios[w])))
            spans += _beside(low, high, first, last)
    return _table(rows)


def _beside(low: int, high: int, first: int, last: int) -> list[tuple[int, int]]:
    """What is left of [low, high) before and after a window, one interval apart from it; so SaTScan cuts the end."""
    return [(a, b) for a, b in ((low, first - 1), (last + 2, high - 1)) if a < b]


@nb.njit(cache=True, nogil=True)
def _singly(field: Field, windows: Windows, limits: Limits) -> tuple[Ints, Floats]:
    """Direction (0: does not count) and statistic of every window (W,) of the first location."""
    W = len(windows.first)
    ways, ratios = np.zeros(W, np.int64), np.zeros(W)
    inside, held = np.zeros(field.n.shape[0]), np.zeros(field.n.shape[0])
    for w in range(W):
        first, stop = windows.first[w], windows.last[w] + 1
        inside[:] = field.n[:, 0, first] - field.n[:, 0, stop]
        held[:] = field.u[:, 0, first] - field.u[:, 0, stop]
        ratios[w], ways[w] = judge(field.kind, inside, held, field.N, field.U, w, limits)
    return ways, ratios


def _table(rows: list[tuple[int, int, int, int, int, float]]) -> Found:
    whole = np.array([row[:5] for row in rows], dtype=np.int64).reshape(-1, 5).T
    family, size, first, last, way = whole
    return Found(family, size, first, last, way, np.array([row[5] for row in rows], dtype=np.float64))


@nb.njit(cache=True, nogil=True)
def _best(
    field: Field, members: Index, smallest: int, penalty: float, windows: Windows, limits: Limits, low: int, high: int
) -> tuple[int, int, int, float]:
    """The best (size, window, direction, statistic) among the prefixes of `members`, windows inside [low, high)."""
    if field.n.shape[0] == 1 and limits.floor <= 0 and limits.ceiling <= 0:
        n, u = np.zeros(field.n.shape[2]), np.zeros(field.n.shape[2])
        return _best_of_one(field, members, smallest, penalty, windows, limits, low, high, n, u)
    return _best_of_many(field, members, smallest, penalty, windows, limits, low, high)


@bare
def _best_of_one(
    field: Field, members: Index, smallest: int, penalty: float, windows: Windows, limits: Limits, low: int, high: int,
    n: Floats, u: Floats,
) -> tuple[int, int, int, float]:  # fmt: skip
    """One stream without limits on the risk: the common case, kept lean. n, u (T + 1,) are room, zeros."""
    count, held, N, U = field.n[0], field.u[0], field.N[0], field.U[0]
    firsts, lasts = windows.first, windows.last
    seek_high, seek_low = limits.ways & HIGH, limits.ways & LOW
    size, window, way, best = 0, -1, 0, 0.0
    for k in range(len(members)):
        m = members[k]
        for e in range(len(n)):
            n[e] += count[m, e]
            u[e] += held[m, e]
        alone = k + 1 > smallest and seek_low == 0
        if k + 1 < smallest or (alone and count[m, 0] == 0):
            continue
        for w in range(len(firsts)):
            first, stop = firsts[w], lasts[w] + 1
            if alone and count[m, first] == count[m, stop]:
                continue  # without a case more, a larger window is no better
            inside = n[first] - n[stop]
            if inside < limits.least_high and seek_low == 0:
                continue
            if first < low or stop > high:
                continue
            outside = u[first] - u[stop]
            how = direction(field.kind, inside, outside, N[w], U[w])
            if (how == HIGH and seek_high and inside >= limits.least_high) or (
                how == LOW and seek_low and inside >= limits.least_low
            ):
                if no_better(field.kind, inside, outside, N[w], U[w], best / penalty):
                    continue
                ratio = llr(field.kind, inside, outside, N[w], U[w]) * penalty
                if ratio > best:
                    size, window, way, best = k + 1, w, how, ratio
    return size, window, way, best


@nb.njit(cache=True, nogil=True)
def _best_of_many(
    field: Field, members: Index, smallest: int, penalty: float, windows: Windows, limits: Limits, low: int, high: int
) -> tuple[int, int, int, float]:
    """Any number of streams."""
    S, _, E = field.n.shape
    n, u = np.zeros((S, E)), np.zeros((S, E))
    inside, held = np.zeros(S), np.zeros(S)
    size, window, way, best = 0, -1, 0, 0.0
    for k in range(len(members)):
        for s in range(S):
            for e in range(E):
                n[s, e] += field.n[s, members[k], e]
                u[s, e] += field.u[s, members[k], e]
        if k + 1 < smallest:
            continue
        for w in range(len(windows.first)):
            first, stop = windows.first[w], windows.last[w] + 1
            if first < low or stop > high:
                continue
            most = 0.0
            for s in range(S):
                inside[s] = n[s, first] - n[s, stop]
                held[s] = u[s, first] - u[s, stop]
                most += bound(field.kind, inside[s], held[s], field.N[s, w], field.U[s, w])
            if most * penalty <= best:
                continue
            ratio, how = judge(field.kind, inside, held, field.N, field.U, w, limits)
            if how != 0 and ratio * penalty > best:
                size, window, way, best = k + 1, w, how, ratio * penalty
    return size, window, way, best


@bare
def judge(kind: int, n: Floats, u: Floats, N: Floats, U: Floats, w: int, limits: Limits) -> tuple[float, int]:
    """The statistic of window w over all streams (n, u (S,); N, U (S, W)) and its direction, 0 if it does not count.

    Kulldorff et al. (2007), Stat. Med. 26:1824: the streams with excess add up; the least number of cases is asked of
    these streams together. As an adjustment, streams that go the other way count against it.
    """
    high = low = cases_high = cases_low = cases = 0.0
    for s in range(len(n)):
        cases += n[s]
        way = direction(kind, n[s], u[s], N[s, w], U[s, w])
        if way != 0 and risk_within(kind, n[s], u[s], N[s, w], U[s, w], limits.floor, limits.ceiling, way):
            ratio = llr(kind, n[s], u[s], N[s, w], U[s, w])
            if way == HIGH:
                high, cases_high = high + ratio, cases_high + n[s]
            else:
                low, cases_low = low + ratio, cases_low + n[s]
    if limits.adjust:
        high, low = high - low, low - high
        cases_high = cases_low = cases
    if not (limits.ways & HIGH) or cases_high < limits.least_high:
        high = 0.0
    if not (limits.ways & LOW) or cases_low < limits.least_low:
        low = 0.0
    if high > 0 and high >= low:
        return high, HIGH
    return (low, LOW) if low > 0 else (0.0, 0)


@nb.njit(cache=True, nogil=True)
def maximum(
    field: Field,
    members: Index,
    begin: Ints,
    smallest: Ints,
    penalty: Floats,
    windows: Windows,
    limits: Limits,
) -> float:
    """The largest statistic anywhere, 0 if no window counts."""
    best = 0.0
    for z in range(len(penalty)):
        inside = members[begin[z] : begin[z + 1]]
        found = _best(field, inside, smallest[z], penalty[z], windows, limits, 0, field.n.shape[2] - 1)
        best = max(best, found[3])
    return best
