"""Samples as public test suites have them: the mapping that is proposed reads them as it stands, and loses nothing."""

import json
from typing import Any

import pytest

from messages import field, varint
from tables import AREAS, CITY, as_csv, events, findings, read, settings
from tables import NOW as LATER
from tocsin import config
from tocsin.ingest.propose import propose


def adt(segments: str, kind: str = "ADT^A04", charset: str = "") -> bytes:
    head = f"MSH|^~\\&|HIS|MCM^1234567890^NPI|CDC|CITY|202603020840||{kind}|MSG1|P|2.4||||||{charset}\r"
    return (head + segments.replace("\n", "\r")).encode("gb18030" if "发" in segments else "utf-8")


PID = "PID|1||88^^^H^MR||Doe^Jane||19800101|F|||^^^12^33821||||||%s\n"
ACCOUNT = "EVN|A04|202603020835\n" + PID % "|ACC7" + "PV1|1|E|ER^01\nPV2|||^FEVER & COUGH\n"
PATIENT = "EVN|A04|202603020835\n" + PID % "" + "PV1|1|E|ER^01\nDG1|1||J10.101^Influenza^I10\n"
PHIN = (
    "EVN||202603020835|||||MCM^1234567890^NPI\nPID|1||FL01^^^^PI||~^^^^^^U|||F|||^^^12^33821\n"
    f"PV1||E||E||||||||||7|||||V1^^^^VN{'|' * 25}202603020815\nPV2|||78907^ABDOMINAL PAIN^I9CDX\n"
    "OBX|1|HD|SS001^ID^PHINQUESTION||MCM^1^NPI||||||F\n"
    "OBX|2|CWE|8661-1^CHIEF COMPLAINT^LN||^^^^^^^^FEVER AND COUGH||||||F\n"
    "OBX|3|NM|21612-7^AGE^LN||43|a^YEAR^UCUM|||||F\n"
)
CHINESE = (
    f"EVN|A04|202603020835\n{PID % ''}PV1|1|E|{'|' * 16}V9{'|' * 25}202603020815\n"
    "OBX|1|TX|8661-1^主诉^LN||发热咳嗽3天\n"
)
ELR = (
    "PID|1||x^^^L^PI||Doe^J||||||^^San Jose^CA^95125^USA^^^06085\nORC|RE|p1|f1^L^05D^ISO\n"
    "OBR|1|p1|f1|94500-6^Virus^LN|||20260301\n"
    "OBX|1|CWE|94500-6^Virus^LN||260373001^Detected^SCT||||||F\nNTE|1||called\nSPM|1|||NP|||||||||||||202603010900\n"
)
DEVICE = "OBR||||^^^570||||25\nOBX|1|NM|CRP^CRP||7.5|mg/L|||||F\nOBX|2|SN|IgM||>^100|AU||||F\n"


def observations(*results: dict[str, Any]) -> bytes:
    about = {"subject": {"reference": "Patient/p"}, "effectiveDateTime": "2026-03-01", "status": "final"}
    about |= {"code": {"coding": [{"system": "http://loinc.org", "code": "94500-6"}]}}
    some = [{"resource": {"resourceType": "Observation", "id": f"o{i}", **about, **r}} for i, r in enumerate(results)]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": some}).encode()


def bulk() -> bytes:
    visit = {"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "EMER"},
             "period": {"start": "2026-03-01T10:00:00+00:00"}, "reasonCode": [{"text": "cough and fever"}]}  # fmt: skip
    patient = {"resourceType": "Patient", "id": "p"}
    return "".join(json.dumps(r) + "\n" for r in (patient, visit, visit | {"id": "f"})).encode()


STREAM = {"@iot.id": 5, "name": "PM2.5", "unitOfMeasurement": {"symbol": "ug/m3"}}
READING = {
    "@iot.id": 7,
    "phenomenonTime": "2026-03-02T08:00:00Z/2026-03-02T09:00:00Z",
    "result": 12.5,
    "resultTime": None,
}
AIR = {"id": "urn:ngsi-ld:AirQualityObserved:a", "type": "Air", "dateObserved": "2026-03-02T08:00:00Z",
       "location": {"type": "Point", "coordinates": [116.4, 39.9]}, "pm25": 12.5}  # fmt: skip
REQUEST = {"service_request_id": 638344, "status": "closed", "status_notes": None, "service_name": "Food",
           "service_code": 7, "requested_datetime": "2026-03-02T06:37:38-08:00", "updated_datetime": None,
           "address": "8 X St", "lat": 37.7, "long": -122.4}  # fmt: skip
WATER = {"sewershed_id": "7", "pcr_target": "sars-cov-2", "pcr_target_units": "copies/l wastewater",
         "pcr_target_avg_conc": "800", "sample_collect_date": "2026-03-01"}  # fmt: skip
VALUE = {"dataElement": "f7n9E0hX8qk", "period": "202602", "orgUnit": "DiszpKrYNg8",
         "categoryOptionCombo": "HllvX50cXC0", "value": "3"}  # fmt: skip
EVENT = {"event": "e1", "program": "p", "programStage": "s", "orgUnit": "DiszpKrYNg8", "eventDate": "2026-03-01",
         "status": "COMPLETED", "dataValues": [{"dataElement": "q", "value": "12"}]}  # fmt: skip
BUS = field(2, field(1, "e1") + field(4, field(8, field(1, "b")) + varint(5 << 3) + varint(1772438400) + varint(9 << 3)
                                     + varint(3)))  # fmt: skip
FEED = field(1, field(1, "2.0") + varint(3 << 3) + varint(1772438400)) + BUS

SAMPLES = {  # name → (bytes, its format, how many events it holds)
    "adt without a visit number": (adt(ACCOUNT), "hl7-adt", 1),
    "adt with a patient and a day alone": (adt(PATIENT), "hl7-adt", 1),
    "adt of the public health profile": (adt(PHIN, "ADT^A04^ADT_A01"), "hl7-adt", 1),
    "adt in a wrong character set": (adt(CHINESE, charset="8859/1"), "hl7-adt", 1),
    "oru of a laboratory": (adt(ELR, "ORU^R01^ORU_R01"), "hl7-oru", 1),
    "oru of a device": (adt(DEVICE, "ORU^R01"), "hl7-oru", 1),
    "fhir results": (observations({"valueCodeableConcept": {"coding": [{"code": "260373001"}]}}), "fhir", 1),
    "fhir numbers": (observations({"valueQuantity": {"value": 3.5}}, {"valueQuantity": {"value": 4}}), "fhir", 2),
    "fhir bulk lines of many types": (bulk(), "fhir", 2),
    "dhis2 values": (json.dumps({"dataValues": [VALUE]}).encode(), "dhis2", 1),
    "dhis2 csv": (as_csv([list(VALUE.values())], [k.lower() for k in VALUE]), "dhis2", 1),
    "dhis2 old events": (json.dumps({"events": [EVENT]}).encode(), "dhis2-tracker", 1),
    "dhis2 old tracked entities": (
        json.dumps({"trackedEntityInstances": [{"enrollments": [{"events": [EVENT]}]}]}).encode(), "dhis2-tracker", 1),
    "open311 of an american city": (json.dumps([REQUEST]).encode(), "open311", 1),
    "sensorthings page": (json.dumps({"value": [READING]}).encode(), "sensorthings", 1),
    "sensorthings streams": (json.dumps({"value": [STREAM | {"Observations": [READING]}]}).encode(), "sensorthings", 1),
    "ngsi-ld key values": (json.dumps([AIR]).encode(), "ngsi-ld", 1),
    "ngsi v2": (json.dumps({"subscriptionId": "s", "data": [AIR | {"id": "air-1"}]}).encode(), "ngsi-ld", 1),
    "nwss public json": (json.dumps([WATER, WATER | {"sample_collect_date": "2026-03-02"}]).encode(), "nwss", 2),
    "json with seconds since 1970": (
        json.dumps({"data": [{"id": f"a{i}", "time": 1772438400 + i, "in": ["东区"]} for i in range(3)]}).encode(),
        "json", 3),
    "dhis2 events as csv": (
        as_csv([["e1", "p", "s", "u1", "2026-03-01", "q1", "7"]], ["event", "program", "programStage", "orgUnit",
                                                                  "occurredAt", "dataElement", "value"]),
        "dhis2-tracker", 1),
    "open311 of the standard itself": (json.dumps([REQUEST]).replace(': 7,', ':006,').encode(), "open311", 1),
    "gtfs-rt occupancy": (FEED, "gtfs-rt", 1),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_the_proposed_mapping_reads_the_sample_as_it_stands(name: str) -> None:
    data, kind, many = SAMPLES[name]
    found = propose(data, name="clinic", format_="auto", tree=AREAS, settings=settings(), received=LATER)
    assert found.format == kind
    assert "FILL IN" not in found.toml
    assert kind != "hl7-adt" or '"OBX[8661-1]"' in found.toml, "the next message may have a complaint"
    made = config.parse(CITY.replace('[[sources]]\nname = "clinic"\n', "") + found.toml)
    items = read(data, made)
    assert len(events(items)) == many
    refused = [f for f in findings(items) if not f.kept]
    assert [f.code for f in refused] == (["bad-value"] if name == "oru of a device" else [])  # >100 is no number
    assert {f.code for f in findings(items) if f.kept} <= {"unknown-area", "wrong-charset"}


def test_complaints_go_to_the_signals_that_are_named_after_them() -> None:
    city = settings().signals
    more = [*city, config.SignalTable("ed.gi"), config.SignalTable("ed.visits")]
    whole = settings()
    named = type(whole)(whole.city, whole.areas, more, sources=whole.sources)
    data = SAMPLES["adt of the public health profile"][0]
    found = propose(data, name="clinic", format_="auto", tree=AREAS, settings=named, received=LATER)
    assert 'signals = { ili = "flu", gi = "ed.gi", "*" = "ed.visits" }' in found.toml


def test_a_place_by_points_is_proposed_where_the_areas_are_drawn() -> None:
    square = [[[-123, 37], [-122, 37], [-122, 38], [-123, 38], [-123, 37]]]
    shape = {"features": [{"properties": {"code": "12"}, "geometry": {"type": "Polygon", "coordinates": square}}]}
    tree = AREAS.drawn(json.dumps(shape).encode(), "code", "f")
    data = SAMPLES["open311 of an american city"][0]
    found = propose(data, name="clinic", format_="auto", tree=tree, settings=settings(), received=LATER)
    assert 'area = { longitude = "long", latitude = "lat", km = 5.0 }' in found.toml
    made = config.parse(CITY.replace('[[sources]]\nname = "clinic"\n', "") + found.toml)
    assert [e.area for e in events(read(data, made, tree))] == ["12"]
