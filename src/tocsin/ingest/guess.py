"""What format a sample is of, by its first bytes, and where in it the records are. Pure."""

import io
import itertools
import re
from collections.abc import Iterator
from typing import Any

from tocsin.config import SourceTable
from tocsin.errors import InputError
from tocsin.ingest import FORMATS, sniff
from tocsin.ingest.contract import Broken, Header, Record
from tocsin.ingest.json_docs import Document, documents, pointed
from tocsin.ingest.lines import head_text
from tocsin.ingest.stream import blocks

ROWS = 500  # records that are looked at
_TITLES = {b"pcr_target_units": "nwss", b"dataelement,period,orgunit": "dhis2", b"programstage,": "dhis2-tracker"}
_ROOT = re.compile(r"<(?:\w+:)?([A-Za-z]\w*)")
_TYPES = ("Encounter", "Observation", "Condition")  # of FHIR, which can be counted, the likeliest first


def guess(data: bytes) -> tuple[str, str]:
    """(format, its `records`) that the first bytes show."""
    head = head_text(data).encode("utf-8", "replace").lstrip(b"\xef\xbb\xbf\x0b \t\r\n")
    if head.startswith((b"MSH", b"FHS", b"BHS")):
        kinds = re.findall(rb"[|^]?(ADT|ORU|OUL)\W", head)
        return ("hl7-oru" if kinds[:1] in ([b"ORU"], [b"OUL"]) else "hl7-adt"), ""
    if head.startswith(b"<"):
        return _guess_xml(data)
    if data[:1] == b"\x0a" and not any(isinstance(i, Broken) for i in _read("gtfs-rt", data)):
        return "gtfs-rt", ""
    plain = sniff(data[: 1 << 20])
    words = data[:8192].lower().replace(b'"', b"")
    known = next((name for word, name in _TITLES.items() if word in words), "")
    if known and (plain == "csv" or known == "nwss"):
        return known, ""
    return _guess_json(data) if plain == "jsonl" else (plain, "")


def _guess_xml(data: bytes) -> tuple[str, str]:
    """By the root of the document. InputError for what no format is read of as XML."""
    head = head_text(data)
    found = _ROOT.search(head)
    root = found[1] if found else ""
    if root in ("dataValueSet", "dataValueSets", "adx"):
        return "dhis2", ""
    if "http://hl7.org/fhir" in head:
        types = set(re.findall(rb"<(?:\w+:)?(Encounter|Observation|Condition)\b", data))
        return "fhir", next((t for t in _TYPES if t.encode() in types), "")
    if root in ("service_requests", "requests", "service_request", "errors"):
        return "open311", ""
    if re.fullmatch(r"[A-Z]{3}_[A-Z]\d\d", root) or "urn:hl7-org:v2xml" in head:
        raise InputError(f"the sample is HL7 v2 as XML (<{root[:40]}>), which is not read; ask for its form with bars "
                         "(ER7), which begins with MSH|^~\\&|")  # fmt: skip
    what = "a web page (one for signing in?)" if root.lower() == "html" else f"XML with <{root[:40]}>"
    raise InputError(f"the sample is {what}; as XML are read FHIR, DHIS2's sets of data values, and Open311. "
                     "Ask for JSON or CSV, or name its format with --format")  # fmt: skip


def _guess_json(data: bytes) -> tuple[str, str]:
    some = [d.value for d in itertools.islice(documents(blocks(io.BytesIO(data))), ROWS) if isinstance(d, Document)]
    first = some[0] if some else None
    one = first[0] if isinstance(first, list) and first else first
    if not isinstance(one, dict):
        return "jsonl", ""
    inner = one.get("value", [None])
    thing = inner[0] if isinstance(inner, list) and inner else one
    for found, kind in (
        ("resourceType" in one, "fhir"),
        ("dataValues" in one and "event" not in one, "dhis2"),
        ("rows" in one and pointed(one, "/headers/0/name") == "dx", "dhis2"),
        ({"trackedEntities", "trackedEntityInstances", "enrollments", "instances", "programStage"} & one.keys(),
         "dhis2-tracker"),
        (isinstance(pointed(one, "/events/0"), dict) and {"occurredAt", "eventDate"} & one["events"][0].keys(),
         "dhis2-tracker"),
        (any(isinstance(pointed(one, f"{at}/entity/0"), dict) for at in ("", "/response")), "gtfs-rt"),
        ("service_request_id" in one or "service_requests" in one, "open311"),
        (isinstance(thing, dict) and ("phenomenonTime" in thing or "Observations" in thing or "dataArray" in one),
         "sensorthings"),
        (one.get("type") == "Notification" or str(one.get("id", "")).startswith("urn:ngsi"), "ngsi-ld"),
        ("subscriptionId" in one and isinstance(pointed(one, "/data/0"), dict) and "id" in one["data"][0], "ngsi-ld"),
        ("@context" in one and {"id", "type"} <= one.keys(), "ngsi-ld"),
        ({"id", "type"} <= one.keys() and "dateObserved" in one, "ngsi-ld"),
        (str(pointed(one, "/features/0/id")).startswith("urn:ngsi"), "ngsi-ld"),
    ):  # fmt: skip
        if found:
            return kind, _fhir_type(some) if kind == "fhir" else ""
    if isinstance(first, list) or b"\n{" in data[:65536]:
        nested = any(isinstance(v, dict | list) for v in one.values())
        return ("json" if nested else "jsonl"), ""
    return "json", max(_lists(one, ""), default=(0, ""))[1]


def _fhir_type(some: list[Any]) -> str:
    some = [pointed(one, "/parameter/0/resource") or one for one in some]
    entries = [e for one in some for e in (pointed(one, "/entry") or [{"resource": one}])]
    types = {pointed(e, "/resource/resourceType") for e in entries}
    return next((t for t in _TYPES if t in types), "")


def _lists(value: dict[str, Any], path: str) -> Iterator[tuple[int, str]]:
    """(length, pointer) of every list of objects under an object."""
    for name, child in value.items():
        here = f"{path}/{token(name)}"
        if isinstance(child, list) and child and isinstance(child[0], dict):
            yield len(child), here
        elif isinstance(child, dict):
            yield from _lists(child, here)


def token(name: str) -> str:
    """A name as it stands in a JSON pointer (RFC 6901, 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def _read(kind: str, data: bytes) -> list[Header | Record | Broken]:
    return list(FORMATS[kind](SourceTable("sample", format=kind), blocks(io.BytesIO(data))))  # type: ignore[arg-type]  # a name of FORMATS
