"""The maxima of many replicates at once: counts side by side as small integers, thresholds instead of logarithms. Pure.

Expected counts are the same in all replicates. So for each of them (binned by its logarithm) and for the best
statistic a replicate has reached, a table tells which count would beat it; a window costs one addition and one
comparison a replicate, and only an improvement costs a logarithm. The table errs on the side of looking again: the
maxima are exact.
"""

import math
from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from tocsin.scan.statistic import BERNOULLI, HIGH, LOW, direction, llr
from tocsin.scan.zones import Index, Zones
from tocsin.types import Floats, Ints

LEVEL = 0.05  # step of the statistic in the table …
LEVELS = 1200  # … and how many
BITS = 47  # of a float's 52 after the point are dropped: 32 bins an octave
NEVER = 32767
LANES = 128  # replicates side by side: known to the compiler, so that it makes vectors of them
Counts = NDArray[np.int8] | NDArray[np.int16] | NDArray[np.int32]


class Totals(NamedTuple):
    """The statistic and the totals it compares with."""

    kind: int
    N: float
    U: float


class Spans(NamedTuple):
    """Windows first, stop (W,) as indices of the K intervals (stop = K: the end), totals N, U, table group (W,)."""

    first: Ints
    stop: Ints
    N: Floats
    U: Floats
    group: Ints


class Tables(NamedTuple):
    """Counts that beat a level: high, low (G, LEVELS, B); the first bin's number; whether low counts matter."""

    high: Counts
    low: Counts
    lowest: int
    both: bool


class State(NamedTuple):
    """Thresholds high, low (G, B, LANES) for the level (row of the tables) each lane has reached in each table."""

    high: Counts
    low: Counts
    row: Ints


class Work(NamedTuple):
    """Room for one expected count, the same as bits, and one row of counts."""

    held: Floats
    bits: Ints
    spare: Counts


class Families(NamedTuple):
    """Zones without idle locations: members (M,), begin (Z + 1,), penalty (Z,), and which prefixes are new (M,)."""

    members: Index
    begin: Ints
    penalty: Floats
    fresh: NDArray[np.bool_]


@nb.njit(cache=True, nogil=True)
def table(totals: Totals, least: float, smallest: float, largest: float, low: bool) -> tuple[Ints, int]:
    """Counts (LEVELS, B) that beat each level in each bin of expectations, and the first bin's number.

    High: the smallest such count, at the low edge of the bin. Low: the largest, at the high edge.
    """
    edge = np.empty(1)
    bits = edge.view(np.int64)
    edge[0] = max(smallest, 1e-12)
    lowest = bits[0] >> BITS
    edge[0] = largest
    bins = (bits[0] >> BITS) - lowest + 1
    found = np.full((LEVELS, bins), -1 if low else NEVER, np.int32)
    for b in range(bins):
        bits[0] = (lowest + b + (1 if low else 0)) << BITS
        u = min(edge[0], totals.U)
        n = math.ceil(u * totals.N / totals.U) if low else math.floor(u * totals.N / totals.U)
        n = n if low else max(1.0, least, n)
        level = 0
        while level < LEVELS and max(least, 0.0) <= n <= totals.N and n < NEVER:
            held = max(u, n) if totals.kind == BERNOULLI else u
            if direction(totals.kind, n, held, totals.N, totals.U) == (LOW if low else HIGH):
                ratio = llr(totals.kind, n, held, totals.N, totals.U)
                while level < LEVELS and ratio > level * LEVEL:
                    found[level, b] = n
                    level += 1
            n += -1 if low else 1
    return found, lowest


@nb.njit(cache=True, nogil=True)
def _add(total: Counts, more: Counts) -> None:
    for j in range(LANES):
        total[j] += more[j]


@nb.njit(cache=True, nogil=True)
def _add_beats(total: Counts, more: Counts, least: Counts) -> bool:
    hit = False
    for j in range(LANES):
        total[j] += more[j]
        hit |= total[j] >= least[j]
    return hit


@nb.njit(cache=True, nogil=True)
def _difference_beats(count: Counts, later: Counts, least: Counts, out: Counts) -> bool:
    hit = False
    for j in range(LANES):
        out[j] = count[j] - later[j]
        hit |= out[j] >= least[j]
    return hit


@nb.njit(cache=True, nogil=True)
def _leaves(count: Counts, most: Counts) -> bool:
    hit = False
    for j in range(LANES):
        hit |= count[j] <= most[j]
    return hit


@nb.njit(cache=True, nogil=True)
def _set(g: int, j: int, level: float, state: State, tables: Tables) -> None:
    """The thresholds of one lane in one table, for the best it has reached; other tables are set when they are hit."""
    row = min(int(level / LEVEL), LEVELS - 1)
    if state.row[g, j] == row:
        return
    state.row[g, j] = row
    for b in range(state.high.shape[1]):
        state.high[g, b, j] = tables.high[g, row, b]
    if tables.both:
        for b in range(state.high.shape[1]):
            state.low[g, b, j] = tables.low[g, row, b]


@nb.njit(cache=True, nogil=True)
def _raise(
    totals: Totals, u: float, penalty: float, count: Counts, g: int, b: int, best: Floats, state: State, tables: Tables
) -> None:
    """Compute the statistic where a count may beat the best, and set the new thresholds."""
    for j in range(LANES):
        above, below = count[j] >= state.high[g, b, j], count[j] <= state.low[g, b, j]
        if above or below:
            n = float(count[j])
            way = direction(totals.kind, n, u, totals.N, totals.U)
            if (way == HIGH and above) or (way == LOW and below):
                best[j] = max(best[j], llr(totals.kind, n, u, totals.N, totals.U) * penalty)
            _set(g, j, best[j] / penalty, state, tables)


@nb.njit(cache=True, nogil=True)
def maxima(
    kind: int,
    counts: Counts,
    expected: Floats,
    families: Families,
    windows: Spans,
    tables: Tables,
    best: Floats,
) -> None:
    """Raise best (LANES,) to each replicate's largest statistic over all families and windows.

    counts (L, K, LANES), expected (L, K): sums from each interval to the end; small counts may come in 8 bits, which
    the caches hold more of, sums have the bits of the tables. Several streams and limits on the risk
    are `cylinder.maximum`'s work.
    """
    K = counts.shape[1]
    n: Counts = np.zeros((K + 1, LANES), tables.high.dtype)  # the last row stays 0: the end
    u = np.zeros(K + 1)
    high = np.zeros((tables.high.shape[0], tables.high.shape[2], LANES), n.dtype)
    low = np.full(high.shape, -1, n.dtype)
    state = State(high, low, np.full((high.shape[0], LANES), -1, np.int64))
    held = np.zeros(1)
    work = Work(held, held.view(np.int64), np.zeros(LANES, tables.high.dtype))
    first, stop = windows.first, windows.stop
    suffixes = len(first) <= K and np.all(stop == K) and np.all(first == np.arange(len(first)))
    before = -1.0
    for z in range(len(families.penalty)):
        if families.penalty[z] != before:
            before = families.penalty[z]
            state.row[:] = -1
            for g in range(high.shape[0]):
                for j in range(LANES):
                    _set(g, j, best[j] / before, state, tables)
        n[:] = 0
        u[:] = 0.0
        for i in range(families.begin[z], families.begin[z + 1]):
            m = families.members[i]
            for k in range(K):
                u[k] += expected[m, k]
            if suffixes and families.fresh[i] and not tables.both:
                _grow_and_try(kind, n, counts, m, u, before, windows, tables, state, work, best)
                continue
            for k in range(K):
                _add(n[k], counts[m, k])
            if families.fresh[i]:
                _try(kind, n, u, before, windows, tables, state, work, best)


@nb.njit(cache=True, nogil=True, inline="always")
def _grow_and_try(
    kind: int, n: Counts, more: Counts, m: int, u: Floats, penalty: float, windows: Spans, tables: Tables,
    state: State, work: Work, best: Floats,
) -> None:  # fmt: skip
    """Add a location and look at the windows that reach the end; shorter ones than these are not asked for."""
    held, bits = work.held, work.bits
    for w in range(len(windows.first)):
        held[0] = u[w]
        g, b = windows.group[w], min(max((bits[0] >> BITS) - tables.lowest, 0), state.high.shape[1] - 1)
        if _add_beats(n[w], more[m, w], state.high[g, b]):
            totals = Totals(kind, windows.N[w], windows.U[w])
            _raise(totals, u[w], penalty, n[w], g, b, best, state, tables)


@nb.njit(cache=True, nogil=True, inline="always")
def _try(
    kind: int, n: Counts, u: Floats, penalty: float, windows: Spans, tables: Tables, state: State, work: Work,
    best: Floats,
) -> None:  # fmt: skip
    """Look at all windows of the present zone."""
    held, bits, spare = work.held, work.bits, work.spare
    for w in range(len(windows.first)):
        f, s, g = windows.first[w], windows.stop[w], windows.group[w]
        held[0] = u[f] - u[s]
        b = min(max((bits[0] >> BITS) - tables.lowest, 0), state.high.shape[1] - 1)
        beats = _difference_beats(n[f], n[s], state.high[g, b], spare)
        if beats or (tables.both and _leaves(spare, state.low[g, b])):
            totals = Totals(kind, windows.N[w], windows.U[w])
            _raise(totals, held[0], penalty, spare, g, b, best, state, tables)


def together(space: Floats) -> Ints:
    """Locations along a curve that visits neighbours one after the other (Morton's), so that caches hold them."""
    low, high = space.min(axis=0), space.max(axis=0)
    cell = ((space - low) / np.maximum(high - low, 1e-300) * 1023).astype(np.int64)
    d = space.shape[1]
    key = np.zeros(len(space), np.int64)
    for bit in range(10):
        for axis in range(d):
            key |= ((cell[:, axis] >> bit) & 1) << (bit * d + axis)
    return np.argsort(key, kind="stable")


def arranged(zones: Zones, penalty: Floats, near: Ints) -> tuple[Zones, Floats]:
    """The zones with locations numbered along `near`, families of one penalty in the order of their centres."""
    if not len(zones.members):
        return zones, penalty
    place = np.empty(len(near), np.int32)
    place[near] = np.arange(len(near))
    first = zones.members[np.minimum(zones.begin[:-1], len(zones.members) - 1)]
    by = np.lexsort((place[first], penalty))
    parts = [zones.members[zones.begin[z] : zones.begin[z + 1]] for z in by]
    begin = np.concatenate([[0], np.cumsum([len(p) for p in parts])]).astype(np.int64)
    members = place[np.concatenate([*parts, np.zeros(0, np.int32)])]
    return zones._replace(members=members, begin=begin, smallest=zones.smallest[by]), penalty[by]


def families(zones: Zones, penalty: Floats, idle: NDArray[np.bool_]) -> Families:
    """Take out the locations where nothing is expected and the windows that another centre has already tried."""
    members, begin, fresh = _lean(zones.members, zones.begin, zones.smallest, penalty, idle)
    return Families(members, begin, penalty, fresh)


@nb.njit(cache=True, nogil=True)
def _lean(
    members: Index, begin: Ints, smallest: Ints, penalty: Floats, idle: NDArray[np.bool_]
) -> tuple[Index, Ints, NDArray[np.bool_]]:
    """Members left, where each family begins, and which prefixes are new (sets told apart by a 64-bit hash)."""
    kept = np.empty(members.size, members.dtype)
    fresh = np.zeros(members.size, np.bool_)
    start = np.zeros(begin.size, np.int64)
    slots = 16
    while slots < 2 * members.size:
        slots *= 2
    seen = np.zeros(slots, np.uint64)
    size = 0
    for z in range(begin.size - 1):
        mark = np.uint64(0)
        last = start[z]
        for i in range(begin[z], begin[z + 1]):
            m = members[i]
            whole = i - begin[z] + 1 >= smallest[z]
            if not idle[m]:
                kept[size] = m
                size += 1
                mark ^= _scatter(np.uint64(m + 1))
            elif i - begin[z] + 1 != smallest[z]:
                continue
            if whole and size > start[z]:
                key = mark ^ np.uint64(np.int64(penalty[z] * 1e9))
                slot = np.int64(key & np.uint64(slots - 1))
                while seen[slot] != 0 and seen[slot] != key:
                    slot = (slot + 1) % slots
                if seen[slot] == 0:
                    seen[slot] = key
                    fresh[size - 1] = True
                    last = size
        size = last  # nothing new beyond: leave the tail out
        start[z + 1] = size
    return kept[:size].copy(), start, fresh[:size].copy()


@nb.njit(cache=True, nogil=True)
def _scatter(x: np.uint64) -> np.uint64:
    """A well mixed 64-bit number for each location (splitmix64)."""
    x = x * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
