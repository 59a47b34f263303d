"""Curves with baseline and threshold, and the map: the same judging as on the beat, for what is on the screen. I/O."""

from typing import Any

import numpy as np

from tocsin.alert import episode
from tocsin.alert.reason import NAMES
from tocsin.calendar import DAY
from tocsin.desk import Desk
from tocsin.errors import InputError, NotFound
from tocsin.judge import FIELDS, Judged, judge
from tocsin.store import notes
from tocsin.types import Alert, Floats, Instant, Title
from tocsin.views.plain import area_of, civil, civils, iso, minute_of_date, moment_of, number, numbers, table_of, titled

MOST = 4000  # steps in one answer
USUAL_DAYS = 180


def series(
    desk: Desk, signal: str, area: str, first: str | None, last: str | None, as_of: str | None, now: Instant
) -> dict[str, Any]:
    """One signal in one place, as known at a moment, with what every detector says of each step."""
    table, place = table_of(desk, signal), area_of(desk, area)
    at, step = moment_of(desk, as_of, now), desk.step(signal)
    wanted, begun, today = minute_of_date(last, "to"), minute_of_date(first, "from"), desk.today(at)
    end = step.floor(today if wanted is None else min(wanted, today))
    begin = step.floor(end - USUAL_DAYS * DAY if begun is None else begun)
    steps = (end - begin) // step.minutes + 1
    if not 0 < steps <= MOST:
        raise InputError(f"from … to: {steps} steps; allowed: 1 to {MOST}, from before to")
    judged = judge(desk, table, place.level, at, steps, area, end)
    times = judged.cube.times[-steps:]
    y = judged.cube.values[0, 0, -steps:]
    alerts = episode.fold(notes.read_notes(desk.store, at)).values()
    return {
        "signal": signal,
        "area": area,
        "as_of": iso(at),
        "step": table.step,
        "times": civils(times, step.minutes),
        "values": numbers(y),
        "population": number(place.population),
        "detectors": [
            {
                "name": d.name,
                "title": titled(NAMES.get(d.name, Title(d.name, d.name))),
                "cite": d.cite,
                "rule": d.rule,
                "window": judged.windows[d.name],
                "observed": numbers(judged.observed[d.name][0]),
                **{f: numbers(getattr(judged.alarms[d.name], f)[0]) for f in FIELDS},
            }
            for d in judged.detectors
        ],
        "alarms": _alarms(judged, step.minutes),
        "alerts": [a.id for a in alerts if a.signal == signal and area in (a.area, *a.members)],
        "first": civil(int(times[0].astype(np.int64)), step.minutes),
        "last": civil(int(times[-1].astype(np.int64)), step.minutes),
    }


def _alarms(judged: Judged, minutes: int) -> list[dict[str, Any]]:
    names = civils(judged.cube.times, minutes)[-judged.p.shape[1] :]
    found = []
    for name, alarming in judged.alarming.items():
        it = judged.alarms[name]
        for t in np.flatnonzero(alarming[0]).tolist():
            said = {f: number(float(getattr(it, f)[0, t])) for f in ("expected", "upper", "p")}
            found.append(
                {"time": names[t], "detector": name, "observed": number(float(judged.observed[name][0, t])), **said}
            )
    return sorted(found, key=lambda a: (str(a["time"]), str(a["detector"])))


def area_map(desk: Desk, signal: str, level: str, as_of: str | None, now: Instant) -> dict[str, Any]:
    """The newest step of a signal in every area of a level: the strongest detector's word, and rates."""
    table, at = table_of(desk, signal), moment_of(desk, as_of, now)
    if level not in desk.tree.levels:
        raise NotFound(f"no level {level!r}; there are: {', '.join(desk.tree.levels)}")
    judged = judge(desk, table, level, at, 1)
    minutes = desk.step(signal).minutes
    week = judged.cube.values[0][:, -max(7 * DAY // minutes, 1) :]
    sums = np.where(np.isnan(week).all(axis=1), np.nan, np.nansum(week, axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = sums / judged.cube.exposure[0][:, -1] * 1e5
    if table.kind == "measure":
        rate = judged.cube.values[0][:, -1]
    shades = _shades(judged)
    return {
        "signal": signal,
        "level": level,
        "as_of": iso(at),
        "time": civil(int(judged.cube.times[-1].astype(np.int64)), minutes),
        "areas": [
            {
                "code": code,
                "value": number(float(judged.cube.values[0, i, -1])),
                **_said(judged, shades, i),
                "p": number(float(judged.p[i, 0])),
                "rate_per_100k": number(float(rate[i])),
                "window_sum": number(float(sums[i])),
            }
            for i, code in enumerate(judged.cube.areas)
        ],
        "alerts": [_pin(a) for a in _active(desk, at) if a.signal == signal and desk.tree[_spot(a)].level == level],
    }


def _shades(judged: Judged) -> dict[str, Floats]:
    """Each detector's newest scores (A,). A baseline without spread has infinite ones: over it, a step a case."""
    found = {}
    for name, it in judged.alarms.items():
        over = 1 + judged.observed[name][:, -1] - it.upper[:, -1]
        score = it.score[:, -1]
        found[name] = np.where(np.isinf(score), np.where(score > 0, over, 0.0), score)
    return found


def _said(judged: Judged, shades: dict[str, Floats], area: int) -> dict[str, float | None]:
    """What the detector with the highest score says of an area's newest step; of sums, their share of one step."""
    claims = {name: float(shade[area]) for name, shade in shades.items() if not np.isnan(shade[area])}
    if not claims:
        return {"expected": None, "upper": None, "score": None}
    name = max(claims, key=lambda n: claims[n])
    it, steps = judged.alarms[name], judged.windows[name]
    return {
        "expected": number(float(it.expected[area, -1]) / steps),
        "upper": number(float(it.upper[area, -1]) / steps),
        "score": number(claims[name]),
    }


def _active(desk: Desk, at: Instant) -> list[Alert]:
    found = episode.fold(notes.read_notes(desk.store, at)).values()
    return [a for a in found if a.phase != "ended" and _spot(a) in desk.tree]


def _spot(a: Alert) -> str:
    """Where an alert is pinned: a cluster in its middle."""
    return a.members[0] if a.members else a.area


def _pin(a: Alert) -> dict[str, Any]:
    return {"id": a.id, "area": _spot(a), "phase": a.phase, "state": a.state}
