"""OutbreakP: do the counts rise, in whatever way, rather than stay at a level that need not be known? Pure.

Frisén M, Andersson E (2009), Statistics and Computing 19: 267-277; Frisén M, Andersson E, Schiöler L (2009),
Biostatistics 10: 476-486.
"""

from typing import Literal

import numpy as np
from numba import njit

from tocsin.detect import runs
from tocsin.detect.contract import require
from tocsin.types import Alarms, Floats, Panel


def outbreak_p(
    panel: Panel,
    start: int,
    *,
    k: float = 100.0,
    ret: Literal["cases", "value"] = "cases",
    max_upperbound_cases: float = 1e5,
    memory_years: float | None = 0.5,
    compat: str = "",
) -> Alarms:
    """The likelihood ratio of the best never-falling means to a constant mean over the run; an alarm when over k.

    score = log ratio / log k. expected: the constant mean. upper: ret="cases", the least count that makes the ratio
    more than k (NaN: none does up to max_upperbound_cases, or 0 does); "value", the ratio. How runs begin: runs.py;
    memory_years=None and compat="surveillance" begin one at the first step there is. p is not claimed.
    """
    require(k > 1, f"outbreak_p: k is {k}; it is more than 1")
    require(ret in {"cases", "value"}, f'outbreak_p: ret is {ret!r}; write "cases" or "value"')
    require(compat in {"", "surveillance"}, f'outbreak_p: compat is {compat!r}; write "surveillance" or leave it out')
    shape = (len(panel.y), panel.y.shape[1] - start)
    expected, upper, score = (np.full(shape, np.nan) for _ in range(3))
    for began, first, last in _runs(panel, start, memory_years, compat):
        y = np.ascontiguousarray(panel.y[:, began:last])
        out = np.full((3, *y.shape), np.nan)
        _rise(y, np.log(k), max_upperbound_cases if ret == "cases" else 0.0, first - began, out)
        heard, to = slice(first - began, None), slice(first - start, last - start)
        expected[:, to], score[:, to] = out[0][:, heard], out[1][:, heard] / np.log(k)
        with np.errstate(over="ignore"):
            upper[:, to] = out[2][:, heard] if ret == "cases" else np.exp(out[1][:, heard])
    return Alarms(expected, upper, score, np.full(shape, np.nan))


def needs_outbreak_p(step: int, memory_years: float | None = 0.5, compat: str = "") -> int:
    """Two memories: it takes no training."""
    return 0 if compat or memory_years is None else 2 * runs.lengths(step, memory_years, 1.0)[0]


def _runs(panel: Panel, start: int, memory_years: float | None, compat: str) -> list[tuple[int, int, int]]:
    """When runs begin, and the steps [first, last) they are heard on."""
    if compat or memory_years is None:
        return [(0, start, panel.y.shape[1])]
    return [(r.began, r.first, r.last) for r in runs.runs(panel, start, memory_years, 1.0)]


@njit(cache=True)
def _rise(y: Floats, limit: float, cap: float, heard: int, out: Floats) -> None:
    """Fill out (3, N, T) with the mean, the log ratio and the count needed; pools adjacent violators as counts come."""
    for i in range(y.shape[0]):
        total, size = np.empty(y.shape[1]), np.empty(y.shape[1])  # blocks of the never-falling means
        blocks, n, cases = 0, 0, 0.0
        for t in range(y.shape[1]):
            if np.isnan(y[i, t]):
                continue
            if t >= heard and cap > 0:
                out[2, i, t] = _needed(total, size, blocks, cases, limit, cap)
            blocks = _joined(total, size, blocks, y[i, t])
            n, cases = n + 1, cases + y[i, t]
            out[0, i, t] = cases / n
            out[1, i, t] = _ratio(total, size, blocks)


@njit(cache=True)
def _joined(total: Floats, size: Floats, blocks: int, count: float) -> int:
    """Add a count behind the blocks, and join those that would fall."""
    total[blocks], size[blocks] = count, 1.0
    blocks += 1
    while blocks > 1 and total[blocks - 2] * size[blocks - 1] > total[blocks - 1] * size[blocks - 2]:
        total[blocks - 2] += total[blocks - 1]
        size[blocks - 2] += size[blocks - 1]
        blocks -= 1
    return blocks


@njit(cache=True)
def _ratio(total: Floats, size: Floats, blocks: int) -> float:
    """Log-likelihood ratio of the blocks' means to their common mean."""
    cases, n, fit = 0.0, 0.0, 0.0
    for b in range(blocks):
        cases += total[b]
        n += size[b]
        if total[b] > 0:
            fit += total[b] * np.log(total[b] / size[b])
    return fit - cases * np.log(cases / n) if cases > 0 else 0.0


@njit(cache=True)
def _needed(total: Floats, size: Floats, blocks: int, cases: float, limit: float, cap: float) -> float:
    """The least whole count that makes the ratio exceed the limit; NaN if none up to the cap does, or 0 does."""
    low, high = 0.0, 1.0
    if _with(total, size, blocks, 0.0) > limit:
        return np.nan
    while _with(total, size, blocks, high) <= limit:
        low, high = high, 2 * high
        if low >= cap:
            return np.nan
    while high - low > 1:
        middle = np.floor((low + high) / 2)
        if _with(total, size, blocks, middle) > limit:
            high = middle
        else:
            low = middle
    return high if high <= cap else np.nan


@njit(cache=True)
def _with(total: Floats, size: Floats, blocks: int, count: float) -> float:
    t, s = np.empty(blocks + 1), np.empty(blocks + 1)
    t[:blocks], s[:blocks] = total[:blocks], size[:blocks]
    return _ratio(t, s, _joined(t, s, blocks, count))
