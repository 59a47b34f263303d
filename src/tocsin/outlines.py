"""The outlines of areas, which of them a point lies in, and where a point is on Chinese maps. Pure."""

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tocsin.errors import ConfigError
from tocsin.types import Floats

EARTH = 6371.0088  # km, the mean radius
_AXIS, _ECCENTRICITY = 6378245.0, 0.00669342162296594323  # Krasovsky 1940, which the shift of GCJ-02 is made with


class Outlines:
    """Areas as rings of points: a point lies in an area if a ray from it crosses the rings an odd number of times."""

    def __init__(self, rings: dict[str, list[Floats]]) -> None:
        """`rings`: of each code (N, 2) longitudes and latitudes; parts and holes alike."""
        self.codes = list(rings)
        self._rings = [rings[c] for c in self.codes]
        ends = [(np.vstack(r).min(axis=0), np.vstack(r).max(axis=0)) for r in self._rings]
        self._low = np.array([low for low, _ in ends]).reshape(-1, 2)
        self._high = np.array([high for _, high in ends]).reshape(-1, 2)

    def around(self, longitude: float, latitude: float) -> list[str]:
        """The codes of all areas that the point lies in, in the file's order. A border belongs to one of its sides."""
        point = np.array([longitude, latitude])
        near = np.flatnonzero(((self._low <= point) & (point <= self._high)).all(axis=1))
        return [self.codes[i] for i in near if sum(_crossings(r, longitude, latitude) for r in self._rings[i]) % 2]


def _crossings(ring: Floats, x: float, y: float) -> int:
    x1, y1 = ring[:, 0], ring[:, 1]
    x2, y2 = np.roll(x1, -1), np.roll(y1, -1)
    spans = (y1 > y) != (y2 > y)
    a, b, c, d = x1[spans], y1[spans], x2[spans], y2[spans]
    return int((x < (c - a) * (y - b) / (d - b) + a).sum())


def parse_outlines(data: bytes, key: str, file: str) -> Outlines:
    """Polygons and multipolygons of a GeoJSON file (RFC 7946), by the property that holds the code; ConfigError."""
    try:
        features = json.loads(data)["features"]
        found: dict[str, list[Floats]] = {}
        for feature in features:
            code = str((feature.get("properties") or {}).get(key, feature.get("id", "")))
            rings = [np.asarray(r, dtype=np.float64)[:, :2] for r in _rings(feature.get("geometry") or {})]
            if code and rings:
                found.setdefault(code, []).extend(rings)
        return Outlines(found)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as e:
        why = f"{type(e).__name__}: {e}"
        raise ConfigError(f"{file}: no outlines can be read ({why}); it must be a GeoJSON FeatureCollection") from e


def _rings(geometry: dict[str, Any]) -> Iterator[Any]:
    if geometry.get("type") == "Polygon":
        yield from geometry["coordinates"]
    elif geometry.get("type") == "MultiPolygon":
        for part in geometry["coordinates"]:
            yield from part
    elif geometry.get("type") == "GeometryCollection":
        for one in geometry["geometries"]:
            yield from _rings(one)


def kilometres(longitude: float, latitude: float, longitudes: Floats, latitudes: Floats) -> Floats:
    """(N,) great-circle distances from a point, by the haversine formula."""
    here, there = math.radians(latitude), np.radians(latitudes)
    half = np.sin((there - here) / 2) ** 2
    half = half + math.cos(here) * np.cos(there) * np.sin(np.radians(longitudes - longitude) / 2) ** 2
    return np.asarray(2 * EARTH * np.arcsin(np.sqrt(np.clip(half, 0, 1))))


def to_wgs84(longitude: float, latitude: float, datum: str) -> tuple[float, float]:
    """A point of a Chinese map (gcj02: Amap, Tencent; bd09: Baidu) as GPS has it, to within a metre."""
    if datum == "bd09":
        x, y = longitude - 0.0065, latitude - 0.006
        far = math.hypot(x, y) - 0.00002 * math.sin(y * math.pi * 3000 / 180)
        angle = math.atan2(y, x) - 0.000003 * math.cos(x * math.pi * 3000 / 180)
        longitude, latitude = far * math.cos(angle), far * math.sin(angle)
    if datum == "wgs84" or not (72.004 <= longitude <= 137.8347 and 0.8293 <= latitude <= 55.8271):
        return longitude, latitude
    true = longitude, latitude
    for _ in range(3):  # the shift is asked for where the point is, which is not known at first
        shift = _shift(*true)
        true = longitude - shift[0], latitude - shift[1]
    return true


def _shift(longitude: float, latitude: float) -> tuple[float, float]:
    """How far GCJ-02 moves a point of WGS 84, in degrees."""
    x, y = longitude - 105, latitude - 35
    waves = 20 * _sin(6 * x) + 20 * _sin(2 * x)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    north += (waves + 20 * _sin(y) + 40 * _sin(y / 3) + 160 * _sin(y / 12) + 320 * _sin(y / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    east += (waves + 20 * _sin(x) + 40 * _sin(x / 3) + 150 * _sin(x / 12) + 300 * _sin(x / 30)) * 2 / 3
    at = math.radians(latitude)
    bulge = 1 - _ECCENTRICITY * math.sin(at) ** 2
    metres_north = _AXIS * (1 - _ECCENTRICITY) / bulge**1.5
    metres_east = _AXIS / math.sqrt(bulge) * math.cos(at)
    return math.degrees(east / metres_east), math.degrees(north / metres_north)


def _sin(turns: float) -> float:
    return math.sin(turns * math.pi)
