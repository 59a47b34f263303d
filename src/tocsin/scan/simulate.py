"""The largest statistic of every replicate, in batches over all processors. Pure.

Batches are numbered and each has its own random stream, so the answer is the same whatever the number of threads.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numba as nb
import numpy as np

from tocsin.scan import lanes, lehmer
from tocsin.scan.cylinder import Field, field, maximum
from tocsin.scan.periods import Windows
from tocsin.scan.prepare import Plan, strata
from tocsin.scan.randomize import randomizer
from tocsin.scan.settings import Settings
from tocsin.scan.sidebyside import side_by_side
from tocsin.scan.statistic import SCORE
from tocsin.scan.study import Study
from tocsin.scan.thresholds import LANES, Counts, spare
from tocsin.types import Floats

Progress = Callable[[int, int], None]  # replicates done, replicates in all
_SMALL = 32000  # sums beyond need 32 bits


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
        self.ordered = [lehmer.in_order(strata(s, settings), first) for s in study.streams] if permuted else []
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
        heaviest = float(self.field.u[:, :, 0].sum(axis=1).max()) if settings.model in ("ebp", "ebnb") else 0.0
        total = max(float(self.field.N.max(initial=0)), 1.5 * heaviest + 1000)
        self.wide: type[np.int16 | np.int32] = np.int16 if total < _SMALL else np.int32
        self.fast = side_by_side(self.field, plan, self.windows, study.space)

    def __call__(self, batch: int) -> Floats:
        counts = [self._draw(batch, s) for s in range(len(self.study.streams))]
        if not self.fast:
            return self._slow(counts)
        found = self.fast(counts)
        self.room += counts
        return found

    def _draw(self, batch: int, s: int) -> Counts:
        """Counts (L, K, LANES) of one stream, summed from each interval to the end."""
        L, K = self.field.n.shape[1], self.field.n.shape[2] - 1
        counts = spare(self.room)
        counts = np.empty((L, K, LANES), self.wide) if counts is None else counts
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
            lehmer.permuted(self.ordered[s], seed, counts, lane)
        else:
            assert stream.at_risk is not None, "Bernoulli streams have controls"
            units = stream.cases + np.rint(stream.at_risk).astype(np.int64)
            lehmer.chosen(stream.cases, units, self.first, seed, counts, lane)

    def _slow(self, counts: list[Counts]) -> Floats:
        """Replicate by replicate: scores, and more expected cases than a table of thresholds tells apart."""
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
