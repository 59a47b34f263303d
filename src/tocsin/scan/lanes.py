"""The maxima of many replicates at once: counts side by side as small integers, thresholds instead of logarithms. Pure.

Expected counts are the same in all replicates. So for each of them (binned by its logarithm) and for the best
statistic a replicate has reached, a table tells which count would beat it (see `thresholds`). Counts only grow as
a window does: several locations are taken in at once, and only if the count at their end beats what was expected at
their beginning, one looks at them one by one. The maxima are exact.
"""

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from tocsin.scan.bare import bare
from tocsin.scan.bins import Bins, bin_at, bin_family
from tocsin.scan.families import FEW, Families
from tocsin.scan.statistic import HIGH, LOW, direction, llr
from tocsin.scan.thresholds import LANES, Counts, State, Tables, level_of, refresh, start
from tocsin.scan.zones import Index
from tocsin.types import Floats, Ints


class Spans(NamedTuple):
    """Windows first, stop (W,) as indices of the K intervals (stop = K: the end), totals N, U, table group (W,).

    rate (W,): what turns what is held against the counts into cases, N/U.
    """

    first: Ints
    stop: Ints
    N: Floats
    U: Floats
    group: Ints
    rate: Floats


class Work(NamedTuple):
    """Room: for one expected count, as itself and as bits; for marks of lanes, one by one and eight by eight; for the
    lanes (LANES,) and windows (W,) hit; for what is expected (K + 1,) in the present family's members before `done`,
    and with the next one; for the columns of one family, if they are not kept.
    """

    edge: Floats
    bits: Ints
    marks: NDArray[np.uint8]
    eights: NDArray[np.uint64]
    lanes: Ints
    window: Ints
    u: Floats
    ahead: Floats
    done: Ints
    rows: NDArray[np.uint16]


@bare
def summed(counts: Counts, K: int) -> None:
    """Counts (L · K, LANES) of each interval summed from it to the last one of its location."""
    for a in range(len(counts) - 2, -1, -1):
        if (a + 1) % K:
            _onto(counts, a, a + 1)


@bare
def _onto(counts: Counts, a: int, b: int) -> None:
    for j in range(LANES):
        counts[a, j] += counts[b, j]


@bare
def narrowed(counts: Counts, near: Ints, into: NDArray[np.int8], stream: int) -> tuple[int, int]:
    """The same (L, S · K · LANES) in the order of `near` and in 8 bits, whether it fits or not: the largest count, and
    the largest sum over all locations since the first interval tell. stream: K · LANES."""
    largest = most = 0
    for i in range(len(near)):
        largest = max(largest, _copied(counts, near[i], into, i))
    for begin in range(0, counts.shape[1], stream):
        for j in range(begin, begin + LANES):
            held = 0
            for i in range(len(counts)):
                held += counts[i, j]
            most = max(most, held)
    return largest, most


@bare
def _copied(counts: Counts, a: int, into: NDArray[np.int8], b: int) -> int:
    largest = counts.dtype.type(0)
    for j in range(counts.shape[1]):
        largest = max(largest, counts[a, j])
        into[b, j] = counts[a, j]
    return int(largest)


# Rows are told by their number and not cut out: a view costs as much as comparing its 128 counts.


@bare
def _add(total: Counts, x: Counts, a: int) -> None:
    for j in range(x.shape[1]):
        total[j] += x[a, j]


@bare
def _add_two(total: Counts, x: Counts, a: int, b: int) -> None:
    for j in range(x.shape[1]):
        total[j] += x.dtype.type(x[a, j] + x[b, j])


@bare
def _add_four(total: Counts, x: Counts, a: int, b: int, c: int, d: int) -> None:
    for j in range(x.shape[1]):
        total[j] += x.dtype.type(x[a, j] + x[b, j] + x[c, j] + x[d, j])


@bare
def take_in(total: Counts, x: Counts, m: Index, i: int, block: int) -> None:
    """Add the locations m[i : i + block] to the total: so many of them in the few bits of the counts."""
    if block == 1:
        _add(total, x, m[i])
    elif block == 2:
        _add_two(total, x, m[i], m[i + 1])
    else:
        for k in range(i, i + block, 4):
            _add_four(total, x, m[k], m[k + 1], m[k + 2], m[k + 3])


@bare
def _beats(n: Counts, at: int, least: Counts, row: int) -> bool:
    hit = False
    for j in range(LANES):
        hit |= n[at, j] >= least[row, j]
    return hit


@bare
def _difference_beats(n: Counts, at: int, later: int, least: Counts, row: int) -> bool:
    hit = False
    for j in range(LANES):
        hit |= n.dtype.type(n[at, j] - n[later, j]) >= least[row, j]  # as narrow as the counts: more at once
    return hit


@bare
def _mark(n: Counts, at: int, later: int, least: Counts, row: int, marks: NDArray[np.uint8]) -> None:
    for j in range(LANES):
        marks[j] = n.dtype.type(n[at, j] - n[later, j]) >= least[row, j]


@bare
def _mark_low(n: Counts, at: int, later: int, most: Counts, row: int, marks: NDArray[np.uint8]) -> None:
    for j in range(LANES):
        marks[j] |= n.dtype.type(n[at, j] - n[later, j]) <= most[row, j]


@bare
def _beating(n: Counts, at: int, later: int, state: State, row: int, both: bool, work: Work) -> int:
    """How many lanes reach a threshold; their numbers into `work.lanes`."""
    _mark(n, at, later, state.high, row, work.marks)
    if both:
        _mark_low(n, at, later, state.low, row, work.marks)
    found = 0
    for e in range(len(work.eights)):
        if work.eights[e]:
            for j in range(8 * e, 8 * e + 8):
                if work.marks[j]:
                    work.lanes[found] = j
                    found += 1
    return found


@bare
def _leaves(n: Counts, at: int, later: int, most: Counts, row: int) -> bool:
    hit = False
    for j in range(LANES):
        hit |= n.dtype.type(n[at, j] - n[later, j]) <= most[row, j]
    return hit


@nb.njit(cache=True, nogil=True)
def maxima(
    kind: int, counts: Counts, expected: Floats, families: Families, windows: Spans, tables: Tables, bins: Bins,
    best: Floats,
) -> None:  # fmt: skip
    """Raise best (LANES,) to each replicate's largest statistic over all families and windows.

    counts (L, K, LANES), expected (L, K): sums from each interval to the end; small counts may come in fewer bits
    than the tables have, if four of them add up in these. Several streams and limits on the risk are
    `streams.maxima`'s work.
    """
    K, W = counts.shape[1], len(windows.first)
    n: Counts = np.zeros((K + 1, LANES), tables.high.dtype)  # the last row stays 0: the end
    size = (tables.high.shape[0] * tables.high.shape[1], LANES)
    low = (tables.low.shape[0] * tables.low.shape[1], LANES)
    state = State(np.empty(size, n.dtype), np.empty(low, n.dtype), np.zeros(LANES, np.int64), np.empty(LANES))
    edge, marks = np.empty(1), np.empty(LANES, np.uint8)
    work = Work(
        edge, edge.view(np.int64), marks, marks.view(np.uint64), np.empty(LANES, np.int64),
        np.empty(W, np.int64), np.zeros(K + 1), np.zeros(K + 1), np.zeros(1, np.int64),
        np.empty((1 if bins.kept else bins.longest, W), np.uint16),
    )  # fmt: skip
    flat = counts.reshape(len(counts), K * LANES)
    grown = n.reshape((K + 1) * LANES)[: K * LANES]
    column = windows.group * tables.high.shape[1]
    _raise(kind, counts, flat, n, grown, column, expected, families, windows, tables, bins, best, state, work)


@bare
def _raise(
    kind: int, counts: Counts, flat: Counts, n: Counts, grown: Counts, column: Ints, expected: Floats,
    families: Families, windows: Spans, tables: Tables, bins: Bins, best: Floats, state: State, work: Work,
) -> None:  # fmt: skip
    first, stop = windows.first, windows.stop
    before = -1.0
    few = len(families.penalty) // FEW
    for z in range(len(families.penalty)):
        if families.penalty[z] != before:
            before = families.penalty[z]
            state.since[:] = -1
            start(best, before, state, tables)
        elif z in (1, 4, few, 3 * few, 8 * few):
            start(best, before, state, tables)
        n[:] = 0
        work.u[:] = 0.0
        work.done[0] = i = families.begin[z]
        rows, row = bins.bins, bins.begin[z]
        if not bins.kept:
            rows, row = work.rows, 0
            bin_family(
                z, families, expected, first, stop, windows.rate, bins.place, bins.lowest, rows, row,
                work.u, work.ahead, work.edge, work.bits,
            )  # fmt: skip
            work.u[:] = 0.0
        while i < families.begin[z + 1]:
            block = families.together[i]
            take_in(grown, flat, families.members, i, block)
            if families.ahead[i]:
                if tables.both:
                    hits = _look_both(n, first, stop, column, state.high, state.low, rows, row, work.window)
                else:
                    hits = _look(n, first, stop, column, state.high, rows, row, work.window)
                if hits:
                    _step(
                        kind, n, counts, expected, families, before, windows, tables, bins, state, rows, row, i,
                        best, work, hits,
                    )  # fmt: skip
            i += block
            row += 1


@bare
def _look(
    n: Counts, first: Ints, stop: Ints, column: Ints, high: Counts, rows: NDArray[np.uint16], row: int, found: Ints
) -> int:
    """Which windows of the present block some lane beats: how many, their numbers into `found`."""
    hits, K = 0, len(n) - 1
    for w in range(len(first)):
        f, s, at = first[w], stop[w], column[w] + rows[row, w]
        if _beats(n, f, high, at) if s == K else _difference_beats(n, f, s, high, at):
            found[hits] = w
            hits += 1
    return hits


@bare
def _look_both(
    n: Counts, first: Ints, stop: Ints, column: Ints, high: Counts, low: Counts, rows: NDArray[np.uint16], row: int,
    found: Ints,
) -> int:  # fmt: skip
    """The same for high and low counts."""
    hits = 0
    for w in range(len(first)):
        f, s, at = first[w], stop[w], column[w] + rows[row, w]
        if _difference_beats(n, f, s, high, at) or _leaves(n, f, s, low, at):
            found[hits] = w
            hits += 1
    return hits


@bare
def _step(
    kind: int, n: Counts, counts: Counts, expected: Floats, families: Families, penalty: float, windows: Spans,
    tables: Tables, bins: Bins, state: State, rows: NDArray[np.uint16], row: int, begin: int, best: Floats, work: Work,
    hits: int,
) -> None:  # fmt: skip
    """Lanes that may beat their best: location by location, the statistic where the count does, and new thresholds."""
    K, B = counts.shape[1], tables.high.shape[1]
    members, stop = families.members, begin + families.together[begin]
    for i in range(work.done[0], begin):  # what is expected is added up only where it is asked for
        for t in range(K):
            work.u[t] += expected[members[i], t]
    work.done[0] = begin
    for hit in range(hits):
        w = work.window[hit]
        f, s, g, b = windows.first[w], windows.stop[w], windows.group[w], rows[row, w]
        ends = s == K
        for i in range(_beating(n, f, s, state, g * B + b, tables.both, work)):
            j = work.lanes[i]
            refresh(g, b, j, state, tables)
            least = np.int64(state.high[g * B + b, j])
            most = np.int64(state.low[g * B + b, j]) if tables.both else -1
            count = np.int64(n[f, j]) - n[s, j]
            if count < least and count > most:
                continue  # it has reached more since the threshold was set
            for k in range(begin, stop):
                m = members[k]
                count -= counts[m, f, j] - (0 if ends else counts[m, s, j])
            u, later = work.u[f], work.u[s]
            for k in range(begin, stop):
                m = members[k]
                count += counts[m, f, j] - (0 if ends else counts[m, s, j])
                u += expected[m, f]
                later += 0.0 if ends else expected[m, s]
                if not families.fresh[k] or (count < least and count > most):
                    continue
                at = bin_at((u - later) * windows.rate[w], work.edge, work.bits, bins.place, bins.lowest)
                high = np.int64(tables.high[g, at, state.row[j]])
                low = np.int64(tables.low[g, at, state.row[j]]) if tables.both else -1
                if count >= high or count <= low:
                    N, U = windows.N[w], windows.U[w]
                    way = direction(kind, count, u - later, N, U)
                    if (way == HIGH and count >= high) or (way == LOW and tables.few <= count <= low):
                        best[j] = max(best[j], llr(kind, count, u - later, N, U) * penalty)
                        state.row[j] = level_of(best[j] / penalty)
