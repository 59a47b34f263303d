"""Simes' combination is its definition, and silence has no vote."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tocsin.alert.fuse import simes

claim = st.one_of(st.floats(0, 1), st.just(math.nan))


@given(st.lists(claim, min_size=1, max_size=6))
def test_it_is_its_definition(p):
    said = sorted(x for x in p if not math.isnan(x))
    wanted = min((len(said) * x / k for k, x in enumerate(said, 1)), default=math.nan)
    np.testing.assert_allclose(simes(np.array(p)), wanted, rtol=1e-14)


@given(st.floats(0, 1), st.integers(1, 5))
def test_those_who_agree_are_believed(p, n):
    np.testing.assert_allclose(simes(np.full(n, p)), p, rtol=1e-14)


@given(st.lists(st.tuples(claim, claim, claim), min_size=1, max_size=5))
def test_cells_are_fused_each_alone(cells):
    p = np.array(cells).T
    alone = [float(simes(p[:, [i]])[0]) for i in range(p.shape[1])]
    np.testing.assert_array_equal(simes(p), alone)
