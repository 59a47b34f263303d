"""Marked outbreaks are in no baseline, and judged as they are, by every detector."""

import numpy as np
import pytest

from conform.checks import as_panel, history, noise
from tocsin import detect
from tocsin.detect import DETECTORS, left_out
from tocsin.detect.contract import FIELDS

RULELESS = [pytest.param(d, id=n) for n, d in DETECTORS.items() if n != "fixed_value"]


def told(alarms):
    return np.stack([getattr(alarms, f) for f in FIELDS])


def marked_at(p, row, columns):
    marked = np.zeros(p.y.shape, dtype=bool)
    marked[row, columns] = True
    return marked


@pytest.mark.parametrize("d", RULELESS)
def test_without_marks_nothing_changes(d):
    p, start = noise(d, 3, 5), history(d)
    run = left_out.run(d, p, start, np.zeros(p.y.shape, dtype=bool))
    np.testing.assert_array_equal(told(run), told(d.run(p, start)))


@pytest.mark.parametrize("d", RULELESS)
def test_later_steps_do_not_know_how_large_a_marked_outbreak_was(d):
    """Marks in history and among the judged steps alike; the series beside it is judged as ever."""
    p, start = noise(d, 2, 60), history(d)
    spell = slice(start + 8, start + 12)
    marked = marked_at(p, 0, spell)
    large = p._replace(y=p.y.copy())
    large.y[0, spell] += 500
    usual, after = told(left_out.run(d, p, start, marked)), told(left_out.run(d, large, start, marked))
    judged_with = left_out.judged_steps(d, p.step)
    np.testing.assert_array_equal(usual[:, 1], after[:, 1])
    if not d.pools:  # to one that pools, the marked steps are missing from the baseline of all
        np.testing.assert_array_equal(usual[:, 1], told(d.run(p, start))[:, 1])
    np.testing.assert_array_equal(usual[:, 0, :8], after[:, 0, :8])
    np.testing.assert_array_equal(usual[:, 0, 12 + judged_with - 1 :], after[:, 0, 12 + judged_with - 1 :])


def test_where_series_are_pooled_a_marked_step_is_judged_in_the_whole_panel():
    """It keeps its own counts; of no marked step before it, in whichever series, does any baseline know."""
    d = detect.detector("rammie")
    p, start = noise(d, 4, 40), history(d)
    p.y[:] = np.round(p.y * np.array([[1], [4], [0.3], [9]]))
    marked = marked_at(p, 1, slice(start - 60, start - 50)) | marked_at(p, 2, slice(start + 30, start + 40))
    found = left_out.run(d, p, start, marked)
    t, y = start + 35, np.where(marked, np.nan, p.y)
    y[2, t] = p.y[2, t]
    whole = d.run(as_panel(d, y[:, : t + 1]), t)
    np.testing.assert_allclose(told(found)[:, 2, t - start], told(whole)[:, 2, -1], rtol=1e-9)
    alone = d.run(as_panel(d, y[2:3, : t + 1]), t)
    assert abs(alone.expected[0, -1] / found.expected[2, t - start] - 1) > 1e-3
    hidden = d.run(p._replace(y=np.where(marked, np.nan, p.y)), start)
    np.testing.assert_array_equal(told(found)[:, [0, 1, 3]], told(hidden)[:, [0, 1, 3]])


@pytest.mark.parametrize("d", [c for c in RULELESS if c.id not in ("ears_c3",)])
def test_a_marked_step_is_judged_by_its_own_count(d):
    p, start = noise(d, 1, 3), history(d)
    p.y[0, -1] += 300
    run = left_out.run(d, p, start, marked_at(p, 0, [p.y.shape[1] - 1]))
    np.testing.assert_allclose(told(run)[:, 0, -1], told(d.run(p, start))[:, 0, -1], rtol=1e-12)
    assert d.alarming(run)[0, -1]


def test_limit54_counts_the_cases_of_a_marked_outbreak():
    d = detect.detector("farrington_flexible")
    y = np.zeros((1, history(d) + 1))
    y[0, ::37] = 1
    y[0, -4:] = [1, 1, 1, 4]
    p = as_panel(d, y)
    run = left_out.run(d, p, y.shape[1] - 1, marked_at(p, 0, slice(-3, -1)))
    assert d.alarming(run).all()


def test_a_weekly_sum_keeps_its_marked_days():
    d = detect.detector("moving_percentile")
    p, start = noise(d, 1, 3), history(d)
    run = left_out.run(d, p, start, marked_at(p, 0, slice(-4, -1)))
    np.testing.assert_array_equal(run.expected[0, -1], d.run(p, start).expected[0, -1])
    assert np.isfinite(run.score[0, -1])


def test_a_detector_that_read_the_marked_counts_would_be_seen():
    """The check above is no decoration: a run that hides nothing fails it."""
    d = detect.detector("ears_c1")
    p, start = noise(d, 1, 30), history(d)
    large = p._replace(y=p.y.copy())
    large.y[0, start + 2 : start + 4] += 500
    after = told(d.run(large, start))
    assert not np.array_equal(told(d.run(p, start))[:, 0, 4:], after[:, 0, 4:], equal_nan=True)
