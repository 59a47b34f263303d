"""A detector that pools is asked about the whole level, whether all areas are wanted or one."""

import numpy as np

from city import DAY_US, make_city, put
from tocsin.judge import judge
from tocsin.types import Event

EPOCH = 1_577_808_000_000_000  # 2020-01-01 in Shanghai


def test_one_area_is_judged_as_all_are(tmp_path):
    desk = make_city(tmp_path, detectors='["rammie", { method = "ears_c2", baseline = 14 }]')
    rng = np.random.default_rng(1)
    put(desk, [
        Event("hospital", f"{street}-{d}", "cases", street, EPOCH + d * DAY_US, EPOCH + (d + 1) * DAY_US, float(n))
        for street, mean in (("111", 2.0), ("112", 5.0), ("121", 12.0))
        for d, n in enumerate(rng.poisson(mean, 240))
    ])  # fmt: skip
    at = EPOCH + 240 * DAY_US
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
