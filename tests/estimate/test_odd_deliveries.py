"""Deliveries that fail or come in a heap: they are no fall, and teach nothing for months."""

import numpy as np
import pytest

from tocsin.estimate import delay, judged, nowcast

SHARE = np.array([0.6, 0.25, 0.1, 0.05])


def weeks(steps=40, level=400.0, seed=0):
    rng = np.random.default_rng(seed)
    return rng.poisson(level * SHARE, (1, steps, 4)).astype(float)


def failed_at(counts, step):
    """Nothing came in the step's own week; all of it with the next delivery."""
    out = counts.copy()
    out[:, step, 1] += out[:, step, 0]
    out[:, step, 0] = 0
    return out


def factors(counts):
    return delay.factors(delay.checked(counts), weekday=None, keep=1, step_days=7.0)[0, 0, 1:, 0]


def test_a_delivery_that_failed_teaches_no_ratio():
    plain, odd = weeks(), failed_at(weeks(), 30)
    np.testing.assert_allclose(factors(odd), factors(plain), rtol=0.03)


def test_a_delivery_that_failed_is_no_fall():
    counts = weeks()
    odd = counts.copy()
    odd[:, 35, 0] = 0
    seen = judged.as_of(odd, 35)
    found = nowcast.nowcast(seen, np.random.default_rng(0), step_days=7.0)
    usual = nowcast.nowcast(judged.as_of(counts, 35), np.random.default_rng(0), step_days=7.0)
    assert found.mean[0, 0] == pytest.approx(400, rel=0.1)
    width, usual_width = (np.ptp(n.quantiles()[0, 0]) for n in (found, usual))
    assert width > 1.3 * usual_width  # nothing is known of it


def test_a_real_absence_in_a_small_place_is_believed():
    counts = np.random.default_rng(0).poisson(2 * SHARE, (1, 40, 4)).astype(float)
    counts[:, 35:] = 0
    found = nowcast.nowcast(judged.as_of(counts, 38), np.random.default_rng(0), step_days=7.0)
    assert found.mean[0, 0] < 2


def test_one_heap_of_late_cases_moves_little_and_a_lasting_change_is_learnt():
    counts = weeks(60)
    heap = counts.copy()
    heap[:, 40, 2] += 900
    assert factors(heap)[1] < 1.35 * factors(counts)[1]
    changed = counts.copy()
    changed[:, 40:, 1] += 100
    assert factors(changed)[0] > factors(counts)[0] + 0.25 * (100 / 240)


def test_cases_from_before_anyone_reported_teach_no_delay():
    """An outbreak is found on day 20: all older cases come at once, which is no delay of twenty days."""
    rng = np.random.default_rng(0)
    share = 0.5 ** np.arange(1, 31)
    usual = rng.poisson(40 * share, (1, 45, 30)).astype(float)
    found = usual.copy()
    for t in range(20):
        found[0, t, : 20 - t + 1] = 0
        found[0, t, 20 - t] = usual[0, t, : 20 - t + 1].sum()
    as_found, as_usual = (
        delay.factors(delay.checked(counts), weekday=None, keep=1)[0, 0, 1:, 0].clip(0).sum()
        for counts in (found, usual)
    )
    assert as_found < 1.2 * as_usual
