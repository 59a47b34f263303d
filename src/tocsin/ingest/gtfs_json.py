"""GTFS-Realtime feeds as JSON, in the protocol's own names or in camelCase, as many agencies offer them. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from tocsin.ingest.contract import RAW, Blocks, Broken, Record
from tocsin.ingest.json_docs import documents, encoded, no_object, pointed
from tocsin.ingest.silence import unheard

OCCUPANCY = ("EMPTY", "MANY_SEATS_AVAILABLE", "FEW_SEATS_AVAILABLE", "STANDING_ROOM_ONLY", "CRUSHED_STANDING_ROOM_ONLY",
             "FULL", "NOT_ACCEPTING_PASSENGERS", "NO_DATA_AVAILABLE", "NOT_BOARDABLE")  # fmt: skip
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


def moment(seconds: int) -> str:
    """Seconds since the epoch as a moment; what cannot be one, as it stands."""
    if not 0 < seconds < 1 << 34:
        return str(seconds) if seconds else ""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def read(blocks: Blocks) -> Iterator[Record | Broken]:
    """The same records as of the binary feed."""
    for document in documents(blocks):
        if isinstance(document, Broken):
            yield document
            continue
        feed = document.value
        while isinstance(feed, dict) and "entity" not in feed and len(feed) == 1:  # { "response": { … } }
            feed = next(iter(feed.values()))
        entities = feed.get("entity") if isinstance(feed, dict) else None
        if not isinstance(entities, list):
            message = "it is no feed: expected an object with header and entity"
            yield Broken(document.line or 1, "bad-json", message, document.raw[:RAW], "entity")
            continue
        stamp = _whole(pointed(_named(feed), "/header/timestamp"))
        silent = True
        for position, entity in enumerate(entities, 1):
            for item in _entity(document.line or position, entity, stamp):
                silent = False
                yield item
        if silent:
            yield from nothing(_other(_named(e)) for e in entities)


def nothing(kinds: Iterable[str]) -> Iterator[Broken]:
    """The finding about a feed whose entities are of other kinds; none where they are gone, or there are none."""
    there = Counter(kinds)
    del there[""]
    if there:
        advice = "Ask for the feed of vehicle positions or of trip updates, which have addresses of their own"
        yield unheard("a vehicle or a trip", there, advice)


def _other(entity: dict[str, Any]) -> str:
    """What an entity is that holds no load, "" for one that is gone."""
    named = [n for n in entity if n not in ("id", "is_deleted")]
    return "" if entity.get("is_deleted") is True else next(iter(named), "of no known kind")


def _entity(line: int, entity: Any, stamp: int) -> Iterator[Record | Broken]:
    raw = encoded(entity)
    if not isinstance(entity, dict):
        yield no_object(line, entity, raw, "an entity: an object with id and vehicle or trip_update")
        return
    plain = _named(entity)
    if plain.get("is_deleted") is True:
        return
    for name, kind in (("vehicle", "vehicle"), ("trip_update", "trip")):
        body = plain.get(name)
        if isinstance(body, dict):
            own = _whole(body.get("timestamp")) or stamp
            cells = {"id": plain.get("id"), "kind": kind, "time": moment(own), **_cells(body, kind)}
            yield Record(line, cells, raw)


def _cells(body: dict[str, Any], kind: str) -> dict[str, Any]:
    said = body.get("occupancy_status")
    occupancy = said if isinstance(said, str) else ""
    if isinstance(said, int) and 0 <= said < len(OCCUPANCY):
        occupancy = OCCUPANCY[said]
    stops = body.get("stop_time_update")
    late = [body.get("delay"), *(pointed(s, f"/{e}/delay") for s in (stops if isinstance(stops, list) else [])
                                 for e in ("departure", "arrival"))]  # fmt: skip
    return {
        "vehicle": pointed(body, "/vehicle/id"),
        "trip": pointed(body, "/trip/trip_id"),
        "route": pointed(body, "/trip/route_id"),
        "direction": pointed(body, "/trip/direction_id"),
        "stop": body.get("stop_id"),
        "latitude": pointed(body, "/position/latitude"),
        "longitude": pointed(body, "/position/longitude"),
        "occupancy": occupancy,
        "occupancy_percentage": body.get("occupancy_percentage"),
        "delay": next((d for d in late if d is not None), "") if kind == "trip" else "",
    }


def _named(value: Any) -> Any:
    """The same with all names in snake_case."""
    if isinstance(value, dict):
        return {_HUMP.sub(lambda m: "_" + m[1].lower(), str(k)): _named(v) for k, v in value.items()}
    return [_named(v) for v in value] if isinstance(value, list) else value


def _whole(value: Any) -> int:
    """Seconds, which JSON may have as a number, with a fraction, or as text; 0 for none."""
    try:
        return int(float(value)) if isinstance(value, int | float | str) else 0
    except (ValueError, OverflowError):
        return 0
