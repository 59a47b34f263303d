"""OGC SensorThings 1.1 observations: single ones, pages, data arrays, and Datastreams expanded either way. Pure."""

import re
from collections.abc import Iterator
from typing import Any

from tocsin.config import SourceTable
from tocsin.ingest.contract import RAW, Blocks, Broken, Header, Record, Usual
from tocsin.ingest.json_docs import cells, each_object, start_of

USUAL = Usual(key=("datastream", "phenomenonTime"), reference="phenomenonTime")
_IN_LINK = re.compile(r"Datastreams\('?([^()']+)'?\)")


def read(_source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """One record an observation: `result`, `phenomenonTime` (its beginning), `resultTime`, `id`; of its Datastream

    `datastream` (the id; where none is told, the observation's own), `name`, `unit`, `property`, `thing`, `longitude`,
    `latitude`, as far as they were expanded.
    """
    return each_object(blocks, observations, _record, "an Observation: an object with phenomenonTime and result")


def observations(document: Any) -> list[Any]:
    """The observations of a document, each with its Datastream inside."""
    if isinstance(document, list):
        return [o for one in document for o in observations(one)]
    if not isinstance(document, dict):
        return [document]
    if isinstance(document.get("dataArray"), list):
        return _array(document)
    if isinstance(document.get("value"), list) and "result" not in document:
        return [o for one in document["value"] for o in observations(one)]
    for name, inner in (("Datastreams", "Thing"), ("Observations", "Datastream")):
        if isinstance(document.get(name), list):
            around = {k: v for k, v in document.items() if k != name}
            children = [{inner: around, **c} if isinstance(c, dict) else c for c in document[name]]
            return children if name == "Observations" else [o for c in children for o in observations(c)]
    return [document]


def _array(document: dict[str, Any]) -> list[Any]:
    """The rows of the data array extension, by the names in `components`."""
    names = document.get("components")
    names = names if isinstance(names, list) and all(isinstance(n, str) for n in names) else []
    stream = document.get("Datastream", {"@iot.id": None})
    return [
        {"Datastream": stream, **dict(zip(names, row, strict=True))} if isinstance(row, list) and len(row) == len(names)
        else row
        for row in document["dataArray"]
    ]  # fmt: skip


def _record(line: int, item: dict[str, Any], raw: bytes) -> Record | Broken:
    if "result" not in item:
        there = ", ".join(map(str, item))[:200]
        message = f"has no result, so it is no Observation; it has {there}"
        return Broken(line, "empty-required", message, raw[:RAW], "result")
    stream = _dict(item.get("Datastream", item.get("MultiDatastream")))
    link = _IN_LINK.search(str(item.get("Datastream@iot.navigationLink", "")))
    own = f"observation {item['@iot.id']}" if "@iot.id" in item else None  # a page of one Datastream does not name it
    identity = stream.get("@iot.id", link[1] if link else own)
    thing = _dict(stream.get("Thing"))
    places = thing.get("Locations")
    place = _dict(_dict(places[0]).get("location")) if isinstance(places, list) and places else {}
    place = place or _dict(_dict(item.get("FeatureOfInterest")).get("feature"))
    point = _dict(place.get("geometry")).get("coordinates", place.get("coordinates"))
    longitude, latitude = point[:2] if isinstance(point, list) and len(point) >= 2 else (None, None)
    plain = {
        "id": item.get("@iot.id"),
        "datastream": identity,
        "name": stream.get("name"),
        "unit": _dict(stream.get("unitOfMeasurement")).get("symbol"),
        "property": _dict(stream.get("ObservedProperty")).get("name"),
        "thing": thing.get("name"),
        "longitude": longitude,
        "latitude": latitude,
        "phenomenonTime": start_of(item.get("phenomenonTime")),
        "resultTime": start_of(item.get("resultTime")),
        "result": item["result"],
    }
    return Record(line, cells(plain, item), raw)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
