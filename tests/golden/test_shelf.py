"""Bayes, RKI and CDC are those of R surveillance: integer bounds exactly, the rest to the digit."""

import numpy as np
import pytest

from golden.surveillance import case, cases, equal
from tocsin.detect import detector, panel

RUNS = [n for d in ("bayes", "rki", "cdc") for n in cases(d)]


@pytest.mark.parametrize("name", RUNS or [pytest.param("", marks=pytest.mark.skip("no reference material"))])
def test_equals_surveillance(name):
    c = case(name)
    ours = detector(c.detector, **c.control, compat="surveillance")
    alarms = ours.run(c.panel, c.start)
    if c.detector == "bayes":
        np.testing.assert_array_equal(alarms.upper, c.columns["upperbound"])
    equal(alarms.upper, c.columns["upperbound"])
    np.testing.assert_array_equal(ours.alarming(alarms), np.nan_to_num(c.columns["alarm"]).astype(bool))
    assert ours.history(c.panel.step) <= c.start


def test_rki_leaves_its_table_at_a_mean_of_twenty():
    y = np.array([[20.0] * 6, [20.0] * 5 + [21.0]])
    upper = detector("rki", b=0, w=6, act_y=True).run(panel(np.c_[y, [0, 0]], step="1w"), 6).upper[:, 0]
    np.testing.assert_allclose(upper, [30.017, y[1].mean() + 2 * y[1].std(ddof=1)])
