"""Log-linear quasi-Poisson regressions of many series at once: one trend, one mean per part of the year. Pure.

The design has a single 1 among the parts of the year, so the normal matrix is an arrowhead and a Newton step costs one
pass over the rows. The trend enters as e^{b t}, carried from row to row by multiplication: no row needs an exponential.
"""

from typing import NamedTuple

import numpy as np

from tocsin.detect import lanes
from tocsin.detect.simd import LANES
from tocsin.detect.windows import Windows
from tocsin.types import Bools, Floats, Ints

ITERATIONS = 25
SERIES = 4096  # series handed to the kernel at once
FITTED, NO_ROWS, NOT_CONVERGED = lanes.FITTED, lanes.NO_ROWS, lanes.NOT_CONVERGED


class Fits(NamedTuple):
    """One regression per series and tested step, all (N, H); times are steps from the tested one, whose part it is.

    intercept: log mean of the part at time 0 without exposure; trend: per step, 0 when left out; phi = max(1, pearson);
    pearson, working: mean squares of the Pearson and of the unweighted working residuals; level_var, centre, trend_var:
    x'(X'WX)⁻¹x = level_var + (time - centre)² trend_var; n rows, rank; largest: the largest count used; first: time of
    the first row used; state: FITTED, NO_ROWS or NOT_CONVERGED.
    """

    intercept: Floats
    trend: Floats
    phi: Floats
    pearson: Floats
    working: Floats
    level_var: Floats
    centre: Floats
    trend_var: Floats
    n: Floats
    rank: Floats
    largest: Floats
    first: Floats
    state: Floats


def fit(
    y: Floats,
    exposure: Floats | None,
    windows: Windows,
    *,
    trend: bool,
    threshold: float,
    limit: int = ITERATIONS,
    todo: Bools | None = None,
) -> Fits:
    """Fit counts y (N, T) over each step's baseline; weigh down residuals over `threshold` and fit again.

    Missing counts are left out. exposure (N, T) or None multiplies the mean. threshold = inf: no weighing. limit:
    iterations at most. todo (N, H): the fits wanted (None: all); the others come out as NaN. Farrington et al. (1996),
    sections 3.3-3.6.
    """
    return _fit(y, exposure, windows, trend, threshold, limit, todo)[0]


def weights(y: Floats, exposure: Floats | None, windows: Windows, *, trend: bool, threshold: float) -> Floats:
    """The weights (R,) the last regression gave the baseline rows of one series y (1, T) at one tested step (H = 1)."""
    return _fit(y, exposure, windows, trend, threshold, ITERATIONS, None)[1][:, 0]


def merged(chosen: Bools, one: Fits, other: Fits) -> Fits:
    """`one` where chosen (N, H), else `other`."""
    return Fits(*(np.where(chosen, a, b) for a, b in zip(one, other, strict=True)))


def _fit(
    y: Floats, exposure: Floats | None, w: Windows, trend: bool, threshold: float, limit: int, todo: Bools | None
) -> tuple[Fits, Floats]:
    wanted = np.ones((len(y), len(w.n)), np.bool_) if todo is None else todo
    table = np.full((*wanted.shape, len(Fits._fields)), np.nan)
    omega = np.zeros((w.row.shape[1], LANES))
    some = w.n > 0  # steps with a baseline
    if some.any():
        jump, jumps = _jumps(w)
        first, end = w.row[some, 0].min(), w.row.max() + 1
        # Copies of a few thousand series keep memory small and give the kernel one layout to be compiled for.
        asked = np.flatnonzero((wanted & some).any(axis=1))
        for k in range(0, len(asked), SERIES):
            i = asked[k : k + SERIES]
            counts = y[i, first:end]
            shares = np.ones((1, 1)) if exposure is None else exposure[i, first:end]
            part = table[i]
            lanes.fit_all(
                counts, shares, w.row - first, w.level, w.time, w.n, w.levels, jump, jumps,
                trend, threshold, limit, wanted[i] & some, omega, part,
            )  # fmt: skip
            table[i] = part
    table[..., -1] = np.where(wanted & ~some, NO_ROWS, table[..., -1])
    return Fits(*np.moveaxis(table, 2, 0)), omega


def _jumps(w: Windows) -> tuple[Ints, Floats]:
    """Each row's distance from the row before as an index (H, R) into the few distances there are."""
    steps = np.diff(w.time, axis=1, prepend=w.time[:, :1])
    used = np.arange(steps.shape[1]) < w.n[:, None]
    jumps, index = np.unique(np.where(used, np.round(steps, 12), 0.0), return_inverse=True)
    return index.reshape(steps.shape).astype(np.int64), jumps
