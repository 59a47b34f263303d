"""Pictures of judged series: counts, what was expected, the threshold, the alarms. I/O."""

from pathlib import Path

import numpy as np

from tocsin.cli.tabled import Tabled
from tocsin.detect import Detector
from tocsin.errors import ConfigError
from tocsin.types import Alarms

MOST = 12  # series on one picture: those with the most alarms


def draw(path: Path, table: Tabled, chosen: Detector, first: int, alarms: Alarms) -> None:
    """Write a picture (.png, .svg, .pdf); ConfigError where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError as e:
        raise ConfigError('--plot needs matplotlib; install it with: pip install "tocsin[plot]"') from e
    alarming = chosen.alarming(alarms)
    rows = np.sort(np.argsort(-alarming.sum(axis=1), kind="stable")[:MOST])
    figure = Figure(figsize=(10, 1 + 2.2 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
    x = table.panel.time if table.dated else table.t
    observed = chosen.observed(table.panel.y, table.panel.step)
    for axis, i in zip(axes, rows, strict=True):
        axis.bar(x, observed[i], width=_width(x), color="#9aa7b4", label="observed")
        axis.step(x[first:], alarms.upper[i], where="mid", color="#c2410c", linewidth=1.2, label="upper")
        axis.plot(x[first:], alarms.expected[i], color="#1d4ed8", linewidth=1.2, label="expected")
        at = np.flatnonzero(alarming[i])
        axis.plot(x[first:][at], observed[i, first:][at], "v", color="#b91c1c", markersize=5, label="alarm")
        axis.set_title(table.series[i], loc="left", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    if len(axes):
        axes[0].legend(loc="upper left", frameon=False, ncols=4, fontsize=8)
    figure.suptitle(chosen.name, x=0.01, ha="left", fontsize=11, fontweight="bold")
    figure.savefig(path, dpi=150)


def _width(x: np.ndarray) -> np.timedelta64 | float:
    return x[1] - x[0] if len(x) > 1 else 0.8
