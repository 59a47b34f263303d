"""A picture of a scan: places, the circles of its clusters, and below them what they are. I/O."""

import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from tocsin.errors import MethodError
from tocsin.scan import Found, Result, Settings, Study, wire
from tocsin.scan.periods import day_text

SURE = 0.05  # a cluster with a larger p is drawn grey: chance alone would do
LISTED = 8
NAMES = {
    "permutation": "permutation",
    "poisson": "Poisson",
    "bernoulli": "Bernoulli",
    "ebp": "expectation-based Poisson",
    "ebnb": "expectation-based negative binomial",
}


def drawable(settings: Settings) -> None:
    """MethodError if Matplotlib is not installed or the analysis has no places: to be asked before the scan."""
    if settings.analysis == "temporal":
        raise MethodError("a purely temporal scan has no map; leave --map out")
    if find_spec("matplotlib") is None:
        raise MethodError("drawing needs Matplotlib: install tocsin[plot]")


def draw(result: Result, study: Study, path: Path) -> None:
    """Write a map of a scan that is `drawable`."""
    drawable(result.settings)
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    placed = [c for c in result.clusters if c.place]
    figure, (axes, below) = plt.subplots(
        2, figsize=(8, 8 + 0.17 * min(len(placed), LISTED + 1)), layout="constrained",
        gridspec_kw={"height_ratios": [8, 0.3 + 0.17 * min(len(placed), LISTED + 1)]},
    )  # fmt: skip
    across, up = (study.points[:, 1], study.points[:, 0]) if study.earth else study.points[:, :2].T
    axes.plot(across, up, ".", color="0.7", markersize=3)
    index = {name: i for i, name in enumerate(study.ids)}
    drawn = wire.geojson(result, study)["features"]  # of the same clusters, in the same order
    shapes = [feature["geometry"] for feature in drawn if feature["geometry"]]
    for i, (c, shape) in reversed([*enumerate(zip(placed, shapes, strict=True))]):  # the best one lies on top
        inside = [index[m] for m in c.members]
        colour, width = _look(c)
        axes.plot(across[inside], up[inside], ".", color=colour, markersize=6)
        for ring in _rings(shape):
            axes.plot([x for x, _ in ring], [y for _, y in ring], "-", color=colour, linewidth=width)
        if i < LISTED:
            middle = c.place[1::-1] if study.earth else c.place[:2]
            badge = {"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": colour}
            axes.annotate(
                str(i + 1), middle, fontsize=8, weight="bold", color=colour, ha="center", va="center", bbox=badge
            )
    _frame(axes, result, study)
    _listed(below, placed, study.dated)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _rings(shape: dict[str, Any]) -> list[list[list[float]]]:
    """The outer rings of a polygon or of several; points have none."""
    if "Polygon" not in shape["type"]:
        return []
    parts = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
    return [part[0] for part in parts]


def _look(c: Found) -> tuple[str, float]:
    """Red for more than expected, blue for fewer, grey where chance alone would do."""
    if c.p > SURE:
        return "0.55", 0.8
    return ("C3" if c.high else "C0"), 1.8


def _frame(axes: Any, result: Result, study: Study) -> None:
    said, unit = result.settings, result.settings.unit
    first, last = day_text(int(study.edges[0]), unit), day_text(int(study.edges[-1]) - 1, unit)
    kind = ("prospective " if said.prospective else "") + said.analysis
    axes.set_title(
        f"{NAMES[said.model]}, {kind}\n" + (f"{first} to {last}: " if study.dated else "") +
        f"{sum(result.cases):,} cases in {result.locations:,} places", fontsize=10,
    )  # fmt: skip
    axes.set_xlabel("longitude" if study.earth else "x")
    axes.set_ylabel("latitude" if study.earth else "y")
    middle = math.radians(float(np.mean(study.points[:, 0]))) if study.earth else 0.0
    axes.set_aspect(1 / max(math.cos(middle), 0.05), adjustable="datalim")


def _listed(axes: Any, clusters: list[Found], dated: bool) -> None:
    axes.axis("off")
    lines = [_line(i, c, dated) for i, c in enumerate(clusters[:LISTED], 1)] or ["No clusters."]
    if len(clusters) > LISTED:
        lines.append(f"   and {len(clusters) - LISTED} more")
    axes.text(0, 1, "\n".join(lines), fontsize=8, family="monospace", va="top", transform=axes.transAxes)


def _line(i: int, c: Found, dated: bool) -> str:
    where = f"{c.center} +{len(c.members) - 1}" if len(c.members) > 1 else c.center
    rare = f"RI {c.recurrence_days:,.0f} days" if c.recurrence_days < 1e6 else "RI over 1,000,000 days"
    chance = "" if math.isnan(c.p) else f"  p {c.p:.2g}" if math.isnan(c.recurrence_days) else f"  {rare}"
    risk = f"  RR {c.relative_risk:.1f}" if math.isfinite(c.relative_risk) else ""
    when = f"{c.start} – {c.end}  " if dated else ""
    return f"{i:2d}  {where:20s} {when}{c.observed:g} cases, {c.expected:.1f} expected{risk}{chance}"
