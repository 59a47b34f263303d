"""The city itself: its name, signals, areas, map and health. I/O."""

import gzip
import json
from typing import Any

import tocsin
from tocsin.calendar import DAY
from tocsin.config import titled as title_of
from tocsin.desk import Desk
from tocsin.errors import NotFound
from tocsin.store import notes, totals
from tocsin.types import Instant
from tocsin.views.plain import civil, iso, number, titled

LANGUAGES = ["zh", "en"]


def city(desk: Desk, now: Instant, *, can_write: bool) -> dict[str, Any]:
    """What the page needs to know first."""
    c = desk.settings.city
    last = notes.last_tick(desk.store)
    span = totals.span(desk.store)
    return {
        "name": c.name,
        "title": titled(title_of(c.title, c.name)),
        "zone": c.zone,
        "simulated": c.simulated,
        "levels": c.levels,
        "budget": desk.settings.alerts.budget,
        "now": iso(now),
        "as_of": None if last is None else iso(last),
        "first": None if span is None else civil(span[0], DAY),
        "last": None if span is None else civil(span[1], DAY),
        "version": tocsin.__version__,
        "languages": LANGUAGES,
        "has_map": desk.geojson is not None,
        "can_write": can_write,
    }


def signals(desk: Desk) -> list[dict[str, Any]]:
    """The signals, in the configuration's order."""
    return [
        {
            "name": s.name,
            "title": titled(s.signal.title),
            "kind": s.kind,
            "step": s.step,
            "domain": s.domain,
            "unit": s.unit,
            "levels": desk.levels(s),
            "detectors": [d.name for d in desk.detectors[s.name]],
            "severity": s.severity,
        }
        for s in desk.settings.signals
    ]


def areas(desk: Desk, level: str | None) -> list[dict[str, Any]]:
    """The areas of a level, or all; NotFound for a level the city has not."""
    if level and level not in desk.tree.levels:
        raise NotFound(f"no level {level!r}; there are: {', '.join(desk.tree.levels)}")
    return [
        {
            "code": a.code,
            "parent": a.parent,
            "level": a.level,
            "title": titled(a.title),
            "longitude": number(a.longitude),
            "latitude": number(a.latitude),
            "population": number(a.population),
        }
        for a in (desk.tree.at(level) if level else desk.tree.areas)
    ]


def geojson(desk: Desk) -> bytes | None:
    """The city's polygons, each feature with properties.code; None where the city has none."""
    if desk.geojson is None:
        return None
    data = desk.geojson.read_bytes()
    found = json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    key = desk.settings.areas.geojson_key
    for feature in found.get("features", []):
        properties = feature.get("properties") or {}
        feature["properties"] = {"code": str(properties.get(key, feature.get("id", "")))}
    found["features"] = [f for f in found.get("features", []) if f["properties"]["code"] in desk.tree]
    return json.dumps(found, separators=(",", ":")).encode()


def health(desk: Desk, now: Instant) -> dict[str, Any]:
    """Is it well? The last beat, how far behind, what broke."""
    last = notes.last_tick(desk.store)
    day = 86_400_000_000
    faults = [f for f in notes.read_faults(desk.store, 20) if f[0] > now - day]
    return {
        "status": "degraded" if faults else "ok",
        "version": tocsin.__version__,
        "store": desk.store.kind,
        "events": totals.events(desk.store),
        "as_of": None if last is None else iso(last),
        "last_tick": None if last is None else iso(last),
        "behind_seconds": None if last is None else max((now - last) // 1_000_000, 0),
        "faults": [{"at": iso(at), "part": part, "message": message} for at, part, message in faults],
    }
