"""Thresholds side by side find the same maxima as logarithms one by one; seeds, not threads, make the numbers."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tocsin.scan import Settings, Stream, Study, scan
from tocsin.scan.cylinder import maximum
from tocsin.scan.prepare import plan
from tocsin.scan.simulate import _Batch


def made(seed: int, L: int = 12, T: int = 9, ties: bool = False) -> Study:
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 4, (L, 2)) * 1.0 if ties else rng.uniform(0, 10, (L, 2))
    points += np.arange(L)[:, None] * (0 if not ties else 4)
    cases = rng.poisson(rng.gamma(1, 1, (L, 1)), (L, T))
    cases[0, -1] += 2
    held = rng.gamma(2, 1, (L, T))
    return Study(tuple(f"{i:03d}" for i in range(L)), points, False, np.arange(T + 1), (Stream(cases, held),))


def controls(study: Study, seed: int) -> Study:
    held = np.random.default_rng(seed).poisson(2.0, study.streams[0].cases.shape) * 1.0
    return replace(study, streams=(replace(study.streams[0], at_risk=held),))


def expected_counts(study: Study) -> Study:
    stream = study.streams[0]
    assert stream.at_risk is not None
    share = stream.cases.sum() / stream.at_risk.sum()
    return replace(study, streams=(replace(stream, at_risk=stream.at_risk * share),))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    model=st.sampled_from(["poisson", "bernoulli", "permutation", "ebp"]),
    rates=st.sampled_from(["high", "low", "both"]),
    prospective=st.booleans(),
    trend=st.sampled_from(["none", "stratified"]),
    shortest=st.integers(1, 2),
)
def test_side_by_side_is_one_by_one(
    seed: int, model: str, rates: str, prospective: bool, trend: str, shortest: int
) -> None:
    study = controls(made(seed), seed) if model == "bernoulli" else expected_counts(made(seed))
    asked = Settings(
        model=model,  # type: ignore[arg-type] # drawn from the same words
        rates=rates,  # type: ignore[arg-type]
        prospective=prospective,
        trend=trend if model == "poisson" else "none",  # type: ignore[arg-type]
        min_window=shortest,
        replicates=128,
        seed=seed,
    )
    agree_in_some_lanes(study, asked)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    model=st.sampled_from(["poisson", "bernoulli", "permutation", "ebp"]),
    rates=st.sampled_from(["high", "low", "both"]),
    prospective=st.booleans(),
    together=st.sampled_from([("multivariate", 1), ("multivariate", 2), ("adjustment", 2), ("multivariate", 3)]),
    limits=st.sampled_from([(0.0, 0.0), (1.3, 0.0), (2.0, 0.6)]),
    cases=st.integers(1, 6),
)
@example(0, "poisson", "low", False, ("multivariate", 1), (0.0, 0.0), 4)  # too few cases for a cluster of low rates
def test_streams_and_limits_side_by_side_are_one_by_one(
    seed: int, model: str, rates: str, prospective: bool, together: tuple[str, int], limits: tuple[float, float],
    cases: int,
) -> None:  # fmt: skip
    purpose, many = together
    parts = [made(seed + i) for i in range(many)]
    parts = [controls(p, seed) if model == "bernoulli" else expected_counts(p) for p in parts]
    study = replace(parts[0], streams=tuple(p.streams[0] for p in parts))
    asked = Settings(
        model=model,  # type: ignore[arg-type] # drawn from the same words
        rates=rates,  # type: ignore[arg-type]
        prospective=prospective,
        streams=purpose,  # type: ignore[arg-type]
        risk_floor=limits[0],
        risk_ceiling=limits[1],
        min_cases=cases,
        min_cases_low=cases // 2,
        replicates=128,
        seed=seed,
    )
    agree_in_some_lanes(study, asked)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    model=st.sampled_from(["poisson", "bernoulli"]),
    rates=st.sampled_from(["high", "low", "both"]),
    uneven=st.sampled_from([1, 3, 20]),
    many=st.integers(1, 2),
)
def test_windows_of_unlike_totals_share_tables_and_miss_nothing(
    seed: int, model: str, rates: str, uneven: int, many: int
) -> None:
    """Windows compared inside their own time: 160 pairs of totals and more for 32 tables."""
    parts = []
    for i in range(many):
        part = made(seed + i, L=9, T=32)
        cases = part.streams[0].cases.copy()
        cases[:, ::5] *= uneven  # days that are unlike the others, and some without a case
        cases[:, 3] = 0
        part = replace(part, streams=(replace(part.streams[0], cases=cases),))
        parts.append(controls(part, seed) if model == "bernoulli" else expected_counts(part))
    study = replace(parts[0], streams=tuple(p.streams[0] for p in parts))
    asked = Settings(
        model=model,  # type: ignore[arg-type] # drawn from the same words
        rates=rates,  # type: ignore[arg-type]
        trend="stratified",
        replicates=128,
        seed=seed,
    )
    agree_in_some_lanes(study, asked)


def agree_in_some_lanes(study: Study, asked: Settings) -> None:
    ready = plan(study, asked)
    batch = _Batch(study, asked, ready, int(ready.simulated.first.min()), 0)
    assert batch.fast is not None, "no replicate by itself"
    drawn = [batch._draw(0, s) for s in range(len(study.streams))]
    quick = batch.fast(drawn)
    zones = ready.zones
    for lane in (0, 1, 77, 127):
        n = np.zeros(batch.field.n.shape)
        for s, counts in enumerate(drawn):
            n[s, :, :-1] = counts[:, :, lane]
        one = maximum(
            batch.field._replace(n=n), zones.members, zones.begin, zones.smallest, ready.penalty, batch.windows,
            ready.limits,
        )  # fmt: skip
        assert quick[lane] == pytest.approx(one, rel=1e-9, abs=1e-9)


def test_threads_do_not_change_a_number() -> None:
    study = expected_counts(made(3))
    asked = Settings(replicates=500, prospective=True, threads=1)
    one, three = scan(study, asked), scan(study, replace(asked, threads=3))
    assert np.array_equal(one.maxima, three.maxima)
    assert one.clusters == three.clusters
    assert not np.array_equal(one.maxima, scan(study, replace(asked, seed=1)).maxima)


@pytest.mark.parametrize("model", ["poisson", "bernoulli", "permutation"])
def test_replicates_keep_what_the_model_keeps(model: str) -> None:
    study = controls(made(5), 5) if model == "bernoulli" else expected_counts(made(5))
    asked = Settings(model=model, replicates=128)  # type: ignore[arg-type] # drawn from the same words
    ready = plan(study, asked)
    counts = _Batch(study, asked, ready, 0, 0)._draw(0, 0)
    cases = study.streams[0].cases
    cells = counts.astype(np.int64)
    cells[:, :-1] -= counts[:, 1:]
    assert (cells >= 0).all()
    assert (cells.sum(axis=(0, 1)) == cases.sum()).all()
    if model == "permutation":
        assert (cells.sum(axis=0) == cases.sum(axis=0)[:, None]).all()
        assert (cells.sum(axis=1) == cases.sum(axis=1)[:, None]).all()
    if model == "bernoulli":
        units = cases + study.streams[0].at_risk
        assert (cells <= units[:, :, None]).all()
