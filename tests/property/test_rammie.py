"""The multi-level model: small areas borrow what they cannot tell, none is forced to be like the others."""

import numpy as np
import pytest

from tocsin.detect import DETECTORS, contract, detector, panel
from tocsin.errors import MethodError

DAYS = 3 * 365
T = np.arange(DAYS)
SHAPE = np.exp(0.5 * np.sin(2 * np.pi * T / 365.25) - 0.5 * (T % 7 >= 5))  # 2018-01-01 is a Monday


def region(levels, seed=1, days=DAYS):
    rng = np.random.default_rng(seed)
    return panel(rng.poisson(np.asarray(levels)[:, None] * SHAPE[:days]), first="2018-01-01")


def test_small_areas_have_the_regions_season_and_weekdays():
    levels = np.r_[np.full(30, 0.3), 40.0]
    p = region(levels)
    start = DAYS - 100
    true = levels[:, None] * SHAPE[start:]
    shared = detector("rammie").run(p, start).expected
    alone = detector("baseline_nb").run(p, start).expected
    error = [np.sqrt(np.mean(np.log(found[:30] / true[:30]) ** 2)) for found in (shared, alone)]
    assert error[0] < 0.15
    assert error[0] < error[1] / 2, "of thirty small areas it knows no more than each alone does"
    assert np.abs(np.log(shared[30] / true[30])).max() < 0.15


def test_levels_are_drawn_together_only_as_far_as_they_are_alike():
    alike, apart = np.full(40, 0.05), np.geomspace(0.005, 5, 40)
    for levels, kept in ((alike, False), (apart, True)):
        p = region(levels, seed=2)
        start = DAYS - 30
        found = detector("rammie").run(p, start).expected.mean(axis=1)
        own = p.y[:, start - 2 * 365 : start].mean(axis=1)
        spread = np.std(np.log(found)) / np.std(np.log(own + 1e-3))
        assert (spread > 0.8) == kept, spread


def test_an_outbreak_in_one_area_is_found_there_and_nowhere_else():
    p = region(np.full(20, 4.0), seed=3)
    start = DAYS - 20
    p.y[7, start + 5 :] += 12
    alarms = detector("rammie", alpha=0.001).run(p, start)
    found = DETECTORS["rammie"].alarming(alarms)
    assert found[7, 5:].mean() > 0.8
    assert np.delete(found, 7, axis=0).mean() < 0.01


def test_past_outbreaks_do_not_raise_what_is_expected():
    p, q = region(np.full(10, 5.0), seed=4), region(np.full(10, 5.0), seed=4)
    start = DAYS - 10
    q.y[:3, start - 300 : start - 280] += 60
    clean, after = (detector("rammie").run(x, start).expected for x in (p, q))
    plain = detector("rammie", weights_threshold=1e9).run(q, start).expected
    assert np.abs(after / clean - 1)[3:].max() < 0.06
    assert (after[:3] / clean[:3]).mean() < 1 + ((plain[:3] / clean[:3]).mean() - 1) / 3


def test_a_spike_is_against_the_last_two_weeks():
    """In a wave that the model does not know every day stands out; against the last two weeks only a new rise does."""
    p = region(np.full(12, 10.0), seed=5)
    start = DAYS - 60
    p.y[:, start:] = np.random.default_rng(6).poisson(3 * 10 * SHAPE[start:], (12, 60))
    p.y[4, -1] += 80
    alarming = DETECTORS["rammie"].alarming
    historical = alarming(detector("rammie").run(p, start))
    spike = alarming(detector("rammie", against="spike").run(p, start))
    assert historical[:, :14].mean() > 0.85  # later fits have seen the wave's beginning
    assert spike[:, 30:-1].mean() < 0.05
    assert spike[4, -1]


def test_gaps_and_days_off():
    rng = np.random.default_rng(7)
    off = T % 100 == 50
    y = rng.poisson(8 * SHAPE * np.where(off, 0.3, 1.0), (15, DAYS)).astype(float)
    y[rng.random(y.shape) < 0.3] = np.nan
    y[0, :600] = np.nan
    p = panel(y, first="2018-01-01", holiday=off)
    start = int(np.flatnonzero(off)[-1])
    found = detector("rammie").run(p, start)
    assert found.expected[:, 0] == pytest.approx(np.full(15, 8 * SHAPE[start] * 0.3), rel=0.15)
    assert np.isnan(found.p[np.isnan(y[:, start:])]).all()


def test_populations_make_levels_alike():
    people = np.geomspace(1e3, 1e6, 25)
    y = np.random.default_rng(8).poisson((2e-5 * people)[:, None] * SHAPE)
    p = panel(y, first="2018-01-01", exposure=people[:, None])
    start = DAYS - 28
    true = (2e-5 * people)[:, None] * SHAPE[start:]
    by_rate = detector("rammie", population_offset=True).run(p, start).expected
    by_count = detector("rammie").run(p, start).expected
    small = slice(0, 8)
    errors = [np.abs(np.log(e[small] / true[small])).mean() for e in (by_rate, by_count)]
    assert errors[0] < errors[1] / 2
    unknown = detector("rammie", population_offset=True).run(panel(y, first="2018-01-01"), start)
    assert np.isnan(unknown.score).all()


def test_a_long_replay_of_many_areas_is_not_cut_into_parts(monkeypatch):
    p = region(np.full(9, 3.0), seed=9)
    whole = detector("rammie").run(p, DAYS - 40)
    monkeypatch.setattr(contract, "CELLS", 80)
    np.testing.assert_array_equal(detector("rammie").run(p, DAYS - 40).expected, whole.expected)
    assert not np.allclose(detector("rammie").run(p._replace(y=p.y[:2], exposure=p.exposure[:2]), DAYS - 40).expected,
                           whole.expected[:2], rtol=1e-3)  # fmt: skip


def test_what_it_cannot_do_is_said():
    with pytest.raises(MethodError, match="historical"):
        detector("rammie", against="hysterical").run(region([1.0]), 900)
    with pytest.raises(MethodError, match="shorter"):
        detector("rammie").history(60)
    assert np.isnan(detector("rammie").run(region([1.0], days=20), 0).score).all()
