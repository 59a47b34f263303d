"""DHIS2 data value sets (JSON, CSV, XML, ADX) and tracker events (JSON, CSV), as the web API has them. Pure."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from tocsin.config import SourceTable
from tocsin.ingest import table_csv
from tocsin.ingest.contract import RAW, Blocks, Broken, Header, Record, Usual
from tocsin.ingest.json_docs import cells, each_object, encoded, text_of
from tocsin.ingest.lines import head_text
from tocsin.ingest.silence import unheard
from tocsin.ingest.xml_docs import Element, tree

USUAL = Usual(("dataElement", "period", "orgUnit", "categoryOptionCombo", "attributeOptionCombo"), "start")
USUAL_TRACKER = Usual(("event",), "occurredAt")

_CSV = {n.lower(): n for n in (*USUAL.key, "value", "storedBy", "lastUpdated", "comment", "followUp", "deleted")}
_SHARED = ("period", "orgUnit", "attributeOptionCombo")
MANY = 10_000  # rows of one event
_NOT_YET = ("SCHEDULE", "OVERDUE", "SKIPPED")  # events that have not come about
_PEOPLE = {"enrollment", "trackedEntity", "trackedEntityInstance"}
_INSIDE = {"events", "enrollments"}
_OF_EVENTS = {"event", "occurredAt", "eventDate", "dataValues"}
_WEEK = re.compile(r"(\d{4})(Tue|Wed|Thu|Fri|Sat|Sun|Bi)?W(\d{1,2})")
_WEEK_BEGINS = {None: 0, "Bi": 0, "Tue": 1, "Wed": 2, "Thu": 3, "Fri": -3, "Sat": -2, "Sun": -1}  # days after Monday
_INTERVAL = re.compile(r"(\d{4})-(\d{2})-(\d{2})/P\d+[DWMY]", re.ASCII)  # as ADX has it
_SETS = ("dataValueSet", "dataValueSets", "adx")
_MONTHS = re.compile(r"(\d{4})(?:(\d{2})(B)?|Q([1-4])|S([12])|(April|July|Oct)?)")


def read(source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """One record a data value, with what its set says of all of them; `start` is the first day of its period."""
    blocks, table = _is_table(blocks)
    if table == "<":
        return _from_xml(blocks)
    if table:
        return _from_csv(source, blocks)
    return each_object(blocks, _values, _value, "a data value: an object with dataElement, period, orgUnit, value")


def _is_table(blocks: Blocks) -> tuple[Blocks, str]:
    """The blocks, and their first letter if that is none of JSON's."""
    first = next(blocks, b"")
    plain = head_text(first).lstrip("\ufeff \t\r\n") if isinstance(first, bytes) else ""
    return itertools.chain([first], blocks), plain[:1].strip("{[")


def _from_xml(blocks: Blocks) -> Iterator[Record | Broken]:
    """The data values of a set, or of the groups of ADX, each with what stands around it."""
    root, data, torn = tree(blocks)
    if root is not None and root.name not in _SETS:
        message = f"<{root.name[:40]}> is no set of data values; expected <dataValueSet> or <adx>. Ask for JSON or CSV"
        yield Broken(root.line, "bad-xml", message, data[:RAW])
    elif root is not None:
        around = [root, *(c for c in root.children if c.name in ("group", "dataValueSet"))]
        for group in around:
            for one in (c for c in group.children if c.name == "dataValue"):
                item = _with_shared(one, [root, group])
                yield _value(one.line, item, encoded(item))
    if torn is not None:
        yield torn


def _with_shared(value: Element, around: list[Element]) -> dict[str, Any]:
    """A data value with its set's period and unit; what else divides it (age="0-4" in ADX) is its combination."""
    shared = {k: v for one in around for k, v in one.attributes.items() if k in _SHARED}
    item: dict[str, Any] = {**shared, **value.attributes}
    others = [f"{k}={v}" for k, v in sorted(item.items()) if k not in (*_CSV.values(), "created", "followup")]
    if others and "categoryOptionCombo" not in item:
        item["categoryOptionCombo"] = " ".join(others)
    return item | {"deleted": item.get("deleted") == "true"}


def _events_from_csv(source: SourceTable, blocks: Blocks) -> Iterator[Record | Broken]:
    held: tuple[int, dict[str, Any], list[bytes]] | None = None
    for row in table_csv.read(source, blocks):
        if isinstance(row, Record):
            item = {name: text for name, text in row.cells.items() if text}
            told = {"dataElement": item.pop("dataElement", ""), "value": item.pop("value", "")}
            if held and (item.get("event") != held[1].get("event") or len(held[2]) >= MANY):
                yield from _told(held)
                held = None
            held = held or (row.line, {**item, "deleted": item.get("deleted") == "true", "dataValues": []}, [])
            held[1]["dataValues"].append(told)
            held[2].append(row.raw or b"")
        elif isinstance(row, Broken):
            yield row
        elif "event" not in row.columns:
            there = ", ".join(row.columns)[:200]
            yield Broken(row.line, "missing-column", f"has no column event, so it is no file of events; it has {there}")
            return
    if held:
        yield from _told(held)


def _told(held: tuple[int, dict[str, Any], list[bytes]]) -> Iterator[Record | Broken]:
    if held[1].get("status") not in _NOT_YET:
        yield _event(held[0], held[1], b"\n".join(held[2]))


def _from_csv(source: SourceTable, blocks: Blocks) -> Iterator[Record | Broken]:
    """The same from the columns of DHIS2's CSV, whose names are in small letters."""
    for row in table_csv.read(source, blocks):
        if isinstance(row, Record):
            item = {_CSV.get(name.lower(), name): text for name, text in row.cells.items() if text}
            deleted = {"deleted": item.get("deleted") == "true"}
            yield _value(row.line, item | deleted, row.raw or b"")
        elif isinstance(row, Broken):
            yield row
        elif "dataelement" not in map(str.lower, row.columns):
            there = ", ".join(row.columns)[:200]
            message = f"has no column dataelement, so it is no file of data values; it has {there}"
            yield Broken(row.line, "missing-column", message, field="dataelement")
            return


def _values(document: Any) -> list[Any]:
    """The data values of a set, each with the set's period, orgUnit and attributeOptionCombo where it has none."""
    sets = document if isinstance(document, list) else [document]
    found: list[Any] = []
    for one in sets:
        if isinstance(one, dict) and isinstance(one.get("rows"), list) and isinstance(one.get("headers"), list):
            found += _analysed(one)
            continue
        values = one.get("dataValues") if isinstance(one, dict) else None
        if not isinstance(values, list):
            found.append(one)
            continue
        shared = {k: one[k] for k in ("period", "orgUnit", "attributeOptionCombo") if k in one}
        found += [{**shared, **v} if isinstance(v, dict) else v for v in values]
    return found


def _analysed(document: dict[str, Any]) -> list[Any]:
    """The rows of an answer of the analytics API, by the names of its headers."""
    named = {"dx": "dataElement", "pe": "period", "ou": "orgUnit", "co": "categoryOptionCombo"}
    names = [text_of(h.get("name")) if isinstance(h, dict) else "" for h in document["headers"]]
    names = [named.get(n, n) for n in names]
    return [dict(zip(names, row, strict=False)) if isinstance(row, list) else row for row in document["rows"]]


def _value(line: int, item: dict[str, Any], raw: bytes) -> Record | Broken:
    if "dataElement" not in item:
        there = ", ".join(map(str, item))[:200]
        message = f"has no dataElement, so it is no data value; it has {there}. Send {{'dataValues': [ … ]}}"
        return Broken(line, "empty-required", message, raw[:RAW], "dataElement")
    period = str(item.get("period", ""))
    start = period_start(period)
    if period and start is None:
        message = f"{period[:40]!r} is no period that is understood; expected 20260301, 2026W10, 202603, 2026Q1 or 2026"
        return Broken(line, "bad-date", message, raw[:RAW], "period", period)
    none = {"categoryOptionCombo": "default", "attributeOptionCombo": "default"}
    plain = {**none, **item, "start": start.isoformat() if start else ""}
    return Record(line, cells(plain, item), raw, item.get("deleted") is True)


def read_tracker(source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """One record an event; its data values are columns by the data element's id, and so are the attributes of whom it
    is about. Events that are scheduled, overdue or skipped have not come about, and are none. In CSV, whose rows are
    data values, the rows of one event stand together.
    """
    blocks, table = _is_table(blocks)
    if table == "<":
        message = "events are read as JSON or CSV; this is XML, which DHIS2 has given up for them. Ask for JSON"
        return iter([Broken(1, "bad-xml", message)])
    if table:
        return _events_from_csv(source, blocks)
    return _told_events(blocks)


def _told_events(blocks: Blocks) -> Iterator[Record | Broken]:
    """The events of JSON; a finding where whom they are about came without any, as the API leaves them out unasked."""
    about: Counter[str] = Counter()
    silent = True

    def split(document: Any) -> list[Any]:
        _count_about(document, about)
        return _events(document)

    for item in each_object(blocks, split, _event, "an event: an object with event, orgUnit, occurredAt"):
        silent = False
        yield item
    if silent and +about:
        advice = "Ask /api/tracker/trackedEntities for fields=*,enrollments[*,events[*]], or ask /api/tracker/events"
        yield unheard("an event", +about, advice)


def _count_about(document: Any, about: Counter[str]) -> None:
    """How many people and enrollments a payload tells of that leave out the list of their events."""
    for one in _list(document) or [document]:
        if isinstance(one, dict) and _is_about(one):
            about["enrollment" if "enrollment" in one else "trackedEntity"] += not _INSIDE & one.keys()
        if isinstance(one, dict):
            for name in ("instances", "enrollments", "trackedEntities", "trackedEntityInstances"):
                _count_about(_list(one.get(name)), about)


def _is_about(item: dict[str, Any]) -> bool:
    """Whether it is a person or an enrollment, to whom events belong, and no event."""
    return bool(_PEOPLE & item.keys()) and not _OF_EVENTS & item.keys()


def _events(document: Any) -> list[Any]:
    """Events of a flat or nested payload (trackedEntities → enrollments → events), or of a page of them."""
    if isinstance(document, list):
        return [e for one in document for e in _events(one)]
    if not isinstance(document, dict):
        return [document]
    found: list[Any] = []
    inside = False
    about = _list(document.get("attributes"))
    for name in ("events", "instances", "enrollments", "trackedEntities", "trackedEntityInstances"):
        children = document.get(name)
        if isinstance(children, list):
            inside = True
            for child in children:
                found += [child] if name == "events" else _events(child)
    if not inside:
        return [] if _is_about(document) else [document]
    happened = [e for e in found if not (isinstance(e, dict) and e.get("status") in _NOT_YET)]
    return [{**e, "attributes": [*about, *_list(e.get("attributes"))]} if about and isinstance(e, dict) else e
            for e in happened]  # fmt: skip


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _event(line: int, item: dict[str, Any], raw: bytes) -> Record | Broken:
    said: dict[str, Any] = {}
    for some, name in (("attributes", "attribute"), ("dataValues", "dataElement")):
        values = item.get(some)
        for v in values if isinstance(values, list) else ():
            if isinstance(v, dict):
                said[text_of(v.get(name))] = v.get("value")
    plain = {**said, **{k: v for k, v in item.items() if k not in ("dataValues", "attributes")}}
    plain.setdefault("occurredAt", item.get("eventDate"))  # as it was called before 2.38
    return Record(line, cells(plain, item), raw, item.get("deleted") is True)


def period_start(period: str) -> date | None:
    """The first day of a DHIS2 period, None if it is none: days, weeks (of any start), months, quarters, years."""
    try:
        if said := _INTERVAL.fullmatch(period):
            return date(*map(int, said.groups()))
        if re.fullmatch(r"\d{8}", period, re.ASCII):
            return date(int(period[:4]), int(period[4:6]), int(period[6:]))
        week = _WEEK.fullmatch(period)
        if week:
            number = int(week[3]) * 2 - 1 if week[2] == "Bi" else int(week[3])
            monday = date.fromisocalendar(int(week[1]), number, 1)
            return monday + timedelta(days=_WEEK_BEGINS[week[2]])
        said = _MONTHS.fullmatch(period)
        if not said:
            return None
        year, month, pair, quarter, half, financial = said.groups()
        named = {"April": 4, "July": 7, "Oct": 10}
        first = (
            int(month) * (2 if pair else 1) - (1 if pair else 0) if month
            else int(quarter) * 3 - 2 if quarter
            else int(half) * 6 - 5 if half
            else named.get(financial, 1)
        )  # fmt: skip
        return date(int(year), first, 1)
    except (ValueError, OverflowError):
        return None
