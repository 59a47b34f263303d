"""DHIS2, Open311, SensorThings, NGSI-LD, wastewater, GTFS-Realtime and plain JSON, as their users send them."""

import json
from datetime import date
from typing import Any

import pytest

from messages import field
from tables import as_csv, codes, events, findings, read, settings
from tocsin.ingest.dhis2 import period_start
from tocsin.ingest.json_docs import pointed
from tocsin.types import Event, Finding

HOUR = 3_600_000_000


def said(data: Any, mapping: str, source: str) -> list[Event | Finding]:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return read(body, settings(f"[sources.mapping]\n{mapping}", source))


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("", {"a/b": [1, {"m~n": 2}], "": 3, "0": 4}),
        ("/a~1b/0", 1),
        ("/a~1b/1/m~0n", 2),
        ("/", 3),
        ("/0", 4),
        ("/a~1b/01", None),
        ("/a~1b/-", None),
        ("/a~1b/2", None),
        ("/x", None),
        ("a", None),
        ("/a~1b/0/x", None),
        ("/a~1b/99999999999999999999", None),
        ("/a~1b/²", None),
    ],
)
def test_json_pointers(pointer: str, found: Any) -> None:
    assert pointed({"a/b": [1, {"m~n": 2}], "": 3, "0": 4}, pointer) == found


PLAIN = 'key = "/id"\nreference = "/at/day"\narea = "/where/0"\nsignal = "flu"\nvalue = "n"'


def test_json_by_pointers_and_what_is_not_there() -> None:
    row = {"id": 1, "at": {"day": "2026-03-02"}, "where": ["11"], "n": 3}
    found = said({"out": {"rows": [row, 7, row | {"n": "x"}, row]}}, PLAIN, 'format = "json"\nrecords = "/out/rows"')
    assert [(e.area, e.value) for e in events(found)] == [("11", 3)] * 2
    assert [(f.code, f.line) for f in findings(found)] == [("bad-json", 2), ("bad-value", 3)]
    assert codes(said({"rows": []}, PLAIN, 'format = "json"\nrecords = "/out/rows"')) == ["missing-column"]
    assert len(events(said(row, PLAIN, 'format = "json"'))) == 1


@pytest.mark.parametrize(
    ("period", "day"),
    [
        ("20260301", date(2026, 3, 1)),
        ("2026W10", date(2026, 3, 2)),
        ("2026W1", date(2025, 12, 29)),
        ("2026WedW10", date(2026, 3, 4)),
        ("2026SunW10", date(2026, 3, 1)),
        ("202603", date(2026, 3, 1)),
        ("202602B", date(2026, 3, 1)),
        ("2026Q2", date(2026, 4, 1)),
        ("2026S2", date(2026, 7, 1)),
        ("2026", date(2026, 1, 1)),
        ("2026April", date(2026, 4, 1)),
        ("2026W60", None),
        ("20261301", None),
        ("202613", None),
        ("March", None),
        ("", None),
        ("٢٠٢٦٠٣٠١", None),
    ],
)
def test_dhis2_periods(period: str, day: date | None) -> None:
    assert period_start(period) == day


DHIS2 = 'area = { column = "orgUnit", map = { DiszpKrYNg8 = "11" } }\n'
DHIS2 += 'signal = { column = "dataElement", map = { f7n9E0hX8qk = "flu" } }\nvalue = "value"'


def test_dhis2_values_with_their_sets_words() -> None:
    sent = {
        "period": "2026W10", "orgUnit": "DiszpKrYNg8",
        "dataValues": [{"dataElement": "f7n9E0hX8qk", "value": "12"},
                       {"dataElement": "f7n9E0hX8qk", "value": "1", "period": "soon"}],
    }  # fmt: skip
    items = said(sent, DHIS2, 'format = "dhis2"')
    assert [(e.area, e.value) for e in events(items)] == [("11", 12)]
    assert [(f.code, f.field, f.line) for f in findings(items)] == [("bad-date", "period", 2)]
    value = sent["dataValues"][0] | {"period": "2026W10", "orgUnit": "DiszpKrYNg8"}
    gone = said({"dataValues": [value | {"deleted": True}]}, DHIS2, 'format = "dhis2"')
    assert [(e.key, e.value) for e in events(gone)] == [(events(items)[0].key, 0)]
    assert codes(said({"events": []}, DHIS2, 'format = "dhis2"')) == ["empty-required"]


def test_dhis2_events_flat_and_nested() -> None:
    event = {
        "event": "ZwwuwNp6gVd", "orgUnit": "y77LiPqLMoq", "occurredAt": "2026-03-02T00:00:00.000",
        "dataValues": [{"dataElement": "bx6fsa0t90x", "value": "true"}],
    }  # fmt: skip
    mapping = 'area = { value = "12" }\nsignal = { column = "bx6fsa0t90x", map = { "true" = "flu" } }'
    source = 'format = "dhis2-tracker"'
    flat = said({"events": [event]}, mapping, source)
    assert len(events(flat)) == 1
    assert said({"trackedEntities": [{"enrollments": [{"events": [event]}]}]}, mapping, source) == flat
    assert said({"page": 1, "instances": [event]}, mapping, source) == flat


REQUESTS = 'area = "address_id"\nclassify = { text = ["service_name", "description"], signals = { gi = "flu" } }'
REQUEST = {
    "service_request_id": "638344", "status": "open", "service_code": "EH-07", "service_name": "学校食堂投诉",
    "description": "多名学生呕吐", "requested_datetime": "2026-03-02T08:00:00+08:00",
    "updated_datetime": "2026-03-02T09:00:00+08:00", "address_id": "11", "lat": 39.92, "long": 116.44,
}  # fmt: skip


def test_service_requests_in_both_their_forms() -> None:
    (event,) = said([REQUEST], REQUESTS, 'format = "open311"')
    assert isinstance(event, Event)
    assert (event.value, event.area, event.report_time - event.reference_time) == (1, "11", HOUR)
    inner = "".join(f"<{k}>{v}</{k}>" for k, v in REQUEST.items())
    document = f"<?xml version='1.0' encoding='utf-8'?><service_requests><request>{inner}</request></service_requests>"
    assert said(document.encode(), REQUESTS, 'format = "open311"') == [event]
    broken = said(document.encode()[:-10], REQUESTS, 'format = "open311"')
    assert (codes(broken), events(broken)) == (["bad-xml"], [event])
    error = said([{"code": 404, "description": "no such service"}], REQUESTS, 'format = "open311"')
    assert codes(error) == ["service-error"]


@pytest.mark.parametrize(
    "document",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><service_requests/>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><service_requests/>',
        b"<a>" * 5000,
    ],
)
def test_xml_that_is_a_trap_is_refused(document: bytes) -> None:
    items = said(document, REQUESTS, 'format = "open311"')
    assert codes(items) == ["bad-xml"]
    assert not events(items)


THINGS = 'area = "thing"\nsignal = "pm25"\nvalue = "result"'


def test_observations_alone_paged_expanded_and_in_arrays() -> None:
    source = 'format = "sensorthings"'
    stream = {
        "@iot.id": 5,
        "Thing": {"name": "11", "Locations": [{"location": {"type": "Point", "coordinates": [116.4, 39.9]}}]},
    }
    one = {"phenomenonTime": "2026-03-02T08:00:00+08:00", "result": 4.1e4, "Datastream": stream}
    alone = said(one, THINGS, source)
    assert [(e.area, e.value) for e in events(alone)] == [("11", 41000)]
    assert said({"value": [one], "@iot.nextLink": "…"}, THINGS, source) == alone
    bare = {k: v for k, v in one.items() if k != "Datastream"}
    assert said({"value": [stream | {"Observations": [bare]}]}, THINGS, source) == alone
    thing = stream["Thing"] | {"Datastreams": [{"@iot.id": 5, "Observations": [bare]}]}
    assert said(thing, THINGS, source) == alone
    array = {"Datastream": stream, "components": ["phenomenonTime", "result"], "dataArray": [list(bare.values()), [1]]}
    items = said([array], THINGS, source)
    assert events(items) == events(alone)
    assert codes(items) == ["bad-json"]
    linked = bare | {"Datastream@iot.navigationLink": "https://x/v1.1/Datastreams(5)"}
    assert events(said(linked, THINGS.replace('"thing"', '{ value = "11" }'), source)) == events(alone)
    assert codes(said({"phenomenonTime": "2026-03-02"}, THINGS, source)) == ["empty-required"]
    unnamed = bare | {"Datastream@iot.navigationLink": "https://x/v1.1/Observations(7)/Datastream"}
    there = THINGS.replace('"thing"', '{ value = "11" }')
    assert codes(said(unnamed, there, source)) == ["empty-required"]
    page = {"value": [unnamed | {"@iot.id": n} for n in (7, 8, 7)]}
    assert len({e.key for e in events(said(page, there, source))}) == 2
    assert codes(said(one | {"result": "high"}, THINGS, source)) == ["bad-value"]


def test_entities_in_all_their_forms() -> None:
    mapping = 'area = "where"\nsignal = "pm25"\nvalue = "pm25"'
    source = 'format = "ngsi-ld"'
    full = {
        "id": "urn:ngsi-ld:AirQualityObserved:1", "type": "AirQualityObserved", "@context": ["https://x"],
        "dateObserved": {"type": "Property", "value": {"@type": "DateTime", "@value": "2026-03-02T08:00:00Z"}},
        "pm25": [{"type": "Property", "value": 9, "datasetId": "urn:b"},
                 {"type": "Property", "value": 35.5, "unitCode": "GQ"}],
        "where": {"type": "Relationship", "object": "11"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [116.44, 39.92]}},
    }  # fmt: skip
    alone = said(full, mapping, source)
    assert [(e.area, e.value) for e in events(alone)] == [("11", 35.5)]
    short = {
        "id": full["id"],
        "type": full["type"],
        "dateObserved": "2026-03-02T08:00:00Z",
        "pm25": 35.5,
        "where": "11",
    }
    assert said([short], mapping, source) == alone
    assert said({"id": "n", "type": "Notification", "data": [full]}, mapping, source) == alone
    timed = {"id": full["id"], "type": "x", "where": "11",
             "pm25": {"type": "Property", "value": 35.5, "observedAt": "2026-03-02T08:00:00Z"}}  # fmt: skip
    assert said(timed, mapping, source) == alone
    later = short | {"dateObserved": "2026-03-02T09:00:00Z"}
    assert len({e.key for e in events(said([short, later], mapping, source))}) == 2
    assert codes(said({"type": "x"}, mapping, source)) == ["empty-required"]


NWSS = 'area = { value = "11" }\n'
NWSS += 'signal = { column = "series", map = { "sars-cov-2 liquid" = "pm25" } }\nvalue = "concentration"'
WATER = ["wwtp_name", "lab_id", "pcr_target", "pcr_target_units", "pcr_target_avg_conc", "lod_sewage",
         "pcr_target_below_lod", "sample_collect_date", "quality_flag"]  # fmt: skip


def water(*rows: list[str]) -> list[Event | Finding]:
    return said(as_csv([["p1", *r] for r in rows], WATER), NWSS, 'format = "nwss"')


@pytest.mark.parametrize(
    ("units", "reading", "lod", "below", "value"),
    [
        ("copies/l wastewater", "8000", "500", "0", 8000),
        ("log10 copies/l wastewater", "4", "2", "no", 10_000),
        ("Copies/L  wastewater", "8000", "", "", 8000),
        ("copies/ml wastewater", "8", "1", "0", 8000),
        ("copies/l wastewater", "", "500", "1", 250),
        ("log10 copies/l wastewater", "0", "2", "yes", 50),
    ],
)
def test_wastewater_units_and_detection(units: str, reading: str, lod: str, below: str, value: float) -> None:
    (event,) = water(["lab", "sars-cov-2", units, reading, lod, below, "2026-03-01", "no"])
    assert isinstance(event, Event)
    assert event.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("row", "code", "where"),
    [
        (["l", "sars-cov-2", "copies/kg", "8", "", "0", "2026-03-01", ""], "unknown-unit", "pcr_target_units"),
        (["l", "sars-cov-2", "copies/l", "", "", "0", "2026-03-01", ""], "bad-value", "pcr_target_avg_conc"),
        (["l", "sars-cov-2", "copies/l", "8", "", "1", "2026-03-01", ""], "bad-value", "lod_sewage"),
        (["l", "sars-cov-2", "copies/l", "8", "", "maybe", "2026-03-01", ""], "bad-value", "pcr_target_below_lod"),
        (["l", "sars-cov-2", "log10 copies/l", "999", "", "0", "2026-03-01", ""], "bad-value", "pcr_target_avg_conc"),
        (["l", "sars-cov-2", "copies/l", "-3", "", "0", "2026-03-01", ""], "bad-value", "pcr_target_avg_conc"),
        (["l", "sars-cov-2", "copies/g dry sludge", "8", "", "0", "2026-03-01", ""], "unknown-signal", "series"),
    ],
)
def test_wastewater_that_cannot_be_compared(row: list[str], code: str, where: str) -> None:
    (found,) = water(row)
    assert isinstance(found, Finding)
    assert (found.code, found.field, found.line) == (code, where, 2)


def test_two_laboratories_are_two_readings_and_flags_are_told() -> None:
    row = ["sars-cov-2", "copies/l", "8", "", "0", "2026-03-01"]
    items = water(["a", *row, "no"], ["b", *row, "below loq"], ["a", *row, "no"])
    assert len({e.key for e in events(items)}) == 2
    assert [(f.code, f.kept, f.value) for f in findings(items)] == [("quality-flag", True, "below loq")]
    assert codes(said(as_csv([["a"]], ["wwtp_name"]), NWSS, 'format = "nwss"')) == ["missing-column"]


FEED = bytes.fromhex(  # written with Google's gtfs-realtime-bindings 3.0.0
    "0a0b0a03322e3018a0bf95cd0612360a02653122300a0a0a0254372a0252393001120a0d14ae1f421548e1e8422896bf95cd063a02533342080a"
    "066275732d31324805506112350a0265321a2f0a080a0254382a02523912081202081e220253341a080a066275732d3133209bbf95cd0628d3ff"
    "ffffffffffffff0112120a0265331001220a42080a066275732d3134"
)
LOAD = 'area = { value = "11" }\nsignal = "pm25"\nvalue = { column = "occupancy_percentage", default = "0" }'


def test_the_feed_of_the_official_library() -> None:
    from tocsin.config import SourceTable
    from tocsin.ingest.contract import Record
    from tocsin.ingest.gtfs_rt import read as read_feed

    vehicle, trip = read_feed(SourceTable("x"), iter([FEED]))
    assert isinstance(vehicle, Record)
    assert isinstance(trip, Record)
    assert vehicle.cells | {"latitude": 0, "longitude": 0} == {
        "id": "e1", "kind": "vehicle", "time": "2026-03-02T09:59:50+00:00", "vehicle": "bus-12", "trip": "T7",
        "route": "R9",
        "direction": 1, "stop": "S3", "latitude": 0, "longitude": 0, "occupancy": "FULL", "occupancy_percentage": 97,
        "delay": "",
    }  # fmt: skip
    assert vehicle.cells["latitude"] == pytest.approx(39.92)
    assert (trip.cells["kind"], trip.cells["trip"], trip.cells["delay"], trip.cells["vehicle"]) == (
        "trip",
        "T8",
        -45,
        "bus-13",
    )
    assert [e.value for e in events(said(FEED, LOAD, 'format = "gtfs-rt"'))] == [97, 0]


def test_a_bad_entity_costs_itself_and_text_is_no_feed() -> None:
    bad = field(2, field(1, "e9") + field(4, b"\xff\xff"))
    items = said(FEED + bad, LOAD, 'format = "gtfs-rt"')
    assert codes(items) == ["bad-protobuf"]
    assert findings(items)[0].line == 4
    assert len(events(items)) == 2
    assert codes(said(b"header { gtfs_realtime_version: 2 }", LOAD, 'format = "gtfs-rt"')) == ["bad-protobuf"]
