"""Episodes: alarms of one signal in one place, or cluster, that belong together; open, grow, go quiet and end. Pure.

State is folded from notes; nothing else remembers it. `advance` says which notes a beat adds, given what is known then.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from tocsin.alert.triage import SYSTEM, TABLE
from tocsin.calendar import DAY
from tocsin.types import Alert, Estimated, Flag, Instant, Minute, Note

WHO = "tocsin"
LESS = 0.1  # times p: an order of magnitude is news by itself


def identity(signal: str, place: str, opened: Minute) -> str:
    """The same episode has the same name in every replay; `place` is an area, or a cluster of several."""
    return hashlib.sha256(f"{signal}\n{place}\n{opened}".encode()).hexdigest()[:12]


def homes(alerts: dict[tuple[str, str], Alert]) -> Callable[[Flag], tuple[str, str]]:
    """Whose episode a flag belongs to, as (signal, place): that of the alert that names its cluster, if there is one.

    Next, a cluster of one area belongs to its area's alert, if there is one; then to that of what other scans call the
    same. Otherwise a cluster of several areas has its own, and all else belongs to its area.
    """
    active = {where: a for where, a in alerts.items() if a.phase != "ended"}
    named = speakers(active.values())

    def home(f: Flag) -> tuple[str, str]:
        own = f.signal, _place(f)
        tried = [named.get((f.signal, f.cluster)), active.get(own), *(named.get((f.signal, k)) for k in f.kin)]
        return next(((a.signal, a.place) for a in tried if a is not None), own)

    return home


def speakers(alerts: Iterable[Alert]) -> dict[tuple[str, str], Alert]:
    """The alert that speaks of each (signal, cluster): one of several clusters told as one first, then the oldest."""
    found: dict[tuple[str, str], Alert] = {}
    for a in sorted(alerts, key=lambda a: (a.phase != "ended", bool(a.kin), -a.began, a.id)):
        found |= {(a.signal, c): a for c in (a.cluster, *a.kin) if c}
    return found


def fold(notes: Iterable[Note]) -> dict[str, Alert]:
    """Alerts as the notes tell them, by id, in the order they began."""
    found: dict[str, Alert] = {}
    for note in notes:
        before = found.get(note.alert)
        if note.action == "open":
            found[note.alert] = _opened(note)
        elif before is not None:  # a note on what was never opened says nothing
            found[note.alert] = _moved(before, note)
    return found


def current(alerts: Iterable[Alert]) -> dict[tuple[str, str], Alert]:
    """The newest episode of every (signal, place)."""
    newest: dict[tuple[str, str], Alert] = {}
    for a in alerts:
        where = a.signal, a.place
        if where not in newest or a.opened >= newest[where].opened:
            newest[where] = a
    return newest


def advance(
    alerts: dict[tuple[str, str], Alert], flags: Iterable[Flag], now: Instant, today: Minute, quiet: int, close: int
) -> list[Note]:
    """The notes a beat adds: `alerts` are the newest episodes, `today` the civil minute of `now`.

    quiet and close are days without a flag after which an episode is quiet, and ends if nobody has it in hand.
    """
    spoken: dict[tuple[str, str], list[Flag]] = {}
    home = homes(alerts)
    for f in flags:
        spoken.setdefault(home(f), []).append(f)
    notes = []
    for where in sorted(spoken.keys() | alerts.keys()):
        mine = sorted(spoken.get(where, []), key=lambda f: f.step)
        notes += _episode(alerts.get(where), mine, now, today, quiet, close)
    return notes


def _episode(alert: Alert | None, flags: list[Flag], now: Instant, today: Minute, quiet: int, close: int) -> list[Note]:
    if alert is None or alert.phase == "ended":
        fresh = [f for f in flags if alert is None or f.step > alert.last]
        if not fresh:
            return []
        first = fresh[0]
        what = {"signal": first.signal, "area": first.area, "opened": first.step, **_what(fresh)}
        said = [Note(0, identity(first.signal, _place(first), first.step), now, WHO, "open", _text(what))]
        alert, newer = _opened(said[0]), []
    else:
        said, newer = [], [f for f in flags if f.step >= alert.last]
    if newer:
        grown = Note(0, alert.id, now, WHO, "grow", _text(_what(newer)))
        moved = _moved(alert, grown)
        if _worth_saying(alert, moved):
            said, alert = [grown], moved
    # A late correction of an old step does not make it loud: said now, for a second beat at this moment adds nothing.
    silent = (today - alert.last) // DAY
    if silent >= close and now > alert.began and (alert.state, "lapse") in TABLE:
        return [*said, Note(0, alert.id, now, WHO, "lapse", "")]
    if silent >= quiet and alert.phase != "quiet":
        return [*said, Note(0, alert.id, now, WHO, "quiet", "")]
    return said


def _worth_saying(before: Alert, after: Alert) -> bool:
    """Whether anything changed; of a nowcast: what was reported, or p by an order of magnitude.

    A nowcast moves with the clock: what it makes of the same reports an hour later is no news.
    """
    still = replace(after, phase=before.phase, updated=before.updated)
    if before.estimated is None and after.estimated is None:
        return still != before
    if before.window == after.window and _reported(before) != _reported(after):
        return True
    if after.p <= LESS * before.p or (after.estimated is None and after.observed != before.observed):
        return True
    moving = {f: getattr(before, f) for f in ("observed", "expected", "window", "p", "q", "estimated")}
    return replace(still, **moving) != before


def _reported(a: Alert) -> float:
    return a.observed if a.estimated is None else a.estimated.reported


def _place(f: Flag) -> str:
    return f"cluster {f.cluster}" if len(f.members) > 1 else f.area


def _what(flags: list[Flag]) -> dict[str, Any]:
    """What the newest flag says, with the smallest p and all detectors of the lot."""
    last = flags[-1]
    claims = [f.p for f in flags if not math.isnan(f.p)]
    shares = [f.q for f in flags if not math.isnan(f.q)]
    return {
        **({"q": min(shares)} if shares else {}),
        "last": last.step,
        "p": min(claims) if claims else None,
        "observed": last.observed,
        "expected": None if math.isnan(last.expected) else last.expected,
        "window": last.window,
        "rule": any(f.rule for f in flags),
        "detectors": sorted({d for f in flags for d in f.detectors}),
        **({"kin": kin} if (kin := sorted({k for f in flags if f.kin for k in (f.cluster, *f.kin)})) else {}),
        **({"area": last.area, "cluster": last.cluster, "members": last.members} if last.cluster else {}),
        **({} if last.estimated is None else {"estimated": list(last.estimated)}),
    }


def _opened(note: Note) -> Alert:
    w = json.loads(note.what)
    return Alert(
        note.alert, w["signal"], w["area"], w["opened"], w["last"], _number(w["p"]), w["observed"],
        _number(w["expected"]), w["window"], w["rule"], tuple(w["detectors"]), "open", "new", note.at, note.at,
        _number(w.get("q")),
        f"cluster {w['cluster']}" if len(w.get("members", ())) > 1 else w["area"],
        w.get("cluster", ""), tuple(w.get("members", ())), _estimated(w), tuple(w.get("kin", ())),
    )  # fmt: skip


def _moved(a: Alert, note: Note) -> Alert:
    """One note further; a person's action that the state no longer allows leaves the state as it is."""
    a = replace(a, updated=note.at)
    if note.action == "grow":
        w = json.loads(note.what)
        p = _number(w["p"])
        return replace(
            a, last=w["last"], p=p if math.isnan(a.p) else min(a.p, p if not math.isnan(p) else a.p),
            observed=w["observed"], expected=_number(w["expected"]), window=w["window"], rule=a.rule or w["rule"],
            detectors=tuple(sorted({*a.detectors, *w["detectors"]})), phase="growing", estimated=_estimated(w),
            q=_number(min((q for q in (a.q, _number(w.get("q"))) if not math.isnan(q)), default=None)),
            area=w.get("area", a.place), cluster=w.get("cluster", ""), members=tuple(w.get("members", ())),
            kin=tuple(sorted({*a.kin, *w.get("kin", ())})),
        )  # fmt: skip
    if note.action == "quiet":
        return replace(a, phase="quiet")
    if note.action == "lapse":
        a = replace(a, phase="ended")
    assert note.action not in SYSTEM or note.action == "lapse", note
    return replace(a, state=TABLE.get((a.state, note.action), a.state))


def _estimated(what: dict[str, Any]) -> Estimated | None:
    return Estimated(*what["estimated"]) if "estimated" in what else None


def _number(x: float | None) -> float:
    return math.nan if x is None else x


def _text(what: dict[str, Any]) -> str:
    return json.dumps(what, sort_keys=True, separators=(",", ":"))
