"""A mapping proposed from a sample: what the format is, and which columns are what. Pure.

It proposes; a person decides. Every guess comes with the reason for it, and what could not be guessed is left as a line
to fill in. Nothing of the sample but names of columns, codes of areas, dates and short lists of kinds is shown.
"""

import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tocsin.areas import AreaTree
from tocsin.calendar import zone
from tocsin.config import Settings, SourceTable
from tocsin.errors import InputError
from tocsin.ingest import FORMATS, USUAL, propose_own, sniff
from tocsin.ingest.contract import Broken, Header, Record
from tocsin.ingest.dates import EPOCH, Dates
from tocsin.ingest.hl7 import Piece, pieces, take_apart
from tocsin.ingest.json_docs import Document, documents, pointed
from tocsin.ingest.lines import head_text
from tocsin.ingest.stream import blocks
from tocsin.ingest.values import code, number, text
from tocsin.types import Instant

_SPOKEN = ("OBX[8661-1]", "OBX[54094-8]", "DG1[*]-3.2", "DG1[*]-4")
ROWS = 500  # records that are looked at
KINDS = 30  # different cells up to which a column may be a list of kinds
MOST = 0.8  # of the filled cells must fit

_HINTS = {
    "reference": r"onset|visit|admi|occur|sample|collect|observ|\bdate\b|_date|day|发病|就诊|采样|日期|发生|时间",
    "report": r"report|sent|updat|told|notif|issued|reporting|报告|录入|上报|更新|通报|填报",
    "key": r"\bid\b|_id$|^id|uuid|number|record|编号|卡号|序号|流水|工单号|单号",
    "value": r"^n$|count|cases|value|total|number of|result|reading|数$|例数|人数|病例数|数量|结果|浓度",
}
_PERSON = re.compile(r"name|phone|mobile|address|birth|ssn|姓名|电话|手机|住址|地址|身份证|出生", re.IGNORECASE)
_TITLES = {b"pcr_target_units": "nwss", b"dataelement,period,orgunit": "dhis2", b"programstage,": "dhis2-tracker"}
_COUNTED = re.compile(r"1\d{9}(?:\d{3})?")  # seconds since 1970, or some number
_TIMES = rf"{_HINTS['reference']}|{_HINTS['report']}|time|stamp|_at$|At$"
_ROOT = re.compile(r"<(?:\w+:)?([A-Za-z]\w*)")
_TYPES = ("Encounter", "Observation", "Condition")  # of FHIR, which can be counted, the likeliest first
_OWN = {  # the columns of formats that say what and how many in a place of their own
    "hl7-oru": ("code", "positive"),
    "dhis2": ("dataElement", "value"),
    "sensorthings": ("name", "result"),
    "nwss": ("series", "concentration"),
    "open311": ("service_code", ""),
}


class Proposal(NamedTuple):
    """TOML to paste into city.toml, and sentences about it."""

    format: str
    toml: str
    notes: list[str]


class Sample(NamedTuple):
    """What was read of the sample: cells by column, and how many records could not be read."""

    columns: dict[str, list[str]]
    records: int
    broken: list[Broken]


def propose(data: bytes, *, name: str, format_: str, tree: AreaTree, settings: Settings, received: Instant) -> Proposal:
    """A mapping for a sample's bytes. InputError if nothing in it can be read."""
    kind, where = (format_, "") if format_ != "auto" else guess(data)
    source = SourceTable(name, format=kind, records=where)  # type: ignore[arg-type] # guess gives names of FORMATS only
    sample = _sample(source, data)
    if not sample.records:
        why = sample.broken[0].message if sample.broken else "it holds no record"
        raise InputError(f"as {kind}, nothing in the sample can be read: {why}; name its format with --format")
    notes = [f"{sample.records} records were read as {kind}"]
    if sample.broken:
        notes.append(f"{len(sample.broken)} could not be read; the first: {sample.broken[0].message}")
    lines = ["[[sources]]", f"name = {_quoted(name)}", f"format = {_quoted(kind)}"]
    lines += [f"records = {_quoted(where)}"] if where else []
    lines += ['files = "inbox/*"', "", "[sources.mapping]"]
    lines += _fields(sample, kind, tree, settings, received)
    return Proposal(kind, "\n".join(lines) + "\n", notes)


def guess(data: bytes) -> tuple[str, str]:
    """(format, its `records`) that the first bytes show."""
    head = data[:4096].lstrip(b"\xef\xbb\xbf\x0b \t\r\n")
    if head.startswith((b"MSH", b"FHS", b"BHS")):
        kinds = re.findall(rb"[|^]?(ADT|ORU|OUL)\W", data[:65536])
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
        ({"trackedEntities", "trackedEntityInstances", "enrollments", "instances", "programStage"} & one.keys(),
         "dhis2-tracker"),
        (isinstance(pointed(one, "/events/0"), dict) and {"occurredAt", "eventDate"} & one["events"][0].keys(),
         "dhis2-tracker"),
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
    entries = [e for one in some for e in (pointed(one, "/entry") or [{"resource": one}])]
    types = {pointed(e, "/resource/resourceType") for e in entries}
    return next((t for t in _TYPES if t in types), "")


def _lists(value: dict[str, Any], path: str) -> Iterator[tuple[int, str]]:
    """(length, pointer) of every list of objects under an object."""
    for name, child in value.items():
        here = f"{path}/{_token(name)}"
        if isinstance(child, list) and child and isinstance(child[0], dict):
            yield len(child), here
        elif isinstance(child, dict):
            yield from _lists(child, here)


def _token(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _read(kind: str, data: bytes) -> list[Header | Record | Broken]:
    return list(FORMATS[kind](SourceTable("sample", format=kind), blocks(io.BytesIO(data))))  # type: ignore[arg-type] # as above


def _sample(source: SourceTable, data: bytes) -> Sample:
    columns: dict[str, list[str]] = {}
    broken: list[Broken] = []
    records = 0
    hl7 = source.format.startswith("hl7")
    for item in itertools.islice(FORMATS[source.format](source, blocks(io.BytesIO(data))), ROWS):
        if isinstance(item, Broken):
            broken.append(item)
        elif isinstance(item, Record):
            records += 1
            named = set(_hl7_paths(data)) if hl7 and records == 1 else set(columns) if hl7 else set()
            named |= {*_SPOKEN, "facility", "PV1-44", "temperature"} if hl7 else set()
            named |= set(propose_own.PATHS) if source.format == "fhir" else set()
            for column in [*dict.fromkeys([*item.cells, *_inner(item.cells, "")]), *sorted(named - set(item.cells))]:
                columns.setdefault(column, []).append(text(item.cells.get(column)))
    return Sample(columns, records, broken)


def _inner(cells: dict[str, Any], path: str) -> Iterator[str]:
    """Pointers to the plain values inside nested cells."""
    for name, value in cells.items():
        here = f"{path}/{_token(str(name))}"
        if isinstance(value, dict):
            yield from _inner(value, here)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield from _inner(value[0], f"{here}/0")
        elif path:
            yield here


def _hl7_paths(data: bytes) -> Iterator[str]:
    """Every field and component that the first messages fill."""
    some = (p for p in pieces(blocks(io.BytesIO(data))) if isinstance(p, Piece))
    for piece in itertools.islice(some, 20):
        read = take_apart(piece, "auto")
        if isinstance(read, Broken):
            continue
        for segment in read[0].segments:
            for n, field in enumerate(segment[1:], 1):
                parts = field.split(read[0].component) if segment[0] != "MSH" else [field]
                yield from (
                    f"{segment[0]}-{n}.{c}" if c > 1 else f"{segment[0]}-{n}" for c, p in enumerate(parts, 1) if p
                )


def _fields(
    sample: Sample, kind: str, tree: AreaTree, settings: Settings, received: Instant
) -> Iterator[str]:  # fmt: skip
    """The lines of the mapping."""
    usual = USUAL.get(kind)
    dates = Dates(zone(settings.city.zone), [], received)
    shown = {c: [v for v in values if v] for c, values in sample.columns.items()}
    dated = [c for c, values in shown.items() if _share(values, lambda v: not dates.read(v).code)]
    counted = [c for c, values in shown.items() if _share(values, _COUNTED.fullmatch)]
    dated = [c for c in dated if c not in counted]
    dated += [c for c in counted if re.search(_TIMES, c, re.IGNORECASE)]
    report = _best("report", dated)
    reference = _best("reference", [c for c in dated if c != report]) or next((c for c in dated if c != report), "")
    if usual:
        known = f"known from {usual.report}" if usual.report else "known from the moment of arrival"
        yield f"# the format's own: key {', '.join(usual.key)}; happened {usual.reference}; {known}"
        yield from propose_own.instead(usual, shown, sample.records)
    else:
        unique = [c for c, v in shown.items() if len(v) == sample.records == len(set(v)) and c not in dated]
        key = _best("key", unique)
        yield (
            f"key = {_quoted(key)}"
            if key
            else "# key = … : no column names each record; corrections would be new cases"
        )
        reading = {c: f"{{ column = {_quoted(c)}, format = {_quoted(EPOCH)} }}" for c in counted}
        said = reading.get(reference, _quoted(reference or "FILL IN: when it happened"))
        yield f"reference = {said}"
        known = f"report = {reading.get(report, _quoted(report))}"
        yield known if report else "# report = … : none found; the moment of arrival stands"
    yield from _area(shown, tree, kind)
    yield from _signal(shown, sample, kind, settings, {reference, report})


def _area(shown: dict[str, list[str]], tree: AreaTree, kind: str) -> Iterator[str]:
    """The column most of whose cells are codes of the area file (but not the city's), else most of whose are names."""
    inner = tree.index.keys() - {tree.root.code}
    by_code = [(sum(code(v) in inner for v in values) / len(values), c) for c, values in shown.items() if values]
    share, column = max(by_code, key=lambda x: (x[0], -len(x[1])), default=(0.0, ""))
    if share >= 0.5:
        yield f"area = {_quoted(column)}  # {share:.0%} of its cells are codes of the area file"
        return
    by_name = [
        (sum(tree.by_names([v]) is not None for v in values) / len(values), c) for c, values in shown.items() if values
    ]
    share, column = max(by_name, default=(0.0, ""))
    if share >= 0.5:
        yield f"area = {{ names = [{_quoted(column)}] }}  # {share:.0%} of its cells are names of the area file"
        return
    yield from propose_own.place(kind, shown, tree)


def _signal(
    shown: dict[str, list[str]], sample: Sample, kind: str, settings: Settings, taken: set[str]
) -> Iterator[str]:
    """Which signal, and how many."""
    names = [s.name for s in settings.signals]
    measured = kind in ("sensorthings", "ngsi-ld", "nwss")
    first = propose_own.first(settings.signals, "measure" if measured else "count")
    results = kind == "fhir" and bool(shown.get("value") or shown.get("positive"))
    if kind in ("hl7-adt", "fhir") and not results:
        yield from propose_own.complaints(kind, shown, settings.signals)
        return
    if kind == "gtfs-rt":
        yield from propose_own.load(shown, settings.signals)
        return
    if results or kind == "hl7-oru":
        first = next((n for n in names if re.search(r"lab|检", n, re.IGNORECASE)), first)
    own = ("code", "positive" if shown.get("positive") else "value") if results else _OWN.get(kind)
    column, many = own or _kind_and_number(shown, sample, taken)
    if (kind not in _OWN and len(names) < 2) or (kind in _OWN and not shown.get(column)):
        column = ""
    if kind == "ngsi-ld":
        column, many = "", _reading(shown, taken, first) or many
    if many == "positive" and not shown.get(many):
        many = "OBX-5"  # measured, not found or not found
    if column:
        seen = list(dict.fromkeys(shown.get(column, [])))[:KINDS]
        pairs = ", ".join(f"{_quoted(v)} = {_quoted(first)}" for v in seen)
        yield f'signal = {{ column = {_quoted(column)}, others = "ignore", map = {{ {pairs} }} }}'
        yield f"# delete the kinds that you do not count; signals of this city: {', '.join(names)}"
    else:
        yield f"signal = {_quoted(first)}  # signals of this city: {', '.join(names)}"
    yield f"value = {_quoted(many)}" if many else "# value = … : every record counts as one"


def _kind_and_number(shown: dict[str, list[str]], sample: Sample, taken: set[str]) -> tuple[str, str]:
    """The column that says which kind, and the one that says how many; "" for none."""
    numbers = [c for c, v in shown.items() if c not in taken and _share(v, lambda x: number(x) is not None)]
    many = _best("value", numbers)
    kinds = (c for c, v in shown.items() if c not in taken | {many} and _is_kinds(c, v, sample))
    return next(kinds, ""), many


def _reading(shown: dict[str, list[str]], taken: set[str], signal: str) -> str:
    """The attribute of an entity that the signal is called after, else the first that is a number, "" for none."""
    others = taken | {"longitude", "latitude"}
    numbers = (c for c, v in shown.items() if c not in others and _share(v, lambda x: number(x) is not None))
    some = [c for c in numbers if not c.startswith(("/location", "/address"))]
    called = re.sub(r"\W", "", signal.lower())
    return next((c for c in some if len(c) > 1 and re.sub(r"\W", "", c.lower()) in called), next(iter(some), ""))


def _is_kinds(column: str, values: Sequence[str], sample: Sample) -> bool:
    few = 1 < len(set(values)) <= min(KINDS, max(2, sample.records // 3)) and len(values) >= MOST * sample.records
    return few and not _PERSON.search(column) and not _share(values, lambda v: number(v) is not None)


def _share(values: Sequence[str], fits: Any) -> bool:
    return bool(values) and sum(map(bool, map(fits, values))) >= MOST * len(values)


def _best(role: str, columns: Iterable[str]) -> str:
    """The column whose name fits a role best: the earliest of those that do."""
    pattern = re.compile(_HINTS[role], re.IGNORECASE)
    return next((c for c in columns if pattern.search(c) and not _PERSON.search(c)), "")


def _quoted(said: str) -> str:
    return json.dumps(said, ensure_ascii=False)
