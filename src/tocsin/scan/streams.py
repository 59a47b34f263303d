"""The maxima of many replicates at once where several streams add up or limits on the risk count. Pure.

As in `lanes`, but what is to be beaten, b, is cut into m steps: the count of a stream tells how many of them its own
statistic passes, and only where the steps of all S streams add up to m − S + 1 are they judged together. Fewer cannot
make f₁ + … + f_S > b, as each f is less than one step above those it passes. The maxima are exact.
"""

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from tocsin.scan.bare import bare
from tocsin.scan.bins import Bins, bin_family
from tocsin.scan.cylinder import Limits, judge
from tocsin.scan.families import FEW, Families
from tocsin.scan.lanes import Spans, take_in
from tocsin.scan.statistic import bound
from tocsin.scan.thresholds import LANES, Counts, Tables, level_of
from tocsin.types import Floats, Ints

NEARLY = 1 - 1e-9  # of a step: rounding must not add one


class Sides(NamedTuple):
    """Streams S and steps M = m − S + 1; statistic, limits, totals N, U (S, W) of each window."""

    kind: int
    limits: Limits
    N: Floats
    U: Floats
    steps: int


class Room(NamedTuple):
    """Thresholds high, low (M · G · B, LANES); row (M, LANES) of the tables for each step and lane, since (LANES,) what
    they were last all set for; high and low steps passed (LANES,), their marks, also eight by eight; what is expected
    (S · K + 1,) before `done`; counts, expected counts and those after the window (S,)."""

    high: Counts
    low: Counts
    row: Ints
    since: Floats
    more: Counts
    fewer: Counts
    marks: NDArray[np.uint8]
    eights: NDArray[np.uint64]
    u: Floats
    done: Ints
    inside: Floats
    held: Floats
    early: Floats
    late: Floats
    rows: NDArray[np.uint16]
    ahead: Floats
    edge: Floats
    bits: Ints


@nb.njit(cache=True, nogil=True)
def maxima(
    sides: Sides, counts: Counts, expected: Floats, families: Families, windows: Spans, tables: Tables, bins: Bins,
    best: Floats,
) -> None:  # fmt: skip
    """Raise best (LANES,) to each replicate's largest statistic over all families and windows.

    counts (L, S · K, LANES), expected (L, S · K): sums from each interval to the end, stream after stream; windows
    and the columns of `bins` (W · S,): the streams of the first window, of the second …
    """
    S, E = len(sides.N), counts.shape[1]
    M, (G, B, _) = sides.steps, tables.high.shape
    n: Counts = np.zeros((E + 1, LANES), tables.high.dtype)  # the last row stays 0: the end
    edge, marks = np.empty(1), np.empty(LANES, np.uint8)
    room = Room(
        np.empty((M * G * B, LANES), n.dtype), np.empty((M * G * tables.low.shape[1], LANES), n.dtype),
        np.zeros((M, LANES), np.int64), np.empty(LANES), np.zeros(LANES, n.dtype), np.zeros(LANES, n.dtype),
        marks, marks.view(np.uint64), np.zeros(E + 1), np.zeros(1, np.int64),
        np.zeros(S), np.zeros(S), np.zeros(S), np.zeros(S),
        np.empty((1 if bins.kept else bins.longest, len(windows.first)), np.uint16), np.zeros(E + 1),
        edge, edge.view(np.int64),
    )  # fmt: skip
    flat = counts.reshape(len(counts), E * LANES)
    grown = n.reshape((E + 1) * LANES)[: E * LANES]
    _raise(sides, counts, flat, n, grown, expected, families, windows, tables, bins, best, room)


@bare
def _raise(
    sides: Sides, counts: Counts, flat: Counts, n: Counts, grown: Counts, expected: Floats, families: Families,
    windows: Spans, tables: Tables, bins: Bins, best: Floats, room: Room,
) -> None:  # fmt: skip
    S, W = sides.N.shape
    before = -1.0
    few = len(families.penalty) // FEW
    for z in range(len(families.penalty)):
        if families.penalty[z] != before:
            before = families.penalty[z]
            room.since[:] = -1
            _start(best, before, S, room, tables)
        elif z in (1, 4, few, 3 * few, 8 * few):
            _start(best, before, S, room, tables)
        n[:] = 0
        room.u[:] = 0.0
        room.done[0] = i = families.begin[z]
        rows, row = bins.bins, bins.begin[z]
        if not bins.kept:
            rows, row = room.rows, 0
            bin_family(
                z, families, expected, windows.first, windows.stop, windows.rate, bins.place, bins.lowest, rows, row,
                room.u, room.ahead, room.edge, room.bits,
            )  # fmt: skip
            room.u[:] = 0.0
        while i < families.begin[z + 1]:
            block = families.together[i]
            take_in(grown, flat, families.members, i, block)
            if families.ahead[i]:
                for w in range(W):
                    if _passed(n, w * S, S, windows, tables, rows, row, room):
                        _step(
                            sides, n, counts, expected, families, before, w, windows, tables, rows, row, i, best, room
                        )
            i += block
            row += 1


@bare
def _start(best: Floats, penalty: float, S: int, room: Room, tables: Tables) -> None:
    """All thresholds, for what each lane has reached."""
    changed = False
    for j in range(LANES):
        row = level_of(best[j] / penalty)
        changed |= room.since[j] != row
        room.since[j] = row
        _rows(best[j] / penalty, j, S, room)
    if changed:
        _set(room.high, tables.high, room.row)
        if tables.both:
            _set(room.low, tables.low, room.row)


@bare
def _rows(statistic: float, j: int, S: int, room: Room) -> None:
    M = len(room.row)
    for k in range(M):
        room.row[k, j] = level_of(statistic * ((k + 1) / (M + S - 1)) * NEARLY)


@bare
def _set(into: Counts, table: Counts, row: Ints) -> None:
    G, B, _ = table.shape
    for k in range(len(row)):
        for g in range(G):
            for b in range(B):
                for j in range(LANES):
                    into[(k * G + g) * B + b, j] = table[g, b, row[k, j]]


@bare
def _passed(
    n: Counts, base: int, S: int, windows: Spans, tables: Tables, rows: NDArray[np.uint16], row: int, room: Room
) -> bool:
    """Whether the steps add up in some lane; which lanes, into `room.marks`."""
    M, (G, B, _) = len(room.row), tables.high.shape
    _zero(room.more)
    if tables.both:
        _zero(room.fewer)
    for s in range(S):
        w = base + s
        first, stop, at = windows.first[w], windows.stop[w], windows.group[w] * B + rows[row, w]
        for k in range(M):
            _count(n, first, stop, room.high, k * G * B + at, room.more)
        if tables.both:
            for k in range(M):
                _count_low(n, first, stop, room.low, k * G * B + at, room.fewer)
    hit = _mark(room.more, M, room.marks)
    return _mark_too(room.fewer, M, room.marks) or hit if tables.both else hit


@bare
def _zero(steps: Counts) -> None:
    for j in range(LANES):
        steps[j] = 0


@bare
def _count(n: Counts, first: int, stop: int, least: Counts, at: int, steps: Counts) -> None:
    for j in range(LANES):
        steps[j] += n.dtype.type(n.dtype.type(n[first, j] - n[stop, j]) >= least[at, j])


@bare
def _count_low(n: Counts, first: int, stop: int, most: Counts, at: int, steps: Counts) -> None:
    for j in range(LANES):
        steps[j] += n.dtype.type(n.dtype.type(n[first, j] - n[stop, j]) <= most[at, j])


@bare
def _mark(steps: Counts, enough: int, marks: NDArray[np.uint8]) -> bool:
    hit = False
    least = steps.dtype.type(enough)
    for j in range(LANES):
        marks[j] = steps[j] >= least
        hit |= steps[j] >= least
    return hit


@bare
def _mark_too(steps: Counts, enough: int, marks: NDArray[np.uint8]) -> bool:
    hit = False
    least = steps.dtype.type(enough)
    for j in range(LANES):
        marks[j] |= steps[j] >= least
        hit |= steps[j] >= least
    return hit


@bare
def _step(
    sides: Sides, n: Counts, counts: Counts, expected: Floats, families: Families, penalty: float, w: int,
    windows: Spans, tables: Tables, rows: NDArray[np.uint16], row: int, begin: int, best: Floats, room: Room,
) -> None:  # fmt: skip
    """Lanes that may beat their best in one window: location by location, all streams together."""
    members = families.members
    for i in range(room.done[0], begin):  # what is expected is added up only where it is asked for
        for t in range(counts.shape[1]):
            room.u[t] += expected[members[i], t]
    room.done[0] = begin
    for e in range(len(room.eights)):
        if room.eights[e]:
            for j in range(8 * e, 8 * e + 8):
                if room.marks[j] and _still(n, w, j, sides, windows, tables, rows, row, room):
                    _judged(sides, n, counts, expected, families, penalty, w, j, windows, begin, best, room)


@bare
def _still(
    n: Counts, w: int, j: int, sides: Sides, windows: Spans, tables: Tables, rows: NDArray[np.uint16], row: int,
    room: Room,
) -> bool:  # fmt: skip
    """Whether a lane's steps add up by what it has reached now; its thresholds are set anew."""
    S, M, (G, B, _) = len(sides.N), len(room.row), tables.high.shape
    more = fewer = 0
    for s in range(S):
        v = w * S + s
        g, b = windows.group[v], np.int64(rows[row, v])
        count = np.int64(n[windows.first[v], j]) - n[windows.stop[v], j]
        for k in range(M):
            least = tables.high[g, b, room.row[k, j]]
            room.high[(k * G + g) * B + b, j] = least
            more += count >= least
            if tables.both:
                most = tables.low[g, b, room.row[k, j]]
                room.low[(k * G + g) * B + b, j] = most
                fewer += count <= most
    return more >= M or fewer >= M


@bare
def _judged(
    sides: Sides, n: Counts, counts: Counts, expected: Floats, families: Families, penalty: float, w: int, j: int,
    windows: Spans, begin: int, best: Floats, room: Room,
) -> None:  # fmt: skip
    """The statistic of one lane and window with each of a block's locations, where it counts."""
    S, E, members = len(sides.N), counts.shape[1], families.members
    end = begin + families.together[begin]
    for s in range(S):
        first, stop = windows.first[w * S + s], windows.stop[w * S + s]
        count = np.int64(n[first, j]) - n[stop, j]
        for k in range(begin, end):
            count -= np.int64(counts[members[k], first, j])
            count += np.int64(0) if stop == E else np.int64(counts[members[k], stop, j])
        room.inside[s] = count
        room.early[s], room.late[s] = room.u[first], room.u[stop]
    for k in range(begin, end):
        m = members[k]
        most = 0.0
        for s in range(S):
            first, stop = windows.first[w * S + s], windows.stop[w * S + s]
            room.inside[s] += counts[m, first, j]
            room.early[s] += expected[m, first]
            if stop < E:
                room.inside[s] -= counts[m, stop, j]
                room.late[s] += expected[m, stop]
            room.held[s] = room.early[s] - room.late[s]
            most += bound(sides.kind, room.inside[s], room.held[s], sides.N[s, w], sides.U[s, w])
        if not families.fresh[k] or most * penalty <= best[j]:
            continue
        ratio, way = judge(sides.kind, room.inside, room.held, sides.N, sides.U, w, sides.limits)
        if way != 0 and ratio * penalty > best[j]:
            best[j] = ratio * penalty
            _rows(best[j] / penalty, j, S, room)
