"""NGSI-LD entities and notifications: normalised, concise, key and value, GeoJSON, through time; NGSI v2. Pure."""

from collections.abc import Iterator
from typing import Any

from tocsin.config import SourceTable
from tocsin.ingest.contract import RAW, Blocks, Broken, Cells, Header, Record, Usual
from tocsin.ingest.json_docs import each_object, pointed, start_of

USUAL = Usual(key=("id", "observed"), reference="observed")
MOST = 5_000_000  # cells that one entity through time may become
_MOMENTS = ("dateObserved", "observationDateTime", "dateIssued", "dateReported", "dateCreated")
_BESIDE = {"observedAt", "unitCode", "datasetId", "createdAt", "modifiedAt", "deletedAt", "instanceId", "lang",
           "previousValue", "previousObject"}  # fmt: skip
_NULL = "urn:ngsi-ld:null"  # in a notification: the attribute was deleted
_CONCISE = {"value", "object", "languageMap", "vocab", "json"}
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
    if not isinstance(document, dict):
        return [document]
    told = document.get("type") in ("Notification", "ContextSourceNotification") or "subscriptionId" in document
    if told and "data" in document:
        data = document["data"]
        return [e for one in (data if isinstance(data, list) else [data]) for e in _entities(one)]
    if document.get("type") == "FeatureCollection" and isinstance(document.get("features"), list):
        return [e for one in document["features"] for e in _entities(one)]
    inner = document.get("properties")
    if document.get("type") == "Feature" and isinstance(inner, dict):
        document = {"id": document.get("id"), "location": document.get("geometry"), **inner}
    if isinstance(document.get("deletedAt"), str):
        return []  # the entity is gone, which takes no reading back
    return list(_through_time(document))


def _through_time(entity: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An entity once for each moment of which its attributes tell, in the order of time; any other as it is."""
    series = {name: told for name, a in entity.items() if len(told := _instances(a)) > 1}
    moments = sorted({i["observedAt"] for told in series.values() for i in told})
    if not moments or len(moments) * len(entity) > MOST:
        yield entity
        return
    at = {name: {i["observedAt"]: i for i in told} for name, told in series.items()}
    for moment in moments:
        yield {n: at[n].get(moment) if n in at else a for n, a in entity.items() if n not in at or moment in at[n]}


def _instances(attribute: Any) -> list[dict[str, Any]]:
    """The instances of an attribute at several moments: a list of them, or pairs of value and moment."""
    pairs = attribute.get("values") if isinstance(attribute, dict) else None
    if isinstance(pairs, list) and all(isinstance(p, list) and len(p) == 2 and isinstance(p[1], str) for p in pairs):
        return [{"type": "Property", "value": value, "observedAt": moment} for value, moment in pairs]
    some = attribute if isinstance(attribute, list) else []
    timed = [i for i in some if isinstance(i, dict) and isinstance(i.get("observedAt"), str) and "datasetId" not in i]
    return timed if len(timed) == len(some) else []


def _record(line: int, item: dict[str, Any], raw: bytes) -> Record | Broken:
    if not isinstance(item.get("id"), str):
        message = "has no id, so it is no entity; expected an object with id, type and attributes"
        return Broken(line, "empty-required", message, raw[:RAW], "id")
    plain: dict[str, Any] = {}
    moments = []
    for full, attribute in item.items():
        if full == "@context":
            continue
        one = _chosen(attribute)
        name = full.rpartition("/")[2] if "://" in full else full  # as it is called where no @context is sent along
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

    def find(column: str) -> Any:  # in the values, without the words around them; else in the entity as it was sent
        if not column.startswith("/"):
            return None
        found = pointed(plain, column)
        return found if found is not None else pointed(item, column)

    return Record(line, Cells(plain, find), raw)


def _chosen(attribute: Any) -> Any:
    """Of several instances of an attribute the one without a datasetId, which is the default one."""
    if isinstance(attribute, list) and attribute and all(isinstance(a, dict) and _is_told(a) for a in attribute):
        return next((a for a in attribute if "datasetId" not in a), attribute[0])
    return attribute


def _is_told(attribute: dict[str, Any]) -> bool:
    return "type" in attribute or _is_concise(attribute)


def _is_concise(attribute: dict[str, Any]) -> bool:
    """Whether it is an attribute without its type: a value, and nothing but what may stand beside one."""
    return bool(attribute.keys() & _CONCISE) and all(
        k in _CONCISE or k in _BESIDE or isinstance(v, dict) for k, v in attribute.items()
    )


def _value(attribute: Any) -> Any:
    """What an attribute says: the value of a normalised one, a typed value's `@value`, or the plain value."""
    for _ in range(2):  # a typed value may be inside of one: { value = { type, value } }
        if isinstance(attribute, dict) and _is_told(attribute):
            attribute = next((attribute[v] for v in _VALUES if v in attribute), attribute)
    if isinstance(attribute, dict) and "@value" in attribute:
        attribute = attribute["@value"]
    return None if attribute == _NULL else attribute
