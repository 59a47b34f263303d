"""What the scans say: the clusters of each scan's newest run as of a moment. I/O."""

import math
from typing import Any

from tocsin.alert import episode
from tocsin.calendar import DAY
from tocsin.config import ScanTable
from tocsin.desk import Desk
from tocsin.locate import loud
from tocsin.scan import false_discoveries
from tocsin.store import notes
from tocsin.store.clusters import last_run, read_clusters
from tocsin.types import Cluster, Instant, ScanRun
from tocsin.views.plain import civil, iso, moment_of, number, table_of, titled

STALE = 2 * 86_400_000_000  # a run older than two days says nothing of a moment


def clusters(desk: Desk, signal: str | None, as_of: str | None, now: Instant) -> dict[str, Any]:
    """Every scan of every signal (or of one): when it last ran, and the clusters it told then, rarest first.

    q: the share of false alarms among the scan's signals if this one and all with a smaller q are acted on.
    """
    at = moment_of(desk, as_of, now)
    if signal:
        table_of(desk, signal)
    alerts = episode.fold(notes.read_notes(desk.store, at)).values()
    named = {c: a.id for (_, c), a in episode.speakers(alerts).items()}
    found = []
    for table in desk.settings.scans:
        names = [g.name for g in desk.settings.scanned(table)]
        runs = {name: last_run(desk.store, table.name, name, at) for name in names}
        runs = {name: run for name, run in runs.items() if run is not None and run.at > at - STALE}
        q = false_discoveries({name: run.p for name, run in runs.items() if run is not None})
        found += [
            {**_scan(desk, table, name, runs.get(name), named), "q": number(q.get(name, math.nan))}
            for name in names
            if not signal or name == signal
        ]
    return {"as_of": iso(at), "scans": found}


def described(desk: Desk, c: Cluster, alert: str | None) -> dict[str, Any]:
    """One cluster as plain values."""
    table = next((t for t in desk.settings.scans if t.name == c.scan), None)
    return {
        "id": c.id,
        "scan": c.scan,
        "signal": c.signal,
        "at": iso(c.at),
        "change": c.change,
        "alerting": table is not None and bool(loud(table, [c])),
        "center": c.center,
        "latitude": number(c.latitude),
        "longitude": number(c.longitude),
        "radius_km": number(c.radius_km),
        "members": [
            {"code": code, "observed": n, "expected": number(u)}
            for code, (n, u) in zip(c.members, c.by_member, strict=True)
        ],
        "start": civil(c.start, DAY),
        "end": civil(c.end, DAY),
        "reported": number(c.reported),
        "alert": alert,
        **{k: number(getattr(c, k)) for k in ("observed", "expected", "relative_risk", "llr", "p", "recurrence_days")},
    }


def _scan(desk: Desk, table: ScanTable, signal: str, run: ScanRun | None, named: dict[str, str]) -> dict[str, Any]:
    told = [] if run is None else read_clusters(desk.store, table.name, signal, run.at, run.at)
    ordered = sorted(told, key=lambda c: (c.change == "ended", -c.recurrence_days, c.id))
    return {
        "scan": table.name,
        "signal": signal,
        "signal_title": titled(desk.settings.signal(signal).signal.title),
        "model": table.model,
        "level": desk.scan_level(table),
        "recurrence_days": table.recurrence_days,
        "ran": None if run is None else iso(run.at),
        "p": None if run is None else number(run.p),
        "clusters": [described(desk, c, named.get(c.id)) for c in ordered],
    }
