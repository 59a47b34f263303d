"""The rows of `tables.py` as messages and documents of every standard, each with the mapping that reads it."""

import json
import struct
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from tables import as_csv

Rows = Sequence[Sequence[str]]
_DAYS = {"2026/3/2": "2026-03-02", "20260303": "2026-03-03", "2026年3月4日": "2026-03-04"}


class Sample(NamedTuple):
    """How a format says the rows: writer, mapping, the field of the day, and the line of the n-th row."""

    write: Callable[[Rows], bytes]
    columns: tuple[str, str, str, str, str, str]  # of id, day, told, where, what, n
    line: Callable[[int], int] = lambda n: n + 1
    source: str = ""
    bad: str = "yesterday"  # how the day of the bad row shows

    def mapping(self, name: str) -> tuple[str, str]:
        """(mapping, source) as `tables.settings` takes them."""
        key, day, told, where, what, n = map(json.dumps, self.columns)
        signal = f'{{ column = {what}, map = {{ "流感" = "flu", "尘" = "pm25" }} }}'
        fields = f"key = {key}\nreference = {day}\nreport = {told}\narea = {where}\nsignal = {signal}\nvalue = {n}\n"
        return f"[sources.mapping]\n{fields}", f'format = "{name.partition("|")[0]}"\n{self.source}'


def plain(day: str) -> str:
    """The day as a standard writes it; what is none stays."""
    return _DAYS.get(day, day)


def as_adt(rows: Rows) -> bytes:
    said = [
        f"MSH|^~\\&||East^99^NPI|||{told}||ADT^A04^ADT_A01|m{i}|P|2.5.1|||||||||\r"
        f"EVN||20260302\rPID|1||33^^^^MR||^^^^^^~^^^^^^S|||F|||^^^^^^^^{where}\r"
        f"PV1|1|{'|' * 17}{id_}^^^^VN{'|' * 25}{day}\r"
        f"DG1|1||{what}^^I10\rOBX|1|NM|21612-7^^LN||{n}|a^^UCUM|||||F\r"
        for i, (id_, day, told, where, what, n) in enumerate(rows)
    ]
    return "".join(said).encode()


def as_mllp(rows: Rows) -> bytes:
    messages = as_adt(rows).split(b"MSH|")[1:]
    return b"".join(b"\x0bMSH|" + m + b"\x1c\r" for m in messages)


def as_batch(rows: Rows) -> bytes:
    return b"FHS|^~\\&|\rBHS|^~\\&|\r" + as_adt(rows) + f"BTS|{len(rows)}\rFTS|1\r".encode()


def as_oru(rows: Rows) -> bytes:
    said = [
        f"MSH|^~\\&||Lab|||{told}||ORU^R01^ORU_R01|m|P|2.5.1\nPID|1||||||||||^^^^^^^^{where}\n"
        f"OBR|1|p|{id_}|94500-6^^LN|||{day}\nOBX|1|NM|{what}^^LN||{n}||||||F\n"
        for id_, day, told, where, what, n in rows
    ]
    return "".join(said).encode()


def as_oul(rows: Rows) -> bytes:
    said = [
        f"MSH|^~\\&||Lab|||{told}||OUL^R22^OUL_R22|m|P|2.5.1\nPID|1||||||||||^^^^^^^^{where}\n"
        f"SPM|1|{id_}||SER|||||||P||||||{day}\nSAC|||s\nOBR|1|p|{id_}|94500-6^^LN\nORC|SC\n"
        f"OBX|1|NM|{what}^^LN||{n}||||||F\n"
        for id_, day, told, where, what, n in rows
    ]
    return "".join(said).encode()


def as_pointed(rows: Rows) -> bytes:
    return json.dumps({"data": {"a/b": [dict(zip("idtawn", r, strict=True)) for r in rows]}}, indent=1).encode()


def as_pointed_lines(rows: Rows) -> bytes:
    return b"".join(json.dumps(dict(zip("idtawn", r, strict=True)), ensure_ascii=False).encode() + b"\n" for r in rows)


def _encounter(row: Sequence[str]) -> dict[str, Any]:
    id_, day, told, where, what, n = row
    return {
        "resourceType": "Encounter", "id": id_, "meta": {"lastUpdated": told}, "status": "finished",
        "class": {"code": "EMER"}, "period": {"start": day}, "serviceProvider": {"identifier": {"value": where}},
        "reasonCode": [{"text": what}], "length": {"value": n},
    }  # fmt: skip


def as_bundle(rows: Rows) -> bytes:
    entries = [{"fullUrl": f"urn:uuid:{i}", "resource": _encounter(r)} for i, r in enumerate(rows)]
    return json.dumps({"resourceType": "Bundle", "type": "message", "entry": entries}).encode()


def as_fhir_xml(rows: Rows) -> bytes:
    said = ""
    for row in rows:
        id_, day, told, where, what, n = (f'value="{escape(v)}"' for v in row)
        said += (
            f"<entry><resource><Encounter><id {id_}/><meta><lastUpdated {told}/></meta><period><start {day}/></period>"
        )
        said += f"<serviceProvider><identifier><value {where}/></identifier></serviceProvider>"
        said += f"<reasonCode><text {what}/></reasonCode><length><value {n}/></length></Encounter></resource></entry>"
    return f'<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/>{said}</Bundle>'.encode()


def as_fhir_lines(rows: Rows) -> bytes:
    return b"".join(json.dumps(_encounter(r), ensure_ascii=False).encode() + b"\n" for r in rows)


def as_dhis2(rows: Rows) -> bytes:
    names = ("categoryOptionCombo", "period", "lastUpdated", "orgUnit", "dataElement", "value")
    values = [dict(zip(names, r, strict=True)) | {"period": plain(r[1]).replace("-", "")} for r in rows]
    return json.dumps({"dataValues": values}).encode()


def as_dhis2_xml(rows: Rows) -> bytes:
    names = ("categoryOptionCombo", "period", "lastUpdated", "orgUnit", "dataElement", "value")
    said = ['<dataValueSet xmlns="http://dhis2.org/schema/dxf/2.0">']
    for row in rows:
        cells = [row[0], plain(row[1]).replace("-", ""), *row[2:]]
        attributes = " ".join(f'{k}="{escape(v)}"' for k, v in zip(names, cells, strict=True))
        said.append(f"<dataValue {attributes}/>")
    return "\n".join([*said, "</dataValueSet>"]).encode()


def as_tracker(rows: Rows) -> bytes:
    events = [
        {"event": id_, "occurredAt": day, "updatedAt": told, "orgUnit": where,
         "dataValues": [{"dataElement": "what", "value": what}, {"dataElement": "n", "value": n}]}
        for id_, day, told, where, what, n in rows
    ]  # fmt: skip
    return json.dumps({"events": events}, indent=2).encode()


_GEO = ("service_request_id", "requested_datetime", "updated_datetime", "address_id", "service_code", "n")


def as_open311(rows: Rows) -> bytes:
    return json.dumps([dict(zip(_GEO, r, strict=True)) for r in rows]).encode()


def as_open311_xml(rows: Rows) -> bytes:
    said = [
        "<request>" + "".join(f"<{k}>{escape(v)}</{k}>" for k, v in zip(_GEO, r, strict=True)) + "</request>\n"
        for r in rows
    ]
    head = '<?xml version="1.0" encoding="utf-8"?>\n<service_requests>\n'
    return (head + "".join(said) + "</service_requests>").encode()


def as_things(rows: Rows) -> bytes:
    values = [
        {"@iot.id": id_, "phenomenonTime": f"{plain(day)}/{plain(day)}", "resultTime": plain(told), "result": n,
         "Datastream": {"@iot.id": 5, "name": what, "Thing": {"name": where}}}
        for id_, day, told, where, what, n in rows
    ]  # fmt: skip
    return json.dumps({"value": values, "@iot.nextLink": "x"}).encode()


def as_ngsi(rows: Rows) -> bytes:
    data = [
        {"id": f"urn:{id_}", "type": "Case", "dateObserved": {"type": "Property", "value": {"@value": plain(day)}},
         "told": {"type": "Property", "value": told}, "where": {"type": "Relationship", "object": where},
         "what": {"type": "Property", "value": what}, "n": {"type": "Property", "value": n, "unitCode": "C62"}}
        for id_, day, told, where, what, n in rows
    ]  # fmt: skip
    return json.dumps({"id": "n1", "type": "Notification", "data": data}).encode()


def as_nwss(rows: Rows) -> bytes:
    columns = ["sample_id", "sample_collect_date", "told", "wwtp_name", "pcr_target", "pcr_target_avg_conc",
               "pcr_target_units", "pcr_target_below_lod"]  # fmt: skip
    return as_csv([[*r, "copies/l wastewater", "0"] for r in rows], columns)


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | bytes | str | float) -> bytes:
    """One protocol buffer field."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def as_gtfs(rows: Rows) -> bytes:
    feed = field(1, field(1, "2.0") + field(3, 1_772_300_000))
    for id_, day, told, where, what, n in rows:
        try:
            noon = datetime.fromisoformat(plain(day)).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
            stamp = int(noon.timestamp())
        except ValueError:
            stamp = 1 << 40
        trip = field(1, told) + field(5, what)
        at = field(1, float(n)) if n else b""
        vehicle = field(1, trip) + field(2, at + field(2, 116.5)) + field(5, stamp) + field(7, where)
        feed += field(2, field(1, id_) + field(4, vehicle))
    return feed


_ADT = ("PV1-19", "PV1-44", "MSH-7", "PID-11.9", "DG1-3", "OBX[21612-7]")
_JSON = ("/i", "/d", "/t", "/a", "/w", "/n")
_DHIS2 = ("categoryOptionCombo", "start", "lastUpdated", "orgUnit", "dataElement", "value")
_FHIR = ("id", "/period/start", "updated", "/serviceProvider/identifier/value", "text", "/length/value")
SAMPLES: dict[str, Sample] = {
    "json": Sample(as_pointed, _JSON, source='records = "/data/a~1b"'),
    "json|lines": Sample(as_pointed_lines, _JSON),
    "hl7-adt": Sample(as_adt, _ADT, lambda n: 6 * n + 1),
    "hl7-adt|mllp": Sample(as_mllp, _ADT, lambda n: 7 * n + 1),
    "hl7-adt|batch": Sample(as_batch, _ADT, lambda n: 6 * n + 3),
    "hl7-oru": Sample(as_oru, ("OBR-3", "OBR-7", "MSH-7", "PID-11.9", "code", "OBX-5"), lambda n: 4 * n + 1),
    "hl7-oru|oul": Sample(as_oul, ("SPM-2", "SPM-17", "MSH-7", "PID-11.9", "code", "OBX-5"), lambda n: 7 * n + 1),
    "fhir": Sample(as_bundle, _FHIR),
    "fhir|xml": Sample(as_fhir_xml, _FHIR),
    "fhir|lines": Sample(as_fhir_lines, _FHIR),
    "dhis2": Sample(as_dhis2, _DHIS2),
    "dhis2|xml": Sample(as_dhis2_xml, _DHIS2, lambda n: n + 2),
    "dhis2-tracker": Sample(as_tracker, ("event", "occurredAt", "updatedAt", "orgUnit", "what", "n")),
    "open311": Sample(as_open311, _GEO),
    "open311|xml": Sample(as_open311_xml, _GEO, lambda n: n + 3),
    "sensorthings": Sample(as_things, ("id", "phenomenonTime", "resultTime", "thing", "name", "result")),
    "ngsi-ld": Sample(as_ngsi, ("id", "observed", "told", "where", "what", "n")),
    "nwss": Sample(
        as_nwss,
        ("sample_id", "sample_collect_date", "told", "wwtp_name", "pcr_target", "concentration"),
        lambda n: n + 2,
    ),
    "gtfs-rt": Sample(as_gtfs, ("id", "time", "trip", "stop", "route", "latitude"), bad=str(1 << 40)),
}
