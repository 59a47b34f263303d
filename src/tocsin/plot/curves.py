"""Judged series: counts, what was expected, the threshold, the alarms. I/O."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tocsin.detect import Detector
from tocsin.plot import paper
from tocsin.types import Alarms, Ints, Panel, Times

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 12  # series on one picture: those with the most alarms


def curves(
    panel: Panel,
    detector: Detector,
    start: int,
    alarms: Alarms,
    names: Sequence[str] = (),
    x: Times | Ints | None = None,
) -> "Figure":
    """The series with the most alarms, one below the other; alarms are those of `detector.run(panel, start)`.

    names (N,): the series'; x (T,): what stands along the axis, the panel's times if not given.
    """
    alarming = detector.alarming(alarms)
    rows = np.sort(np.argsort(-alarming.sum(axis=1), kind="stable")[:MOST])
    figure = paper.sheet(10, 1 + 2.2 * max(len(rows), 1))
    axes = figure.subplots(max(len(rows), 1), 1, sharex=True, squeeze=False)[:, 0]
    along = panel.time if x is None else x
    width = along[1] - along[0] if len(along) > 1 else 0.8
    observed = detector.observed(panel.y, panel.step)
    for axis, i in zip(axes, rows, strict=False):  # one empty axis where there are no series
        axis.bar(along, observed[i], width=width, color=paper.GREY, label="observed")
        axis.step(along[start:], alarms.upper[i], where="mid", color=paper.ORANGE, linewidth=1.2, label="upper")
        axis.plot(along[start:], alarms.expected[i], color=paper.BLUE, linewidth=1.2, label="expected")
        at = np.flatnonzero(alarming[i])
        axis.plot(along[start:][at], observed[i, start:][at], "v", color=paper.RED, markersize=5, label="alarm")
        axis.set_title(names[i] if len(names) else "", loc="left", fontsize=10)
        paper.quiet(axis)
    if len(rows):
        axes[0].legend(loc="upper left", frameon=False, ncols=4, fontsize=8)
    figure.suptitle(detector.name, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure
