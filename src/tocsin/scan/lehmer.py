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
def stream(seed: int, length: int) -> Floats:
    """Uniform numbers in (0, 1)."""
    found = np.empty(length)
    x = seed
    for i in range(length):
        x = _A * x % _M
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
        by = np.argsort(keys[used : used + len(place)], kind="stable")
        used += len(place)
        dealt = time[by] - first
        late = dealt >= 0
        np.add.at(counts[:, :, lane], (place[late], dealt[late]), 1)


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
