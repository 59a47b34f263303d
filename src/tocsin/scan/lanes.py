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

from tocsin.scan.families import FEW, Families
from tocsin.scan.statistic import HIGH, LOW, direction, llr
from tocsin.scan.thresholds import LANES, Counts, State, Tables, bin_of, level_of, refresh, start
from tocsin.scan.zones import Index
from tocsin.types import Floats, Ints


class Spans(NamedTuple):
    """Windows first, stop (W,) as indices of the K intervals (stop = K: the end), totals N, U, table group (W,)."""

    first: Ints
    stop: Ints
    N: Floats
    U: Floats
    group: Ints


class Work(NamedTuple):
    """Room: for one expected count, as itself and as bits; for marks of lanes, one by one and eight by eight; for the
    windows hit and their bins (W,)."""

    edge: Floats
    bits: Ints
    marks: NDArray[np.uint8]
    eights: NDArray[np.uint64]
    window: Ints
    bin: Ints


class Block(NamedTuple):
    """Locations families.members[start:stop] just taken in; expected counts u (K + 1,) before, ahead with the first."""

    start: int
    stop: int
    u: Floats
    ahead: Floats


@nb.njit(cache=True, nogil=True)
def _add(total: Counts, a: Counts) -> None:
    for j in range(len(a)):
        total[j] += a[j]


@nb.njit(cache=True, nogil=True)
def _add_two(total: Counts, a: Counts, b: Counts) -> None:
    for j in range(len(a)):
        total[j] += a.dtype.type(a[j] + b[j])


@nb.njit(cache=True, nogil=True)
def _add_four(total: Counts, a: Counts, b: Counts, c: Counts, d: Counts) -> None:
    for j in range(len(a)):
        total[j] += a.dtype.type(a[j] + b[j] + c[j] + d[j])


@nb.njit(cache=True, nogil=True)
def _add_eight(total: Counts, x: Counts, m: Index) -> None:
    a, b, c, d = x[m[0]], x[m[1]], x[m[2]], x[m[3]]
    e, f, g, h = x[m[4]], x[m[5]], x[m[6]], x[m[7]]
    for j in range(len(a)):
        total[j] += x.dtype.type(a[j] + b[j] + c[j] + d[j] + e[j] + f[j] + g[j] + h[j])


@nb.njit(cache=True, nogil=True)
def _beats(count: Counts, least: Counts) -> bool:
    hit = False
    for j in range(LANES):
        hit |= count[j] >= least[j]
    return hit


@nb.njit(cache=True, nogil=True)
def _difference_beats(count: Counts, later: Counts, least: Counts) -> bool:
    hit = False
    for j in range(LANES):
        hit |= count[j] - later[j] >= least[j]
    return hit


@nb.njit(cache=True, nogil=True)
def _mark(count: Counts, later: Counts, least: Counts, most: Counts, marks: NDArray[np.uint8]) -> None:
    for j in range(LANES):
        gap = count[j] - later[j]
        marks[j] = (gap >= least[j]) | (gap <= most[j])


@nb.njit(cache=True, nogil=True)
def _leaves(count: Counts, later: Counts, most: Counts) -> bool:
    hit = False
    for j in range(LANES):
        hit |= count[j] - later[j] <= most[j]
    return hit


@nb.njit(cache=True, nogil=True, inline="always")
def _bin(held: float, edge: Floats, bits: Ints, state: State, lowest: int) -> int:
    return int(min(max(bin_of(held, edge, bits) - lowest, 0), state.high.shape[1] - 1))


@nb.njit(cache=True, nogil=True)
def maxima(
    kind: int, counts: Counts, expected: Floats, families: Families, windows: Spans, tables: Tables, best: Floats
) -> None:
    """Raise best (LANES,) to each replicate's largest statistic over all families and windows.

    counts (L, K, LANES), expected (L, K): sums from each interval to the end; small counts may come in fewer bits
    than the tables have, if eight of them add up in these. Several streams and limits on the risk are
    `cylinder.maximum`'s work.
    """
    K = counts.shape[1]
    flat = counts.reshape(len(counts), K * LANES)
    n: Counts = np.zeros((K + 1, LANES), tables.high.dtype)  # the last row stays 0: the end
    grown = n.reshape((K + 1) * LANES)[: K * LANES]
    u, ahead = np.zeros(K + 1), np.zeros(K + 1)
    high = np.zeros((tables.high.shape[0], tables.high.shape[2], LANES), n.dtype)
    state = State(high, np.full(high.shape, -1, n.dtype), np.zeros(LANES, np.int64))
    W, edge, marks = len(windows.first), np.empty(1), np.empty(LANES, np.uint8)
    work = Work(edge, edge.view(np.int64), marks, marks.view(np.uint64), np.empty(W, np.int64), np.empty(W, np.int64))
    before = -1.0
    few = len(families.penalty) // FEW
    for z in range(len(families.penalty)):
        if families.penalty[z] != before:
            before = families.penalty[z]
            start(best, before, state, tables)
        elif z in (few, 3 * few, 8 * few):
            start(best, before, state, tables)
        n[:] = 0
        u[:] = 0.0
        i, stop = families.begin[z], families.begin[z + 1]
        while i < stop:
            end = i + families.together[i]
            block = Block(i, end, u, ahead)
            _take_in(flat, grown, families.members[i:end])
            for t in range(K):
                ahead[t] = u[t] + expected[families.members[i], t]
            _look(kind, n, counts, expected, families, before, windows, tables, state, block, best, work)
            for k in range(i, end):
                for t in range(K):
                    u[t] += expected[families.members[k], t]
            i = end


@nb.njit(cache=True, nogil=True, inline="always")
def _take_in(flat: Counts, total: Counts, m: Index) -> None:
    """Add up in the few bits of the counts, then add to the total."""
    if len(m) == 8:
        _add_eight(total, flat, m)
    elif len(m) == 4:
        _add_four(total, flat[m[0]], flat[m[1]], flat[m[2]], flat[m[3]])
    elif len(m) == 2:
        _add_two(total, flat[m[0]], flat[m[1]])
    else:
        _add(total, flat[m[0]])


@nb.njit(cache=True, nogil=True, inline="always")
def _look(
    kind: int, n: Counts, counts: Counts, expected: Floats, families: Families, penalty: float, windows: Spans,
    tables: Tables, state: State, block: Block, best: Floats, work: Work,
) -> None:  # fmt: skip
    """Look at all windows of the present block."""
    fresh = False
    for k in range(block.start, block.stop):
        fresh |= families.fresh[k]
    if not fresh:
        return
    K = counts.shape[1]
    edge, bits, hits = work.edge, work.bits, 0
    for w in range(len(windows.first)):
        f, s, g = windows.first[w], windows.stop[w], windows.group[w]
        b = _bin(block.ahead[f] - block.ahead[s], edge, bits, state, tables.lowest)
        least = state.high[g, b]
        hit = _beats(n[f], least) if s == K else _difference_beats(n[f], n[s], least)
        if hit or (tables.both and _leaves(n[f], n[s], state.low[g, b])):
            work.window[hits], work.bin[hits] = w, b
            hits += 1
    if hits:
        _step(kind, n, counts, expected, families, penalty, windows, tables, state, block, best, work, hits)


@nb.njit(cache=True, nogil=True)
def _step(
    kind: int, n: Counts, counts: Counts, expected: Floats, families: Families, penalty: float, windows: Spans,
    tables: Tables, state: State, block: Block, best: Floats, work: Work, hits: int,
) -> None:  # fmt: skip
    """Lanes that may beat their best: location by location, the statistic where the count does, and new thresholds."""
    for hit in range(hits):
        w, b = work.window[hit], work.bin[hit]
        f, s, g = windows.first[w], windows.stop[w], windows.group[w]
        ends = s == counts.shape[1]
        _mark(n[f], n[s], state.high[g, b], state.low[g, b], work.marks)
        for j in range(LANES):
            if work.eights[j >> 3] == 0 or work.marks[j] == 0:
                continue
            refresh(g, b, j, state, tables)
            least, most = state.high[g, b, j], state.low[g, b, j]
            count = np.int64(n[f, j]) - n[s, j]
            if count < least and count > most:
                continue  # it has reached more since the threshold was set
            for k in range(block.start, block.stop):
                m = families.members[k]
                count -= counts[m, f, j] - (0 if ends else counts[m, s, j])
            u, later = block.u[f], block.u[s]
            for k in range(block.start, block.stop):
                m = families.members[k]
                count += counts[m, f, j] - (0 if ends else counts[m, s, j])
                u += expected[m, f]
                later += 0.0 if ends else expected[m, s]
                if not families.fresh[k] or (count < least and count > most):
                    continue
                at = _bin(u - later, work.edge, work.bits, state, tables.lowest)
                high, low = tables.high[g, state.row[j], at], tables.low[g, state.row[j], at]
                if count >= high or count <= low:
                    N, U = windows.N[w], windows.U[w]
                    way = direction(kind, count, u - later, N, U)
                    if (way == HIGH and count >= high) or (way == LOW and count <= low):
                        best[j] = max(best[j], llr(kind, count, u - later, N, U) * penalty)
                        state.row[j] = level_of(best[j] / penalty)
