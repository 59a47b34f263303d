"""Outlines on a map: nothing beyond ±180°, nothing lost at its edge."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.scan.outline import circle, ellipse


def rings(shape: dict) -> list[np.ndarray]:
    parts = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
    return [np.array(part[0]) for part in parts]


def area(ring: np.ndarray) -> float:
    """Signed: above 0 against the clock, as GeoJSON wants outer rings."""
    (x, y), (p, q) = ring[:-1].T, ring[1:].T
    return float((x * q - p * y).sum() / 2)


@given(lat=st.floats(-70, 70), lon=st.floats(-180, 180), km=st.floats(1, 2000))
def test_a_circle_keeps_its_area_wherever_the_map_is_cut(lat: float, lon: float, km: float) -> None:
    here, middle = rings(circle(lat, lon, km)), rings(circle(lat, 0.0, km))
    assert len(middle) == 1
    for ring in here:
        assert (ring[0] == ring[-1]).all()
        assert abs(ring[:, 0]).max() <= 180
    assert sum(map(area, here)) == pytest.approx(area(middle[0]), rel=1e-4, abs=1e-4)
    assert all(area(ring) > -1e-6 for ring in here)


def test_a_circle_across_180_is_two_polygons() -> None:
    east, west = rings(circle(10, 179.5, 100))
    assert 178 < east[:, 0].min() < east[:, 0].max() == 180
    assert -180 == west[:, 0].min() < west[:, 0].max() < -179


@pytest.mark.parametrize("side", [1, -1])
def test_a_circle_with_a_pole_in_it_reaches_the_edge_of_the_map(side: int) -> None:
    (ring,) = rings(circle(side * 89.0, 120, 300))
    assert side * ring[:, 1].max() == pytest.approx(90 if side > 0 else -ring[:, 1].max())
    assert (abs(ring[:, 1]) == 90).sum() >= 2
    assert (ring[:, 0].min(), ring[:, 0].max()) == (-180, 180)
    assert area(ring) > 0
    low = 90 - np.degrees(300 / 6367) - 1  # from the pole itself, that far down and one degree more
    assert side * ring[abs(ring[:, 1]) < 90][:, 1].min() >= low - 1e-6 or side < 0


def test_an_ellipse_has_its_axes() -> None:
    (ring,) = rings(ellipse(1.0, 2.0, 3.0, 2.0, 0.0))
    assert ring.max(axis=0) == pytest.approx([7, 5])
    assert ring.min(axis=0) == pytest.approx([-5, -1])
    assert area(ring) == pytest.approx(np.pi * 18, rel=2e-3)
