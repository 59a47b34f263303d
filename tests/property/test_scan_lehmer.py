"""Replicates from SaTScan's stream are those that sorting all cases by their keys gives, however they are found."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tocsin.scan import lehmer


def keys_of(seed: int, length: int) -> np.ndarray:
    x, found = seed, []
    for _ in range(length):
        x = 48271 * x % (2**31 - 1)
        found.append(x / (2**31 - 1))
    return np.array(found)


def sorted_and_dealt(strata, first, seed, shape):
    """`strata`: all of their cases, dealt from interval 0 on."""
    keys, used = keys_of(seed, sum(len(s.place) for s in strata)).astype(np.float32), 0
    counts = np.zeros(shape, np.int16)
    for place, time in strata:
        by = np.argsort(keys[used : used + len(place)], kind="stable")
        used += len(place)
        dealt = time[by] - first
        np.add.at(counts, (place[dealt >= 0], dealt[dealt >= 0]), 1)
    return counts


@given(st.integers(1, 2**31 - 2), st.integers(1, 300))
def test_the_stream_is_lehmers(seed, length):
    assert (lehmer.stream(seed, length) == keys_of(seed, length)).all()


@given(
    seed=st.integers(1, 10**6), areas=st.integers(1, 20), steps=st.integers(1, 25),
    mean=st.sampled_from([0.05, 1.0, 9.0]), late=st.integers(1, 25), strata=st.integers(1, 3),
)  # fmt: skip
def test_dealing_by_rank_is_sorting(seed, areas, steps, mean, late, strata):
    rng = np.random.default_rng(seed)
    tables = [rng.poisson(mean, (areas, steps)) for _ in range(strata)]
    first = max(steps - late, 0)
    counts = np.zeros((areas, steps - first, 3), np.int16)
    lehmer.permuted(lehmer.in_order(tables, first), seed, counts, 1)
    assert (counts[:, :, 1] == sorted_and_dealt(lehmer.in_order(tables, 0), first, seed, counts.shape[:2])).all()
    assert not counts[:, :, [0, 2]].any()


def test_equal_keys_keep_their_order():
    """In single precision many of 200,000 keys are equal."""
    cases = lehmer.in_order([np.full((40, 50), 100)], 0)
    counts = np.zeros((40, 50, 1), np.int16)
    lehmer.permuted(cases, 7, counts, 0)
    assert (counts[:, :, 0] == sorted_and_dealt(cases, 0, 7, (40, 50))).all()
