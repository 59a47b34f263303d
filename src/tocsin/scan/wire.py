"""A scan's result as plain values, table rows and map shapes: the names that files carry. Pure."""

import math
from typing import Any, Final

import numpy as np

from tocsin.scan import outline
from tocsin.scan.inference import gumbel
from tocsin.scan.run import Found, Result
from tocsin.scan.study import Study

AXES = ("x", "y", "z")
_COLUMNS: Final[dict[str, type]] = {
    "radius": float, "members": str, "n_locations": int, "start": str, "end": str, "high": bool, "observed": int,
    "expected": float, "observed_over_expected": float, "relative_risk": float, "llr": float, "p_value": float,
    "gumbel_p_value": float, "extreme_value_p_value": float, "rank": int, "recurrence_interval_days": float,
}  # fmt: skip


def document(result: Result, study: Study) -> dict[str, Any]:
    """The whole result as JSON values; what cannot be a number (infinite, unknown) is null."""
    return {
        "clusters": [cluster(c, study) for c in result.clusters],
        "model": result.settings.model,
        "analysis": result.settings.analysis,
        "prospective": result.settings.prospective,
        "locations": result.locations,
        "cases": list(result.cases),
        "seed": result.settings.seed,
        "random": result.settings.random,
        "monte_carlo": _maxima(result),
    }


def cluster(c: Found, study: Study) -> dict[str, Any]:
    """One cluster as JSON values."""
    values: dict[str, Any] = {"center": c.center}
    if study.earth and c.place:
        values |= {"latitude": c.place[0], "longitude": c.place[1]}
    else:
        values |= dict(zip(AXES, c.place, strict=False))
    values |= {
        "radius": _number(c.radius) if c.place else None,
        "members": list(c.members),
        "n_locations": len(c.members),
        "start": c.start if study.dated else None,
        "end": c.end if study.dated else None,
        "high": c.high,
        "observed": _whole(c.observed),
        "expected": _number(c.expected),
        "observed_over_expected": _number(c.observed / c.expected if c.expected > 0 else math.nan),
        "relative_risk": _number(c.relative_risk),
        "llr": c.llr,
        "p_value": _number(c.p),
        "gumbel_p_value": _number(c.gumbel_p),
        "extreme_value_p_value": _number(c.extreme_value_p),
        "rank": c.rank or None,
        "recurrence_interval_days": _number(c.recurrence_days),
        "member_detail": [[m, _whole(n), e] for m, (n, e) in zip(c.members, c.by_member, strict=True)],
    }
    if c.shape != 1.0:
        values |= {"shape": c.shape, "angle_degrees": math.degrees(c.angle)}
    if len(c.by_stream) > 1:
        values["by_stream"] = [
            {"observed": _whole(n), "expected": e, "relative_risk": _number(r)} for n, e, r in c.by_stream
        ]
    return values


def columns(result: Result, study: Study) -> dict[str, type]:
    """The columns of a table of clusters, the same whether there are any or not."""
    axes: tuple[str, ...] = ()
    if result.settings.analysis != "temporal":
        axes = ("latitude", "longitude") if study.earth else AXES[: study.points.shape[1]]
    ovals = ("shape", "angle_degrees") if result.settings.shapes else ()
    return {"center": str} | dict.fromkeys(axes, float) | _COLUMNS | dict.fromkeys(ovals, float)


def rows(result: Result, study: Study) -> list[dict[str, Any]]:
    """One flat row a cluster; members joined by blanks, those with blanks in their names in quotation marks."""
    names = columns(result, study)
    flat = []
    for c in result.clusters:
        values = cluster(c, study) | {"members": " ".join(f'"{m}"' if " " in m else m for m in c.members)}
        flat.append({name: values.get(name) for name in names})
    return flat


def geojson(result: Result, study: Study) -> dict[str, Any]:
    """Circles (points where the radius is 0; all members for lists of neighbours) with the values of their clusters.

    What has no place has no geometry (null).
    """
    features = []
    for c in result.clusters:
        shape = None
        if c.place and study.neighbours is not None:
            shape = _members(c, study)
        elif c.place:
            shape = _circle(c, study.earth) if c.radius > 0 else _point(c, study.earth)
        features.append({"type": "Feature", "geometry": shape, "properties": cluster(c, study)})
    return {"type": "FeatureCollection", "features": features}


def _point(c: Found, earth: bool) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [c.place[1], c.place[0]] if earth else list(c.place[:2])}


def _members(c: Found, study: Study) -> dict[str, Any]:
    """Neighbourhoods along a network are no circles: their places."""
    index = {name: i for i, name in enumerate(study.ids)}
    at = study.points[[index[m] for m in c.members]]
    return {"type": "MultiPoint", "coordinates": (at[:, 1::-1] if study.earth else at[:, :2]).tolist()}


def _circle(c: Found, earth: bool) -> dict[str, Any]:
    if earth:
        return outline.circle(c.place[0], c.place[1], c.radius)
    return outline.ellipse(c.place[0], c.place[1], c.radius, c.shape, c.angle)


def _maxima(result: Result) -> dict[str, Any]:
    found = result.maxima
    if not len(found):
        return {"replicates": 0}
    tail = gumbel(found)
    return {
        "replicates": len(found),
        "mean": float(found.mean()),
        "variance": float(found.var()),
        "gumbel_mu": tail.mu,
        "gumbel_beta": tail.beta,
        "critical_05": float(np.quantile(found, 0.95)),
        "critical_01": float(np.quantile(found, 0.99)),
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _whole(value: float) -> int | float:
    return int(value) if float(value).is_integer() else float(value)
