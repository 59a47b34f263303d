"""One signal at one level as of one moment: from counts to alarms to the cells that speak for an alert. I/O."""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tocsin.alert import fuse
from tocsin.config import SignalTable
from tocsin.desk import Desk
from tocsin.detect import Detector
from tocsin.types import Alarms, Bools, Cube, Evidence, Flag, Floats, Instant, Minute, Panel

FIELDS = ("expected", "upper", "score", "p")


class Judged(NamedTuple):
    """One signal at one level: the newest H steps of `cube`, what each detector says of them, and the fused p."""

    cube: Cube
    alarms: dict[str, Alarms]  # every field (A, H)
    alarming: dict[str, Bools]  # (A, H)
    observed: dict[str, Floats]  # (A, H): what each detector's expected and upper are compared with
    windows: dict[str, int]  # … the sum of so many steps
    rules: tuple[str, ...]  # the detectors whose threshold alone is enough
    p: Floats  # (A, H), NaN = nobody claims


def judge(
    desk: Desk, table: SignalTable, level: str, as_of: Instant, steps: int, area: str | None = None,
    last: Minute | None = None,
) -> Judged:  # fmt: skip
    """Ask every detector of a signal about its newest `steps` steps as of a moment (of one area, if named)."""
    step, detectors = desk.step(table.name), desk.detectors[table.name]
    history = max((d.history(step.minutes) for d in detectors), default=0)
    end = step.floor(desk.today(as_of) if last is None else last)
    cube = desk.cube(table.name, level, as_of, end - (history + steps - 1) * step.minutes, end)
    region = desk.panel(table.name, cube)
    row = None if area is None else cube.areas.index(area)
    if row is not None and area is not None:
        cube = replace(cube, areas=(area,), values=cube.values[:, [row]], exposure=cube.exposure[:, [row]])
    panel = desk.panel(table.name, cube)
    alarms = {d.name: _run(d, panel, region, row, history) for d in detectors}
    claims = [alarms[d.name].p for d in detectors if not d.rule]
    p = fuse.simes(np.stack(claims)) if claims else np.full((len(cube.areas), steps), np.nan)
    rules = tuple(d.name for d in detectors if d.rule)
    return Judged(
        cube,
        alarms,
        {d.name: d.alarming(alarms[d.name]) for d in detectors},
        {d.name: d.observed(panel.y, step.minutes)[:, history:] for d in detectors},
        {d.name: max(d.window // step.minutes, 1) for d in detectors},
        rules,
        p,
    )


def _run(d: Detector, panel: Panel, region: Panel, row: int | None, history: int) -> Alarms:
    """What a detector says of the panel; one that pools is asked about the whole level, of which the panel is a row."""
    if row is None or not d.pools:
        return d.run(panel, history)
    whole = d.run(region, history)
    return Alarms(*(getattr(whole, f)[row : row + 1] for f in FIELDS))


def flagged(table: SignalTable, judged: Judged, p: float, now: Instant) -> list[tuple[Flag, list[Evidence]]]:
    """The cells that speak for an alert (fused p at or under `p`, or a rule), each with the alarms behind it.

    A count under the signal's `least` speaks only by a rule.
    """
    times = judged.cube.times[-judged.p.shape[1] :].astype(np.int64)
    ruled = np.zeros(judged.p.shape, dtype=bool)
    for name in judged.rules:
        ruled |= judged.alarming[name]
    found = []
    for a, t in np.argwhere((judged.p <= p) | ruled).tolist():
        area, step = judged.cube.areas[a], int(times[t])
        # A detector stands behind the cell if its own threshold is passed or its own p is small enough.
        behind = sorted(n for n, it in judged.alarms.items() if judged.alarming[n][a, t] or it.p[a, t] <= p)
        cells = {n: tuple(float(getattr(judged.alarms[n], f)[a, t]) for f in FIELDS) for n in behind}
        seen = {n: float(judged.observed[n][a, t]) for n in behind}
        best = min(behind, key=lambda n: (math.isnan(cells[n][3]), cells[n][3], n))
        if table.kind == "count" and seen[best] < table.least and not ruled[a, t]:
            continue
        flag = Flag(
            table.name, area, step, float(judged.p[a, t]), seen[best], cells[best][0], judged.windows[best],
            bool(ruled[a, t]), tuple(behind),
        )  # fmt: skip
        found.append((flag, [Evidence("", now, n, step, seen[n], *cells[n]) for n in behind]))
    return found
