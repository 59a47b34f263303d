"""Detectors side by side: outbreaks found at every rate of false alarms, and at one. I/O."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tocsin.detect.evaluate import Judged, Truth, curve, during
from tocsin.plot import paper

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RATES = np.geomspace(5e-4, 0.3, 60)


def performances(runs: Sequence[tuple[str, Truth, Mapping[str, Judged]]], level: float = 0.01) -> "Figure":
    """Of each run (title, what is known, what each method said) two pictures side by side.

    Left: the probability of detection against the false-alarm rate as the score's threshold moves, a dot where the
    method itself puts it. Right: that probability at the rate `level`, best first.
    """
    most = max((len(found) for _, _, found in runs), default=1)
    height = max(4.0, 0.24 * most + 1.5)
    figure = paper.sheet(12, height * max(len(runs), 1))
    axes = figure.subplots(max(len(runs), 1), 2, squeeze=False, width_ratios=(3, 2))
    for (left, right), (title, known, found) in zip(axes, runs, strict=True):
        at = {name: float(curve(f, known, np.array([level]))[0]) for name, f in found.items()}
        order = sorted(at, key=lambda n: -at[n])
        colours = paper.shades(len(order))
        _curves(left, known, {n: found[n] for n in order}, colours, level)
        left.set_title(title, loc="left", fontsize=11, fontweight="bold")
        _bars(right, [(n, at[n]) for n in order], colours, level)
    return figure


def _curves(axis: "Axes", known: Truth, found: Mapping[str, Judged], colours: Sequence[str], level: float) -> None:
    has = known.cases.max(axis=1, initial=0) > 0
    null, inside = known.size == 0, during(known.cases)
    for (name, f), colour in zip(found.items(), colours, strict=True):
        axis.plot(RATES, curve(f, known, RATES), color=colour, linewidth=1.3, label=name)
        rate = f.alarming[null].mean() if null.any() else np.nan
        hit = f.alarming & inside
        axis.plot(max(rate, RATES[0]), hit[has].any(axis=1).mean(), "o", color=colour, markersize=4)
    axis.axvline(level, color=paper.GREY, linewidth=0.8, linestyle="--")
    axis.set(xscale="log", xlim=(RATES[0], 1), ylim=(0, 1), xlabel="false-alarm rate", ylabel="outbreaks found")
    paper.quiet(axis)


def _bars(axis: "Axes", found: Sequence[tuple[str, float]], colours: Sequence[str], level: float) -> None:
    at = np.arange(len(found))
    axis.barh(at, [v for _, v in found], color=colours, height=0.7)
    for y, (_, v) in enumerate(found):
        axis.text(v + 0.01, y, f"{v:.2f}", va="center", fontsize=7)
    axis.set_yticks(at, [n for n, _ in found], fontsize=8)
    axis.invert_yaxis()
    axis.set(xlim=(0, 1.08), xlabel=f"outbreaks found at a false-alarm rate of {level:g}")
    paper.quiet(axis)
