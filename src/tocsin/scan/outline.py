"""The outline of a window on a map: ellipses on the plane, circles on the globe, cut where the map ends. Pure."""

import math
from itertools import pairwise
from typing import Any

import numpy as np

from tocsin.scan.zones import EARTH_KM
from tocsin.types import Floats

CORNERS = 72


def ellipse(x: float, y: float, radius: float, shape: float, angle: float) -> dict[str, Any]:
    """A GeoJSON polygon: radius of the short half-axis, shape times as long, turned by the angle."""
    turn = -_turns()
    along, across = radius * shape * np.cos(turn), radius * np.sin(turn)
    cos, sin = math.cos(angle), math.sin(angle)
    return _geometry([np.column_stack([x + along * cos - across * sin, y + along * sin + across * cos])])


def circle(lat: float, lon: float, km: float) -> dict[str, Any]:
    """A GeoJSON polygon, two where 180° lies in the circle (RFC 7946, 3.1.9), to the map's edge where a pole does."""
    turn = _turns()
    up, arc = math.radians(lat), km / EARTH_KM
    north = np.arcsin(math.sin(up) * math.cos(arc) + math.cos(up) * math.sin(arc) * np.cos(turn))
    east = np.arctan2(np.sin(turn) * math.sin(arc) * math.cos(up), math.cos(arc) - math.sin(up) * np.sin(north))
    ring = np.column_stack([lon + np.degrees(east), np.degrees(north)])
    if abs(lat) + math.degrees(arc) >= 90:
        return _geometry([_around_pole(ring, math.copysign(90.0, lat))])
    middle = _cut(_cut(ring, 180.0, -1), -180.0, 1)
    once = np.array([360.0, 0.0])
    parts = [middle, _cut(ring, 180.0, 1) - once, _cut(ring, -180.0, -1) + once]
    return _geometry([part for part in parts if len(part)])


def _turns() -> Floats:
    """Once around by compass bearings, against the clock; the last is the first."""
    return np.append(-np.arange(CORNERS) * 2 * math.pi / CORNERS, 0.0)


def _cut(ring: Floats, at: float, side: int) -> Floats:
    """What of a convex ring lies east (side 1) or west (−1) of a meridian; Sutherland & Hodgman (1974), CACM 17:32."""
    kept: list[Floats] = []
    for a, b in pairwise(ring):
        inside = (a[0] - at) * side > 0
        if inside:
            kept.append(a)
        if inside != ((b[0] - at) * side > 0) and a[0] != b[0]:
            kept.append(a + (b - a) * ((at - a[0]) / (b[0] - a[0])))
    return np.array([*kept, kept[0]]) if kept else np.zeros((0, 2))


def _around_pole(ring: Floats, pole: float) -> Floats:
    """The ring laid out from −180° to 180° and closed along the edge of the map at the pole."""
    lon = (ring[:-1, 0] + 180) % 360 - 180
    by = np.argsort(lon)
    lon, lat = lon[by], ring[:-1, 1][by]
    seam = float(np.interp(180.0, [lon[-1], lon[0] + 360], [lat[-1], lat[0]]))
    line = [(-180.0, seam), *zip(lon, lat, strict=True), (180.0, seam)]
    whole = np.array([*line, (180.0, pole), (-180.0, pole), line[0]])
    return whole if pole > 0 else whole[::-1]


def _geometry(rings: list[Floats]) -> dict[str, Any]:
    drawn = [[ring.round(7).tolist()] for ring in rings]
    if len(drawn) == 1:
        return {"type": "Polygon", "coordinates": drawn[0]}
    return {"type": "MultiPolygon", "coordinates": drawn}
