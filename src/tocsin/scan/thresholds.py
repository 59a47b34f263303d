"""Which count beats a statistic: tables by expectation and level, so that a window costs no logarithm. Pure.

The tables err on the side of looking again: whoever uses them computes the statistic where a count seems to beat.
"""

import math
from typing import NamedTuple, TypeVar

import numba as nb
import numpy as np
from numpy.typing import NDArray

from tocsin.scan.bare import bare
from tocsin.scan.statistic import BERNOULLI, HIGH, LOW, direction, llr
from tocsin.types import Floats, Ints

LEVEL = 0.05  # step of the statistic in the table …
LEVELS = 480  # … and how many
BITS = 47  # of a float's 52 after the point are dropped: below WIDE, 32 bins an octave
WIDE = 16.0  # expected counts from here on …
FINE = 16  # … have so many bins to a unit of their square root, as their standard deviation grows with that
NEVER = 2**31 - 1
LANES = 128  # replicates side by side: known to the compiler, so that it makes vectors of them
T = TypeVar("T")
Counts = NDArray[np.int8] | NDArray[np.int16] | NDArray[np.int32]


class Totals(NamedTuple):
    """The statistic and the totals it compares with."""

    kind: int
    N: float
    U: float


class Tables(NamedTuple):
    """Counts that beat a level: high, low (G, B, LEVELS), low without bins if low counts do not matter; if they do; low
    counts of fewer than `few` are none."""

    high: Counts
    low: Counts
    both: bool
    few: float


class State(NamedTuple):
    """Thresholds high, low (G · B, LANES), each as of when it was last hit; row (LANES,) of the tables reached now,
    and since: reached when all were last set."""

    high: Counts
    low: Counts
    row: Ints
    since: Floats


def spare(room: list[T]) -> T | None:
    """Memory of a batch that is done, if there is any; threads may ask at once."""
    try:
        return room.pop()
    except IndexError:
        return None


@bare
def bin_of(held: float, edge: Floats, bits: Ints) -> int:
    """The bin of an expected count; edge (1,) is room for it, bits the same room as an integer."""
    edge[0] = held
    if held < WIDE:
        return int(bits[0] >> BITS)
    edge[0] = WIDE
    return int(bits[0] >> BITS) + int((math.sqrt(held) - math.sqrt(WIDE)) * FINE)


@bare
def _edge(b: int, edge: Floats, bits: Ints) -> float:
    """The least expected count of a bin."""
    edge[0] = WIDE
    first = bits[0] >> BITS
    if b >= first:
        return float((math.sqrt(WIDE) + (b - first) / FINE) ** 2)
    bits[0] = b << BITS
    return float(edge[0])


@nb.njit(cache=True, nogil=True)
def table(totals: Totals, least: float, used: Ints, low: bool) -> Counts:
    """Counts (B, LEVELS) that may beat each level in each of the bins of expected cases (B,), u · N/U.

    High: no larger than the smallest such count, at the low edge of the bin. Low: no smaller than the largest, at the
    high edge. They hold for larger N, and for smaller N/U, too: with n and u · N/U as they are, either lessens the
    statistic, as outside, and for Bernoulli inside, the same gap is spread over more.
    """
    edge = np.empty(1)
    bits = edge.view(np.int64)
    found = np.full((len(used), LEVELS), -1 if low else NEVER, np.int32)
    for b in range(len(used)):
        aside = 1e-12 if low else -1e-12  # more than rounding moves an edge
        mean = _edge(used[b] + (1 if low else 0), edge, bits) * (1 + aside)
        if low and mean >= totals.N:  # as it may be where N is larger
            found[b] = NEVER
            continue
        mean = min(mean, totals.N)
        n = math.ceil(mean) if low else max(1.0, least, math.floor(mean))
        stride = max(1, int(math.sqrt(mean) / FINE))
        level, before = 0, n
        while level < LEVELS and max(least, 0.0) <= n <= totals.N and n < NEVER:
            u, U = mean * (totals.U / totals.N), totals.U
            if totals.kind == BERNOULLI and n > u:  # as it may be where N/U is smaller
                u, U = n, n * (totals.N / mean)
            if direction(totals.kind, n, u, totals.N, U) == (LOW if low else HIGH):
                ratio = llr(totals.kind, n, u, totals.N, U)
                while level < LEVELS and ratio > level * LEVEL:
                    found[b, level] = before
                    level += 1
            before = n - 1 if low else n + 1
            n += -stride if low else stride
        if level < LEVELS and not low:  # also beyond N: other windows that share the table may hold more
            found[b, level:] = min(before, NEVER)
        if level < LEVELS and low and before >= max(least, 0.0):
            found[b, level:] = before
    return found


@bare
def start(best: Floats, penalty: float, state: State, tables: Tables) -> None:
    """All thresholds, for what each lane has reached."""
    G, B, _ = tables.high.shape
    changed = False
    for j in range(LANES):
        row = level_of(best[j] / penalty)
        changed |= state.since[j] != row
        state.since[j] = state.row[j] = row
    if changed:
        for g in range(G):
            for b in range(B):
                _set(state.high, g * B + b, tables.high, g, b, state.row)
                if tables.both:
                    _set(state.low, g * B + b, tables.low, g, b, state.row)


@bare
def _set(into: Counts, at: int, table: Counts, g: int, b: int, row: Ints) -> None:
    for j in range(LANES):
        into[at, j] = table[g, b, row[j]]


@bare
def level_of(statistic: float) -> int:
    """The row of the tables."""
    return min(int(statistic / LEVEL), LEVELS - 1)


@bare
def refresh(g: int, b: int, j: int, state: State, tables: Tables) -> None:
    """One threshold, for what the lane has reached since it was set: only those that were hit are worth it."""
    at = g * tables.high.shape[1] + b
    state.high[at, j] = tables.high[g, b, state.row[j]]
    if tables.both:
        state.low[at, j] = tables.low[g, b, state.row[j]]
