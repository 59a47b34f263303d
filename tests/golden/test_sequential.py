"""CUSUM, GLR and OutbreakP are those of R surveillance: statistics to the digit, alarms exactly."""

import numpy as np
import pytest

from golden.surveillance import case, cases, equal
from tocsin.detect import detector

NAMES = {"cusum": "cusum", "glrpois": "glr_poisson", "glrnb": "glr_nb", "outbreakP": "outbreak_p"}
RUNS = [n for d in NAMES for n in cases(d)]


@pytest.mark.parametrize("name", RUNS or [pytest.param("", marks=pytest.mark.skip("no reference material"))])
def test_equals_surveillance(name):
    c = case(name)
    ours = detector(NAMES[c.detector], **c.control, compat="surveillance")
    alarms = ours.run(c.panel, c.start)
    np.testing.assert_array_equal(ours.alarming(alarms), np.nan_to_num(c.columns["alarm"]).astype(bool))
    # R takes one transform's hypergeometric function from a table that is good to nine digits of h.
    absolute = 1e-9 * c.control["h"] if c.control.get("trans") == "anscombeNegBin" else 1e-12
    equal(alarms.upper, c.columns["upperbound"], absolute=absolute)
    for mean in {"m", "mu0"} & set(c.columns):
        equal(alarms.expected, c.columns[mean])
    if "cusum" in c.columns and not c.control.get("reset"):
        equal(alarms.score * c.control["h"], c.columns["cusum"], absolute=absolute)
