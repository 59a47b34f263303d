"""The largest statistic of every replicate, in batches over all processors. Pure.

Batches are numbered and each has its own random stream, so the answer is the same whatever the number of threads.
"""

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from tocsin.errors import MethodError
from tocsin.scan import families, lanes, lehmer, thresholds
from tocsin.scan.bins import binned
from tocsin.scan.cylinder import Field, field, maximum
from tocsin.scan.periods import Windows
from tocsin.scan.prepare import Plan, strata
from tocsin.scan.randomize import randomizer
from tocsin.scan.settings import Settings
from tocsin.scan.statistic import EXPECTATION, HIGH, LOW, POISSON, SCORE
from tocsin.scan.study import Study
from tocsin.scan.thresholds import LANES, Counts
from tocsin.types import Floats, Ints

Progress = Callable[[int, int], None]  # replicates done, replicates in all
_TINY = 31  # counts beyond need 16 bits: four add up in 8
_SMALL = 32000  # sums beyond need 32 bits
_MANY = 1 << 24  # expected cases beyond are too many to number the tables' columns in 16 bits
_TABLES = 32  # of thresholds at most


def maxima(
    study: Study, settings: Settings, plan: Plan, best: float, round_: int = 0, progress: Progress | None = None
) -> Floats:
    """Maxima (R,) in replicate order; fewer than asked for if a sequential run could stop."""
    R = settings.replicates
    enough = stopping(settings)
    first = int(plan.simulated.first.min())
    one_batch = _Batch(study, settings, plan, first, round_)
    found: list[Floats] = []
    above = 0
    for batch in _in_order(one_batch, -(-R // LANES), settings.threads or nb.get_num_threads()):
        found.append(batch[: R - sum(map(len, found))])
        if progress:
            progress(sum(map(len, found)), R)
        above += int((found[-1] > best).sum())
        if enough and above >= enough:
            break
    return np.concatenate(found) if found else np.zeros(0)


def replayed(settings: Settings) -> bool:
    """Whether the replicates are what was asked for: not our own in place of SaTScan's."""
    return settings.random != "satscan" or _drawn_alike(settings)


def _drawn_alike(settings: Settings) -> bool:
    """The models whose replicates SaTScan draws in a known order."""
    return settings.model == "permutation" or (settings.model == "bernoulli" and settings.trend != "stratified")


def stopping(settings: Settings) -> int:
    """How many larger maxima end a sequential run; 0 = it never ends early."""
    return {"default": (settings.replicates + 1) // 20, "sequential": settings.stop_after}.get(settings.p_value, 0)


def _in_order(work: "_Batch", batches: int, threads: int) -> Iterator[Floats]:
    """Results in order, a few batches ahead; stopping early or an interruption cancels what has not begun."""
    if threads == 1 or batches == 1:
        yield from map(work, range(batches))
        return
    numbers = iter(range(batches))
    pool = ThreadPoolExecutor(threads)
    try:
        ahead: deque[Future[Floats]] = deque(pool.submit(work, b) for b in itertools.islice(numbers, threads))
        while ahead:
            done = ahead.popleft().result()
            if (b := next(numbers, None)) is not None:
                ahead.append(pool.submit(work, b))
            yield done
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Batch:
    """Draws 128 replicates and finds their maxima."""

    def __init__(self, study: Study, settings: Settings, plan: Plan, first: int, round_: int) -> None:
        self.study, self.settings, self.plan, self.first, self.round = study, settings, plan, first, round_
        self.windows = Windows(plan.simulated.first - first, plan.simulated.last - first)
        self.satscan = settings.random == "satscan" and _drawn_alike(settings)
        permuted = self.satscan and settings.model == "permutation"
        self.ordered = [lehmer.in_order(strata(s, settings)) for s in study.streams] if permuted else []
        self.draws = [
            randomizer(s, u, strata(s, settings), first, settings)
            for s, u in zip(study.streams, plan.u, strict=True)
            if not self.satscan
        ]
        whole = field(plan.kind, plan.n, plan.u, plan.simulated, plan.within)
        self.room: list[Counts] = []  # of batches that are done: new memory costs more than what is done in it
        self.field = whole._replace(
            n=np.ascontiguousarray(whole.n[:, :, first:]), u=np.ascontiguousarray(whole.u[:, :, first:])
        )
        free = plan.limits.floor <= 0 and plan.limits.ceiling <= 0 and plan.kind != SCORE
        lean = len(plan.n) == 1 and free and float(self.field.u.sum(axis=1).max()) < _MANY
        self.fast = (
            SideBySide(self.field, plan, self.windows, study.space)
            if lean and groups(self.field, plan) is not None
            else None
        )

    def __call__(self, batch: int) -> Floats:
        counts = [self._draw(batch, s) for s in range(len(self.study.streams))]
        if not self.fast:
            return self._slow(counts)
        found = self.fast(counts[0])
        self.room.append(counts[0])
        return found

    def _draw(self, batch: int, s: int) -> Counts:
        """Counts (L, K, LANES) of one stream, summed from each interval to the end."""
        L, K = self.field.n.shape[1], self.field.n.shape[2] - 1
        heaviest = float(self.field.u[s, :, 0].sum()) if self.settings.model in ("ebp", "ebnb") else 0.0
        total = max(float(self.field.N[s].max(initial=0)), 1.5 * heaviest + 1000)
        wide: type[np.int16 | np.int32] = np.int16 if total < _SMALL else np.int32
        counts: Counts = self.room.pop() if self.room else np.empty((L, K, LANES), wide)
        counts.fill(0)
        if self.satscan:
            for lane in range(min(LANES, self.settings.replicates - batch * LANES)):
                self._satscan(s, batch * LANES + lane, counts, lane)
        else:
            self.draws[s](np.random.default_rng([self.settings.seed, self.round, batch, s]), counts)
        lanes.summed(counts.reshape(L * K, LANES), K)
        return counts

    def _satscan(self, s: int, replicate: int, counts: Counts, lane: int) -> None:
        stream = self.study.streams[s]
        seed = lehmer.SEED + replicate + 1 + lehmer.APART * s
        if self.settings.model == "permutation":
            lehmer.permuted(self.ordered[s], self.first, seed, counts, lane)
        else:
            assert stream.at_risk is not None, "Bernoulli streams have controls"
            units = stream.cases + np.rint(stream.at_risk).astype(np.int64)
            lehmer.chosen(stream.cases, units, self.first, seed, counts, lane)

    def _slow(self, counts: list[Counts]) -> Floats:
        """Replicate by replicate: streams, low rates, limits on the risk, comparisons inside a window."""
        z, plan = self.plan.zones, self.plan
        found = np.zeros(LANES)
        n = np.zeros(self.field.n.shape)
        share = self._weights()
        for lane in range(LANES):
            for s, c in enumerate(counts):
                n[s, :, :-1] = c[:, :, lane] if share is None else _weighted(c[:, :, lane], share[s])
            drawn = Field(plan.kind, n, self.field.u, self.field.N, self.field.U)
            found[lane] = maximum(drawn, z.members, z.begin, z.smallest, plan.penalty, self.windows, plan.limits)
        return found

    def _weights(self) -> Floats | None:
        """The weight of a case in the negative binomial score."""
        if self.plan.kind != SCORE:
            return None
        held = [np.asarray(s.at_risk) / s.dispersion for s in self.study.streams]
        return 1 / (1 + np.stack(held)[:, :, self.first :])


def _weighted(summed: Counts, share: Floats) -> Floats:
    """Sums to the end of weighted counts."""
    counts = summed.astype(np.float64)
    counts[:, :-1] -= counts[:, 1:].copy()
    return np.cumsum((counts * share)[:, ::-1], axis=1)[:, ::-1]


def groups(seen: Field, plan: Plan) -> Ints | None:
    """Which windows share a table of thresholds: those compared with the same, or nearly the same, totals.

    Poisson statistics grow as the total shrinks, so windows of like totals may share the table of the smallest one.
    None: there would be too many tables.
    """
    pairs = np.stack([seen.N[0], seen.U[0]])
    of: Ints
    kinds, of = np.unique(pairs, axis=1, return_inverse=True)
    if kinds.shape[1] <= _TABLES:
        return of.ravel().astype(np.int64)
    if plan.kind != POISSON or plan.limits.ways != HIGH:
        return None
    steps = np.log(np.maximum(pairs[0], 1))
    width = max(float(np.ptp(steps)), 1e-9) / _TABLES
    return np.unique(((steps - steps.min()) / width * (1 - 1e-9)).astype(np.int64), return_inverse=True)[1]


class SideBySide:
    """One stream without limits on the risk: all replicates of a batch at once."""

    def __init__(self, seen: Field, plan: Plan, windows: Windows, space: Floats) -> None:
        K = seen.n.shape[2] - 1
        group = groups(seen, plan)
        assert group is not None, "the caller has looked whether tables will do"
        by = np.lexsort((windows.first, windows.last))
        N, U = seen.N[0], seen.U[0]
        if plan.kind == EXPECTATION:
            N = U = np.full(len(N), 1e6)  # not compared with any total
        self.kind = plan.kind
        self.windows = lanes.Spans(windows.first[by], windows.last[by] + 1, N[by], U[by], group[by])
        self.near = families.together(space)  # places side by side on the map are side by side in memory
        self.expected = np.ascontiguousarray(seen.u[0, self.near, :K])
        zones, penalty = families.arranged(plan.zones, plan.penalty, self.near)
        spread = seen.u[0][self.near]
        held = spread[:, self.windows.first] - spread[:, self.windows.stop] if K < 64 else spread[:, :1]
        self.families = families.lean(zones, penalty, held.max(axis=1), bool(plan.limits.ways & LOW))
        cells = -np.diff(seen.u[0], axis=1)
        if not (cells > 0).any():
            raise MethodError("nothing is expected in any window; look at the study period and the population")
        smallest, largest = float(cells[cells > 0].min()) / 2, float(cells.sum())
        self.bins = binned(self.families, self.expected, self.windows.first, self.windows.stop, smallest, largest)
        self.whole = self._tables(plan)
        self.narrow: dict[str, thresholds.Tables] = {"int32": self.whole}
        self.least, self.floor = math.inf, 0.0
        self.room: list[NDArray[np.int8]] = []

    def _tables(self, plan: Plan) -> thresholds.Tables:
        limits, spans = plan.limits, self.windows
        both = bool(limits.ways & LOW)
        high: list[Counts] = []
        low: list[Counts] = []
        for g in range(int(spans.group.max()) + 1):
            w = np.flatnonzero(spans.group == g)
            w = w[np.argmin(spans.N[w])]
            totals = thresholds.Totals(self.kind, float(spans.N[w]), float(spans.U[w]))
            least = limits.least_high if limits.ways & HIGH else math.inf
            high.append(thresholds.table(totals, least, self.bins.used, False))
            low.append(thresholds.table(totals, limits.least_low, self.bins.used if both else self.bins.used[:0], True))
        return thresholds.Tables(np.stack(high).astype(np.int32), np.stack(low).astype(np.int32), both)

    def __call__(self, counts: Counts) -> Floats:
        """Start from what nearly all replicates reach, known from batches before; those below it begin at nothing."""
        narrow: NDArray[np.int8] = self.room.pop() if self.room else np.empty(counts.shape, np.int8)
        kind = counts.dtype.name
        largest, most = lanes.narrowed(_rows(counts), self.near, narrow.reshape(len(narrow), -1))
        if largest <= _TINY:
            kind = "int8" if most < np.iinfo(np.int8).max else kind
            counts = narrow
        else:
            counts = counts[self.near]
        if kind not in self.narrow:
            self.narrow[kind] = _narrowed(self.whole, np.dtype(kind))
        tables = self.narrow[kind]
        floor = self.floor
        best = np.full(LANES, floor)
        self._raise(counts, tables, best)
        if floor > 0 and (below := best <= floor).any():
            best[below] = 0.0
            self._raise(counts, tables, best)
        self.room.append(narrow)
        self.least = min(self.least, float(best.min()))
        self.floor = 0.8 * self.least
        return best

    def _raise(self, counts: Counts, tables: thresholds.Tables, best: Floats) -> None:
        lanes.maxima(self.kind, counts, self.expected, self.families, self.windows, tables, self.bins, best)


def _rows(counts: Counts) -> Counts:
    """All intervals and lanes of a location in one row."""
    return counts.reshape(len(counts), -1)


def _narrowed(tables: thresholds.Tables, kind: np.dtype[Any]) -> thresholds.Tables:
    """The tables in as many bits as the counts: what none of these reaches is never reached."""
    most = np.iinfo(kind).max
    return tables._replace(
        high=np.minimum(tables.high, most).astype(kind), low=np.minimum(tables.low, most).astype(kind)
    )
