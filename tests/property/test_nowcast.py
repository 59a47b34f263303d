"""What must hold for nowcasts whatever the triangle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.errors import MethodError
from tocsin.estimate import delay, nowcast, scores


def triangle(seed, strata=2, steps=60, size=8, level=30.0, slow=0.35):
    """Complete counts (S, T, D + 1): a wave, geometric delays, weekends with few reports."""
    rng = np.random.default_rng(seed)
    share = slow * (1 - slow) ** np.arange(size)
    share /= share.sum()
    cases = rng.poisson(level * (1.2 + np.sin(np.arange(steps) / 12)), (strata, steps))
    return np.stack([[rng.multinomial(n, share) for n in row] for row in cases]).astype(float)


def seen(counts):
    steps, size = counts.shape[1:]
    return np.where(np.add.outer(np.arange(steps), np.arange(size)) < steps, counts, np.nan)


def run(counts, **options):
    return nowcast.nowcast(counts, np.random.default_rng(0), draws=200, **options)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_never_below_what_is_known_and_sure_of_what_is_complete(seed):
    counts = seen(triangle(seed))
    found = run(counts, weekday=2)
    assert (found.draws >= found.known[..., None]).all()
    assert (found.draws == np.round(found.draws)).all()
    np.testing.assert_array_equal(found.draws[:, -1], np.repeat(found.known[:, -1:], 200, axis=1))
    assert np.isfinite(found.mean).all()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_looks_at_nothing_that_is_not_due(seed):
    full = triangle(seed)
    future = full.copy()
    future[np.isnan(seen(full))] = 999
    np.testing.assert_array_equal(run(seen(full), weekday=0).draws, run(future, weekday=0).draws)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30))
def test_past_of_a_replay_is_what_was_said_then(seed, back):
    """The development factors as of an earlier step are those found with the later steps cut off."""
    counts = delay.checked(seen(triangle(seed)))
    then = counts.shape[1] - back
    cut = counts[:, :then].copy()
    cut[:, np.add.outer(np.arange(then), np.arange(cut.shape[2])) >= then] = 0
    late = delay.factors(counts, weekday=4, keep=40)
    early = delay.factors(cut, weekday=4, keep=1)
    if back < 40:
        np.testing.assert_allclose(late[:, -1 - back], early[:, -1], rtol=1e-12)


def test_same_seed_same_bytes_and_any_order_of_strata():
    counts = seen(triangle(3, strata=3))
    assert run(counts).draws.tobytes() == run(counts).draws.tobytes()
    turned = run(counts[::-1])
    np.testing.assert_allclose(turned.mean[::-1], run(counts).mean, rtol=1e-9)


def test_is_as_sure_as_it_says():
    inside, half = [], []
    for seed in range(12):
        full = triangle(seed, strata=3, steps=90)
        found = run(seen(full), weekday=None)
        truth = full.sum(axis=2)[:, ::-1][:, : found.mean.shape[1]]
        quantiles = found.quantiles()
        inside.append(scores.covered(quantiles, nowcast.LEVELS, truth, 0.95)[:, :5].mean())
        half.append(scores.covered(quantiles, nowcast.LEVELS, truth, 0.5)[:, :5].mean())
    assert np.mean(inside) > 0.88
    assert 0.4 < np.mean(half) < 0.75


def test_sparse_strata_borrow_the_delay_of_all():
    rich = triangle(1, strata=1, level=200)
    poor = triangle(2, strata=1, level=0.4)
    both = run(seen(np.concatenate([rich, poor])))
    alone = delay.factors(delay.checked(seen(poor)), weekday=None, keep=1)[0, 0, 1:3, 0]
    shared = delay.factors(delay.checked(seen(np.concatenate([rich, poor]))), weekday=None, keep=1)[:, 0, 1:3, 0]
    assert np.abs(shared[1] - shared[0]).sum() < np.abs(alone - shared[0]).sum()
    assert np.isfinite(both.draws).all()


def test_weekday_reports_are_seen_through():
    """Nothing is reported on Sundays: a Monday's nowcast must not take that for a fall."""
    rng = np.random.default_rng(6)
    steps, size = 140, 12
    counts = np.zeros((1, steps, size))
    for t in range(steps):
        for lag in rng.geometric(0.5, rng.poisson(80)) - 1:
            at = t + lag + ((t + lag) % 7 == 6)  # step 0 is a Monday; Sundays wait
            if at - t < size:
                counts[0, t, at - t] += 1
    errors = []
    for step in range(100, 128):
        cut = counts[:, : step + 1].copy()
        found = run(seen(cut), weekday=0)
        truth = counts[0, step - np.arange(3)].sum(axis=1)
        errors.append((found.mean[0, :3] - truth) / truth)
    by_day = np.array(errors).reshape(4, 7, 3).mean(axis=0)
    assert np.abs(by_day[:, 1:]).max() < 0.25
    assert np.abs(np.array(errors).mean(axis=0)).max() < 0.08


def test_corrections_may_take_cases_back():
    inside = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        counts = triangle(seed, strata=1, level=100, steps=90)
        counts[:, :, 4] -= rng.binomial(counts.sum(axis=2).astype(int), 0.2)  # one in five turns out to be none
        found = run(seen(counts))
        assert (found.draws[0, 3] < found.known[0, 3]).any()  # what is known may still go down
        truth = counts.sum(axis=2)[:, ::-1][:, : found.mean.shape[1]]
        inside.append(scores.covered(found.quantiles(), nowcast.LEVELS, truth, 0.95).mean())
    assert np.mean(inside) > 0.9


def test_history_ends_in_the_nowcast_and_begins_with_the_reports():
    counts = seen(triangle(12))
    found = run(counts)
    whole = nowcast.history(found, counts)
    size = counts.shape[2]
    np.testing.assert_array_equal(whole[:, -1], found.draws[:, 0])
    np.testing.assert_array_equal(whole[:, -size], found.draws[:, -1])
    np.testing.assert_array_equal(whole[:, :-size, 0], np.nansum(counts, axis=2)[:, :-size])


def test_windows_are_sums_of_draws():
    counts = seen(triangle(9))
    found = run(counts)
    sums = nowcast.windowed(found, counts, 3)
    np.testing.assert_allclose(sums[:, 0], found.draws[:, :3].sum(axis=1))
    old = np.nansum(counts, axis=2)[:, ::-1]
    expected = found.draws[:, -1] + old[:, found.draws.shape[1] : found.draws.shape[1] + 2].sum(axis=1)[:, None]
    np.testing.assert_allclose(sums[:, -1], expected)


def test_a_gap_in_what_is_due_is_refused_and_a_short_series_is_not():
    counts = seen(triangle(10))
    counts[0, 5, 2] = np.nan
    with pytest.raises(MethodError, match="is due but missing"):
        run(counts)
    short = seen(triangle(11, steps=4, size=8))
    assert np.isfinite(run(short).draws).all()
    assert run(np.zeros((1, 10, 4))).draws.max() <= 5


def test_a_turn_that_all_strata_share_is_seen_though_each_has_few_cases(monkeypatch):
    """Sixty places, a case a week each, then all fall by a tenth a day: alone, each still expects what it had."""

    def expected(seed):
        rng = np.random.default_rng(seed)
        share = 0.15 * 0.85 ** np.arange(25)
        rate = 0.3 * np.where(np.arange(120) < 90, 1, 0.9 ** (np.arange(120) - 90))
        counts = rng.poisson(rate[None, :, None] * (share / share.sum()), (60, 120, 25)).astype(float)
        known, found = seen(counts)[:, :, :], run(seen(counts))
        came = counts.sum(axis=2)[:, :-8:-1].sum() - np.nansum(known, axis=2)[:, :-8:-1].sum()
        return (found.mean - found.known)[:, :7].sum(), came

    together = np.sum([expected(seed) for seed in range(8)], axis=0)
    monkeypatch.setattr(nowcast, "_reconciled", lambda counts, strata, pool: strata)
    alone = np.sum([expected(seed) for seed in range(8)], axis=0)
    assert alone[0] > 2 * alone[1]
    assert abs(np.log(together[0] / together[1])) < 0.6 * np.log(alone[0] / alone[1])
