"""Detectors on a nowcast: what each would say of the counts there may have been, weighed by how likely they are. Pure.

Shapes: N series, T steps, K pasts. A past is one quantile of the nowcast at every open step
(of the sums over its window, where a detector compares sums); NODES are their levels,
WEIGHTS how much of the probability each stands for, finest below, for it is the low pasts that make an alarm doubtful.

The p of a step is the average of the p of its possible counts. For calibrated p and a calibrated nowcast that average
is a conditional expectation of a uniform variable: at most 2α of the steps fall under α (Meng 1994, Ann Stat 22:1142),
and the less certain the count, the fewer. So a nowcast alarms only if nearly all it holds possible alarms.
"""

from typing import NamedTuple

import numpy as np

from tocsin.detect import Detector, left_out
from tocsin.types import Alarms, Bools, Floats, Panel

_EDGES = np.array([0, 0.002, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 1])
NODES, WEIGHTS = (_EDGES[1:] + _EDGES[:-1]) / 2, np.diff(_EDGES)
LEVELS = np.array([0.025, 0.5, 0.975])
CLOSE_LOOK = (
    0.05  # the average is at least half the median's p, so what is over this at the median need not be averaged
)


class Pasts(NamedTuple):
    """Panels' counts at the median (N, T) and at each node (K, N, T); as reported where nothing more is to come."""

    median: Floats
    nodes: Floats


def run(detector: Detector, panel: Panel, pasts: Pasts, start: int, marked: Bools) -> Alarms:
    """Alarms of steps `start … T-1`. Expected, upper and score are those of the median count.

    A rule (a fixed value) is asked about what was reported: a threshold of cases wants cases, not estimates.
    """
    if detector.rule:
        return left_out.run(detector, panel, start, marked)
    found = left_out.run(detector, panel._replace(y=pasts.median), start, marked)
    close = found.p <= CLOSE_LOOK
    rows = np.flatnonzero(close.any(axis=1) & (pasts.nodes[-1] > pasts.nodes[0]).any(axis=1))
    if not len(rows):
        return found
    y = pasts.nodes[:, rows].reshape(-1, panel.y.shape[1])
    exposure = np.tile(panel.exposure[rows], (len(NODES), 1))
    many = np.tile(marked[rows], (len(NODES), 1))
    told = left_out.run(detector, panel._replace(y=y, exposure=exposure), start, many).p.reshape(
        len(NODES), len(rows), -1
    )
    p = found.p.copy()
    p[rows] = np.where(close[rows], np.tensordot(WEIGHTS, told, axes=1), p[rows])
    return Alarms(found.expected, found.upper, found.score, p)
