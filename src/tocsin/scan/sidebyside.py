"""All replicates of a batch at once: what they share is made ready, the kernels of `lanes` or `streams` look. Pure."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import MethodError
from tocsin.scan import families, lanes, streams, thresholds
from tocsin.scan.bins import binned
from tocsin.scan.cylinder import Field
from tocsin.scan.periods import Windows
from tocsin.scan.prepare import Plan
from tocsin.scan.statistic import BERNOULLI, EXPECTATION, HIGH, LOW, SCORE
from tocsin.scan.thresholds import LANES, Counts
from tocsin.types import Floats, Ints

_TINY = 31  # counts beyond need 16 bits: four add up in 8
_MANY = 1 << 24  # expected cases beyond are too many to number the tables' columns in 16 bits
_TABLES = 32  # of thresholds at most
_RATES = 4  # steps of the share of cases among all, where tables are shared
_STEPS = 4  # of what is to be beaten, that several streams add up to


def side_by_side(seen: Field, plan: Plan, windows: Windows, space: Floats) -> "SideBySide | None":
    """What finds the maxima of a batch; None where tables of thresholds do not serve."""
    if plan.kind == SCORE:
        return None
    by = np.lexsort((windows.first, windows.last))
    pairs = np.stack([seen.N[:, by].T.ravel(), seen.U[:, by].T.ravel()])
    if plan.kind == EXPECTATION:
        pairs[:] = 1e6  # not compared with any total
    most = float(seen.u.sum(axis=1).max()) if plan.kind == EXPECTATION else float(pairs[0].max())
    return None if most >= _MANY else SideBySide(seen, plan, windows, space, by, pairs)


def groups(kind: int, N: Floats, rate: Floats) -> Ints:
    """Which windows (W,) share a table of thresholds: those of the same, or nearly the same, totals.

    Where there would be too many tables, a table of the least N and the largest N/U serves others, too (see
    `thresholds.table`); for Poisson statistics only N matters.
    """
    kinds, of = np.unique(np.stack([N, rate]), axis=1, return_inverse=True)
    if kinds.shape[1] > _TABLES:
        cut = _steps(N, _TABLES // 2) * _RATES + _steps(rate, _RATES) if kind == BERNOULLI else _steps(N, _TABLES)
        of = np.unique(cut, return_inverse=True)[1]
    return of.ravel().astype(np.int64)


def _steps(x: Floats, many: int) -> Ints:
    """So many equal steps of the logarithm, those at 0 with the least of the others."""
    some = x[x > 0]
    if not len(some):
        return np.zeros(len(x), np.int64)
    grown = np.log(np.maximum(x, some.min()) / some.min())
    steps: Ints = (grown / max(float(grown.max()), 1e-9) * many * (1 - 1e-9)).astype(np.int64)
    return steps


class SideBySide:
    """Counts (L, K, LANES) of each stream to maxima (LANES,).

    The intervals of a second stream follow those of the first, as if there were S · K; windows (W · S,) are told apart
    by stream, the streams of the first window, of the second …
    """

    def __init__(self, seen: Field, plan: Plan, windows: Windows, space: Floats, by: Ints, pairs: Floats) -> None:
        S, L, K = len(seen.n), seen.n.shape[1], seen.n.shape[2] - 1
        self.kind, self.K = plan.kind, K
        first, stop = _spans(windows.first[by], windows.last[by] + 1, S, K)
        N, U = pairs
        rate = np.divide(N, U, out=np.zeros_like(N), where=U > 0)
        self.windows = lanes.Spans(first, stop, N, U, groups(plan.kind, N, rate), rate)
        self.near = families.together(space)  # places side by side on the map are side by side in memory
        self.expected = np.ascontiguousarray(seen.u[:, self.near, :K].transpose(1, 0, 2).reshape(L, S * K))
        zones, penalty = families.arranged(plan.zones, plan.penalty, self.near)
        spread = np.concatenate([self.expected, np.zeros((L, 1))], axis=1)
        held = spread[:, self.windows.first] - spread[:, self.windows.stop] if K < 64 else spread[:, : S * K : K]
        self.families = families.lean(zones, penalty, held.max(axis=1), bool(plan.limits.ways & LOW))
        cells = -np.diff(seen.u, axis=2)
        if not (cells > 0).any():
            raise MethodError("nothing is expected in any window; look at the study period and the population")
        rate = rate[rate > 0]
        smallest = float(cells[cells > 0].min()) / 2 * float(rate.min(initial=1.0))
        largest = float(cells.sum(axis=(1, 2)).max()) * float(rate.max(initial=0.0))
        self.bins = binned(self.families, self.expected, first, stop, self.windows.rate, smallest, largest)
        self.sides = _sides(plan, pairs, S)
        self.whole = self._tables(plan, S)
        self.narrow: dict[str, thresholds.Tables] = {"int32": self.whole}
        self.least, self.floor = math.inf, 0.0
        self.room: list[NDArray[np.int8]] = []

    def _tables(self, plan: Plan, S: int) -> thresholds.Tables:
        limits, spans = plan.limits, self.windows
        both = bool(limits.ways & LOW)
        many, few = (limits.least_high, limits.least_low) if S == 1 else (0.0, 0.0)  # asked of the streams together
        high: list[Counts] = []
        low: list[Counts] = []
        for g in range(int(spans.group.max()) + 1):
            mine = (spans.group == g) & (spans.N > 0)
            N, rate = float(spans.N[mine].min(initial=math.inf)), float(spans.rate[mine].max(initial=0.0))
            totals = thresholds.Totals(self.kind, N, N / rate) if mine.any() else thresholds.Totals(self.kind, 1.0, 1.0)
            least = many if limits.ways & HIGH else math.inf
            high.append(thresholds.table(totals, least, self.bins.used, False))
            low.append(thresholds.table(totals, few, self.bins.used if both else self.bins.used[:0], True))
        return thresholds.Tables(np.stack(high).astype(np.int32), np.stack(low).astype(np.int32), both, few)

    def __call__(self, drawn: list[Counts]) -> Floats:
        """Start from what nearly all replicates reach, known from batches before; those below it begin at nothing."""
        counts: Counts = drawn[0] if len(drawn) == 1 else _joined(drawn)
        narrow = thresholds.spare(self.room)
        narrow = np.empty(counts.shape, np.int8) if narrow is None else narrow
        kind = counts.dtype.name
        rows: Counts = counts.reshape(len(counts), -1)  # all intervals and lanes of a location in one
        largest, most = lanes.narrowed(rows, self.near, narrow.reshape(len(narrow), -1), self.K * LANES)
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
        if self.sides is None:
            lanes.maxima(self.kind, counts, self.expected, self.families, self.windows, tables, self.bins, best)
        else:
            streams.maxima(self.sides, counts, self.expected, self.families, self.windows, tables, self.bins, best)


def _joined(drawn: list[Any]) -> Counts:
    found: Counts = np.concatenate(drawn, axis=1)
    return found


def _spans(first: Ints, stop: Ints, S: int, K: int) -> tuple[Ints, Ints]:
    """The windows of every stream, (W · S,) each, the end beyond the last stream's intervals."""
    later = K * np.arange(S)
    return (first[:, None] + later).ravel(), np.where(stop[:, None] == K, S * K, stop[:, None] + later).ravel()


def _sides(plan: Plan, pairs: Floats, S: int) -> streams.Sides | None:
    """What `streams` needs to know; None if there is one stream without limits on its risk, `lanes`' matter."""
    if S == 1 and plan.limits.floor <= 0 and plan.limits.ceiling <= 0:
        return None
    N, U = (np.ascontiguousarray(x.reshape(-1, S).T) for x in pairs)
    return streams.Sides(plan.kind, plan.limits, N, U, 1 if S == 1 else max(_STEPS, 2 * S))


def _narrowed(tables: thresholds.Tables, kind: np.dtype[Any]) -> thresholds.Tables:
    """The tables in as many bits as the counts: what none of these reaches is never reached."""
    most = np.iinfo(kind).max
    return tables._replace(
        high=np.minimum(tables.high, most).astype(kind), low=np.minimum(tables.low, most).astype(kind)
    )
