"""What a sample's format itself tells of a mapping: keys that are empty, places, complaints, numbers. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tocsin.areas import AreaTree
from tocsin.config import SignalTable
from tocsin.ingest.contract import Usual
from tocsin.ingest.values import number

Shown = Mapping[str, Sequence[str]]  # of each column the cells that are filled

MOST = 0.8
PATHS = (  # where FHIR resources, and those they refer to, say where they are
    "Location/address/district", "Location/address/postalCode", "Location/address/city",
    "Organization/address/0/district", "Organization/address/0/postalCode", "Organization/address/0/city",
    "Patient/address/0/district", "Patient/address/0/postalCode", "Patient/address/0/city",
    "/serviceProvider/identifier/value", "/serviceProvider/reference", "/serviceProvider/display",
    "/location/0/location/reference", "/location/0/location/display", "/subject/reference",
)  # fmt: skip
_PLACES = {  # … and where records of other formats do, the likeliest first
    "hl7-adt": ("PID-11.9", "PID-11.5", "PID-11.3", "PV1-3.4", "facility"),
    "hl7-oru": ("PID-11.9", "PID-11.5", "PID-11.3", "ORC-22.5", "OBR-16", "facility"),
    "fhir": PATHS[:-1],
    "dhis2": ("orgUnit",), "dhis2-tracker": ("orgUnit",), "nwss": ("wwtp_name",), "gtfs-rt": ("stop", "route"),
    "open311": ("address_id", "zipcode", "address"),
    "sensorthings": ("thing", "name", "datastream"), "ngsi-ld": ("/address/addressLocality", "id"),
}  # fmt: skip
_POINTS = (("longitude", "latitude"), ("long", "lat"), ("lon", "lat"), ("lng", "lat"), ("经度", "纬度"))
_INSTEAD = {  # (column of the key or of the time) → what may stand for it, where it is empty
    "PV1-19": ("PID-18", "PV1-50", "PID-3"), "order": ("PID-3", "MSH-10"), "PV1-44": ("EVN-6", "EVN-2", "MSH-7"),
    "collected": ("OBR-22", "MSH-7"), "when": ("updated", "/issued", "/period/end"), "id": ("/identifier/0/value",),
    "requested_datetime": ("updated_datetime", "updated"), "observed": ("/modifiedAt", "/createdAt"),
    "phenomenonTime": ("resultTime",), "occurredAt": ("/updatedAt", "/createdAt", "/lastUpdated"),
}  # fmt: skip
_TEXTS = ("OBX[8661-1]", "PV2-3.2", "PV2-3", "OBX[54094-8]", "DG1[*]-3.2", "DG1[*]-4")
COMPLAINT = re.compile(r"chief complaint|presenting|reason for visit|主诉|现病史", re.IGNORECASE)
_SYNDROMES = {
    "ili": r"ili|flu|流感", "gi": r"\bgi\b|gastro|diarr|腹泻|肠", "fever": r"fever|发热", "ari": r"\bari\b|resp|呼吸",
    "rash": r"rash|疹", "hfmd": r"hfmd|手足口", "dengue": r"dengue|登革", "covid": r"covid|新冠",
    "*": r"\bvisits?\b|total|就诊|门诊量",
}  # fmt: skip


def quoted(said: str) -> str:
    """A text as TOML has it."""
    return json.dumps(said, ensure_ascii=False)


def instead(usual: Usual, shown: Shown, records: int) -> Iterator[str]:
    """A key and a time of one's own, where those of the format are mostly empty."""
    empty = [c for c in usual.key if not _full(shown, c, records)]
    if empty:
        stand = {c: next((i for i in _INSTEAD.get(c, ()) if _full(shown, i, records)), "") for c in empty}
        key = [stand.get(c, c) for c in usual.key]
        if "PID-3" in key and usual.reference not in key:
            key.append(usual.reference)  # a patient may come twice
        key = [k for k in key if k]
        if key:
            yield f"key = [{', '.join(map(quoted, key))}]  # {', '.join(empty)} of the format's own key is mostly empty"
    lack = records - len(shown.get(usual.reference, ()))
    some = bool({"A01", "A04"} & {*shown.get("MSH-9.2", ())}) or _full(shown, "PV1-44", records)
    if usual.reference == "PV1-44" and lack and some:
        yield f"# {lack} of {records} messages do not say when the patient came (PV1-44): updates, which are findings"
        yield "# where they come alone, for their own time is not that. Have it filled; or, to count such a visit on"
        yield "# the day of its update:"
        yield '# reference = "PV1-44|EVN-6|EVN-2|MSH-7"'
    elif usual.reference and not _full(shown, usual.reference, records):
        other = next((i for i in _INSTEAD.get(usual.reference, ()) if _full(shown, i, records)), "")
        if other:
            yield f"reference = {quoted(other)}  # {usual.reference} is mostly empty; is this when it happened?"


def _full(shown: Shown, column: str, records: int) -> bool:
    return len(shown.get(column, ())) >= MOST * records


def place(kind: str, shown: Shown, tree: AreaTree) -> Iterator[str]:
    """Where, if no column holds codes or names of the area file: a point, a column to map, or the whole city."""
    for x, y in _POINTS:
        points = [(number(a), number(b)) for a, b in zip(shown.get(x, ()), shown.get(y, ()), strict=False)]
        known = [tree.at_point(a, b, 5.0) is not None for a, b in points if a is not None and b is not None]
        if known and sum(known) >= 0.5 * len(points):
            yield f"area = {{ longitude = {quoted(x)}, latitude = {quoted(y)}, km = 5.0 }}"
            yield f"# {sum(known) / len(points):.0%} of the points lie in an area, or within 5 km of a centre"
            return
    found = next((c for c in _PLACES.get(kind, ()) if shown.get(c)), "")
    if found:
        yield f"area = {{ column = {quoted(found)}, map = {{ }} }}"
        yield '# its cells are not in the area file: map them, as in map = { "theirs" = "code" }; until then'
    else:
        yield f"area = {{ value = {quoted(tree.root.code)} }}"
        yield "# no column holds codes or names of the area file: name one; until then"
    yield "# … every record counts in the city as a whole"


def complaints(kind: str, shown: Shown, signals: Sequence[SignalTable]) -> Iterator[str]:
    """The columns of complaints and diagnoses, and a syndrome for each signal whose name speaks of one."""
    filled = [c for c in (*_TEXTS, *(c for c in shown if c.startswith("OBX["))) if shown.get(c)]
    text = list(dict.fromkeys([*_TEXTS[:2], *filled])) if kind == "hl7-adt" else ["text"]
    text += ["temperature"] if shown.get("temperature") else []
    codes = ["DG1[*]-3", "PV2-3"] if kind == "hl7-adt" else ["codes"]
    yield from classified(text, codes, signals)
    yield from _others(shown)


def classified(text: Sequence[str], codes: Sequence[str], signals: Sequence[SignalTable]) -> Iterator[str]:
    """The `classify` of such columns, with a syndrome for each signal whose name speaks of one."""
    pairs: dict[str, str] = {}
    for syndrome, pattern in _SYNDROMES.items():
        counted = ((s.name, " ".join([s.name, *s.title.values()])) for s in signals if s.kind == "count")
        said = (n for n, called in counted if re.search(pattern, called, re.IGNORECASE))
        name = next((n for n in said if n not in pairs.values()), "")
        pairs |= {syndrome: name} if name else {}
    pairs = pairs or {"ili": first(signals, "count")}
    some = ", ".join(f"{s if s != '*' else quoted(s)} = {quoted(n)}" for s, n in pairs.items())
    told = [f"{name} = {_listed(some)}" for name, some in (("text", text), ("codes", codes)) if some]
    yield f"classify = {{ {', '.join(told)}, signals = {{ {some} }} }}"
    yield f"# syndromes: see the methods page; signals of this city: {', '.join(s.name for s in signals)}"


def _others(shown: Shown) -> Iterator[str]:
    """What the sample has beside visits of emergencies that came about."""
    for column, what in (("PV1-2", "E"), ("class", "EMER")):
        seen = sorted(set(shown.get(column, ())))
        if len(seen) > 1 and what in seen:
            others = ", ".join(seen)[:100]
            yield f"# only.{quoted(column)} = {quoted(what)}  # emergencies alone; the sample has {others}"
    tests = sorted({"T", "D"}.intersection(shown.get("MSH-11", ())))
    if tests:
        yield f"# the sample has messages for tests or training ({', '.join(tests)}); they count unless you write"
        yield '# only."MSH-11" = "P"'


def named(kind: str, signals: Sequence[SignalTable]) -> str:
    """The signal that is called after a kind of record, or speaks of the same syndrome; "" for none."""
    for signal in signals:
        called = " ".join([signal.name, *signal.title.values()])
        alike = (p for s, p in _SYNDROMES.items() if s != "*" and re.search(p, kind, re.IGNORECASE))
        if kind.lower() in called.lower() or any(re.search(p, called, re.IGNORECASE) for p in alike):
            return signal.name
    return ""


def load(shown: Shown, signals: Sequence[SignalTable]) -> Iterator[str]:
    """How full vehicles are, or how late trips."""
    yield f"signal = {quoted(first(signals, 'measure'))}  # signals of this city: {', '.join(s.name for s in signals)}"
    column = next((c for c in ("occupancy_percentage", "occupancy", "delay") if shown.get(c)), "delay")
    names = ("EMPTY", "MANY_SEATS_AVAILABLE", "FEW_SEATS_AVAILABLE", "STANDING_ROOM_ONLY", "CRUSHED_STANDING_ROOM_ONLY",
             "FULL", "NOT_ACCEPTING_PASSENGERS", "NO_DATA_AVAILABLE", "NOT_BOARDABLE")  # fmt: skip
    shares = ("0", "0.2", "0.5", "0.8", "1", "1", "1", "nan", "nan")
    as_shares = ", ".join(f'{n} = "{s}"' for n, s in zip(names, shares, strict=True))
    mapped = f", map = {{ {as_shares} }}" if column == "occupancy" else ""
    default = ', default = "nan"' if first(signals, "measure") in measures(signals) else ', default = "0"'
    yield f"value = {{ column = {quoted(column)}{default}{mapped} }}"


def measures(signals: Iterable[SignalTable]) -> list[str]:
    """The names of the signals that are measured."""
    return [s.name for s in signals if s.kind == "measure"]


def first(signals: Sequence[SignalTable], kind: str) -> str:
    """The first signal of a kind, else the first of all."""
    return next((s.name for s in signals if s.kind == kind), signals[0].name if signals else "FILL IN")


def _listed(columns: Sequence[str]) -> str:
    return quoted(columns[0]) if len(columns) == 1 else f"[{', '.join(map(quoted, columns))}]"
