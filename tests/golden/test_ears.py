"""EARS C1, C2 and C3 are those of R surveillance (earsC), to the digit."""

import numpy as np
import pytest

from golden.surveillance import case, cases, equal
from tocsin.detect import detector


@pytest.mark.parametrize("name", cases("earsC") or [pytest.param("", marks=pytest.mark.skip("no reference material"))])
def test_equals_surveillance(name):
    c = case(name)
    ears = detector("ears", **c.control)
    alarms = ears.run(c.panel, c.start)
    equal(alarms.upper, c.columns["upperbound"])
    expected_alarms = np.nan_to_num(c.columns["alarm"]).astype(bool)
    np.testing.assert_array_equal(ears.alarming(alarms), expected_alarms)
    np.testing.assert_array_equal(ears.alarming(alarms), c.columns["observed"] > alarms.upper)
    assert ears.history(c.panel.step) <= c.start
