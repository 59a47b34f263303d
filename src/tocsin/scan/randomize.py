"""Replicates under the null: where cases would have fallen by chance alone, 128 replicates side by side. Pure.

A draw fills counts (L, K, LANES) for the last K intervals; the intervals before them need no cases drawn. All chance
comes from the seed and the number of the batch, so results do not depend on threads.
"""

from collections.abc import Callable

import numba as nb
import numpy as np

from tocsin.errors import MethodError
from tocsin.scan.bare import bare
from tocsin.scan.settings import Settings
from tocsin.scan.study import Stream
from tocsin.scan.thresholds import LANES, Counts
from tocsin.scan.zones import Index
from tocsin.types import Floats, Ints

Draw = Callable[[np.random.Generator, Counts], None]  # fills counts (L, K, LANES), given as zeros


@bare
def _next(state: np.uint64) -> np.uint64:
    """splitmix64: Steele, Lea & Flood (2014), OOPSLA."""
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


STEP = np.uint64(0x9E3779B97F4A7C15)


@bare
def _below(word: np.uint64, n: int) -> int:
    """A whole number in 0 … n − 1 from 64 random bits (bias below n / 2^53)."""
    return int((word >> np.uint64(11)) * (1.0 / 9007199254740992.0) * n)


def permute(strata: list[Ints], first: int) -> Draw:
    """Space-time permutation: within a stratum the cases' places are dealt anew to the cases' intervals."""
    where, when, ends = [], [], []
    for cases in strata:
        where.append(np.repeat(np.arange(cases.shape[0]), cases.sum(axis=1)))
        late = cases[:, first:].sum(axis=0)
        when.append(np.repeat(np.arange(len(late)), late))
        ends.append((len(where[-1]), len(when[-1])))
    L, T = strata[0].shape
    cells = L * (T - first) * LANES
    places = _offsets(where, (T - first) * LANES, cells)
    times = _offsets(when, LANES, cells)  # with the place and the lane: where in the counts
    sizes = np.array(ends, dtype=np.int64).reshape(-1, 2)
    most = int(sizes[:, 0].max(initial=0))

    def draw(rng: np.random.Generator, counts: Counts) -> None:
        seeds = rng.integers(0, 2**64, LANES, np.uint64)
        _deal(seeds, places, times, sizes, places[:most].copy(), counts.reshape(-1))

    return draw


def _offsets(parts: list[Ints], step: int, cells: int) -> Index:
    found = np.concatenate(parts) * step
    return found.astype(np.int32) if cells < 2**31 else found


@bare
def _deal(seeds: Ints, places: Index, times: Index, sizes: Ints, deck: Index, counts: Counts) -> None:
    for r in range(len(seeds)):
        state = seeds[r]
        a = b = 0
        for s in range(len(sizes)):
            n, late = sizes[s]
            for i in range(n):
                deck[i] = places[a + i]
            for i in range(late):
                state += STEP
                j = i + _below(_next(state), n - i)
                deck[i], deck[j] = deck[j], deck[i]
                counts[deck[i] + times[b + i] + r] += 1
            a, b = a + n, b + late


def choose(cases: Ints, units: Ints, first: int, by_interval: bool) -> Draw:
    """Bernoulli: which of the units (cases and controls) are cases is drawn anew, in all or within each interval."""
    T = units.shape[1]
    late = units[:, first:]
    groups = [late[:, [k]] for k in range(T - first)] if by_interval else [late]
    cells, sizes = [], []
    for k, group in enumerate(groups):
        place, time = np.nonzero(group)
        cells.append(np.repeat(place * (T - first) + time + (k if by_interval else 0), group[place, time]))
        sizes.append(len(cells[-1]))
    every = np.concatenate(cells).astype(np.int64) * LANES
    if by_interval:
        total, hits = units.sum(axis=0)[first:], cases.sum(axis=0)[first:]
    else:
        total, hits = units.sum(keepdims=True)[0], cases.sum(keepdims=True)[0]
    inside = np.array(sizes, dtype=np.int64)

    def draw(rng: np.random.Generator, counts: Counts) -> None:
        n = rng.hypergeometric(hits[:, None], (total - hits)[:, None], inside[:, None], (len(inside), LANES))
        _pick(rng.integers(0, 2**64, LANES, np.uint64), every, every.copy(), inside, n, counts.reshape(-1))

    return draw


@bare
def _pick(seeds: Ints, cells: Ints, deck: Ints, sizes: Ints, chosen: Ints, counts: Counts) -> None:
    for r in range(len(seeds)):
        state = seeds[r]
        for i in range(len(cells)):
            deck[i] = cells[i]
        a = 0
        for s in range(len(sizes)):
            for i in range(chosen[s, r]):
                state += STEP
                j = a + i + _below(_next(state), sizes[s] - i)
                deck[a + i], deck[j] = deck[j], deck[a + i]
                counts[deck[a + i] + r] += 1
            a += sizes[s]


def scatter(expected: Floats, cases: Ints, first: int, strata: str) -> Draw:
    """Discrete Poisson: the cases fall on cells in proportion to their expected counts.

    strata: "" all together, "time" each interval keeps its number of cases, "place" each location.
    """
    L, T = expected.shape
    cell = np.arange(L * T).reshape(L, T)
    if strata == "time":
        groups = [cell[:, [t]] for t in range(first, T)]
        n = cases.sum(axis=0)[first:]
        late = np.ones(len(groups))
    elif strata == "place":
        groups = [cell[[i], first:] for i in range(L)]
        n = cases.sum(axis=1)
        whole = expected.sum(axis=1)
        late = np.divide(expected[:, first:].sum(axis=1), whole, out=np.zeros(L), where=whole > 0)
    else:
        groups, n = [cell[:, first:]], np.array([cases.sum()])
        late = np.array([expected[:, first:].sum() / expected.sum()])
    cells, cuts, other, sizes = [], [], [], []
    for group in groups:
        inside = group.ravel()
        inside = inside[expected.ravel()[inside] > 0]
        cut, alias = _alias(expected.ravel()[inside])
        cells.append((inside // T) * (T - first) + inside % T - first)
        cuts.append(cut)
        other.append(alias)
        sizes.append(len(inside))
    flat, at = np.concatenate(cells) * LANES, np.array(sizes, dtype=np.int64)
    cut_at, aliases = np.concatenate(cuts), np.concatenate(other)

    def draw(rng: np.random.Generator, counts: Counts) -> None:
        number = rng.binomial(n[:, None], np.minimum(late, 1.0)[:, None], (len(n), LANES))
        _throw(rng.integers(0, 2**64, LANES, np.uint64), flat, at, cut_at, aliases, number, counts.reshape(-1))

    return draw


@nb.njit(cache=True, nogil=True)
def _alias(weight: Floats) -> tuple[Floats, Ints]:
    """Walker's alias table, Vose (1991), IEEE TSE 17:972: draws from any distribution in one look."""
    n = len(weight)
    cut, alias = np.ones(n), np.arange(n)
    scaled = weight * (n / max(weight.sum(), 1e-300))
    small, large = np.flatnonzero(scaled < 1), np.flatnonzero(scaled >= 1)
    low, high = np.empty(2 * n + 1, np.int64), np.empty(n + 1, np.int64)
    low[: len(small)], high[: len(large)] = small, large
    lows, highs = len(small), len(large)
    while lows > 0 and highs > 0:
        lows -= 1
        a, b = low[lows], high[highs - 1]
        cut[a], alias[a] = scaled[a], b
        scaled[b] -= 1.0 - scaled[a]
        if scaled[b] < 1:
            highs -= 1
            low[lows] = b
            lows += 1
    return cut, alias


@bare
def _throw(seeds: Ints, cells: Ints, sizes: Ints, cut: Floats, alias: Ints, number: Ints, counts: Counts) -> None:
    for r in range(len(seeds)):
        state = seeds[r]
        a = 0
        for s in range(len(sizes)):
            for _ in range(number[s, r]):
                state += STEP
                place = (_next(state) >> np.uint64(11)) * (1.0 / 9007199254740992.0) * sizes[s]
                i = int(place)
                i = i if place - i < cut[a + i] else alias[a + i]
                counts[cells[a + i] + r] += 1
            a += sizes[s]


def independent(expected: Floats, dispersion: float, first: int) -> Draw:
    """Expectation-based: every cell on its own, Poisson or negative binomial with variance mean + mean²/dispersion."""
    late = expected[:, first:, None]

    def draw(rng: np.random.Generator, counts: Counts) -> None:
        mean = np.broadcast_to(late, counts.shape)
        if np.isfinite(dispersion):
            mean = rng.gamma(dispersion, mean / dispersion)
        counts += rng.poisson(mean).astype(counts.dtype)

    return draw


def randomizer(stream: Stream, expected: Floats, strata: list[Ints], first: int, settings: Settings) -> Draw:
    """The randomizer of a model for the intervals from `first` on. expected (L, T): as it is searched."""
    if settings.model == "permutation":
        return permute(strata, first)
    if settings.model == "bernoulli":
        assert stream.at_risk is not None, "Bernoulli streams have controls"
        units = stream.cases + np.rint(stream.at_risk).astype(np.int64)
        return choose(stream.cases, units, first, settings.trend == "stratified")
    if settings.model == "poisson" and not stream.cases.any():
        return lambda rng, counts: None
    if settings.model == "poisson":
        by = "time" if settings.trend == "stratified" else "place" if settings.spatial == "stratified" else ""
        return scatter(expected, stream.cases, first, by)
    if stream.at_risk is None:
        raise MethodError("an expectation-based scan needs expected counts; give them as the stream's at_risk")
    return independent(stream.at_risk, stream.dispersion, first)


__all__ = ["LANES", "Draw", "randomizer"]
