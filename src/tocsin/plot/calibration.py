"""How often p lies under a level where nothing happened, against that level. I/O."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tocsin.detect import nulls
from tocsin.detect.nulls import FalseAlarms
from tocsin.plot import paper

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 4
LEAST = 1e-4  # a rate of nothing is drawn here: the axes are logarithmic


def calibration(told: Mapping[str, Mapping[str, Sequence[FalseAlarms]]], levels: Sequence[float]) -> "Figure":
    """A small picture for each set of series and method that claims a p: on the diagonal, p means what it says."""
    shown = [(s, m, f) for s, found in told.items() for m, f in found.items() if any(x.claims for x in f)]
    down = max(-(-len(shown) // ACROSS), 1)
    figure = paper.sheet(3 * ACROSS, 2.6 * down + 0.6)
    axes = figure.subplots(down, ACROSS, squeeze=False, sharex=True, sharey=True).reshape(-1)
    names = nulls.strata()
    colours = paper.shades(len(names))
    for axis, (series, method, found) in zip(axes, shown, strict=False):
        _one(axis, found, levels, colours)
        axis.set_title(f"{method}, {series}", loc="left", fontsize=9)
    for axis in axes[len(shown) :]:
        axis.set_axis_off()
    figure.supxlabel("nominal level", fontsize=9)
    figure.supylabel("share of steps with p at or under it", fontsize=9)
    marks = [axes[0].plot([], [], "o-", color=c, markersize=3, label=n)[0] for c, n in zip(colours, names, strict=True)]
    figure.legend(handles=marks, title="mean count a step", loc="outside upper right", ncols=len(names), fontsize=8)
    return figure


def _one(axis: "Axes", found: Sequence[FalseAlarms], levels: Sequence[float], colours: Sequence[str]) -> None:
    ends = (min(levels) / 2, max(levels) * 2)
    axis.plot(ends, ends, color=paper.GREY, linewidth=0.8)
    for f in found:
        if not f.claims:
            continue
        rate, low, high = np.maximum(np.array(f.p).T, LEAST)
        bars = np.stack([rate - low, high - rate]).clip(0)
        axis.errorbar(levels, rate, yerr=bars, fmt="o-", color=colours[f.stratum], markersize=3, linewidth=1)
    axis.set(xscale="log", yscale="log")
    paper.quiet(axis)
