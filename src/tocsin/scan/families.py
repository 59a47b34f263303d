"""Zones made lean for the replicates: near places side by side, idle places and windows seen before left out. Pure."""

import math
from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from tocsin.scan.zones import Index, Zones
from tocsin.types import Floats, Ints

BLOCK = 8  # locations taken in at once at most
STRIDE = 0.5  # … and no more than adds this many standard deviations of the count
FEW = 16  # one centre in so many is looked at first


class Families(NamedTuple):
    """Zones without idle locations: members (M,), begin (Z + 1,), penalty (Z,), and which prefixes are new (M,).

    together (M,): how many members from here on are taken in at once, where such a block begins; ahead (M,): whether
    one of them makes a new prefix.
    """

    members: Index
    begin: Ints
    penalty: Floats
    fresh: NDArray[np.bool_]
    together: NDArray[np.uint8]
    ahead: NDArray[np.bool_]


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
    """The zones with locations numbered along `near`, families of one penalty in the order of their centres.

    One in so many (FEW) comes first: what is found there spares much of the work on the others.
    """
    if not len(zones.members):
        return zones, penalty
    place = np.empty(len(near), np.int32)
    place[near] = np.arange(len(near))
    first = zones.members[np.minimum(zones.begin[:-1], len(zones.members) - 1)]
    by = np.lexsort((place[first], place[first] % FEW != 0, penalty))
    parts = [zones.members[zones.begin[z] : zones.begin[z + 1]] for z in by]
    begin = np.concatenate([[0], np.cumsum([len(p) for p in parts])]).astype(np.int64)
    members = place[np.concatenate([*parts, np.zeros(0, np.int32)])]
    return zones._replace(members=members, begin=begin, smallest=zones.smallest[by]), penalty[by]


def lean(zones: Zones, penalty: Floats, load: Floats, one_by_one: bool) -> Families:
    """Take out the locations where nothing is expected and the windows that another centre has already tried.

    load (L,): what is expected in each location in the longest window, 0 where nothing is in any.
    """
    return _lean(zones.members, zones.begin, zones.smallest, penalty, load, one_by_one)


@nb.njit(cache=True, nogil=True)
def _lean(members: Index, begin: Ints, smallest: Ints, penalty: Floats, load: Floats, one_by_one: bool) -> Families:
    kept, start, fresh = _thin(members, begin, smallest, penalty, load <= 0)
    blocks = np.ones(len(kept), np.uint8) if one_by_one else _blocks(kept, start, load)
    return Families(kept, start, penalty, fresh, blocks, _ahead(fresh, blocks))


@nb.njit(cache=True, nogil=True)
def _ahead(fresh: NDArray[np.bool_], together: NDArray[np.uint8]) -> NDArray[np.bool_]:
    found = fresh.copy()
    i = 0
    while i < len(fresh):
        for k in range(i, i + together[i]):
            found[i] |= fresh[k]
        i += together[i]
    return found


@nb.njit(cache=True, nogil=True)
def _blocks(members: Index, begin: Ints, load: Floats) -> NDArray[np.uint8]:
    """Blocks of 8, 4, 2 or 1: the more are in, the more at once, so that a block changes the count but little."""
    found = np.ones(members.size, np.uint8)
    for z in range(begin.size - 1):
        u = 0.0
        i = begin[z]
        while i < begin[z + 1]:
            u += load[members[i]]
            more, size, k = 0.0, 1, 1
            while k < BLOCK and i + k < begin[z + 1]:
                more += load[members[i + k]]
                k += 1
                if more > STRIDE * math.sqrt(u):
                    break
                if k == 2 * size:
                    size = k
            found[i] = size
            for k in range(1, size):
                u += load[members[i + k]]
            i += size
    return found


@nb.njit(cache=True, nogil=True)
def _thin(
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
