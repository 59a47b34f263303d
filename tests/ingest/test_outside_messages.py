"""Traits of the messages of public test suites, guides and servers, each in a message made up for it."""

import json
from typing import Any

import pytest
from test_city_feeds import field

from tables import AREAS, NOW, as_csv, codes, events, findings, read, settings
from tocsin.errors import InputError
from tocsin.ingest.classify import made
from tocsin.ingest.propose import propose
from tocsin.types import Event, Finding


def said(data: Any, mapping: str, source: str) -> list[Event | Finding]:
    body = data if isinstance(data, bytes) else data.encode() if isinstance(data, str) else json.dumps(data).encode()
    return read(body, settings(f"[sources.mapping]\n{mapping}", source))


FEVER = 'area = "PID-11.9"\nclassify = { text = ["OBX[8661-1]", "temperature"], signals = { fever = "flu" } }'
ADT = 'format = "hl7-adt"'


def visit(kind: str = "A04", number: str = "v1", extra: str = "", told: str = "202603020840") -> str:
    return (
        f"MSH|^~\\&|HIS|East|||{told}||ADT^{kind}|7|P|2.5.1\rEVN|{kind}|{told}\rPID|1||8^^^East^MR||||||||{'^' * 8}11\r"
        f"{extra}PV1|1|E|{'|' * 16}{number}{'|' * 25}202603020830\r"
    )


@pytest.mark.parametrize(
    ("code", "reading", "unit", "value"),
    [
        ("8310-5^Body temperature^LN", "38.6", "Cel^degree Celsius^UCUM", 1),
        ("11289-6^Body temp first^LN", "101.3", "degF^Fahrenheit^UCUM", 1),
        ("11289-6^^LN", "98.6", "^[degF]^UCUM", 0),
        ("T^Temp^L^8310-5^^LN", "100.4", "", 1),
        ("8331-1^^LN", "37.9", "C", 0),
        ("8310-5^^LN", "386", "Cel", 0),
        ("59408-5^Oxygen^LN", "98", "%", 0),
        ("TW^体温^L", "38.6", "℃", 1),
        ("V1^Body temp^L", "101", "F", 1),
    ],
)
def test_a_measured_temperature_is_a_fever(code: str, reading: str, unit: str, value: float) -> None:
    (event,) = said(visit() + f"OBX|1|NM|{code}||{reading}|{unit}|||||F\r", FEVER, ADT)
    assert isinstance(event, Event)
    assert event.value == value


def test_a_visit_that_is_merged_or_renumbered_is_withdrawn() -> None:
    ill = visit(extra="") + "OBX|1|TX|8661-1^^LN||fever||||||F\r"
    (counted,) = events(said(ill, FEVER, ADT))
    for kind, known in (("A42", []), ("A50", ["renumbered"])):
        merged = visit(kind, "v2", "MRG|9^^^East^MR||||v1^^^East^VN\r", "202603021000")
        items = said(merged, FEVER, ADT)
        assert [(e.key, e.value) for e in events(items)] == [(counted.key, 0)]
        assert codes(items) == known
        assert all(f.kept for f in findings(items))
    assert codes(said(visit("A42", "v2", "MRG|9\r"), FEVER, ADT)) == ["cannot-withdraw"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_messages_saved_as_unicode_are_read(encoding: str) -> None:
    text = visit() + "OBX|1|TX|8661-1^^LN||发热||||||F\r"
    assert events(said(text.encode(encoding), FEVER, ADT)) == events(said(text, FEVER, ADT))
    assert propose(
        text.encode(encoding), name="x", format_="auto", tree=AREAS, settings=settings(), received=NOW
    ).format


def test_patients_that_are_merged_change_no_visit() -> None:
    assert said(visit("A40", "", "MRG|9\r"), FEVER, ADT) == []


OUL = """MSH|^~\\&|analyser|Lab|||20260302101530||OUL^R22^OUL_R22|1|P|2.5.1
PID|1||8||||||||^^^^^^^^11
SPM|1|S77&X||SER|||||||P||||||20260302080000
OBX|1|ST|94500-6^of the specimen^LN||Detected||||||F
SAC|||S77
OBR|1|""||94500-6^SARS^LN
ORC|SC||||CM
OBX|1|CWE|94500-6^SARS^LN|1|260373001^Detected^SCT||||||F
SPM|2|QC1||SER|||||||Q||||||20260302080000
OBR|1|""||94500-6^SARS^LN
OBX|1|CWE|94500-6^SARS^LN|1|260373001^Detected^SCT||||||F
SPM|3|||SER|||||||P||||||20260301080000
SAC|||S79
OBR|1|""||94500-6^SARS^LN
OBX|1|ST|94500-6^SARS^LN|1|Not detected||||||F
"""
RESULTS = 'area = "PID-11.9"\nsignal = { column = "code", others = "ignore", map = { "94500-6" = "flu" } }\n'
RESULTS += 'value = "positive"'


def test_analysers_tell_the_specimen_first_and_test_themselves() -> None:
    items = said(OUL, RESULTS, 'format = "hl7-oru"')
    assert [(type(i), getattr(i, "value", "")) for i in items] == [(Event, 1), (Event, 0)]
    first, last = events(items)
    assert first.key != last.key
    assert first.reference_time - last.reference_time == 86_400_000_000


def test_a_test_that_has_a_name_and_no_code_is_known_by_it() -> None:
    oru = OUL.partition("SPM")[0].replace("OUL^R22^OUL_R22", "ORU^R01")
    oru += "OBR|1|o1|||||20260302\rOBX|1|NM|^Weight^||61||||||F\r"
    mapping = RESULTS.replace("94500-6", "Weight").replace("positive", "OBX-5")
    assert [e.value for e in events(said(oru, mapping, 'format = "hl7-oru"'))] == [61]


found = made(()).found


@pytest.mark.parametrize(
    ("complaint", "ours"),
    [
        ("mother has fever", False),
        ("rash, brother sick with fever", False),
        ("husband positive for flu. fever", True),
        ("mother states fever", True),
        ("mom has noticed fever", True),
        ("my child has fever", True),
        ("母亲发热，本人皮疹", False),
        ("同学中有发热", False),
        ("家人陪同就诊发热", True),
        ("母亲代诉发热", True),
        ("与同事聚餐后发热", True),
    ],
)
def test_a_relatives_fever_is_not_the_patients(complaint: str, ours: bool) -> None:
    assert ("fever" in found(complaint, "")) == ours


FHIR = 'format = "fhir"'
LOINC = "http://loinc.org"


def observation(code: str, **more: Any) -> dict[str, Any]:
    when = {"status": "final", "effectiveDateTime": "2026-03-02T08:00:00Z"}
    concept = {"coding": [{"system": LOINC, "code": code}]}
    return {"resourceType": "Observation", "id": f"o{code}", **when, "code": concept, **more}


def test_the_parameters_of_an_operation_hold_a_bundle() -> None:
    found = observation("94500-6", valueCodeableConcept={"text": "Detected"})
    bundle = {"resourceType": "Bundle", "type": "document", "timestamp": "2026-03-03T10:00:00Z",
              "entry": [{"resource": found}]}  # fmt: skip
    mapping = 'area = { value = "11" }\nsignal = "flu"\nvalue = "positive"\nreport = "updated"'
    source = FHIR + '\nrecords = "Observation"'
    alone = said(bundle, mapping, source)
    assert [e.value for e in events(alone)] == [1]
    asked = {"resourceType": "Parameters", "parameter": [{"name": "content", "resource": bundle}]}
    assert said(asked, mapping, source) == alone
    proposed = propose(
        json.dumps(asked).encode(), name="x", format_="auto", tree=AREAS, settings=settings(), received=NOW
    )
    assert 'records = "Observation"' in proposed.toml


def test_a_history_is_told_from_the_newest_back() -> None:
    def version(value: str, updated: str) -> dict[str, Any]:
        return observation("94500-6", valueCodeableConcept={"text": value}, meta={"lastUpdated": updated})

    told = [version("Not detected", "2026-03-04"), version("Detected", "2026-03-03")]
    history = {"resourceType": "Bundle", "type": "history", "entry": [{"resource": r} for r in told]}
    mapping = 'area = { value = "11" }\nsignal = "flu"\nvalue = "positive"\nreport = "updated"'
    assert [e.value for e in events(said(history, mapping, FHIR + '\nrecords = "Observation"'))] == [1, 0]


def test_each_component_of_a_panel_is_a_result() -> None:
    def part(code: str, text: str) -> dict[str, Any]:
        return {"code": {"coding": [{"system": LOINC, "code": code}]}, "valueCodeableConcept": {"text": text}}

    panel = observation("95423-0", component=[part("94500-6", "Detected"), part("92142-9", "Not detected")])
    mapping = 'area = { value = "11" }\nvalue = "positive"\n'
    mapping += 'signal = { column = "code", others = "ignore", map = { "94500-6" = "flu", "92142-9" = "flu" } }'
    items = events(said(panel, mapping, FHIR + '\nrecords = "Observation"'))
    assert [e.value for e in items] == [1, 0]
    assert len({e.key for e in items}) == 2


VISITS = 'area = { value = "11" }\n'
VISITS += 'classify = { text = ["text", "temperature"], codes = "codes", signals = { fever = "flu", cough = "pm25" } }'


def test_observations_of_a_visit_tell_its_temperature_and_complaint() -> None:
    encounter = {"resourceType": "Encounter", "id": "e1", "status": "finished", "period": {"start": "2026-03-02"}}
    warm = observation(
        "8310-5", encounter={"reference": "Encounter/e1"}, valueQuantity={"value": 101.3, "code": "[degF]"}
    )
    told = observation("8661-1", encounter={"reference": "Encounter/e1"}, valueString="cough")
    other = observation("8661-1", encounter={"reference": "Encounter/e2"}, valueString="vomiting")
    bundle = {"resourceType": "Bundle", "type": "collection",
              "entry": [{"resource": r} for r in (encounter, warm, told, other)]}  # fmt: skip
    assert [e.value for e in events(said(bundle, VISITS, FHIR))] == [1, 1]
    warm["component"] = [{"code": warm.pop("code"), "valueQuantity": warm.pop("valueQuantity")}]
    assert [e.value for e in events(said(bundle, VISITS, FHIR))] == [1, 1]
    warm["status"] = "entered-in-error"
    assert [e.value for e in events(said(bundle, VISITS, FHIR))] == [0, 1]


BUNDLE = """<?xml version="1.0" encoding="UTF-8"?>
<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/><timestamp value="2026-03-03T00:00:00Z"/>
 <entry><fullUrl value="urn:uuid:e1"/><resource><Encounter><id value="e1"/>
  <text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><p>fever of 39</p></div></text>
  <contained><Location><id value="l1"/><address><district value="12"/></address></Location></contained>
  <status value="finished"/><class><system value="x"/><code value="EMER"/></class>
  <reasonCode><text value="cough"/></reasonCode><period><start value="2026-03-02T08:00:00+08:00"/></period>
  <location><location><reference value="#l1"/></location></location></Encounter></resource></entry>
 <entry><resource><Condition><id value="c1"/><code><coding><code value="R50.9"/></coding></code>
  <encounter><reference value="urn:uuid:e1"/></encounter></Condition></resource></entry>
</Bundle>
"""


def test_fhir_in_xml_says_what_it_says_in_json() -> None:
    in_json = {"resourceType": "Bundle", "type": "collection", "timestamp": "2026-03-03T00:00:00Z", "entry": [
        {"fullUrl": "urn:uuid:e1", "resource": {
            "resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "EMER"},
            "contained": [{"resourceType": "Location", "id": "l1", "address": {"district": "12"}}],
            "reasonCode": [{"text": "cough"}], "period": {"start": "2026-03-02T08:00:00+08:00"},
            "location": [{"location": {"reference": "#l1"}}]}},
        {"resource": {"resourceType": "Condition", "id": "c1", "code": {"coding": [{"code": "R50.9"}]},
                      "encounter": {"reference": "urn:uuid:e1"}}}]}  # fmt: skip
    mapping = VISITS.replace('{ value = "11" }', '"Location/address/district"') + '\nonly = { class = "EMER" }'
    mapping += '\nreport = "updated"'
    items = said(BUNDLE, mapping, FHIR)
    assert [(e.area, e.value) for e in events(items)] == [("12", 1), ("12", 1)]
    assert items == said(in_json, mapping, FHIR)
    results = '<Observation xmlns="http://hl7.org/fhir"><id value="o"/><status value="final"/>'
    results += '<effectiveDateTime value="2026-03-02"/><valueBoolean value="{}"/></Observation>'
    for flag, value in (("true", 1), ("false", 0)):
        mapping = 'area = { value = "11" }\nsignal = "flu"\nvalue = "positive"'
        (event,) = said(results.format(flag), mapping, FHIR + '\nrecords = "Observation"')
        assert isinstance(event, Event)
        assert event.value == value


def test_xml_that_breaks_off_or_is_something_else() -> None:
    torn = said(BUNDLE[: BUNDLE.index("<Condition>")], VISITS, FHIR)
    assert [e.value for e in events(torn)] == [0, 1]
    assert codes(torn) == ["bad-xml"]
    assert codes(said('<!DOCTYPE x [<!ENTITY a "b">]><Bundle/>', VISITS, FHIR)) == ["bad-xml"]
    assert codes(said('<Bundle xmlns="urn:other"/>', VISITS, FHIR)) == ["bad-fhir"]
    assert codes(said("<events><event/></events>", VISITS, 'format = "dhis2-tracker"')) == ["bad-xml"]
    as_xml = said("<?xml version='1.0'?><ADT_A01/>", FEVER, ADT)
    assert [("ER7" in f.message, f.code) for f in findings(as_xml)] == [(True, "not-a-table")]
    assert codes(said("<html><body>sign in</body></html>", VISITS, 'format = "sensorthings"')) == ["not-a-table"]
    assert codes(said("<events><event/></events>", VALUES, DHIS2)) == ["bad-xml"]


VALUES = 'area = { column = "orgUnit", map = { u1 = "11" } }\nsignal = "flu"\nvalue = "value"'
DHIS2 = 'format = "dhis2"'


def test_sets_of_data_values_in_xml() -> None:
    xml = '<d:dataValueSet xmlns:d="http://dhis2.org/schema/dxf/2.0" period="202603" orgUnit="u1">'
    xml += '<d:dataValue dataElement="a" value="12"/><d:dataValue dataElement="b" value="1" deleted="true"/>'
    xml += "</d:dataValueSet>"
    values = [{"dataElement": "a", "value": "12"}, {"dataElement": "b", "value": "1", "deleted": True}]
    in_json = {"period": "202603", "orgUnit": "u1", "dataValues": values}
    assert [e.value for e in events(said(xml, VALUES, DHIS2))] == [12, 0]
    assert said(xml, VALUES, DHIS2) == said(in_json, VALUES, DHIS2)


def test_answers_of_the_analytics_are_data_values() -> None:
    headers = [{"name": n} for n in ("dx", "pe", "ou", "value")]
    asked = {"headers": headers, "rows": [["a", "202603", "u1", "12.0"], ["b", "202603", "u1", "1"]]}
    value = {"period": "202603", "orgUnit": "u1"}
    told = [{**value, "dataElement": "a", "value": "12.0"}, {**value, "dataElement": "b", "value": "1"}]
    assert [e.value for e in events(said(asked, VALUES, DHIS2))] == [12, 1]
    assert events(said(asked, VALUES, DHIS2)) == events(said({"dataValues": told}, VALUES, DHIS2))


def test_adx_divides_its_values_by_attributes_of_their_own() -> None:
    adx = '<adx xmlns="urn:ihe:qrph:adx:2015"><group orgUnit="u1" period="2026-03-02/P7D" dataSet="s">'
    adx += (
        '<dataValue dataElement="a" age="0-4" value="3"/><dataValue dataElement="a" age="5+" value="4"/></group></adx>'
    )
    items = events(said(adx, VALUES, DHIS2))
    assert [e.value for e in items] == [3, 4]
    assert len({e.key for e in items}) == 2
    assert len({e.reference_time for e in items}) == 1


ENTITY = 'area = { value = "11" }\nsignal = "pm25"\nvalue = "pm25"'
NGSI = 'format = "ngsi-ld"'


def test_entities_as_geojson_and_those_that_are_gone() -> None:
    own = {
        "pm25": {"type": "Property", "value": 4},
        "dateObserved": {"type": "Property", "value": "2026-03-02T08:00:00Z"},
    }
    where = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [116.4, 39.9]}}
    alone = said({"id": "urn:ngsi-ld:A:1", "type": "A", "location": where, **own}, ENTITY, NGSI)
    assert [e.value for e in events(alone)] == [4]
    feature = {
        "id": "urn:ngsi-ld:A:1",
        "type": "Feature",
        "geometry": where["value"],
        "properties": {"type": "A", **own},
    }
    assert said(feature, ENTITY, NGSI) == alone
    assert said({"type": "FeatureCollection", "features": [feature]}, ENTITY, NGSI) == alone
    gone = {"id": "urn:ngsi-ld:A:1", "type": "A", "deletedAt": "2026-03-02T08:00:00Z"}
    assert said({"id": "n", "type": "Notification", "data": [gone]}, ENTITY, NGSI) == []
    lost = {"id": "urn:ngsi-ld:A:1", "type": "A", **own, "pm25": {"type": "Property", "value": "urn:ngsi-ld:null"}}
    assert [(f.code, f.field) for f in findings(said(lost, ENTITY, NGSI))] == [("empty-required", "pm25")]


WATER = ["record_id", "sewershed_id", "pcr_target", "pcr_gene_target", "pcr_target_detect", "pcr_target_units",
         "pcr_target_avg_conc", "lod_sewage", "sample_collect_date"]  # fmt: skip
SERIES = 'area = { value = "11" }\nsignal = { column = "series", map = { "sars-cov-2 liquid" = "pm25" } }\n'
SERIES += 'value = "concentration"'


def test_two_genes_of_one_sample_are_two_readings_and_what_was_not_detected_is_below() -> None:
    rows = [["", "p1", "sars-cov-2", gene, found, "copies/l wastewater", reading, "100", "2026-03-01"]
            for gene, found, reading in (("n1", "yes", "2000"), ("n2", "yes", "4000"), ("e", "no", "0"))]  # fmt: skip
    items = events(said(as_csv(rows, WATER), SERIES, 'format = "nwss"'))
    assert [e.value for e in items] == [2000, 4000, 50]
    assert len({e.key for e in items}) == 3


def test_objects_on_lines_inside_of_one_document_are_that_document() -> None:
    values = [{"dataElement": c, "period": "202603", "orgUnit": "u1", "value": "1"} for c in "abc"]
    lines = ",\n".join(map(json.dumps, values))
    assert len(events(said(f'{{"dataValues":[\n{lines}\n]}}\n', VALUES, DHIS2))) == 3


def test_lines_of_which_most_are_bad_cost_themselves() -> None:
    good = [json.dumps({"dataElement": c, "period": "202603", "orgUnit": "u1", "value": "1"}) for c in "ab"]
    items = said("\n".join([good[0], *["{ torn"] * 5, good[1]]), VALUES, DHIS2)
    assert len(events(items)) == 2
    assert codes(items) == ["bad-json"] * 5


def test_several_readings_at_once_have_their_stream() -> None:
    many = [
        {"phenomenonTime": "2026-03-01T01:00:00Z", "result": [25, n], "MultiDatastream": {"@iot.id": 7}} for n in (1, 2)
    ]
    mapping = 'area = { value = "11" }\nsignal = "pm25"\nvalue = "/result/1"'
    items = events(said({"value": many}, mapping, 'format = "sensorthings"'))
    assert [(e.value, e.key) for e in items] == [(1, items[0].key), (2, items[0].key)]


def test_a_trip_is_as_late_as_its_next_stop() -> None:
    stop = field(2, field(4, b"S3") + field(2, bytes([8, 60])) + field(3, bytes([8, 90])))
    feed = field(1, field(1, b"2.0") + bytes([0x18]) + b"\xa0\xbf\x95\xcd\x06") + field(
        2, field(1, b"e1") + field(3, field(1, field(1, b"T8")) + stop)
    )
    mapping = 'area = { value = "11" }\nsignal = "pm25"\nvalue = "delay"'
    assert [e.value for e in events(said(feed, mapping, 'format = "gtfs-rt"'))] == [90]


SNAKE = {"header": {"timestamp": 1772438400}, "entity": [
    {"id": "1", "trip_update": {"trip": {"trip_id": "T", "route_id": "R"},
                                "stop_time_update": [{"stop_id": "S", "arrival": {"delay": 120}}]}},
    {"id": "2", "vehicle": {"trip": {"route_id": "R"}, "timestamp": 1772438401, "occupancy_status": 5}},
    {"id": "3", "is_deleted": True, "vehicle": {"occupancy_status": 0}}, 7]}  # fmt: skip
CAMEL = {"response": {"header": {"timestamp": "1772438400.5"}, "entity": [
    {"id": "1", "tripUpdate": {"trip": {"tripId": "T", "routeId": "R"}, "delay": 120}},
    {"id": "2", "vehicle": {"trip": {"routeId": "R"}, "timestamp": "1772438401", "occupancyStatus": "FULL"}},
    {"id": "3", "isDeleted": True, "vehicle": {"occupancyStatus": "EMPTY"}}, 7]}}  # fmt: skip


@pytest.mark.parametrize("feed", [SNAKE, CAMEL])
def test_feeds_of_vehicles_as_json(feed: dict[str, Any]) -> None:
    load = 'area = { value = "11" }\nsignal = "pm25"\nonly = { kind = "vehicle" }\n'
    load += 'value = { column = "occupancy", map = { FULL = "1", EMPTY = "0" } }'
    source = 'format = "gtfs-rt"'
    items = said(feed, load, source)
    assert [(e.value, e.reference_time) for e in events(items)] == [(1, 1_772_438_401_000_000)]
    assert [(f.code, f.line) for f in findings(items)] == [("bad-json", 4)]
    late = 'area = { value = "11" }\nsignal = "pm25"\nonly = { kind = "trip" }\nvalue = "delay"'
    assert [e.value for e in events(said(feed, late, source))] == [120]
    data = json.dumps(feed).encode()
    proposed = propose(data, name="x", format_="auto", tree=AREAS, settings=settings(), received=NOW)
    assert proposed.format == "gtfs-rt"
    assert codes(said({"header": {}}, late, source)) == ["bad-json"]


@pytest.mark.parametrize(
    ("sample", "kind", "line"),
    [
        (BUNDLE, "fhir", 'records = "Encounter"'),
        (
            '<dataValueSet period="202603" orgUnit="11"><dataValue dataElement="a" value="1"/></dataValueSet>',
            "dhis2",
            "",
        ),
        (OUL, "hl7-oru", 'value = "positive"'),
        (visit() + "OBX|1|NM|8310-5^^LN||38.6|Cel||||||F\r", "hl7-adt", '"temperature"'),
        (visit().replace("|7|P|", "|7|T|"), "hl7-adt", 'only."MSH-11" = "P"'),
        (
            {"id": "a", "type": "A", "dateObserved": "2026-03-02T08:00:00Z", "co": 1, "pm25": 4},
            "ngsi-ld",
            'value = "pm25"',
        ),
    ],
)
def test_samples_are_known_for_what_they_are(sample: Any, kind: str, line: str) -> None:
    data = sample.encode() if isinstance(sample, str) else json.dumps(sample).encode()
    made_of = propose(data, name="x", format_="auto", tree=AREAS, settings=settings(), received=NOW)
    assert made_of.format == kind
    assert line in made_of.toml


def test_complaints_under_a_code_of_the_senders_own_are_proposed() -> None:
    told = visit() + "OBX|1|TX|CC^Chief Complaint^L||fever||||||F\rOBX|2|TX|ZS^主诉^L||发热||||||F\r"
    found = propose(told.encode(), name="x", format_="auto", tree=AREAS, settings=settings(), received=NOW)
    assert '"OBX[CC]", "OBX[ZS]"' in found.toml


def test_an_update_is_not_proposed_as_an_arrival() -> None:
    bare = [visit(kind).replace("202603020830", "") for kind in ("A04", "A08", "A03")]
    found = propose("".join(bare).encode(), name="x", format_="auto", tree=AREAS, settings=settings(), received=NOW)
    assert "\nreference = " not in found.toml
    assert "2 of 3 messages do not say when the patient came" in found.toml
    assert '\n# reference = "PV1-44|EVN-6|' in found.toml


def test_an_update_has_the_arrival_that_its_visit_told_before() -> None:
    def update(kind: str, number: str) -> str:
        return visit(kind, number, told="202603041200").replace("202603020830", "").replace("A08|", "A08|||||")

    ill = "OBX|1|TX|8661-1^^LN||fever||||||F\r"
    items = said(visit() + update("A08", "v1") + ill + update("A03", "v2"), FEVER, ADT)
    first, second = events(items)
    assert (first.key, first.value, second.value) == (second.key, 0, 1)
    assert first.reference_time == second.reference_time
    assert [(f.code, f.field) for f in findings(items)] == [("empty-required", "PV1-44")]
    assert 'reference = "PV1-44|EVN-6|EVN-2"' in findings(items)[0].message
    fallen = events(said(update("A03", "v2"), 'reference = "PV1-44|EVN-6|EVN-2"\n' + FEVER, ADT))
    assert [e.reference_time - first.reference_time for e in fallen] == [(2 * 24 * 60 + 210) * 60_000_000]


def test_a_page_for_signing_in_is_no_sample() -> None:
    with pytest.raises(InputError, match="web page"):
        propose(
            b"<!DOCTYPE html><html></html>", name="x", format_="auto", tree=AREAS, settings=settings(), received=NOW
        )


def test_hl7_as_xml_is_named_and_its_form_with_bars_asked_for() -> None:
    with pytest.raises(InputError, match=r"HL7 v2 as XML.*ER7"):
        propose(
            b'<ADT_A01 xmlns="urn:hl7-org:v2xml"><MSH/></ADT_A01>',
            name="x", format_="auto", tree=AREAS, settings=settings(), received=NOW,
        )  # fmt: skip


def test_what_is_empty_is_told_with_what_to_do() -> None:
    measured = OUL.replace("260373001^Detected^SCT", "9.2")
    (found,) = findings(said(measured, RESULTS, 'format = "hl7-oru"'))
    assert "neither positive nor negative" in found.message
    update = visit("A08").replace("202603020830", "")
    assert [f.field for f in findings(said(update, FEVER, ADT))] == ["PV1-44"]
    assert "when the patient came" in findings(said(update, FEVER, ADT))[0].message
