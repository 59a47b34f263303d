"""Replicates from SaTScan's own random stream, for the permutation and Bernoulli models: the same ranks. Pure.

Bernoulli replicates stratified by time are not drawn in a known order: there our own stream is used.

Replicate i (from 1) starts Lehmer's generator x ← 48271·x mod (2³¹ − 1) at 12345678 + i, a further 10⁶ for every
further data set. Keys are held in single precision; where two of a large set are equal, their order may differ.
"""

from typing import NamedTuple

import numba as nb
import numpy as np

from tocsin.scan.thresholds import Counts
from tocsin.types import Floats, Ints

SEED = 12345678
APART = 1_000_000  # from one data set's seed to the next one's
_A, _M = 48271, 2147483647


@nb.njit(cache=True, nogil=True)
def _next(x: int) -> int:
    x = _A * x
    x = (x & _M) + (x >> 31)  # modulo 2³¹ − 1
    return x - _M if x >= _M else x


@nb.njit(cache=True, nogil=True)
def stream(seed: int, length: int) -> Floats:
    """Uniform numbers in (0, 1)."""
    found = np.empty(length)
    x = seed
    for i in range(length):
        x = _next(x)
        found[i] = x / _M
    return found


class Cases(NamedTuple):
    """Cases of a stratum one by one, by interval (last first), then by location.

    place (n,): where each is; time (late,): when, from the first interval that is scanned on, of those not before it.
    """

    place: Ints
    time: Ints


def in_order(strata: list[Ints], first: int) -> list[Cases]:
    """The cases of each stratum (L, T); strata in the order in which they first appeared in the data."""
    found = []
    for cases in strata:
        back, place = np.nonzero(cases.T[::-1])
        time = cases.shape[1] - 1 - back
        times = cases[place, time]
        when = np.repeat(time, times) - first
        found.append(Cases(np.repeat(place, times), when[when >= 0]))
    return found


def permuted(strata: list[Cases], seed: int, counts: Counts, lane: int) -> None:
    """Fill one lane of counts (L, K, R): per stratum, intervals sorted by random keys are dealt to the cases."""
    x = seed
    for s in strata:
        x = _deal(x, s.place, s.time, counts, lane)


@nb.njit(cache=True, nogil=True)
def _deal(x: int, place: Ints, time: Ints, counts: Counts, lane: int) -> int:
    """Deal intervals: each goes to the case at the rank of its key, as a stable sort of all keys has it.

    Ranks are needed of the late intervals alone, and theirs are the first keys: they are put into boxes, few to a
    box; all others are counted by box and compared with what is in theirs. Returns where the stream stands.
    """
    late = len(time)
    boxes = 64
    while boxes < 32 * late and boxes < 1 << 16:
        boxes *= 2
    keys, box = np.empty(late, np.float32), np.empty(late, np.int32)
    newest, older = np.full(boxes, -1, np.int32), np.empty(late, np.int32)  # the last of a box, and the one before it
    before, rank = np.zeros(boxes + 1, np.int32), np.zeros(late, np.int32)  # keys in the boxes before; in one's own
    for m in range(late):
        x = _next(x)
        keys[m] = np.float32(x / _M)
        box[m] = min(int(keys[m] * boxes), boxes - 1)
        older[m], newest[box[m]] = newest[box[m]], m
        before[box[m] + 1] += 1
    for m in range(late):
        j = newest[box[m]]
        while j >= 0:
            if keys[j] < keys[m] or (keys[j] == keys[m] and j < m):
                rank[m] += 1
            j = older[j]
    for _ in range(late, len(place)):
        x = _next(x)
        key = np.float32(x / _M)
        b = min(int(key * boxes), boxes - 1)
        before[b + 1] += 1
        m = newest[b]
        while m >= 0:
            if key < keys[m]:
                rank[m] += 1
            m = older[m]
    for b in range(boxes):
        before[b + 1] += before[b]
    for m in range(late):
        counts[place[before[box[m]] + rank[m]], time[m], lane] += 1
    return x


def chosen(cases: Ints, units: Ints, first: int, seed: int, counts: Counts, lane: int) -> None:
    """Fill one lane: unit after unit (by location, then time) becomes a case with the chance that is left."""
    _select(stream(seed, int(units.sum())), units, int(cases.sum()), first, counts, lane)


@nb.njit(cache=True, nogil=True)
def _select(uniform: Floats, units: Ints, cases: int, first: int, counts: Counts, lane: int) -> None:
    left = units.sum()
    k = 0
    for i in range(units.shape[0]):
        for t in range(units.shape[1]):
            for _ in range(units[i, t]):
                if uniform[k] < cases / left:
                    cases -= 1
                    if t >= first:
                        counts[i, t - first, lane] += 1
                left -= 1
                k += 1
