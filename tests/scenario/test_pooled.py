"""A detector that pools is asked about the whole level, whether all areas are wanted or one."""

import numpy as np
import pytest

from city import DAY_US, make_city, put
from tocsin import views
from tocsin.judge import judge
from tocsin.types import Event

EPOCH = 1_577_808_000_000_000  # 2020-01-01 in Shanghai


def make(tmp_path, last=None):
    """Three streets over 240 days, the last day of the first with so many cases."""
    desk = make_city(tmp_path, detectors='["rammie", { method = "ears_c2", baseline = 14 }]')
    rng = np.random.default_rng(1)
    counts = {street: rng.poisson(mean, 240) for street, mean in (("111", 2.0), ("112", 5.0), ("121", 12.0))}
    if last is not None:
        counts["111"][-1] = last
    put(desk, [
        Event("hospital", f"{street}-{d}", "cases", street, EPOCH + d * DAY_US, EPOCH + (d + 1) * DAY_US, float(n))
        for street in counts
        for d, n in enumerate(counts[street])
    ])  # fmt: skip
    return desk, EPOCH + 240 * DAY_US


def test_one_area_is_judged_as_all_are(tmp_path):
    desk, at = make(tmp_path)
    table = desk.settings.signal("cases")
    every = judge(desk, table, "street", at, 20)
    for i, area in enumerate(every.cube.areas):
        one = judge(desk, table, "street", at, 20, area)
        for name in ("rammie", "ears_c2"):
            for field in ("expected", "upper", "score", "p"):
                whole = getattr(every.alarms[name], field)
                assert np.isfinite(whole[:, :-1]).all(), (name, field)
                np.testing.assert_allclose(getattr(one.alarms[name], field), whole[i : i + 1], rtol=1e-9)
        np.testing.assert_allclose(one.p, every.p[i : i + 1], rtol=1e-9)


def test_why_is_told_of_the_area_in_its_level(tmp_path):
    """The numbers are those of the beat, and what is called quiet opens no alert while one case more does."""
    desk, at = make(tmp_path / "usual", last=4)
    table = desk.settings.signal("cases")
    beat = judge(desk, table, "street", at, 2)
    row, day = beat.cube.areas.index("111"), str(beat.cube.times[-2])[:10]
    found = views.explain(desk, "cases", "111", day, None, None, at)
    told = {d["name"]: d for d in found["detectors"]}
    assert told["rammie"]["p"] == pytest.approx(float(beat.alarms["rammie"].p[row, -2]), rel=1e-5)
    assert told["rammie"]["expected"] == pytest.approx(float(beat.alarms["rammie"].expected[row, -2]), rel=1e-5)
    assert found["p"] == pytest.approx(float(beat.p[row, -2]), rel=1e-5)
    assert found["speaks"] is False
    assert found["observed"] <= found["quiet"] < 1000
    for name, more, speaks in (("quiet", 0, False), ("loud", 1, True)):
        desk, at = make(tmp_path / name, last=int(found["quiet"]) + more)
        assert views.explain(desk, "cases", "111", day, None, None, at)["speaks"] is speaks
