"""Detectors are found by name, take their parameters by name, and refuse in words what they cannot do."""

from importlib import metadata

import numpy as np
import pytest

from tocsin import detect
from tocsin.detect import contract
from tocsin.detect.contract import score
from tocsin.detect.ears import c1, needs_c1
from tocsin.errors import MethodError


def test_names_of_parameters_are_compared_by_their_letters():
    ways = [{"min_sigma": 0.5}, {"minSigma": 0.5}, {"min.sigma": 0.5}]
    assert len({str(dict(detect.detector("ears_c1", **w).parameters)) for w in ways}) == 1


def test_history_follows_the_parameters():
    assert detect.detector("ears_c2", baseline=14, alpha=0.01).history(1440) == 16


def test_an_unknown_parameter_is_named_with_what_is_allowed():
    with pytest.raises(
        MethodError, match="ears_c1 has no parameter 'window'; its parameters are: baseline, alpha, min_sigma"
    ):
        detect.detector("ears_c1", window=7)


def test_an_unknown_method_is_named_with_what_there_is():
    with pytest.raises(MethodError, match=r"no detector 'sniff'; there are: baseline_nb, bayes, .*moving_percentile"):
        detect.detector("sniff")


def test_hostile_values_are_refused_in_words():
    ears = detect.detector("ears_c1")
    for y, says in (([1, np.inf], "infinite"), ([1, -1], "negative")):
        with pytest.raises(MethodError, match=says):
            ears.run(detect.panel(y), 0)
    assert np.isnan(ears.run(detect.panel([[-3.0] * 9], kind="measure"), 8).p).all()
    with pytest.raises(MethodError, match="judges count signals, not measure"):
        detect.detector("bayes").run(detect.panel([1.0], kind="measure"), 0)


def test_a_word_for_a_number_is_refused():
    with pytest.raises(MethodError, match="ears_c1: baseline is 'week'; it takes a whole number"):
        detect.detector("ears_c1", baseline="week")
    with pytest.raises(MethodError, match=r"ears_c1: baseline is 7.5; it takes a whole number"):
        detect.detector("ears_c1", baseline=7.5)
    with pytest.raises(MethodError, match=r"ears_c1: alpha is \[0.1\]; it takes a number"):
        detect.detector("ears_c1", alpha=[0.1])
    with pytest.raises(MethodError, match="ears_c1: alpha is None; it takes a value, not null"):
        detect.detector("ears_c1", alpha=None)
    assert detect.detector("ears_c1", baseline=14.0).history(1440) == 14
    with pytest.raises(MethodError, match="ears_c3: today is 1; it takes true or false"):
        detect.detector("ears_c3", today=1)


def test_bad_values_are_refused_in_words():
    for parameters, says in (({"baseline": 2}, "at least 3"), ({"alpha": 0.7}, "between 0 and 0.5")):
        with pytest.raises(MethodError, match=says):
            detect.detector("ears_c1", **parameters).run(detect.panel(np.ones(20)), 10)


def test_a_long_replay_in_blocks_is_the_same(monkeypatch):
    p = detect.panel(np.random.default_rng(1).poisson(3, (7, 60)))
    whole = detect.detector("ears_c3").run(p, 20)
    monkeypatch.setattr(contract, "CELLS", 90)
    in_blocks = detect.detector("ears_c3").run(p, 20)
    for f in contract.FIELDS:
        np.testing.assert_array_equal(getattr(whole, f), getattr(in_blocks, f))


def test_p_makes_do_with_the_days_it_has_where_upper_does_not():
    y = [3, 4, np.nan, 5, 3, 4, 5, 30]
    alarms = detect.detector("ears_c1").run(detect.panel(y), 7)
    assert np.isnan(alarms.upper[0, 0])
    assert alarms.p[0, 0] < 0.001
    y[1:4] = [np.nan] * 3
    y[4] = np.nan
    assert np.isnan(detect.detector("ears_c1").run(detect.panel(y), 7).p[0, 0])


def test_c3_with_todays_excess_speaks_today():
    y = np.array([4, 5, 4, 5, 4, 5, 4, 5, 4, 5, 4, 40.0])
    p = detect.panel(y)
    assert detect.detector("ears_c3", today=True).run(p, 11).score[0, 0] > 1
    assert not detect.detector("ears_c3").run(p, 11).score[0, 0] > 1


def test_other_packages_add_detectors(monkeypatch):
    mine = detect.Detector("mine", c1, needs_c1, "Me (2026)")

    class Entry:
        name = "mine"

        def load(self):
            return mine

    monkeypatch.setattr(metadata, "entry_points", lambda group: [Entry()] if group == detect.GROUP else [])
    detect._others.cache_clear()
    try:
        assert detect.detector("mine", alpha=0.01).parameters == {"alpha": 0.01}
        assert "mine" in detect.detectors()
        Entry.load = lambda self: "not a detector"
        detect._others.cache_clear()
        with pytest.raises(MethodError, match="is no Detector"):
            detect.detectors()
    finally:
        detect._others.cache_clear()


def test_without_a_spread_a_score_says_over_on_or_under_and_zero_is_never_on():
    y = np.array([[4.0, 3.0, 2.0, 0.0, np.nan]])
    level = np.array([[3.0, 3.0, 3.0, 0.0, 3.0]])
    np.testing.assert_array_equal(score(y, level, level), [[np.inf, 1.0, -np.inf, 0.0, np.nan]])
