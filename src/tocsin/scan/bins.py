"""Which column of the thresholds each block of each family needs for each window: the same for all replicates. Pure."""

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from tocsin.scan.bare import bare
from tocsin.scan.families import Families
from tocsin.scan.thresholds import bin_of
from tocsin.types import Floats, Ints

ROOM = 1 << 25  # columns kept at most; where there are more, they are found anew for every batch


class Bins(NamedTuple):
    """bins (blocks, W) columns of the thresholds, family z's from begin[z] (Z + 1,) on; kept: whether they are there.

    used (B,): the bin of each column; place: the column of bin lowest + i, the next lower one where it has none.
    longest: most blocks of a family.
    """

    bins: NDArray[np.uint16]
    begin: Ints
    kept: bool
    used: Ints
    place: NDArray[np.uint16]
    lowest: int
    longest: int


def binned(
    families: Families, expected: Floats, first: Ints, stop: Ints, rate: Floats, smallest: float, largest: float
) -> Bins:  # fmt: skip
    """The columns of all blocks; windows first, stop (W,), expected (L, K) summed from each interval to the end.

    rate (W,): what turns these into cases; smallest, largest: bounds of the cases expected anywhere, above 0.
    """
    return Bins(*_binned(families, expected, first, stop, rate, max(smallest, 1e-12), max(largest, smallest)))


@nb.njit(cache=True, nogil=True)
def _binned(
    families: Families, expected: Floats, first: Ints, stop: Ints, rate: Floats, smallest: float, largest: float
) -> tuple[NDArray[np.uint16], Ints, bool, Ints, NDArray[np.uint16], int, int]:
    edge = np.empty(1)
    lowest = bin_of(smallest, edge, edge.view(np.int64))
    bins = bin_of(largest, edge, edge.view(np.int64)) - lowest + 1
    begin = _begins(families.begin, families.together)
    longest = max(1, np.max(begin[1:] - begin[:-1]))
    kept = 0 < begin[-1] * len(first) <= ROOM
    rows = np.zeros((begin[-1] if kept else 0, len(first)), np.uint16)
    place = np.arange(bins).astype(np.uint16)
    used = np.arange(bins)
    if kept:
        seen = _columns(families, expected, first, stop, rate, place, lowest, begin, rows)
        used = np.flatnonzero(seen)
        place = np.maximum(np.cumsum(seen) - 1, 0).astype(np.uint16)
        _renamed(rows.reshape(-1), place)
    return rows, begin, kept, used + lowest, place, lowest, longest


@nb.njit(cache=True, nogil=True)
def _begins(begin: Ints, together: NDArray[np.uint8]) -> Ints:
    """Where each family's blocks begin (Z + 1,)."""
    found = np.zeros(len(begin), np.int64)
    for z in range(len(begin) - 1):
        found[z + 1] = found[z]
        i = begin[z]
        while i < begin[z + 1]:
            i += together[i]
            found[z + 1] += 1
    return found


@nb.njit(cache=True, nogil=True)
def _columns(
    families: Families, expected: Floats, first: Ints, stop: Ints, rate: Floats, place: NDArray[np.uint16], lowest: int,
    begin: Ints, rows: NDArray[np.uint16],
) -> NDArray[np.bool_]:  # fmt: skip
    """Fill the rows (blocks, W); which bins are used."""
    seen = np.zeros(len(place), np.bool_)
    K = expected.shape[1]
    u, ahead, edge = np.zeros(K + 1), np.zeros(K + 1), np.empty(1)
    bits = edge.view(np.int64)
    for z in range(len(begin) - 1):
        bin_family(z, families, expected, first, stop, rate, place, lowest, rows, begin[z], u, ahead, edge, bits)
        for row in range(begin[z], begin[z + 1]):
            for w in range(len(first)):
                seen[rows[row, w]] = True
    return seen


@nb.njit(cache=True, nogil=True)
def _renamed(flat: NDArray[np.uint16], place: NDArray[np.uint16]) -> None:
    for i in range(len(flat)):
        flat[i] = place[flat[i]]


@bare
def bin_family(
    z: int, families: Families, expected: Floats, first: Ints, stop: Ints, rate: Floats, place: NDArray[np.uint16],
    lowest: int, rows: NDArray[np.uint16], row: int, u: Floats, ahead: Floats, edge: Floats, bits: Ints,
) -> None:  # fmt: skip
    """The columns of one family's blocks into rows[row:]: of what is expected with the first location of a block.

    u, ahead (K + 1,), edge and bits (see `thresholds.bin_of`) are room.
    """
    K = expected.shape[1]
    u[:] = ahead[:] = 0.0
    i = families.begin[z]
    while i < families.begin[z + 1]:
        for t in range(K):
            ahead[t] = u[t] + expected[families.members[i], t]
        for w in range(len(first)):
            rows[row, w] = bin_at((ahead[first[w]] - ahead[stop[w]]) * rate[w], edge, bits, place, lowest)
        for k in range(i, i + families.together[i]):
            for t in range(K):
                u[t] += expected[families.members[k], t]
        i += families.together[i]
        row += 1


@bare
def bin_at(held: float, edge: Floats, bits: Ints, place: NDArray[np.uint16], lowest: int) -> int:
    """The column of an expected count."""
    return int(place[min(max(bin_of(held, edge, bits) - lowest, 0), len(place) - 1)])
