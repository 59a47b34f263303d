"""One signal at one level as of one moment: from counts to alarms to the cells that speak for an alert. I/O."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from tocsin.alert import fdr, fuse
from tocsin.config import AlertRules, SignalTable
from tocsin.desk import Desk
from tocsin.detect import Detector, left_out
from tocsin.outlook.counts import Counts, counts
from tocsin.outlook.picture import last_news
from tocsin.types import Alarms, Bools, Cube, Estimated, Evidence, Flag, Floats, Instant, Minute, Panel

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
    detectors: tuple[Detector, ...]  # who was asked: the signal's own, and those of its fallback that spoke
    under: Callable[[str, int], Floats | None]  # by detector and area: see Counts.under


def judge(
    desk: Desk, table: SignalTable, level: str, as_of: Instant, steps: int, area: str | None = None,
    last: Minute | None = None,
) -> Judged:  # fmt: skip
    """Ask every detector of a signal about its newest `steps` steps as of a moment (of one area, if named)."""
    cube, row = cube_asked(desk, table, level, as_of, steps, area, last)
    judged = judge_cube(desk, table, cube, steps, desk.marked(table.name, cube), counts(desk, table, level, cube))
    return judged if row is None else row_judged(judged, row)


def judge_beat(desk: Desk, table: SignalTable, level: str, now: Instant) -> Judged:
    """What a beat judges: a nowcast as of its last news, so that a beat without news says what was said before."""
    at = last_news(desk, table, now) if table.judge == "nowcast" else now
    return judge(desk, table, level, at, table.lookback)


def cube_asked(
    desk: Desk, table: SignalTable, level: str, as_of: Instant, steps: int, area: str | None, last: Minute | None
) -> tuple[Cube, int | None]:
    """What must be judged to know of an area, and its row there: the area alone, or, to a detector that pools, all."""
    step, asked = desk.step(table.name), [*desk.detectors[table.name], *desk.fallbacks[table.name]]
    history = max((d.history(step.minutes) for d in asked), default=0)
    end = step.floor(desk.today(as_of) if last is None else last)
    cube = desk.cube(table.name, level, as_of, end - (history + steps - 1) * step.minutes, end)
    pooled = any(d.pools for d in asked)  # such a detector sees the whole level, whatever is asked
    row = None if area is None else cube.areas.index(area)
    return (cube, row) if row is None or pooled else (_row_of(cube, row), 0)


def judge_cube(
    desk: Desk, table: SignalTable, cube: Cube, steps: int, marked: Bools, by: Counts | None = None
) -> Judged:
    """Ask every detector about the newest `steps` steps of a cube; `marked` (A, T): outbreaks, in no baseline.

    `by`: the counts they are asked about, as reported if left out.

    Where all of a signal's detectors, rules apart, are silent, those of its fallback are asked, first to last.
    """
    own, panel, history = desk.detectors[table.name], desk.panel(table.name, cube), len(cube.times) - steps
    asked = by or Counts()
    alarms = {d.name: asked.alarms(d, panel, history, marked) for d in own}
    alarms |= _spoken_for(own, desk.fallbacks[table.name], alarms, panel, history, marked)
    detectors = [d for d in [*own, *desk.fallbacks[table.name]] if d.name in alarms]
    by_name = {d.name: d for d in detectors}
    claims = [alarms[d.name].p for d in detectors if not d.rule]
    p = fuse.simes(np.stack(claims)) if claims else np.full((len(cube.areas), steps), np.nan)
    assert not ((p < 0) | (p > 1)).any(), f"{table.name}: a detector's p lies outside 0 to 1"
    return Judged(
        cube,
        alarms,
        {d.name: d.alarming(alarms[d.name]) for d in detectors},
        {d.name: asked.observed(d, panel)[:, history:] for d in detectors},
        {d.name: max(d.window // panel.step, 1) for d in detectors},
        tuple(d.name for d in detectors if d.rule),
        p,
        tuple(detectors),
        cache(lambda name, a: asked.under(by_name[name], panel, a)),
    )


def _row_of(cube: Cube, row: int) -> Cube:
    return replace(cube, areas=(cube.areas[row],), values=cube.values[:, [row]], exposure=cube.exposure[:, [row]])


def row_judged(judged: Judged, row: int) -> Judged:
    """One area of what was judged."""
    return judged._replace(
        cube=_row_of(judged.cube, row),
        alarms={n: Alarms(*(getattr(a, f)[[row]] for f in FIELDS)) for n, a in judged.alarms.items()},
        alarming={n: a[[row]] for n, a in judged.alarming.items()},
        observed={n: a[[row]] for n, a in judged.observed.items()},
        p=judged.p[[row]],
        under=lambda name, a: judged.under(name, row + a),
    )


def _spoken_for(
    own: list[Detector], chain: list[Detector], alarms: dict[str, Alarms], panel: Panel, history: int, marked: Bools
) -> dict[str, Alarms]:
    """What the fallback says of the reported cells of which no detector of the signal, rules apart, says anything."""
    found: dict[str, Alarms] = {}
    silent = ~np.isnan(panel.y[:, history:])
    judging = [alarms[d.name] for d in own if not d.rule]
    for told in judging:
        silent &= np.isnan(told.score) & np.isnan(told.p)
    for d in chain if judging else []:
        if not silent.any():
            break
        told = left_out.run(d, panel, history, marked)
        spoken = silent & ~np.isnan(told.score)
        if spoken.any():
            found[d.name] = Alarms(*(np.where(spoken, getattr(told, f), np.nan) for f in FIELDS))
        silent &= ~spoken
    return found


class Believed(NamedTuple):
    """Which cells (A, H) their fused p alone makes speak, the largest p of those, and each cell's q (NaN: none)."""

    cells: Bools
    p: float
    q: Floats


def believed(judged: Sequence[Judged], rules: AlertRules) -> list[Believed]:
    """What to believe of everything a beat has judged: by alerts.p, or so that alerts.fdr of it is false at most."""
    if rules.fdr is None:
        return [Believed(np.asarray(j.p <= rules.p), rules.p, np.full(j.p.shape, np.nan)) for j in judged]
    each = [j.p.reshape(-1) for j in judged]
    p, ends = np.concatenate([*each, np.zeros(0)]), np.cumsum([len(e) for e in each])
    if rules.fdr_by == "signal":
        signals = [j.cube.signals[0] for j in judged]
        family = np.repeat(np.array([signals.index(s) for s in signals], dtype=np.int64), [len(e) for e in each])
        cells, q = fdr.by_families(p, [family], rules.fdr)[-1], np.full(len(p), np.nan)
    else:
        q = fdr.adjusted(p)
        cells = np.asarray(q <= rules.fdr)
    found = []
    for j, end in zip(judged, ends, strict=True):
        its = slice(end - j.p.size, end)
        most = float(np.max(p[its], initial=0.0, where=cells[its]))
        found.append(Believed(cells[its].reshape(j.p.shape), most, q[its].reshape(j.p.shape)))
    return found


def estimated(judged: Judged, detector: str, a: int, t: int) -> Estimated | None:
    """What lies under a detector's count in one cell; None if it is what was reported and nothing more is to come."""
    under = judged.under(detector, a)
    if under is None:
        return None
    reported, low, high = under[:, t - judged.p.shape[1]].tolist()
    return None if reported == high else Estimated(reported, low, high)


def _cell(it: Alarms, a: int, t: int) -> tuple[float, float, float, float]:
    return float(it.expected[a, t]), float(it.upper[a, t]), float(it.score[a, t]), float(it.p[a, t])


def flagged(table: SignalTable, judged: Judged, of: Believed, now: Instant) -> list[tuple[Flag, list[Evidence]]]:
    """The cells that speak for an alert (those believed, or by a rule), each with the alarms behind it.

    A count under the signal's `least` speaks only by a rule; of a nowcast, the lower end of its interval is asked.
    """
    times = judged.cube.times[-judged.p.shape[1] :].astype(np.int64)
    ruled = np.zeros(judged.p.shape, dtype=bool)
    for name in judged.rules:
        ruled |= judged.alarming[name]
    found = []
    for a, t in np.argwhere(of.cells | ruled).tolist():
        area, step = judged.cube.areas[a], int(times[t])
        # A detector stands behind the cell if its own threshold is passed or its own p is small enough.
        behind = sorted(n for n, it in judged.alarms.items() if judged.alarming[n][a, t] or it.p[a, t] <= of.p)
        cells = {n: _cell(judged.alarms[n], a, t) for n in behind}
        seen = {n: float(judged.observed[n][a, t]) for n in behind}
        best = min(behind, key=lambda n: (math.isnan(cells[n][3]), cells[n][3], n))
        under = {n: estimated(judged, n, a, t) for n in behind}
        below = under[best]
        sure = seen[best] if below is None else below.low
        if table.kind == "count" and sure < table.least and not ruled[a, t]:
            continue
        flag = Flag(
            table.name, area, step, float(judged.p[a, t]), seen[best], cells[best][0], judged.windows[best],
            bool(ruled[a, t]), tuple(behind), float(of.q[a, t]), estimated=under[best],
        )  # fmt: skip
        found.append((flag, [Evidence("", now, n, step, seen[n], *cells[n], "", under[n]) for n in behind]))
    return found
