"""CUSUM, GLR and OutbreakP are those of R surveillance: statistics to the digit, alarms exactly."""

import numpy as np
import pytest

from golden.surveillance import case, cases, equal
from tocsin.detect import detector, panel

NAMES = {"cusum": "cusum", "glrpois": "glr_poisson", "glrnb": "glr_nb", "outbreakP": "outbreak_p"}
RUNS = [n for d in NAMES for n in cases(d)]


@pytest.mark.parametrize("name", RUNS or [pytest.param("", marks=pytest.mark.skip("no reference material"))])
def test_equals_surveillance(name):
    c = case(name)
    ours = detector(NAMES[c.detector], **c.control, compat="surveillance")
    alarms = ours.run(c.panel, c.start)
    np.testing.assert_array_equal(ours.alarming(alarms), np.nan_to_num(c.columns["alarm"]).astype(bool))
    equal(alarms.upper, c.columns["upperbound"], absolute=1e-12)
    for mean in {"m", "mu0"} & set(c.columns):
        equal(alarms.expected, c.columns[mean])
    if "cusum" in c.columns and not c.control.get("reset"):
        equal(alarms.score * c.control["h"], c.columns["cusum"], absolute=1e-12)


# What surveillance 1.20.3 says of 20 counts of 5 and then these, monitored from the first of these on.
COUNTS = np.array([5.0] * 20 + [5, 5, 12, 5, 5, 5, 9, 9, 5, 5, 5, 2, 2, 5, 5])
SAID = [
    ("glr_poisson", {"mu0": 6.0, "dir": "dec", "m": -1, "mtilde": 4},
     "0 0 0 .088392 .17678 .26518 0 0 .088392 .17678 .26518 1.8028 3.6056 2.7617 2.454"),
    ("glr_poisson", {"mu0": 6.0, "dir": "dec", "m": 5, "mtilde": 2},
     "0 0 0 0 0 .26518 0 0 0 0 .26518 1.1377 2.7617 2.7617 2.454"),
    ("glr_poisson", {"mu0": 3.0, "change": "epi", "m": -1, "mtilde": 4},
     "0 0 0 4.7977 5.3301 0 0 0 7.3521 0 0 0 .31937 .52866 1.0003"),
    ("glr_nb", {"mu0": 6.0, "dir": "dec", "m": 5, "mtilde": 4, "alpha": 0.1},
     "0 0 0 0 0 0 0 0 0 0 0 .74013 1.6286 1.6286 1.6286"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "settings", "said"), SAID)
def test_how_long_a_change_lasts_is_read_as_surveillance_reads_it(name, settings, said):
    ours = detector(name, ret="value", compat="surveillance", **settings).run(panel(COUNTS, step="1w"), 20)
    np.testing.assert_allclose(ours.upper[0], [float(x) for x in said.split()], rtol=1e-4, atol=1e-12)


def test_a_gap_ends_the_sum_as_in_surveillance_and_does_not_otherwise():
    y = COUNTS.copy()
    y[25] = np.nan
    p = panel(y, step="1w")
    theirs, ours = (detector("cusum", compat=c).run(p, 20) for c in ("surveillance", ""))
    assert np.isnan(theirs.score[0, 5:]).all()
    assert (theirs.upper[0, 6:] == 0).all()
    assert np.isnan(ours.score[0]).tolist() == [i == 5 for i in range(15)]
