"""Shapes in which public servers and test suites send FHIR, DHIS2, NGSI-LD, SensorThings and wastewater."""

import json
from datetime import date
from typing import Any

import pytest

from tables import as_csv, codes, events, findings, read, settings
from tocsin.ingest.dhis2 import period_start
from tocsin.types import Event, Finding


def said(data: Any, mapping: str, source: str) -> list[Event | Finding]:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return read(body, settings(f"[sources.mapping]\n{mapping}", source))


VISITS = 'area = { value = "11" }\nclassify = { text = "text", codes = "codes", signals = { gi = "flu" } }'
FHIR = 'format = "fhir"'


def visit(**more: Any) -> dict[str, Any]:
    start = {"period": {"start": "2026-03-02T08:00:00+08:00"}}
    return {"resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "EMER"}, **start, **more}


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": r} for r in resources]}


A09 = {"resourceType": "Condition", "id": "c1", "code": {"coding": [{"code": "A09"}]}}


@pytest.mark.parametrize(
    "resources",
    [
        [visit(diagnosis=[{"condition": {"reference": "Condition/c1"}}]), A09],
        [visit(reasonReference=[{"reference": "Condition/c1"}]), A09],
        [visit(contained=[A09], diagnosis=[{"condition": {"reference": "#c1"}}])],
        [visit(reason=[{"value": [{"concept": {"text": "vomiting"}}]}])],
        [visit(reason=[{"text": "vomiting"}])],
    ],
)
def test_a_visit_names_its_diagnoses_in_many_ways(resources: list[dict[str, Any]]) -> None:
    assert [e.value for e in events(said(bundle(*resources), VISITS, FHIR))] == [1]


def test_a_visit_that_is_planned_is_none_yet() -> None:
    assert said(bundle(visit(status="planned", period={})), VISITS, FHIR) == []


def observation(**more: Any) -> dict[str, Any]:
    coding = [{"system": "urn:local", "code": "V"}, {"system": "http://loinc.org", "code": "94500-6"}]
    found = {"resourceType": "Observation", "id": "o1", "effectiveDateTime": "2026-03-02", "code": {"coding": coding}}
    return {**found, "status": "final", **more}


@pytest.mark.parametrize(
    ("more", "value"),
    [
        ({"valueCodeableConcept": {"coding": [{"code": "260373001"}]}}, 1),
        ({"valueCodeableConcept": {"text": "Not detected"}}, 0),
        ({"valueString": "阳性"}, 1),
        ({"valueBoolean": False}, 0),
        ({"valueQuantity": {"value": 3}, "interpretation": [{"coding": [{"code": "NEG"}]}]}, 0),
    ],
)
def test_laboratory_observations_say_what_was_found(more: dict[str, Any], value: float) -> None:
    mapping = 'area = { value = "11" }\nsignal = { column = "code", map = { "94500-6" = "flu" } }\nvalue = "positive"'
    (event,) = said(observation(**more), mapping, FHIR + '\nrecords = "Observation"')
    assert isinstance(event, Event)
    assert event.value == value


def test_a_place_inside_the_resource_is_found() -> None:
    inside = visit(
        contained=[{"resourceType": "Location", "id": "l", "address": {"district": "12"}}],
        location=[{"location": {"reference": "#l"}}],
    )
    (event,) = said(inside, VISITS.replace('{ value = "11" }', '"Location/address/district"'), FHIR)
    assert isinstance(event, Event)
    assert event.area == "12"


VALUES = 'area = { column = "orgUnit", map = { u1 = "11" } }\nsignal = "flu"\nvalue = "value"'
DHIS2 = 'format = "dhis2"'


def test_data_values_come_as_csv_too() -> None:
    head = ["dataelement", "period", "orgunit", "categoryoptioncombo", "attributeoptioncombo", "value", "deleted"]
    rows = [["d1", "2026W10", "u1", "c1", "", "5", ""], ["d1", "soon", "u1", "c1", "", "5", "false"]]
    items = said(as_csv(rows, head), VALUES, DHIS2)
    value = {"dataElement": "d1", "period": "2026W10", "orgUnit": "u1", "categoryOptionCombo": "c1", "value": "5"}
    assert events(items) == events(said({"dataValues": [value]}, VALUES, DHIS2))
    assert [(f.code, f.line) for f in findings(items)] == [("bad-date", 3)]
    gone = said(as_csv([[*rows[0][:6], "true"]], head), VALUES, DHIS2)
    assert [(e.key, e.value) for e in events(gone)] == [(events(items)[0].key, 0)]
    assert codes(said(b"hello\nworld\n", VALUES, DHIS2)) == ["missing-column"]


@pytest.mark.parametrize(
    ("period", "day"),
    [("2026BiW2", date(2026, 1, 12)), ("2026FriW1", date(2025, 12, 26)), ("2026TueW2", date(2026, 1, 6))],
)
def test_more_periods(period: str, day: date) -> None:
    assert period_start(period) == day


def test_tracker_payloads_of_old_and_new() -> None:
    mapping = 'area = { column = "home", map = { a = "12" } }\nsignal = { column = "q1", map = { yes = "flu" } }'
    told = {"event": "e1", "orgUnit": "u1", "eventDate": "2026-03-02T00:00:00.000",
            "dataValues": [{"dataElement": "q1", "value": "yes"}]}  # fmt: skip
    home = [{"attribute": "home", "value": "a"}]
    ahead = {"event": "e2", "status": "SCHEDULE", "orgUnit": "u1", "dataValues": []}
    old = {"trackedEntityInstances": [{"attributes": home, "enrollments": [{"events": [told, ahead]}]}]}
    new = {"trackedEntities": [{"attributes": home, "enrollments": [{"events": [told]}, {"enrollment": "n"}]}]}
    for document in (old, new, {"enrollments": [{"attributes": home, "events": [told]}]}):
        (event,) = said(document, mapping, 'format = "dhis2-tracker"')
        assert isinstance(event, Event)
        assert event.area == "12"
    odd = {
        "trackedEntities": [
            {"attributes": 7, "enrollments": [{"attributes": "x", "events": [told | {"attributes": 3}]}]}
        ]
    }
    assert codes(said(odd, mapping, 'format = "dhis2-tracker"')) == ["unknown-area"]


AIR = 'area = { value = "11" }\nsignal = "pm25"\nvalue = "pm25"'
NGSI = 'format = "ngsi-ld"'
ONE = {"id": "urn:ngsi-ld:Air:1", "type": "Air"}
WHEN = "2026-03-02T08:00:00Z"


@pytest.mark.parametrize(
    "document",
    [
        {**ONE, "pm25": {"value": 35.5, "unitCode": "GQ", "observedAt": WHEN}},
        {**ONE, "pm25": {"value": 35.5, "observedAt": WHEN, "quality": {"value": "good"}}},
        {"subscriptionId": "s", "data": [{**ONE, "pm25": {"type": "Number", "value": 35.5, "metadata": {}},
                                          "dateObserved": {"type": "DateTime", "value": WHEN, "metadata": {}}}]},
        {"subscriptionId": "s", "data": [{**ONE, "pm25": 35.5, "dateObserved": WHEN}]},
        {**ONE, "https://smart.example/air/pm25": {"type": "Property", "value": 35.5, "observedAt": WHEN}},
        {**ONE, "pm25": [{"type": "Property", "value": 35.5, "observedAt": WHEN}]},
    ],
)  # fmt: skip
def test_entities_of_other_servers(document: dict[str, Any]) -> None:
    (event,) = said(document, AIR, NGSI)
    assert isinstance(event, Event)
    assert event.value == 35.5


def test_an_entity_through_time_is_a_reading_a_moment() -> None:
    later = "2026-03-02T09:00:00Z"
    long = {**ONE, "pm25": [{"type": "Property", "value": v, "observedAt": t} for v, t in ((2, later), (1, WHEN))]}
    short = {**ONE, "pm25": {"type": "Property", "values": [[1, WHEN], [2, later]]}}
    items = events(said([long], AIR, NGSI))
    assert [e.value for e in items] == [1, 2]
    assert items[1].reference_time - items[0].reference_time == 3_600_000_000
    assert events(said(short, AIR, NGSI)) == items


def test_a_value_inside_an_attribute_is_found_by_its_plain_pointer() -> None:
    full = {**ONE, "pm25": 1, "dateObserved": WHEN,
            "address": {"type": "Property", "value": {"addressLocality": "12"}}}  # fmt: skip
    for where in ("/address/addressLocality", "/address/value/addressLocality"):
        (event,) = said(full, AIR.replace('{ value = "11" }', f'"{where}"'), NGSI)
        assert isinstance(event, Event)
        assert event.area == "12"


WATER = 'area = { column = "wwtp_name", map = { "s7" = "11" } }\nsignal = "pm25"\nvalue = "concentration"'
ROW = {"sewershed_id": "s7", "pcr_target": "sars-cov-2", "pcr_target_units": "copies/l wastewater",
       "pcr_target_avg_conc": "800", "sample_collect_date": "2026-03-01T00:00:00.000"}  # fmt: skip


def test_wastewater_of_the_public_tables_as_csv_and_json() -> None:
    made = said(as_csv([list(ROW.values())], list(ROW)), WATER, 'format = "nwss"')
    assert [(e.area, e.value) for e in events(made)] == [("11", 800)]
    assert codes(made) == []
    assert said([ROW], WATER, 'format = "nwss"') == made
    assert said((json.dumps(ROW) + "\n" + json.dumps(ROW)).encode(), WATER, 'format = "nwss"') == made * 2
    bad = said([ROW | {"pcr_target_units": None}], WATER, 'format = "nwss"')
    assert codes(bad) == ["unknown-unit"]


def test_an_observation_may_tell_its_place_by_its_feature() -> None:
    from tocsin.config import SourceTable
    from tocsin.ingest.contract import Record
    from tocsin.ingest.sensorthings import read as read_things

    one = {"result": 1, "phenomenonTime": WHEN, "FeatureOfInterest": {"feature": {"coordinates": [116.4, 39.9]}}}
    (record,) = read_things(SourceTable("x"), iter([json.dumps(one).encode()]))
    assert isinstance(record, Record)
    assert (record.cells["longitude"], record.cells["latitude"]) == (116.4, 39.9)


def test_bundles_in_a_bundle_and_entries_that_failed() -> None:
    answer = {"resourceType": "Bundle", "type": "batch-response", "entry": [
        {"resource": bundle(visit(reasonCode=[{"text": "vomiting"}])), "response": {"status": "200 OK"}},
        {"response": {"status": "404 Not Found", "outcome": {"issue": [{"diagnostics": "no such ward"}]}}},
        {"response": {"status": "201 Created"}},
    ]}  # fmt: skip
    items = said(answer, VISITS, FHIR)
    assert [e.value for e in events(items)] == [1]
    assert [(f.code, f.line, "no such ward" in f.message) for f in findings(items)] == [("service-error", 2, True)]
    deep: dict[str, Any] = bundle()
    for _ in range(20):
        deep = bundle(deep)
    assert codes(said(deep, VISITS, FHIR)) == ["nothing-taken"]


def test_a_server_that_only_informs_reports_nothing() -> None:
    calm = {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational"}]}
    assert said(bundle(calm), VISITS, FHIR) == []
    wrong = {"resourceType": "OperationOutcome", "issue": [*calm["issue"], {"severity": "error", "code": "timeout"}]}
    assert codes(said(bundle(wrong), VISITS, FHIR)) == ["service-error"]
    assert codes(said(bundle({"resourceType": "OperationOutcome"}), VISITS, FHIR)) == ["service-error"]


def test_codes_written_as_numbers_with_zeros_are_read() -> None:
    told = b'[{"service_request_id":638344,"service_code":006,"requested_datetime":"2026-03-02T06:37:38-08:00"}]'
    mapping = 'area = { value = "11" }\nsignal = { column = "service_code", map = { "006" = "flu" } }'
    assert [e.signal for e in events(said(told, mapping, 'format = "open311"'))] == ["flu"]
    inside = told.replace(b"638344", b'"a:006,"')
    assert codes(said(inside, mapping, 'format = "open311"')) == ["bad-json"]  # better refused than changed


def test_events_of_a_tracker_as_csv() -> None:
    mapping = 'area = { value = "12" }\nsignal = { column = "q1", map = { yes = "flu" } }\nvalue = "q2"'
    head = ["event", "status", "programStage", "orgUnit", "occurredAt", "dataElement", "value"]
    row = ["e1", "ACTIVE", "s", "u1", "2026-03-02T00:00:00.000"]
    rows = [[*row, "q1", "yes"], [*row, "q2", "3"], ["e2", "SCHEDULE", *row[2:], "q1", "yes"],
            ["e3", *row[1:], "q1", "no"]]  # fmt: skip
    items = said(as_csv(rows, head), mapping, 'format = "dhis2-tracker"')
    assert [e.value for e in events(items)] == [3]
    assert [(f.code, f.line) for f in findings(items)] == [("unknown-signal", 5)]
    assert codes(said(b"a,b\n1,2\n", mapping, 'format = "dhis2-tracker"')) == ["missing-column"]


def test_typed_values_inside_values() -> None:
    nested = {"type": "Property", "value": {"type": "DateTime", "value": WHEN}}
    (event,) = said(
        {**ONE, "pm25": [{"value": 2, "datasetId": "b"}, {"value": 35.5}], "dateObserved": nested}, AIR, NGSI
    )
    assert isinstance(event, Event)
    assert event.value == 35.5


@pytest.mark.parametrize("written", [1772438400, "1772438400", 1772438400000, "1772438400.0"])
def test_seconds_since_1970_are_moments(written: Any) -> None:
    mapping = 'reference = { column = "at", format = "epoch" }\narea = { value = "11" }\nsignal = "flu"'
    (event,) = said([{"at": written}], mapping, 'format = "json"')
    plain = 'reference = "at"\narea = { value = "11" }\nsignal = "flu"'
    (same,) = said([{"at": "2026-03-02T16:00:00+08:00"}], plain, 'format = "json"')
    assert codes(said([{"at": written}], plain, 'format = "json"')) != []
    assert codes(said([{"at": "-1"}, {"at": "9" * 20}], mapping, 'format = "json"')) == ["bad-date"] * 2
    assert isinstance(event, Event)
    assert isinstance(same, Event)
    assert event.reference_time == same.reference_time
