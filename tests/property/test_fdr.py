"""False discoveries are held to the share asked for, flat and by families, whatever the mix."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tocsin.alert import fdr

claim = st.one_of(st.floats(0, 1), st.just(math.nan))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_it_is_what_others_compute(p):
    p = np.array(p)
    np.testing.assert_allclose(fdr.adjusted(p), stats.false_discovery_control(p), rtol=1e-12)
    both = fdr.adjusted(p, dependent=True)
    np.testing.assert_allclose(both, stats.false_discovery_control(p, method="by"), rtol=1e-12)


@given(st.lists(claim, max_size=20))
def test_silence_has_no_vote(p):
    p = np.array(p, dtype=float)
    said = ~np.isnan(p)
    found = fdr.adjusted(p)
    np.testing.assert_array_equal(found[said], fdr.adjusted(p[said]))
    assert np.isnan(found[~said]).all()
    assert not fdr.discoveries(p, 1.0)[~said].any()


def test_shapes_are_kept():
    p = np.array([[0.001, 0.9], [0.02, math.nan]])
    np.testing.assert_allclose(fdr.adjusted(p), [[0.003, 0.9], [0.03, math.nan]])


def _shares(believed, real):
    """False share of what is believed, per row of (R, N)."""
    return (believed & ~real).sum(axis=1) / np.maximum(believed.sum(axis=1), 1)


@pytest.mark.parametrize("correlation", [0.0, 0.6])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_false_discoveries_are_held_to_the_level(share, correlation):
    rng = np.random.default_rng(11)
    real = rng.random((2000, 60)) < share
    common = math.sqrt(correlation) * rng.normal(size=(2000, 1))
    z = common + math.sqrt(1 - correlation) * rng.normal(size=real.shape) + 3 * real
    p = stats.norm.sf(z)
    believed = np.array([fdr.discoveries(row, 0.1) for row in p])
    false = _shares(believed, real)
    assert false.mean() <= 0.1 + 3 * false.std() / math.sqrt(len(false))
    if correlation == 0:  # and not by saying nothing: of independent p-values the share is known exactly
        assert false.mean() == pytest.approx(0.1 * (1 - share), abs=4 * false.std() / math.sqrt(len(false)))
    if share:
        assert (believed & real).sum() > 0.3 * real.sum()


def test_however_they_depend_the_dependent_one_holds():
    """Guo and Rao's (2008) worst case: the p-values conspire so that several always pass together."""
    rng = np.random.default_rng(12)
    m, level, runs = 20, 0.2, 4000
    p = np.ones((runs, m))
    for row in p:  # k of them lie at the k-th step, k with the chance that makes each uniform
        u = rng.random()
        edges = np.cumsum(level / np.arange(1, m + 1)) / 1
        k = int(np.searchsorted(edges, u)) + 1
        if k <= m:
            row[rng.permutation(m)[:k]] = level * (k - rng.random()) / m
    plain = np.mean([fdr.discoveries(row, level).any() for row in p])
    careful = np.mean([fdr.discoveries(row, level, dependent=True).any() for row in p])
    assert plain > 1.5 * level, "this case does not tell the two apart"
    assert careful <= level


@given(st.lists(claim, min_size=1, max_size=15), st.integers(0, 3))
def test_one_family_of_all_is_simes_and_then_the_flat_answer(p, depth):
    p = np.array(p, dtype=float)
    found = fdr.by_families(p, [np.zeros(len(p), int)] * depth, 0.2)
    assert len(found) == depth + 1
    for level in found:
        if depth and level is not found[-1]:
            np.testing.assert_array_equal(level, np.full(len(p), fdr.discoveries(p, 0.2).any()))
    np.testing.assert_array_equal(found[-1], fdr.discoveries(p, 0.2))


def test_a_tree_done_by_hand():
    p = np.array([0.001, 0.02, 0.9, 0.4, 0.5, 0.6, 0.03, math.nan])
    signal = np.array([0, 0, 0, 1, 1, 1, 2, 2])
    # Simes: 0.003, 0.6, 0.03; at 0.1 the first (0.003 ≤ 0.0333) and third (0.03 ≤ 0.0667) are believed, so each is
    # judged at 0.0667: 0.001 ≤ 0.0222 and 0.02 ≤ 0.0444; 0.03 ≤ 0.0667.
    families, cells = fdr.by_families(p, [signal], 0.1)
    assert families.tolist() == [True] * 3 + [False] * 3 + [True] * 2
    assert cells.tolist() == [True, True, False, False, False, False, True, False]


@given(st.integers(0, 2**32 - 1))
def test_order_does_not_matter_and_labels_nest(seed):
    rng = np.random.default_rng(seed)
    p = rng.random(24) ** 3
    signal, area = rng.integers(0, 3, 24), rng.integers(0, 4, 24)
    found = fdr.by_families(p, [signal, area], 0.2)
    assert all((below <= above).all() for above, below in pairwise(found))
    order = rng.permutation(24)
    again = fdr.by_families(p[order], [signal[order], area[order]], 0.2)
    for a, b in zip(found, again, strict=True):
        np.testing.assert_array_equal(a[order], b)
    renamed = fdr.by_families(p, [signal, area + 10 * signal], 0.2)
    for a, b in zip(found, renamed, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("ill", [0.0, 0.2, 0.6])
def test_families_hold_their_promise(ill):
    """False families at most `level`; and, on average over those believed, false cells within at most `level`."""
    rng = np.random.default_rng(13)
    level, runs, groups, size = 0.1, 1500, 12, 8
    family = np.repeat(np.arange(groups), size)
    of_families, within = np.zeros(runs), np.zeros(runs)
    power = []
    for r in range(runs):
        has = rng.random(groups) < ill
        real = has[family] & (rng.random(groups * size) < 0.4)
        p = stats.norm.sf(rng.normal(size=groups * size) + 3.5 * real)
        found, cells = fdr.by_families(p, [family], level)
        holds = np.array([real[family == g].any() for g in range(groups)])
        chosen = found.reshape(groups, size)[:, 0]
        of_families[r] = (chosen & ~holds).sum() / max(chosen.sum(), 1)
        inside = _shares(cells.reshape(groups, size), real.reshape(groups, size))
        within[r] = inside[chosen].mean() if chosen.any() else 0.0
        power.append((cells & real).sum() / max(real.sum(), 1))
    for shares in (of_families, within):
        assert shares.mean() <= level + 3 * shares.std() / math.sqrt(runs)
    if ill:
        assert np.mean(power) > 0.3


def test_what_is_no_probability_is_refused():
    for wrong in (-0.1, 1.1):
        with pytest.raises(AssertionError):
            fdr.adjusted(np.array([0.5, wrong]))
