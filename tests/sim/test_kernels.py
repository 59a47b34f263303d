"""The city in miniature whose judging compiles what a demo needs: counts of every width that scans are compiled for."""

import numpy as np

from tocsin import loop
from tocsin.cli import kernels
from tocsin.scan.simulate import _SMALL


def test_it_has_many_few_and_late_cases_and_leaves_nothing_behind(monkeypatch):
    seen = {}

    def tick(desk, now, *, strict):
        assert strict
        for name in kernels.DAILY:
            seen[name] = desk.cube(name, "street", now, None, None).values
        late = desk.columns("ed.ili", now)
        seen["late"] = (late.report_time // 60_000_000 - late.step > 3 * 1440).any()
        seen["where"] = desk.directory

    monkeypatch.setattr(loop, "tick", tick)
    kernels.run()
    totals = {name: np.nansum(seen[name]) for name in kernels.DAILY}
    assert totals["ed.ili"] > _SMALL > totals["ed.gi"] > totals["ed.fever_rash"] > 500
    assert np.nanmax(seen["ed.fever_rash"]) < 31 < np.nanmax(seen["ed.ili"])
    assert seen["late"]
    assert not seen["where"].exists()
