"""What is really going on, for the page: nowcast, R and growth, the city's outlook, both boards, what-ifs. I/O."""

from typing import Any

import numpy as np

from tocsin.calendar import DAY
from tocsin.config import SignalTable
from tocsin.desk import Desk
from tocsin.estimate import growth, scenario
from tocsin.outlook import boards as both
from tocsin.outlook import outcome
from tocsin.outlook.course import Course, course, interval_of
from tocsin.outlook.picture import base_of, picture, table_of, view
from tocsin.outlook.triangle import MOST_DELAYS
from tocsin.outlook.whatif import Asked, Fan, whatif
from tocsin.store import notes
from tocsin.types import Floats, Instant, Title
from tocsin.views.plain import area_of, civil, civils, iso, moment_of, number, numbers, ranged, titled

LEVELS = np.array([0.025, 0.25, 0.5, 0.75, 0.975])
SHOWN = 120  # steps
WEEK = 7
HOUR = 3600 * 1_000_000


def nowcast(desk: Desk, signal: str, area: str, as_of: str | None, now: Instant) -> dict[str, Any]:
    """One signal in one area as of a moment: reported, the nowcast's fan, R and growth with their intervals."""
    at, place = _moment(desk, as_of, now), area_of(desk, area)
    found = picture(desk, signal, at)
    whole = view(desk, found, place.level)
    row, step = whole.areas.index(area), desk.step(signal).minutes
    steps = min(SHOWN, len(whole.times))
    fan = np.full((steps, len(LEVELS)), np.nan)
    open_ = min(found.open, steps)
    if open_:  # half a case is no count
        fan[steps - open_ :] = np.ceil(np.quantile(whole.draws[row, -open_:], LEVELS, axis=-1)).T
    went = course(desk, signal, place.level, at, area)
    r, rate = np.full((steps, len(LEVELS)), np.nan), np.full((steps, len(LEVELS)), np.nan)
    above = np.full(steps, np.nan)
    if went.found is not None:
        shown = min(steps, len(went.times))
        r[steps - shown :] = np.quantile(np.exp(went.found.log_r[0, -shown:]), LEVELS, axis=-1).T
        rate[steps - shown :] = np.quantile(went.found.growth()[0, -shown:], LEVELS, axis=-1).T
        above[steps - shown :] = went.found.above_one()[0, -shown:]
    return {
        "signal": signal,
        "area": area,
        "as_of": iso(at),
        "seen": iso(found.seen),
        "step": table_of(desk, signal).step,
        "judged": table_of(desk, signal).judge,
        "times": civils(whole.times[-steps:], step),
        "reported": numbers(whole.reported[row, -steps:]),
        "open": open_,
        "levels": LEVELS.tolist(),
        "nowcast": [numbers(q) for q in fan.T],
        "r": [numbers(q) for q in r.T],
        "growth": [numbers(q) for q in rate.T],
        "above_one": numbers(above),
        "interval": _interval(table_of(desk, signal)),
        "why_no_nowcast": _why(found.why),
        "why_no_r": _why(went.why),
    }


def outlook(desk: Desk, as_of: str | None, now: Instant) -> dict[str, Any]:
    """The city as a whole: every signal that is nowcast or has an interval."""
    at = _moment(desk, as_of, now)
    return {"as_of": iso(at), "window": WEEK, "signals": [_signal(desk, s, at) for s in watched(desk)]}


def watched(desk: Desk) -> list[SignalTable]:
    """What an outlook speaks of: counts by days or weeks, nowcast or with an interval, no other signal's imports."""
    imports = {s.imports for s in desk.settings.signals}
    return [
        s
        for s in desk.settings.signals
        if s.kind == "count" and (s.interval or s.judge == "nowcast") and desk.step(s.name).minutes in MOST_DELAYS
        if s.name not in imports
    ]


def boards(desk: Desk, signal: str, level: str, as_of: str | None, now: Instant) -> dict[str, Any]:
    """Imported against local, by area of a level; areas without a case in either window are left out."""
    at = _moment(desk, as_of, now)
    found = both.boards(desk, signal, level, at)
    comes, here, step = found.importation, found.spread, desk.step(signal).minutes
    rows = [
        {
            "code": code,
            "title": titled(desk.tree[code].title),
            "imported": ranged(comes.imported[i]),
            "imported_share": ranged(comes.share[i]),
            "days_since_imported": ranged(comes.since[i]),
            "expected_arrivals": number(float(comes.expected[i])),
            "expected_imports": ranged(comes.coming[i]),
            "local": ranged(here.local[i]),
            "r": ranged(here.r[i]),
            "above_one": number(float(here.above_one[i])),
            "explained": number(float(here.explained[i])),
            "chain_since": None if np.isnan(here.chain_since[i]) else civil(int(here.chain_since[i]), step),
            "days_since_local": ranged(here.since[i]),
            "over": number(float(here.over[i])),
        }
        for i, code in enumerate(found.areas)
        if comes.imported[i, 2] > 0 or here.local[i, 2] > 0 or len(found.areas) == 1
    ]
    table = table_of(desk, signal)
    return {
        "signal": signal,
        "level": level,
        "as_of": iso(at),
        "window_days": found.window,
        "knows_imports": _knows_imports(desk, table, at),
        "knows_travel": bool(desk.settings.travel.arrivals and table.incidence),
        "interval": _interval(table),
        "why_no_r": _why(course(desk, signal, level, at).why),
        "areas": sorted(rows, key=lambda r: -float(r["local"]["high"] + r["imported"]["high"])),
    }


def what_if(desk: Desk, signal: str, level: str, asked: Asked, as_of: str | None, now: Instant) -> dict[str, Any]:
    """The city's next days without and with measures, seeded, with all that is assumed."""
    at = _moment(desk, as_of, now)
    found = whatif(desk, signal, level, at, asked)
    times = np.arange(found.first, found.first + asked.days * DAY, DAY).astype("datetime64[m]")
    return {
        "signal": signal,
        "level": level,
        "as_of": iso(at),
        "seed": asked.seed,
        "times": civils(times, DAY),
        "levels": found.levels.tolist(),
        "without": _fan(found.without),
        "measured": _fan(found.measured),
        "days_gained": ranged(found.gained[[0, 2, 4]]),
        "averted": ranged(found.averted[[0, 2, 4]]),
        "areas": [
            {"code": a, "title": titled(desk.tree[a].title), "without": ranged(w), "measured": ranged(m)}
            for a, w, m in zip(
                found.areas, found.without.by_area[:, [0, 2, 4]], found.measured.by_area[:, [0, 2, 4]], strict=True
            )
        ],
        "mixed": found.mixed,
        "assumptions": list(scenario.ASSUMPTIONS),
    }


def _signal(desk: Desk, table: SignalTable, at: Instant) -> dict[str, Any]:
    """One signal in the whole city: the last week, R, growth."""
    root, level = desk.tree.root.code, desk.tree.levels[0]
    found, went = picture(desk, table.name, at), course(desk, table.name, level, at)
    whole = view(desk, found, level)
    full = whole.history(2 * WEEK)[0]
    rate = _growth(went, full)
    steady = rate is not None and (rate[0] > 0 or rate[2] < 0)
    days = desk.step(table.name).minutes / DAY
    return {
        "signal": table.name,
        "title": titled(table.signal.title),
        "area": root,
        "levels": [
            x for x in desk.tree.levels if desk.tree.levels.index(x) <= desk.tree.levels.index(base_of(desk, table))
        ],
        "judged": table.judge,
        "seen": iso(found.seen),
        "last": civil(int(whole.times[-1].astype(np.int64)), desk.step(table.name).minutes),
        "step": table.step,
        "reported": number(float(whole.reported[0, -WEEK:].sum())),
        "nowcast": ranged(np.quantile(full[-WEEK:].sum(axis=0), LEVELS[[0, 2, 4]])),
        "before": ranged(np.quantile(full[:-WEEK].sum(axis=0), LEVELS[[0, 2, 4]])),
        "r": None if went.found is None else ranged(np.quantile(np.exp(went.found.log_r[0, -1]), LEVELS[[0, 2, 4]])),
        "above_one": None if went.found is None else number(float(went.found.above_one()[0, -1])),
        "growth": None if rate is None else ranged(rate),
        "doubling_days": ranged(np.sort(np.log(2) / rate) * days) if rate is not None and steady else None,
        "interval": _interval(table),
        "why_no_r": _why(went.why),
        "why_no_nowcast": _why(found.why),
        "severity": _severity(desk, table, at),
        "knows_imports": _knows_imports(desk, table, at),
    }


def _knows_imports(desk: Desk, table: SignalTable, at: Instant) -> bool:
    return bool(table.imports) or bool(desk.columns(table.name, at).imported.any())


def _growth(went: Course, full: Floats) -> Floats | None:
    """Growth per step now, (3,): of R where it is known, else of the counts alone."""
    if went.found is not None:
        return np.asarray(np.quantile(went.found.growth()[0, -1], LEVELS[[0, 2, 4]]))
    if full.shape[0] < 2 * WEEK:
        return None
    drawn = growth.rate(full[None], WEEK, np.random.default_rng(0))[0]
    return np.asarray(np.quantile(drawn, LEVELS[[0, 2, 4]]))


def _severity(desk: Desk, table: SignalTable, at: Instant) -> list[dict[str, Any]]:
    return [
        {
            "outcome": r.outcome.signal,
            "title": titled(desk.settings.signal(r.outcome.signal).signal.title),
            "cases": number(r.cases),
            "outcomes": number(r.outcomes),
            "crude": ranged(np.array(r.crude)),
            "adjusted": ranged(np.array(r.adjusted)),
            "known": number(r.known),
        }
        for r in outcome.ratios(desk, table.name, at)
    ]


def _moment(desk: Desk, as_of: str | None, now: Instant) -> Instant:
    """The moment people wrote; else that of the last beat, so that the page and the alerts speak of one moment.

    Between beats that learnt nothing new it stays within the hour where it is: the same answer, already worked out.
    """
    if as_of:
        return moment_of(desk, as_of, now)
    last = notes.last_tick(desk.store)
    at = now if last is None else min(now, last)
    newest = at // HOUR * HOUR
    for table in watched(desk):
        told = desk.columns(table.name, at).report_time
        newest = max(newest, int(told[told <= at].max(initial=0)))
    return newest


def _why(said: Title | None) -> dict[str, str] | None:
    return None if said is None else titled(said)


def _interval(table: SignalTable) -> dict[str, Any] | None:
    said = interval_of(table)
    return None if said is None else {"mean_days": said[0], "sd_days": said[1], "cite": said[2]}


def _fan(found: Fan) -> dict[str, Any]:
    return {
        "cases": [numbers(q) for q in found.cases.T],
        "beds": [numbers(q) for q in found.beds.T],
        "total": ranged(found.total[[0, 2, 4]]),
        "beds_peak": ranged(found.beds_peak[[0, 2, 4]]),
    }
