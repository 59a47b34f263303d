"""Records that say where they are by a point: outlines, centres, and the shifted coordinates of Chinese maps."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables import AREAS, codes, events, findings, read, settings
from tocsin.areas import AreaTree, tree
from tocsin.errors import ConfigError
from tocsin.outlines import kilometres, parse_outlines, to_wgs84


def square(x: float, y: float, side: float = 1.0) -> list[list[float]]:
    return [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]


def feature(code: str, kind: str, coordinates: list) -> dict:
    return {"type": "Feature", "properties": {"adcode": code}, "geometry": {"type": kind, "coordinates": coordinates}}


SHAPES = [
    feature("1", "Polygon", [square(0, 0, 5)]),
    feature("11", "Polygon", [square(0, 0, 2), square(0.5, 0.5, 0.5)]),  # with a hole
    feature("12", "MultiPolygon", [[square(3, 0)], [square(3, 2)]]),  # of two parts
    feature("1101", "Polygon", [square(0, 0, 0.4)]),
    feature("99", "Polygon", [square(4, 4)]),  # not in the area file
]


def drawn(features: list = SHAPES) -> AreaTree:
    data = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    return AREAS.drawn(data, "adcode", "areas.geojson")


@pytest.mark.parametrize(
    ("point", "code"),
    [
        ((1.5, 1.5), "11"),
        ((0.2, 0.2), "1101"),  # the deepest one
        ((0.7, 0.7), None),  # in the hole
        ((3.5, 0.5), "12"),
        ((3.5, 2.5), "12"),
        ((3.5, 1.5), None),  # between its parts
        ((4.5, 4.5), None),
        ((9, 9), None),
        ((np.nan, 1), None),
        ((1.5, 91), None),
    ],
)
def test_the_area_that_a_point_lies_in(point: tuple[float, float], code: str | None) -> None:
    found = drawn().at_point(*point)
    assert (found.code if found else None) == code


def test_a_border_belongs_to_one_side() -> None:
    pair = [feature("a", "Polygon", [square(0, 0)]), feature("b", "Polygon", [square(1, 0)])]
    sides = parse_outlines(json.dumps({"features": pair}).encode(), "adcode", "f")
    for y in np.linspace(0.05, 0.95, 10):
        assert len(sides.around(1.0, float(y))) == 1


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_a_point_in_no_outline_has_no_area_without_a_distance(x: float, y: float) -> None:
    inside = 0 <= x < 5 and 0 <= y < 5
    assert inside or drawn().at_point(x, y) is None


def centred() -> AreaTree:
    where = {"11": 116.40, "12": 116.60}
    areas = [replace(a, longitude=where[a.code], latitude=39.9) if a.code in where else a for a in AREAS.areas]
    return tree(areas, AREAS.levels)


def test_the_nearest_centre_only_within_the_distance() -> None:
    assert centred().at_point(116.45, 39.90, km=5).code == "11"
    assert centred().at_point(116.45, 39.90, km=4) is None
    assert centred().at_point(116.45, 39.90) is None


def test_distances_are_those_of_the_sphere() -> None:
    (far,) = kilometres(0, 0, np.array([1.0]), np.array([0.0]))
    assert far == pytest.approx(111.195, abs=0.001)
    (half,) = kilometres(0, 0, np.array([180.0]), np.array([0.0]))
    assert half == pytest.approx(np.pi * 6371.0088)


@pytest.mark.parametrize(  # pairs that are published for the shift
    ("shifted", "true"),
    [((121.531541859215, 31.17530398364597), (121.5272106, 31.1774276)),
     ((113.9171764808363, 22.540796131694766), (113.912316, 22.543847)),
     ((116.38404722455657, 39.91334545536069), (116.377817, 39.911954))],
)  # fmt: skip
def test_points_of_chinese_maps(shifted: tuple[float, float], true: tuple[float, float]) -> None:
    found = to_wgs84(*shifted, "gcj02")
    assert kilometres(*found, np.array([true[0]]), np.array([true[1]]))[0] < 0.001
    assert to_wgs84(*shifted, "wgs84") == shifted
    assert to_wgs84(2.35, 48.85, "gcj02") == (2.35, 48.85)  # elsewhere nothing is shifted
    x, y = shifted
    far, angle = (
        np.hypot(x, y) + 2e-5 * np.sin(y * np.pi * 3000 / 180),
        np.arctan2(y, x) + 3e-6 * np.cos(x * np.pi * 3000 / 180),
    )
    baidu = far * np.cos(angle) + 0.0065, far * np.sin(angle) + 0.006
    assert kilometres(*to_wgs84(*baidu, "bd09"), np.array([true[0]]), np.array([true[1]]))[0] < 0.005


WHERE = '[sources.mapping]\narea = [{ longitude = "long", latitude = "lat"%s }]\nsignal = "flu"'
SOURCE = 'format = "open311"'


def request(x, y) -> bytes:
    told = {"service_request_id": "1", "requested_datetime": "2026-03-02T08:00:00+08:00", "long": x, "lat": y}
    return json.dumps([told]).encode()


def test_a_service_request_counts_where_its_point_lies() -> None:
    city = settings(WHERE % "", SOURCE)
    assert [e.area for e in events(read(request(1.5, 1.5), city, drawn()))] == ["11"]
    assert [e.area for e in events(read(request("3.5", "0.5"), city, drawn()))] == ["12"]
    outside = read(request(9.0, 9.0), city, drawn())
    assert [e.area for e in events(outside)] == ["1"]
    assert [(f.code, f.field, f.value) for f in findings(outside)] == [("unknown-area", "long, lat", "9, 9")]
    for nothing in ((None, None), ("", ""), ("x", "y")):
        assert codes(read(request(*nothing), city, drawn())) == ["unknown-area"]


def test_the_nearest_centre_serves_where_the_mapping_says_so() -> None:
    city = settings(WHERE % ", km = 5", SOURCE)
    assert [e.area for e in events(read(request(116.45, 39.9), city, centred()))] == ["11"]
    assert codes(read(request(117.45, 39.9), city, centred())) == ["unknown-area"]
    with pytest.raises(ConfigError, match="outlines"):
        read(request(1, 1), settings(WHERE % "", SOURCE), centred())


@pytest.mark.parametrize("said", ["", ", km = -1", ', datum = "mars"'])
def test_a_point_is_configured_whole(said: str) -> None:
    text = WHERE % said if said else '[sources.mapping]\narea = { longitude = "x" }\nsignal = "flu"'
    with pytest.raises(ConfigError):
        settings(text, SOURCE)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"features": 3}', b'{"features": [{"geometry": {"type": "Polygon"}}]}',
     b'{"features": [{"id": 1, "geometry": {"type": "Polygon", "coordinates": [["a"]]}}]}'],
)  # fmt: skip
def test_outlines_that_cannot_be_read_are_named(data: bytes) -> None:
    with pytest.raises(ConfigError, match=r"areas\.geojson"):
        parse_outlines(data, "adcode", "areas.geojson")
