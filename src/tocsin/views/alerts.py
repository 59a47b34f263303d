"""The ranked list that a day begins with, and one alert with all that stands behind it. I/O."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.special import gammaincinv

from tocsin.alert import episode, severity, triage
from tocsin.alert.gathered import gathered
from tocsin.alert.join import detector, named
from tocsin.alert.reason import reason
from tocsin.alert.unwell import unwell
from tocsin.config import titled as titled_of
from tocsin.desk import Desk
from tocsin.errors import InputError, NotFound
from tocsin.feeds import feed_of
from tocsin.store import heard, notes
from tocsin.store.clusters import read_cluster
from tocsin.types import Alert, Cluster, Estimated, Instant, Minute, Title
from tocsin.views.clusters import described
from tocsin.views.incomplete import lacking, quiet_sources, with_what_lacks
from tocsin.views.plain import civil, iso, moment_of, number, ranged, titled
from tocsin.views.spark import spark

PHASES = ("open", "growing", "quiet", "ended")


def alerts(
    desk: Desk,
    state: str | None,
    phase: str | None,
    as_of: str | None,
    limit: int,
    now: Instant,
    *,
    ended: bool = False,
) -> dict[str, Any]:
    """Alerts in the order in which a person should see them: those that are not over, unless filtered or `ended`."""
    at = moment_of(desk, as_of, now)
    if state and state not in triage.STATES:
        raise InputError(f"state {state!r}: allowed: {', '.join(triage.STATES)}")
    if phase and phase not in PHASES:
        raise InputError(f"phase {phase!r}: allowed: {', '.join(PHASES)}")
    ordered = _ranked(desk, at)
    told, quiet = severity.explained(ordered, _parents(desk, ordered)), quiet_sources(desk, ordered)
    chosen = [
        (rank, a)
        for rank, a in enumerate(ordered, 1)
        if (not state or a.state == state) and (not phase or a.phase == phase)
        if state or phase or ended or (a.phase != "ended" and a.state not in ("excluded", "closed"))
    ]
    return {
        "as_of": iso(at),
        "budget": desk.settings.alerts.budget,
        "total": len(chosen),
        "alerts": [
            {**_row(desk, a, rank, at, quiet), "explained_by": told.get(a.id, [])} for rank, a in chosen[:limit]
        ],
    }


def alert(desk: Desk, number_: str, as_of: str | None, now: Instant) -> dict[str, Any]:
    """One alert, its evidence, its notes, and what may be done next; NotFound if there is none of that id."""
    at = moment_of(desk, as_of, now)
    ordered = _ranked(desk, at)
    told, quiet = severity.explained(ordered, _parents(desk, ordered)), quiet_sources(desk, ordered)
    for rank, a in enumerate(ordered, 1):
        if a.id == number_:
            step = desk.step(a.signal).minutes
            said = [n for n in notes.read_notes(desk.store, at) if n.alert == a.id]
            return {
                **_row(desk, a, rank, at, quiet),
                "explained_by": told.get(a.id, []),
                "cluster": described(desk, told_of, a.id) if (told_of := _cluster(desk, a, at)) else None,
                "kin": [described(desk, c, a.id) for c in _kin(desk, a, at)],
                "evidence": [
                    {
                        "area": p.area,
                        "at": iso(p.at),
                        "detector": p.detector,
                        "time": civil(p.step, step),
                        **{f: number(getattr(p, f)) for f in ("observed", "expected", "upper", "score", "p")},
                        "estimated": _under(p.estimated),
                    }
                    for p in notes.read_evidence(desk.store, a.id, at)
                ],
                "notes": [
                    {"seq": n.seq, "at": iso(n.at), "who": n.who, "action": n.action,
                     "text": "" if n.who == episode.WHO else n.what}
                    for n in said
                ],
                "actions": triage.actions(a.state),
            }  # fmt: skip
    raise NotFound(f"no alert {number_!r} as of {iso(at)}; `tocsin alerts` lists them")


def _ranked(desk: Desk, at: Instant) -> list[Alert]:
    names = {s.name for s in desk.settings.spoken}
    found = [
        a
        for a in episode.fold(notes.read_notes(desk.store, at)).values()
        if a.signal in names  # what the configuration no longer knows is not shown
        if all(c in desk.tree for c in (a.area, *a.members))
    ]
    weights = {s.name: s.severity for s in desk.settings.spoken}
    counts = {s.name for s in desk.settings.spoken if s.kind == "count"}
    return severity.ranked(found, weights, counts, _parents(desk, found))


def _parents(desk: Desk, found: Iterable[Alert]) -> dict[str, list[str]]:
    places = {c for a in found for c in (a.area, *a.members)}
    return {c: [p.code for p in desk.tree.path(c)[1:]] for c in places}


def _row(desk: Desk, a: Alert, rank: int, at: Instant, quiet: set[str]) -> dict[str, Any]:
    table = desk.settings.signal(a.signal)
    area, step = desk.tree[a.area], desk.step(a.signal).minutes
    path = [p.title for p in reversed(desk.tree.path(a.area)[:-1])] or [area.title]
    return {
        "id": a.id,
        "rank": rank,
        "signal": a.signal,
        "signal_title": titled(table.signal.title),
        "area": a.area,
        "area_title": titled(area.title),
        "path": [titled(t) for t in path],
        "level": area.level,
        "opened": civil(a.opened, step),
        "last": civil(a.last, step),
        "began": iso(a.began),
        "phase": a.phase,
        "state": a.state,
        "severity": severity.severity(a, table.severity, table.kind == "count"),
        "p": number(a.p),
        "q": number(a.q),
        "observed": number(a.observed),
        "expected": number(a.expected),
        "ratio": None if math.isnan(a.expected) or a.expected <= 0 else number(a.observed / a.expected),
        "ratio_range": _ratio(a) if table.kind == "count" else None,
        "imported_share": _imported(desk, a, at),
        "detectors": list(a.detectors),
        "members": list(a.members),
        "reason": titled(_whole_reason(desk, a, quiet, at)),
        "spark": spark(desk, table, a, _cluster(desk, a, at), at),
        "updated": iso(a.updated),
        "estimated": _under(a.estimated),
    }


def _cluster(desk: Desk, a: Alert, at: Instant) -> Cluster | None:
    """The newest word on the cluster an alert names."""
    return read_cluster(desk.store, a.cluster, at) if a.cluster else None


def _kin(desk: Desk, a: Alert, at: Instant) -> list[Cluster]:
    """What other scans say of the cluster of an alert, as long as they do."""
    found = [read_cluster(desk.store, k, at) for k in a.kin if k != a.cluster]
    scans = {t.name for t in desk.settings.scans}
    return sorted((c for c in found if c and c.change != "ended" and c.scan in scans), key=lambda c: (c.scan, c.id))


def _whole_reason(desk: Desk, a: Alert, quiet: set[str], at: Instant) -> Title:
    """Why it is there, and what its counts lack."""
    told = _reason(desk, a, at)
    if feed_of(desk.settings, a.signal) is not None or desk.settings.signal(a.signal).kind != "count":
        return told
    return with_what_lacks(told, *lacking(desk, a, quiet, at), desk.settings.alerts.complete)


def _reason(desk: Desk, a: Alert, at: Instant) -> Title:
    if (source := feed_of(desk.settings, a.signal)) is not None:
        return unwell(a, titled_of(source.title, source.name), last_heard(desk, source.name, at))
    signal, cluster = desk.settings.signal(a.signal).signal, _cluster(desk, a, at)
    if cluster is None or cluster.center not in desk.tree:
        return reason(a, signal, desk.tree[a.area])
    others = [named(d) for d in a.detectors if d != detector(cluster.scan)]
    return gathered(cluster, signal, desk.tree[cluster.center], others)


def last_heard(desk: Desk, source: str, at: Instant) -> Minute | None:
    """The civil minute at which a source was last heard by a moment."""
    minute = heard.last_heard(desk.store, at // 60_000_000).get(source)
    return None if minute is None else desk.today(minute * 60_000_000)


def _under(found: Estimated | None) -> dict[str, float | None] | None:
    return None if found is None else {f: number(x) for f, x in found._asdict().items()}


def _ratio(a: Alert) -> dict[str, float | None] | None:
    """Observed over expected with 95 %: exact Poisson, around what was counted or the nowcast's own interval.

    The expected count is taken as known. Ulm (1990), Am J Epidemiol 131:373-375.
    """
    if math.isnan(a.expected) or a.expected <= 0:
        return None
    least, most = (a.observed, a.observed) if a.estimated is None else (a.estimated.low, a.estimated.high)
    low = float(gammaincinv(least, 0.025)) if least > 0 else 0.0
    return ranged(np.array([low, a.observed, float(gammaincinv(most + 1, 0.975))]) / a.expected)


def _imported(desk: Desk, a: Alert, at: Instant) -> float | None:
    """The share of the episode's cases that were imported; None where nobody says."""
    rows = desk.columns(a.signal, at)
    codes = desk.tree.inside(a.members or [a.area])
    inside = np.isin(rows.area, [desk.tree.index[c] for c in codes])
    begun = min(a.opened, a.last - (a.window - 1) * desk.step(a.signal).minutes) if a.members else a.opened
    mine = inside & (rows.report_time <= at) & (rows.step >= begun) & (rows.step <= a.last)
    cases = float((rows.value * rows.n)[mine].sum())
    imported = float((rows.value * rows.n)[mine & rows.imported].sum())
    if desk.settings.signal(a.signal).kind != "count" or cases <= 0 or not rows.imported.any():
        return None
    return imported / cases
