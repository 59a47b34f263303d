"""A picture of a scan: places, and the circles of its clusters. I/O."""

from pathlib import Path

from tocsin.errors import MethodError
from tocsin.scan import Result, Study, wire


def draw(result: Result, study: Study, path: Path) -> None:
    """Write a map; MethodError if Matplotlib is not installed or the data have no places."""
    if result.settings.analysis == "temporal":
        raise MethodError("a purely temporal scan has no map; leave --map out")
    try:
        import matplotlib
    except ImportError as e:
        raise MethodError("drawing needs Matplotlib: install tocsin[plot]") from e
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 8), layout="constrained")
    across, up = (study.points[:, 1], study.points[:, 0]) if study.earth else study.points[:, :2].T
    axes.plot(across, up, ".", color="0.7", markersize=3)
    index = {name: i for i, name in enumerate(study.ids)}
    for i, (c, feature) in enumerate(zip(result.clusters, wire.geojson(result, study)["features"], strict=False)):
        inside = [index[m] for m in c.members]
        shade = "C3" if c.high else "C0"
        strength = 1.0 if i == 0 else 0.5
        axes.plot(across[inside], up[inside], ".", color=shade, alpha=strength, markersize=6)
        if feature["geometry"]["type"] == "Polygon":
            ring = feature["geometry"]["coordinates"][0]
            axes.plot([x for x, _ in ring], [y for _, y in ring], "-", color=shade, alpha=strength)
        label = f"{i + 1}: {c.observed:g}/{c.expected:.1f}, {c.start} – {c.end}"
        axes.annotate(label, (across[inside[0]], up[inside[0]]), fontsize=7, alpha=strength)
    axes.set_xlabel("longitude" if study.earth else "x")
    axes.set_ylabel("latitude" if study.earth else "y")
    axes.set_aspect("equal" if not study.earth else "auto")
    figure.savefig(path, dpi=150)
    plt.close(figure)
