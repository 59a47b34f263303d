"""The picture of `tocsin score-estimates`: errors and coverage by age, and the newest step through time. I/O."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from tocsin.errors import ConfigError
from tocsin.estimate import judged, nowcast


def draw(
    path: Path,
    rows: Sequence[judged.Row],
    found: Sequence[judged.Judged],
    dates: Sequence[date],
    step: str,
    names: Sequence[str],
) -> None:
    """Write a picture (.png, .svg, .pdf), below of the last of the strata; ConfigError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as e:
        raise ConfigError('--plot needs matplotlib; install it with: pip install "tocsin[plot]"') from e
    figure = Figure(figsize=(10, 7), layout="constrained")
    grid = figure.subplot_mosaic([["error", "cover"], ["time", "time"]])
    groups, x = rows[:-1], np.arange(len(rows) - 1)
    error, cover, time = grid["error"], grid["cover"], grid["time"]
    for name, values, colour in (
        ("as reported", [r.reported for r in groups], "#9aa7b4"),
        ("chain ladder", [r.ladder for r in groups], "#c2410c"),
        ("nowcast (WIS)", [r.wis for r in groups], "#1d4ed8"),
    ):
        error.plot(x, values, "o-", color=colour, markersize=3, label=name)
    error.set_title("mean error", loc="left", fontsize=10)
    error.legend(frameon=False, fontsize=8)
    for share, values, colour in (
        (0.5, [r.covered50 for r in groups], "#0f766e"),
        (0.95, [r.covered95 for r in groups], "#1d4ed8"),
    ):
        cover.axhline(share, color=colour, linewidth=0.8, linestyle=":")
        cover.plot(x, values, "o-", color=colour, markersize=3, label=f"{share:.0%} interval")
    cover.set_ylim(0, 1)
    cover.set_title("share that the interval held", loc="left", fontsize=10)
    cover.legend(frameon=False, fontsize=8)
    for axis in (error, cover):
        axis.set_xticks(x, [f"{r.first}" if r.first == r.last else f"{r.first}-{r.last}" for r in groups])
        axis.set_xlabel(f"{step}s back", fontsize=8)
    _time(time, found, dates)
    time.set_title(f"the newest {step} as of each date {names[-1]}".strip(), loc="left", fontsize=10)
    for axis in grid.values():
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def _time(axis: Any, found: Sequence[judged.Judged], dates: Sequence[date]) -> None:
    low, mid, high = (int(np.argmin(np.abs(nowcast.LEVELS - level))) for level in (0.025, 0.5, 0.975))
    newest = np.array([f.quantiles[-1, 0] for f in found])
    when = np.array(dates, dtype="datetime64[D]")
    axis.fill_between(when, newest[:, low], newest[:, high], color="#1d4ed8", alpha=0.2, linewidth=0, label="95 %")
    axis.plot(when, newest[:, mid], color="#1d4ed8", linewidth=1.2, label="nowcast of that day")
    axis.plot(when, [f.reported[-1, 0] for f in found], color="#9aa7b4", linewidth=1, label="reported by then")
    axis.plot(when, [f.truth[-1, 0] for f in found], "k.", markersize=3, label="what came")
    axis.legend(frameon=False, fontsize=8, ncols=4)
