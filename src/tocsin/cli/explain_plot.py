"""A picture of why: the curve with its baseline steps marked, larger and darker the more they count. I/O."""

from pathlib import Path
from typing import Any

import numpy as np

from tocsin.errors import ConfigError


def draw(path: Path, found: dict[str, Any], times: list[str], values: list[float | None]) -> None:
    """Write a picture (.png, .svg, .pdf), one panel a detector; ConfigError where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError as e:
        raise ConfigError('--plot needs matplotlib; install it with: pip install "tocsin[plot]"') from e
    told = found["detectors"]
    figure = Figure(figsize=(10, 1 + 2.6 * max(len(told), 1)), layout="constrained")
    axes = figure.subplots(max(len(told), 1), 1, sharex=True, squeeze=False)[:, 0]
    x = np.array(times, dtype="datetime64[m]")
    y = np.array([np.nan if v is None else v for v in values])
    gap = (x[1] - x[0]) if len(x) > 1 else np.timedelta64(1, "D")
    for axis, d in zip(axes, told, strict=False):
        axis.bar(x, y, width=gap, color="#c5ced6", label="observed")
        _marks(axis, d)
        at = np.datetime64(found["time"], "m")
        for name, colour in (("expected", "#1d4ed8"), ("upper", "#c2410c")):
            if d[name] is not None:
                axis.hlines(d[name], at - 3 * gap, at + 3 * gap, color=colour, linewidth=2, label=name)
        if d["observed"] is not None:
            axis.plot([at], [d["observed"]], "v" if d["alarm"] else "o", color="#b91c1c", markersize=7, label="judged")
        axis.set_title(d["title"]["en"], loc="left", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    if told:
        axes[0].legend(loc="upper left", frameon=False, ncols=6, fontsize=8)
    where = [found.get("signal"), found.get("area"), found.get("series"), found["time"]]
    figure.suptitle("  ".join(str(w) for w in where if w), x=0.01, ha="left", fontsize=11, fontweight="bold")
    figure.savefig(path, dpi=150)


def _marks(axis: Any, d: dict[str, Any]) -> None:
    rows = [b for b in d["baseline"] if b["value"] is not None]
    weight = np.array([np.nan if b["weight"] is None else b["weight"] for b in rows])
    shade = np.where(np.isnan(weight), 0.5, np.clip(weight / max(np.nanmax(weight, initial=0.0), 1e-9), 0, 1))
    x = np.array([b["time"] for b in rows], dtype="datetime64[m]")
    y = np.array([b["value"] for b in rows])
    out = np.array([b["left_out"] for b in rows], dtype=bool)
    axis.scatter(
        x[~out], y[~out], s=4 + 14 * shade[~out], c="#0f766e", alpha=0.25 + 0.75 * shade[~out], label="baseline"
    )
    if out.any():
        axis.scatter(x[out], y[out], s=22, c="#b91c1c", marker="x", linewidths=1, label="marked outbreak")
