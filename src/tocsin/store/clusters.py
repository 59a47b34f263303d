"""What the scans said: runs and clusters, appended, unique by content. I/O."""

import json
import math
from collections.abc import Iterable
from typing import Any

from tocsin.store.db import Store
from tocsin.types import Cluster, Instant, ScanRun

_NUMBERS = (
    "latitude", "longitude", "radius_km", "observed", "expected", "relative_risk", "llr", "p", "recurrence_days",
)  # fmt: skip
_KEYS = ("id", "scan", "signal", "at", "change")


def write_scans(store: Store, runs: Iterable[ScanRun], clusters: Iterable[Cluster]) -> int:
    """Append what a beat's scans said, in one transaction; returns how many rows were new."""
    with store.transaction() as db:
        new = db.executemany(
            "INSERT INTO scan (scan, signal, at, digest, p) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [(r.scan, r.signal, r.at, r.digest, None if math.isnan(r.p) else r.p) for r in runs],
        ).rowcount
        new += db.executemany(
            "INSERT INTO cluster (scan, signal, at, id, change, what) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [(c.scan, c.signal, c.at, c.id, c.change, _text(c)) for c in clusters],
        ).rowcount
    return new


def last_run(store: Store, scan: str, signal: str, as_of: Instant) -> ScanRun | None:
    """The newest run made by a moment, None if there was none."""
    row = store.db.execute(
        "SELECT at, scan, signal, digest, p FROM scan WHERE scan = ? AND signal = ? AND at <= ?"
        " ORDER BY at DESC LIMIT 1",
        (scan, signal, as_of),
    ).fetchone()
    if row is None:
        return None
    at, scan, signal, digest, p = row
    return ScanRun(at, scan, signal, digest, math.nan if p is None else p)


def read_clusters(store: Store, scan: str, signal: str, since: Instant, as_of: Instant) -> list[Cluster]:
    """What was said of clusters from one moment to another, both in, in the order it was said."""
    rows = store.db.execute(
        "SELECT id, scan, signal, at, change, what FROM cluster WHERE scan = ? AND signal = ? AND at BETWEEN ? AND ?"
        " ORDER BY at, id",
        (scan, signal, since, as_of),
    )
    return [_cluster(*row) for row in rows]


def read_cluster(store: Store, name: str, as_of: Instant) -> Cluster | None:
    """The newest word on one cluster, None if there was none by then."""
    row = store.db.execute(
        "SELECT id, scan, signal, at, change, what FROM cluster WHERE id = ? AND at <= ? ORDER BY at DESC LIMIT 1",
        (name, as_of),
    ).fetchone()
    return None if row is None else _cluster(*row)


def _text(c: Cluster) -> str:
    what: dict[str, Any] = {k: v for k, v in c._asdict().items() if k not in _KEYS}
    what |= {k: getattr(c, k) if math.isfinite(getattr(c, k)) else str(getattr(c, k)) for k in _NUMBERS}
    return json.dumps(what, sort_keys=True, separators=(",", ":"))


def _cluster(name: str, scan: str, signal: str, at: Instant, change: Any, text: str) -> Cluster:
    what = json.loads(text)
    what |= {k: float(what[k]) for k in _NUMBERS}  # "inf" and "nan" are words in JSON
    what["members"] = tuple(what["members"])
    what["by_member"] = tuple((n, u) for n, u in what["by_member"])
    what["course"] = tuple((day, n, u) for day, n, u in what.get("course", ()))  # older rows have none
    return Cluster(id=name, scan=scan, signal=signal, at=at, change=change, **what)
