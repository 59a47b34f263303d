"""Replicates from SaTScan's own random stream, for the permutation and Bernoulli models: the same ranks. Pure.

Bernoulli replicates stratified by time are not drawn in a known order: there our own stream is used.

Replicate i (from 1) starts Lehmer's generator x ← 48271·x mod (2³¹ − 1) at 12345678 + i, a further 10⁶ for every
further data set. Keys are held in single precision; where two of a large set are equal, their order may differ.
"""

from typing import NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from tocsin.scan.thresholds import Counts
from tocsin.types import Floats, Ints

SEED = 12345678
APART = 1_000_000  # from one data set's seed to the next one's
Keys = npt.NDArray[np.float32]
_A, _M = 48271, 2147483647


@nb.njit(cache=True, nogil=True)
def stream(seed: int, length: int) -> Floats:
    """Uniform numbers in (0, 1)."""
    found = np.empty(length)
    x = seed
    for i in range(length):
        x = _A * x
        x = (x & _M) + (x >> 31)  # modulo 2³¹ − 1
        if x >= _M:
            x -= _M
        found[i] = x / _M
    return found


class Cases(NamedTuple):
    """Cases one by one, by interval (last first), then by location: where and when each is."""

    place: Ints
    time: Ints


def in_order(strata: list[Ints]) -> list[Cases]:
    """The cases of each stratum (L, T); strata in the order in which they first appeared in the data."""
    found = []
    for cases in strata:
        back, place = np.nonzero(cases.T[::-1])
        time = cases.shape[1] - 1 - back
        times = cases[place, time]
        found.append(Cases(np.repeat(place, times), np.repeat(time, times)))
    return found


def permuted(strata: list[Cases], first: int, seed: int, counts: Counts, lane: int) -> None:
    """Fill one lane of counts (L, K, R): per stratum, intervals sorted by random keys are dealt to the cases."""
    keys = stream(seed, sum(len(s.place) for s in strata)).astype(np.float32)
    used = 0
    for place, time in strata:
        late = int(np.searchsorted(-time, -first, side="right"))  # the last intervals come first
        _deal(keys[used : used + len(place)], late, place, time - first, counts, lane)
        used += len(place)


@nb.njit(cache=True, nogil=True)
def _deal(keys: Keys, late: int, place: Ints, time: Ints, counts: Counts, lane: int) -> None:
    """Deal the first `late` intervals: each goes to the case at the rank of its key, as a stable sort of all has it.

    Only these ranks are needed: keys are counted into as many boxes as there are, and compared within a box alone.
    """
    n = len(keys)
    before = np.zeros(n + 1, np.int32)  # keys in the boxes before
    for i in range(n):
        before[min(int(keys[i] * n), n - 1) + 1] += 1
    for b in range(n):
        before[b + 1] += before[b]
    newest = np.full(n, -1, np.int32)  # the last of the late in a box, and the one before it
    older = np.empty(late, np.int32)
    rank = np.empty(late, np.int32)
    for m in range(late):
        box = min(int(keys[m] * n), n - 1)
        older[m], newest[box], rank[m] = newest[box], m, before[box]
    for i in range(n):
        m = newest[min(int(keys[i] * n), n - 1)]
        while m >= 0:
            if keys[i] < keys[m] or (keys[i] == keys[m] and i < m):
                rank[m] += 1
            m = older[m]
    for m in range(late):
        counts[place[rank[m]], time[m], lane] += 1


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
