"""FHIR R4 as Bundles, NDJSON or XML: Encounters, Conditions or Observations, with what they refer to. Pure."""

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from tocsin.config import SourceTable
from tocsin.ingest import fhir_xml
from tocsin.ingest.contract import RAW, Blocks, Broken, Cells, Header, Record, Usual
from tocsin.ingest.fhir_observed import complaints, is_of_a_visit, parts, temperature
from tocsin.ingest.hl7_oru import NEITHER, positive
from tocsin.ingest.json_docs import Document, documents, encoded, no_object, pointed, text_of
from tocsin.ingest.lines import head_text
from tocsin.ingest.marked import FHIR, Marks, is_test
from tocsin.ingest.silence import unheard

USUAL = Usual(key=("id",), reference="when")
_GONE = ("entered-in-error", "cancelled", "refuted", "not-done")
MANY = 200  # types that are counted
_AHEAD = ("planned", "proposed", "draft")  # of an Encounter: nobody has come
_LOINC = "http://loinc.org"
_WHEN = {
    "Encounter": ("/period/start", "/actualPeriod/start"),
    "Condition": ("/onsetDateTime", "/onsetPeriod/start", "/recordedDate"),
    "Observation": ("/effectiveDateTime", "/effectivePeriod/start", "/effectiveInstant", "/issued"),
}


class Entry(NamedTuple):
    """One resource of a bundle, with its full URL and what is asked of it."""

    line: int
    resource: dict[str, Any]
    url: str
    method: str
    raw: bytes


class Asked(NamedTuple):
    """The type of the resources that are records, what is told of those marked as tests, and what types came."""

    kind: str
    marks: Marks
    there: Counter[str]


def read(source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """One record a resource of the type that `records` names (Encounter unless given); the others are for reference.

    Columns: `id`, `when`, `updated` (meta.lastUpdated, else the bundle's timestamp), `status`, `class`, `codes`, `text`
    (its own and, for an Encounter, those of the Conditions in the bundle that name it, or that it names), `code` (LOINC
    where there is one), `value`, `unit`, `positive` (of an Observation: 1, 0 or nothing), `encounter`, `temperature`
    (of an Encounter: the highest that an Observation of it says, as "38.5 °C"); `/…`, a JSON pointer into the resource;
    `Type/…`, a pointer into the resource of that type it refers to. Each component of an Observation is a record.
    """
    asked = Asked(source.records or "Encounter", Marks(source, FHIR), Counter())
    silent = True
    for item in _read(asked, blocks):
        silent = False
        yield item
    if silent and asked.there and asked.kind not in asked.there:
        known = [f'records = "{kind}"' for kind in _WHEN if kind in asked.there]
        advice = f"Write {' or '.join(known)} if that is what counts, or have" if known else "Have"
        yield unheard(asked.kind, asked.there, f"{advice} {asked.kind} resources sent along")


def _read(asked: Asked, blocks: Blocks) -> Iterator[Record | Broken]:
    first = next(blocks, b"")
    together: Blocks = itertools.chain([first], blocks)
    is_xml = isinstance(first, bytes) and head_text(first).lstrip("\ufeff \t\r\n").startswith("<")
    for document in fhir_xml.documents(together) if is_xml else documents(together):
        if isinstance(document, Broken):
            yield document
        elif not isinstance(document.value, dict):
            yield no_object(document.line, document.value, document.raw, "a Bundle or another FHIR resource")
        elif document.value.get("resourceType") in ("Bundle", "Parameters"):
            yield from _bundle(document, asked)
        else:
            one = Entry(document.line or 1, document.value, "", "", document.raw)
            yield from _resource(one, _Index([one], ""), asked)


def _bundle(document: Document, asked: Asked) -> Iterator[Record | Broken]:
    entries: list[Entry] = []
    for position, item in enumerate(_unpacked(document.value, 3), 1):
        line = document.line or position
        raw = encoded(item)
        failed = _failure(item)
        if failed:
            yield Broken(line, "service-error", f"the server reports: {failed}", raw[:RAW], "response")
        resource = item.get("resource") if isinstance(item, dict) else None
        request = item.get("request") if isinstance(item, dict) else None
        method = text_of(request.get("method")) if isinstance(request, dict) else ""
        if isinstance(resource, dict) and isinstance(resource.get("resourceType"), str):
            entries.append(Entry(line, resource, text_of(item.get("fullUrl")), method, raw))
        elif method == "DELETE":
            message = (
                "a deletion without its resource: the time and place to take back are not there. Send the resource "
            )
            message += "with status entered-in-error"
            yield Broken(line, "cannot-withdraw", message, raw[:RAW], "request", str(pointed(request, "/url"))[:200])
        elif resource is not None or not isinstance(item, dict):
            yield no_object(line, item, raw, "a bundle entry: an object with a resource that has a resourceType")
    index = _Index(entries, _timestamp(document.value))
    index.test = is_test(document.value) or any(map(is_test, (e.resource for e in entries if _is_header(e.resource))))
    if document.value.get("type") == "history":
        entries.reverse()  # it is told from the newest version back
    for entry in entries:
        yield from _resource(entry, index, asked)


def _timestamp(bundle: dict[str, Any]) -> str:
    """When the bundle was put together, or the one within the parameters of an operation."""
    return text_of(bundle.get("timestamp")) or text_of(pointed(bundle, "/parameter/0/resource/timestamp"))


def _is_calm(issue: Any) -> bool:
    return isinstance(issue, dict) and issue.get("severity") in ("information", "success")


def _unpacked(bundle: dict[str, Any], depth: int) -> Iterator[Any]:
    """The entries of a bundle or of the parameters of an operation, and of the bundles in it."""
    given = bundle.get("entry", bundle.get("parameter", []))
    for item in given if isinstance(given, list) else [given]:
        inner = item.get("resource") if isinstance(item, dict) else None
        if isinstance(inner, dict) and inner.get("resourceType") in ("Bundle", "Parameters") and depth:
            yield from _unpacked(inner, depth - 1)
        else:
            yield item


def _failure(item: Any) -> str:
    """What an entry of a response says went wrong, "" for nothing."""
    status = text_of(pointed(item, "/response/status"))
    if status[:1] not in ("4", "5"):
        return ""
    said = [text_of(pointed(item, f"/response/outcome/issue/0/{p}")) for p in ("diagnostics", "details/text", "code")]
    return " ".join([status, *[s for s in said if s][:1]])[:500]


def _resource(entry: Entry, index: "_Index", asked: Asked) -> Iterator[Record | Broken]:
    kind = entry.resource.get("resourceType")
    if kind == "OperationOutcome":
        issues = entry.resource.get("issue")
        issues = [i for i in issues if not _is_calm(i)] if isinstance(issues, list) else []
        if not issues and entry.resource.get("issue"):
            return
        said = [f"{i.get('severity')}: {i.get('diagnostics') or pointed(i, '/details/text') or i.get('code')}"
                for i in (issues if isinstance(issues, list) else []) if isinstance(i, dict)]  # fmt: skip
        message = f"the server reports: {'; '.join(said)[:500] or 'an outcome without an issue'}"
        yield Broken(entry.line, "service-error", message, entry.raw[:RAW], "OperationOutcome")
        return
    if not isinstance(kind, str):
        message = "has no resourceType, so it is no FHIR resource"
        yield Broken(entry.line, "bad-fhir", message, entry.raw[:RAW], "resourceType")
        return
    asked.there[kind] += kind in asked.there or len(asked.there) < MANY
    if kind != asked.kind or (kind == "Encounter" and entry.resource.get("status") in _AHEAD):
        return
    notes = asked.marks.of_resource(entry.line, entry.raw) if index.is_test(entry.resource) else ()
    for part in parts(entry.resource) if kind == "Observation" else [entry.resource]:
        record = index.record(entry._replace(resource=part))
        yield record._replace(notes=(*notes, *record.notes))
        notes = ()


class _Index:
    """The resources of a bundle by what others call them."""

    def __init__(self, entries: list[Entry], timestamp: str) -> None:
        self.timestamp = timestamp
        self.test = False  # whether all of it is test data
        self.by_name: dict[str, Entry] = {}
        for e in entries:
            for name in (e.url, _name(e.resource)):
                if name:
                    self.by_name.setdefault(name, e)
        self.conditions: dict[int, list[dict[str, Any]]] = {}
        self.observed: dict[int, list[dict[str, Any]]] = {}
        for e in entries:
            kind = e.resource.get("resourceType")
            visit = self.get(text_of(pointed(e.resource, "/encounter/reference")))
            if visit and not _gone(e.resource) and kind in ("Condition", "Observation"):
                said = [p for p in parts(e.resource) if is_of_a_visit(p)] if kind == "Observation" else [e.resource]
                those = self.conditions if kind == "Condition" else self.observed
                those.setdefault(id(visit.resource), []).extend(said)

    def diagnoses(self, visit: dict[str, Any]) -> list[dict[str, Any]]:
        """The Conditions that name a visit, and those that it names, each once."""
        found = {id(c): c for c in self.conditions.get(id(visit), [])}
        for reference in _references([visit.get("diagnosis"), visit.get("reasonReference")]):
            named = _contained(visit, reference) if reference.startswith("#") else self.get(reference)
            one = named.resource if isinstance(named, Entry) else named
            if one and one.get("resourceType") == "Condition" and not _gone(one):
                found[id(one)] = one
        return list(found.values())

    def get(self, reference: str) -> Entry | None:
        """The resource a reference names: by full URL, by Type/id, or by the end of an absolute URL."""
        plain = reference.partition("/_history/")[0]
        found = self.by_name.get(plain)
        return found or self.by_name.get("/".join(plain.split("/")[-2:]))

    def is_test(self, resource: dict[str, Any]) -> bool:
        """Whether a resource, its patient or its bundle is marked as test data."""
        whose = self.get(text_of(pointed(resource, "/subject/reference")))
        return self.test or is_test(resource) or (whose is not None and is_test(whose.resource))

    def record(self, entry: Entry) -> Record:
        """The resource as a record."""
        r = entry.resource
        kind = r["resourceType"]
        related = self.diagnoses(r) if kind == "Encounter" else []
        observed = self.observed.get(id(r), [])
        concepts = [c for one in [r, *related] for c in _concepts(one)]
        value = pointed(r, "/valueQuantity/value")
        plain = {
            "id": r.get("id") or pointed(r, "/identifier/0/value") or entry.url,
            "when": next(filter(None, (pointed(r, p) for p in _WHEN.get(kind, ()))), None),
            "updated": pointed(r, "/meta/lastUpdated") or self.timestamp,
            "status": r.get("status") or pointed(r, "/verificationStatus/coding/0/code"),
            "class": pointed(r, "/class/code") or pointed(r, "/class/0/coding/0/code"),
            "codes": " ".join(dict.fromkeys(code for c in concepts for code in _codes(c))),
            "text": "; ".join(dict.fromkeys([*complaints(observed), *(text for c in concepts for text in _texts(c))])),
            "code": _code(r.get("code")),
            "value": value if value is not None else _coded_value(r),
            "unit": pointed(r, "/valueQuantity/code") or pointed(r, "/valueQuantity/unit"),
            "positive": _positive(r) if kind == "Observation" else "",
            "temperature": temperature(observed),
            "encounter": text_of(pointed(r, "/encounter/reference")).rpartition("/")[2] or None,
        }
        references = list(dict.fromkeys(_references(r)))
        lost = [x for x in references if x.startswith("urn:") and self.get(x) is None]
        notes = tuple(
            Broken(entry.line, "unresolved-reference", f"{x[:80]!r} is in no entry of the bundle; have it sent along",
                   entry.raw[:RAW], "reference", x[:200])
            for x in lost[:3]
        )  # fmt: skip

        def find(column: str) -> Any:
            if column.startswith("/"):
                return pointed(r, column)
            name, _, rest = column.partition("/")
            for x in references if rest else ():
                other = self.get(x)
                one = other.resource if other else _contained(r, x)
                if one and one.get("resourceType") == name:
                    return pointed(one, f"/{rest}")
            return None

        return Record(entry.line, Cells(plain, find, NEITHER), entry.raw, _gone(r) or entry.method == "DELETE", notes)


def _is_header(resource: dict[str, Any]) -> bool:
    return resource.get("resourceType") == "MessageHeader"


def _name(resource: dict[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}" if isinstance(resource.get("id"), str) and isinstance(
        resource.get("resourceType"), str) else ""  # fmt: skip


def _gone(resource: dict[str, Any]) -> bool:
    return resource.get("status") in _GONE or pointed(resource, "/verificationStatus/coding/0/code") in _GONE


def _concepts(resource: dict[str, Any]) -> Iterator[Any]:
    """The codeable concepts that say what it is about."""
    if resource.get("resourceType") in ("Condition", "Observation"):
        yield resource.get("code")
    for name in ("reasonCode", "reason"):  # as it is called in R4, and in STU3 and R5
        reasons = resource.get(name)
        for one in reasons if isinstance(reasons, list) else ():
            inside = pointed(one, "/value")
            yield from [pointed(v, "/concept") for v in inside] if isinstance(inside, list) else [one]


def _codes(concept: Any) -> Iterator[str]:
    coding = pointed(concept, "/coding")
    for one in coding if isinstance(coding, list) else ():
        yield from filter(None, [text_of(pointed(one, "/code"))])


def _texts(concept: Any) -> Iterator[str]:
    """Its own words, else the names of its codes."""
    own = text_of(pointed(concept, "/text"))
    coding = pointed(concept, "/coding")
    named = [text_of(pointed(c, "/display")) for c in coding] if isinstance(coding, list) else []
    yield from filter(None, [own] if own else named)


def _code(concept: Any) -> str:
    """The LOINC code of a concept, else its first code."""
    coding = pointed(concept, "/coding")
    some = [c for c in coding if isinstance(c, dict)] if isinstance(coding, list) else []
    return next((text_of(c.get("code")) for c in sorted(some, key=lambda c: c.get("system") != _LOINC)), "")


def _positive(resource: dict[str, Any]) -> str:
    """Whether an Observation says that something was found, by its coded value, its words, or its interpretation."""
    value = resource.get("valueCodeableConcept")
    said = "; ".join(_texts(value)) or text_of(resource.get("valueString"))
    if isinstance(resource.get("valueBoolean"), bool):
        return "1" if resource["valueBoolean"] else "0"
    flag = next(_codes(pointed(resource, "/interpretation/0")), "")
    return positive(next(_codes(value), ""), said, flag, "CWE" if value else "")


def _contained(resource: dict[str, Any], reference: str) -> dict[str, Any] | None:
    """The resource inside another that `#id` names."""
    inside = resource.get("contained")
    some = inside[:100] if reference.startswith("#") and isinstance(inside, list) else []
    return next((c for c in some if isinstance(c, dict) and f"#{c.get('id')}" == reference), None)


def _coded_value(resource: dict[str, Any]) -> Any:
    codes = list(_codes(resource.get("valueCodeableConcept")))
    return codes[0] if codes else resource.get("valueString", resource.get("valueInteger"))


def _references(value: Any) -> Iterator[str]:
    """Every reference in a resource, in its order."""
    if isinstance(value, dict):
        for name, child in value.items():
            if name == "reference" and isinstance(child, str):
                yield child
            else:
                yield from _references(child)
    elif isinstance(value, list):
        for child in value:
            yield from _references(child)
