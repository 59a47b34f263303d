"""GTFS-Realtime feeds: vehicles and trips with their load, delay and place. Pure.

The part of the protocol buffer wire format that is needed is read here, in a hundred lines: no bytes can raise, nothing
need be installed. Field numbers are those of gtfs-realtime.proto 2.0.
"""

import itertools
import struct
from collections.abc import Iterator
from typing import Any

from tocsin.config import SourceTable
from tocsin.ingest import gtfs_json
from tocsin.ingest.contract import MAX_DOCUMENT, RAW, Blocks, Broken, Header, Record, Usual, whole
from tocsin.ingest.gtfs_json import OCCUPANCY, moment
from tocsin.ingest.lines import head_text

USUAL = Usual(key=("id", "time"), reference="time")
_OTHERS = {5: "alert", 6: "shape", 7: "stop", 8: "trip_modifications"}
Fields = dict[int, list[Any]]  # number → values: integers, or bytes


class _Torn(Exception):
    pass


def read(_source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """One record a vehicle position or trip update: `id`, `kind` (vehicle, trip), `time` (its own, else the feed's),
    `vehicle`, `trip`, `route`, `direction`, `stop`, `latitude`, `longitude`, `occupancy` (the name: its numbers
    follow no scale), `occupancy_percentage`, `delay` (seconds; the trip's, else its next stop's).
    `Record.line` is the entity's position in the feed.
    """
    first = next(blocks, b"")
    together: Blocks = itertools.chain([first], blocks)
    if isinstance(first, bytes) and head_text(first).lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        yield from gtfs_json.read(together)
        return
    data = whole(together, MAX_DOCUMENT)
    if isinstance(data, Broken):
        yield data
        return
    entities: list[bytes] = []
    stamp = 0
    torn = ""
    try:
        for number, value in _walk(data):
            if number == 1 and isinstance(value, bytes):
                stamp = _int(_fields(value), 3)
            elif number == 2 and isinstance(value, bytes):
                entities.append(value)
    except _Torn as e:
        torn = str(e)
    silent = True
    for position, entity in enumerate(entities, 1):
        for item in _entity(position, entity, stamp):
            silent = False
            yield item
    if silent and not torn and stamp:
        yield from gtfs_json.nothing(_kind(e) for e in entities)
    if torn or not stamp:
        message = torn or "it has no header with a timestamp"
        what = "what came before was taken" if entities else "send a FeedMessage in protocol buffers, not its text form"
        yield Broken(len(entities) + 1, "bad-protobuf", f"the feed cannot be read here: {message}; {what}", data[:RAW])


def _entity(position: int, raw: bytes, stamp: int) -> Iterator[Record | Broken]:
    try:
        entity = _fields(raw)
        if _int(entity, 2):  # is_deleted: it is gone from the feed, which says nothing of its load
            return
        for number, kind in ((4, "vehicle"), (3, "trip")):
            for body in _bytes(entity, number)[-1:]:
                cells = _vehicle(_fields(body)) if kind == "vehicle" else _trip(_fields(body))
                own = cells.pop("stamp") or stamp
                plain = {"id": _text(entity, 1), "kind": kind, "time": moment(own), **cells}
                yield Record(position, plain, raw[:RAW])
    except _Torn as e:
        message = f"the entity cannot be read ({e}); the others were"
        yield Broken(position, "bad-protobuf", message, raw[:RAW])


def _kind(raw: bytes) -> str:
    """What an entity is that holds no load, "" for one that is gone."""
    entity = _fields(raw)
    return "" if _int(entity, 2) else next((name for n, name in _OTHERS.items() if n in entity), "of no known kind")


def _vehicle(v: Fields) -> dict[str, Any]:
    at = _message(v, 2)
    occupancy = _int(v, 9) if 9 in v else -1
    return {
        **_names(_message(v, 1), _message(v, 8)),
        "stop": _text(v, 7),
        "latitude": _float(at, 1),
        "longitude": _float(at, 2),
        "occupancy": OCCUPANCY[occupancy] if 0 <= occupancy < len(OCCUPANCY) else "",
        "occupancy_percentage": _int(v, 10) if 10 in v else "",
        "delay": "",
        "stamp": _int(v, 5),
    }


def _trip(t: Fields) -> dict[str, Any]:
    nowhere = {"stop": "", "latitude": "", "longitude": "", "occupancy": "", "occupancy_percentage": ""}
    delay = _signed(_int(t, 5)) if 5 in t else next(_delays(t), "")
    return {**_names(_message(t, 1), _message(t, 3)), **nowhere, "delay": delay, "stamp": _int(t, 4)}


def _delays(t: Fields) -> Iterator[int]:
    """What its stops say of the delay, the next stop first; most feeds say it nowhere else."""
    for stop in map(_fields, _bytes(t, 2)):
        for event in (_message(stop, 3), _message(stop, 2)):  # departure, arrival
            if 1 in event:
                yield _signed(_int(event, 1))


def _names(trip: Fields, vehicle: Fields) -> dict[str, Any]:
    direction = _int(trip, 6) if 6 in trip else ""
    return {"vehicle": _text(vehicle, 1), "trip": _text(trip, 1), "route": _text(trip, 5), "direction": direction}


def _fields(data: bytes) -> Fields:
    found: Fields = {}
    for number, value in _walk(data):
        found.setdefault(number, []).append(value)
    return found


def _walk(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, value) of a message; _Torn says where it is none."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if not number:
            raise _Torn(f"byte {at}: a field without a number")
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise _Torn(f"byte {at}: wire type {wire} is not in use")
        if at + size > len(data):
            raise _Torn(f"byte {at}: it ends too early")
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise _Torn(f"byte {at}: it ends too early")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise _Torn(f"byte {at}: a number longer than 10 bytes")


def _bytes(fields: Fields, number: int) -> list[bytes]:
    return [v for v in fields.get(number, []) if isinstance(v, bytes)]


def _message(fields: Fields, number: int) -> Fields:
    found = _bytes(fields, number)
    return _fields(found[-1]) if found else {}


def _text(fields: Fields, number: int) -> str:
    found = _bytes(fields, number)
    return found[-1].decode("utf-8", "replace") if found else ""


def _int(fields: Fields, number: int) -> int:
    found = [v for v in fields.get(number, []) if isinstance(v, int)]
    return found[-1] if found else 0


def _signed(value: int) -> int:
    """A negative int32 is sent as a 64-bit two's complement."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _float(fields: Fields, number: int) -> float | str:
    found = [v for v in _bytes(fields, number) if len(v) == 4]
    return float(struct.unpack("<f", found[-1])[0]) if found else ""
