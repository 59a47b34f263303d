"""The best cluster beside one found the plain way: every centre, prefix and window, by the formulas of the page."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.scan import Settings, Stream, Study, scan

L, T = 7, 6


def xlog(x: float, y: float) -> float:
    return x * math.log(x / y) if x > 0 else 0.0


def statistic(model: str, n: float, u: float, N: float, U: float) -> float:
    if model in ("poisson", "permutation"):
        return xlog(n, u) + xlog(N - n, U - u) - xlog(N, U)
    if model == "ebp":
        return xlog(n, u) + u - n
    whole = xlog(N, U) + xlog(U - N, U)
    return xlog(n, u) + xlog(u - n, u) + xlog(N - n, U - u) + xlog((U - u) - (N - n), U - u) - whole


def expected(model: str, cases: np.ndarray, at_risk: np.ndarray, asked: Settings) -> np.ndarray:
    if model == "permutation":
        return np.outer(cases.sum(axis=1), cases.sum(axis=0)) / cases.sum()
    if model == "bernoulli":
        return cases + at_risk
    if asked.trend == "stratified":
        return at_risk * (cases.sum(axis=0) / at_risk.sum(axis=0))
    if asked.spatial == "nonparametric":
        return at_risk * (cases.sum(axis=1) / at_risk.sum(axis=1))[:, None]
    return at_risk


def spans(asked: Settings) -> list[tuple[int, int]]:
    if asked.analysis == "spatial":
        return [(0, T)]
    longest = asked.max_window or T // 2
    ends = [T] if asked.prospective else range(1, T + 1)
    return [(e - k, e) for e in ends for k in range(asked.min_window, longest + 1) if e - k >= 0]


def slow(cases: np.ndarray, at_risk: np.ndarray, points: np.ndarray, asked: Settings) -> float:
    """The largest statistic of all windows."""
    u = expected(asked.model, cases, at_risk, asked)
    weight, within = u.sum(axis=1), asked.trend == "stratified"
    best = 0.0
    for centre in range(L):
        near = sorted(range(L), key=lambda i, c=centre: (math.dist(points[i], points[c]), *points[i]))
        for k in range(1, L + 1):
            inside = list(range(L)) if asked.analysis == "temporal" else near[:k]
            far = math.dist(points[inside[-1]], points[centre])
            heavy = weight[inside].sum() > asked.max_size * weight.sum() * (1 + 1e-12)
            if asked.analysis != "temporal" and (heavy or (asked.max_distance and far > asked.max_distance)):
                break
            for first, stop in spans(asked):
                n, held = cases[inside, first:stop].sum(), u[inside, first:stop].sum()
                N, U = (x[:, first:stop].sum() if within else x.sum() for x in (cases, u))
                high = n > held if asked.model == "ebp" else n * U > held * N
                low = n < held if asked.model == "ebp" else n * U < held * N
                counts = (high and asked.rates != "low" and n >= asked.min_cases) or (low and asked.rates != "high")
                if counts:
                    best = max(best, statistic(asked.model, n, held, N, U))
    return best


OPTIONS = [
    {},
    {"max_size": 0.3},
    {"max_distance": 4.0},
    {"min_cases": 5},
    {"rates": "low"},
    {"rates": "both"},
    {"prospective": True, "max_window": 2},
    {"prospective": True, "min_window": 2, "max_window": 4},
    {"max_window": 3},
    {"trend": "stratified"},
    {"spatial": "nonparametric"},
]


@pytest.mark.parametrize("model", ["poisson", "permutation", "bernoulli", "ebp"])
@pytest.mark.parametrize("analysis", ["spatial", "temporal", "space-time"])
@pytest.mark.parametrize("option", OPTIONS, ids=lambda o: " ".join(map(str, o.items())))
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**6), ties=st.booleans())
def test_the_best_window_is_the_best_of_all(model: str, analysis: str, option: dict, seed: int, ties: bool) -> None:
    if model == "permutation" and (analysis != "space-time" or {"trend", "spatial"} & option.keys()):
        return
    if (analysis == "spatial" and {"prospective", "trend", "min_window"} & option.keys()) or (
        analysis != "space-time" and {"spatial", "trend"} & option.keys()
    ):
        return
    if model in ("bernoulli", "ebp") and {"trend", "spatial"} & option.keys():
        return
    rng = np.random.default_rng(seed)
    grid = np.array([(x, y) for x in range(3) for y in range(3)], dtype=float)
    points = rng.permutation(grid)[:L] if ties else rng.uniform(0, 9, (L, 2))
    cases = rng.poisson(rng.gamma(1, 2, (L, 1)), (L, T)) + (rng.uniform(size=(L, T)) < 0.1) * 4
    cases[0, 0] += 1
    at_risk = rng.gamma(2, 1, (L, T))
    at_risk = rng.poisson(3, (L, T)) * 1.0 if model == "bernoulli" else at_risk * cases.sum() / at_risk.sum()
    asked = replace(Settings(replicates=0, threads=1), model=model, analysis=analysis, **option)
    names, edges = tuple("abcdefg"), np.arange(T + 1)
    stream = Stream(cases, None if model == "permutation" else at_risk)
    found = scan(Study(names, points, False, edges, (stream,)), asked).clusters
    ratio = slow(cases, at_risk, points, asked)
    if not found:
        assert ratio < 1e-3
        return
    best = found[0]
    assert best.llr == pytest.approx(ratio, rel=1e-9, abs=1e-9)
    rows = range(L) if analysis == "temporal" else [names.index(m) for m in best.members]
    span = slice(best.start_day, best.end_day + 1)
    u = expected(model, cases, at_risk, asked)
    assert best.observed == cases[list(rows), span].sum()
    shown = u[list(rows), span].sum() * (cases.sum() / u.sum() if model == "bernoulli" else 1)
    assert best.expected == pytest.approx(shown, rel=1e-9)
    N, U = (x[:, span].sum() if asked.trend == "stratified" else x.sum() for x in (cases, u))
    inside = u[list(rows), span].sum()
    assert statistic(model, best.observed, inside, N, U) == pytest.approx(ratio, rel=1e-9, abs=1e-9)
