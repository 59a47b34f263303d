"""NGSI-LD entities and notifications, normalised or as plain key and value. Pure."""

from collections.abc import Iterator
from typing import Any

from tocsin.config import SourceTable
from tocsin.ingest.contract import RAW, Blocks, Broken, Header, Record, Usual
from tocsin.ingest.json_docs import cells, each_object, start_of

USUAL = Usual(key=("id", "observed"), reference="observed")
_MOMENTS = ("dateObserved", "observationDateTime", "dateIssued", "dateReported", "dateCreated")
_VALUES = ("value", "object", "languageMap", "vocab", "json", "valueList", "objectList")


def read(_source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """One record an entity: its attributes by name, `id`, `type`, `observed`, and `longitude` and `latitude` of its
    `location`. `name@unit` and `name@observed` are an attribute's unitCode and observedAt.

    `observed` is dateObserved, observationDateTime, dateIssued, dateReported, dateCreated, else the newest observedAt.
    """
    return each_object(blocks, _entities, _record, "an entity: an object with id and type")


def _entities(document: Any) -> list[Any]:
    if isinstance(document, list):
        return [e for one in document for e in _entities(one)]
    if isinstance(document, dict) and document.get("type") in ("Notification", "ContextSourceNotification"):
        data = document.get("data")
        return data if isinstance(data, list) else [data]
    return [document]


def _record(line: int, item: dict[str, Any], raw: bytes) -> Record | Broken:
    if not isinstance(item.get("id"), str):
        message = "has no id, so it is no entity; expected an object with id, type and attributes"
        return Broken(line, "empty-required", message, raw[:RAW], "id")
    plain: dict[str, Any] = {}
    moments = []
    for name, attribute in item.items():
        if name == "@context":
            continue
        one = _chosen(attribute)
        plain[name] = _value(one)
        if isinstance(one, dict):
            pairs = (("unit", "unitCode"), ("observed", "observedAt"))
            plain |= {f"{name}@{ours}": one[theirs] for ours, theirs in pairs if theirs in one}
            moments += [one["observedAt"]] if isinstance(one.get("observedAt"), str) else []
    said = next((start_of(plain[m]) for m in _MOMENTS if start_of(plain.get(m))), "")
    plain["observed"] = said or max(moments, default="")
    point = plain.get("location")
    coordinates = point.get("coordinates") if isinstance(point, dict) else None
    if isinstance(coordinates, list) and len(coordinates) >= 2:
        plain["longitude"], plain["latitude"] = coordinates[:2]
    return Record(line, cells(plain, item), raw)


def _chosen(attribute: Any) -> Any:
    """Of several instances of an attribute the one without a datasetId, which is the default one."""
    if isinstance(attribute, list) and attribute and all(isinstance(a, dict) and "type" in a for a in attribute):
        return next((a for a in attribute if "datasetId" not in a), attribute[0])
    return attribute


def _value(attribute: Any) -> Any:
    """What an attribute says: the value of a normalised one, a typed value's `@value`, or the plain value."""
    if isinstance(attribute, dict) and "type" in attribute:
        attribute = next((attribute[v] for v in _VALUES if v in attribute), attribute)
    if isinstance(attribute, dict) and "@value" in attribute:
        attribute = attribute["@value"]
    return attribute
