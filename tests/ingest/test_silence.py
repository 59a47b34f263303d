"""Deliveries of which nothing is counted say so, once; what is empty by nature, or a test, does not raise it."""

import json
from typing import Any

import pytest
from test_city_feeds import field
from test_outside_messages import ADT, DHIS2, FEVER, FHIR, NGSI, RESULTS, VISITS, observation, said, visit

from tables import as_csv, codes, events, findings
from tocsin.types import Event, Finding

PATIENTS = [{"resourceType": "Patient", "id": str(n)} for n in range(3)]
VALUE = 'area = { value = "11" }\nsignal = "pm25"\nvalue = "/n"'
PLAIN = VALUE + '\nreference = "day"'
TRACKED = 'format = "dhis2-tracker"'
RIDES = 'format = "gtfs-rt"'


def bundle(*resources: Any, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]} | more


def told(items: list[Event | Finding]) -> str:
    """The one sentence that a delivery is answered with, which has no event and refuses nothing of it."""
    (found,) = items
    assert isinstance(found, Finding)
    assert (found.code, found.kept, found.line) == ("nothing-taken", False, 0)
    return found.message


@pytest.mark.parametrize(
    "data",
    [bundle(*PATIENTS, observation("8310-5")), "\n".join(map(json.dumps, [*PATIENTS, observation("8310-5")])),
     '<Observation xmlns="http://hl7.org/fhir"><id value="o"/></Observation>'],
    ids=["bundle", "lines", "xml"],
)  # fmt: skip
def test_resources_of_other_types_alone(data: Any) -> None:
    message = told(said(data, VISITS, FHIR))
    assert "Observation (1)" in message
    assert 'records = "Observation"' in message


def test_a_bundle_of_people_names_no_type_that_cannot_be_counted() -> None:
    message = told(said(bundle(*PATIENTS), VISITS, FHIR))
    assert "Patient (3)" in message
    assert "records = " not in message


@pytest.mark.parametrize(
    ("data", "mapping", "source"),
    [
        (bundle(), VISITS, FHIR),
        (bundle({"resourceType": "OperationOutcome", "issue": [{"severity": "information"}]}), VISITS, FHIR),
        (bundle({"resourceType": "Encounter", "id": "e", "status": "planned"}, PATIENTS[0]), VISITS, FHIR),
        ({"dataValues": []}, VALUE, DHIS2),
        ({"trackedEntities": []}, VALUE, TRACKED),
        ({"trackedEntities": [{"trackedEntity": "t", "enrollments": [{"enrollment": "n", "events": []}]}]}, VALUE,
         TRACKED),
        ({"value": []}, VALUE, 'format = "sensorthings"'),
        ({"id": "n", "type": "Notification", "data": []}, VALUE, NGSI),
        ([], PLAIN, 'format = "json"'),
        ({"header": {"timestamp": 1}, "entity": []}, VALUE, RIDES),
        ({"header": {"timestamp": 1}, "entity": [{"id": "1", "is_deleted": True, "alert": {}}]}, VALUE, RIDES),
        ("<service_requests/>", VALUE, 'format = "open311"'),
        (visit("A40", "", "MRG|9\r"), FEVER, ADT),
    ],
)  # fmt: skip
def test_what_may_be_empty_is(data: Any, mapping: str, source: str) -> None:
    assert said(data, mapping, source) == []


@pytest.mark.parametrize(
    ("data", "source", "words"),
    [
        ({"trackedEntities": [{"trackedEntity": "t", "enrollments": [{"enrollment": "n"}, {"enrollment": "m"}]}]},
         TRACKED, ["enrollment (2)", "events[*]"]),
        ({"instances": [{"trackedEntity": "t", "attributes": []}]}, TRACKED, ["trackedEntity (1)", "enrollments[*"]),
        ({"enrollments": [{"enrollment": "n"}]}, TRACKED, ["enrollment (1)"]),
        ({"header": {"timestamp": 1}, "entity": [{"id": "1", "alert": {}}]}, RIDES, ["alert (1)", "vehicle positions"]),
        (field(1, field(1, b"2.0") + b"\x18\xa0\xbf\x95\xcd\x06") + field(2, field(1, b"e") + field(5, b"")),
         RIDES, ["alert (1)"]),
        ("<services><service/><service/></services>", 'format = "open311"', ["<service> (2)", "requests.xml"]),
    ],
)  # fmt: skip
def test_things_of_another_kind(data: Any, source: str, words: list[str]) -> None:
    message = told(said(data, VALUE, source))
    for word in words:
        assert word in message


ROWS = [[str(n), "2026-03-02", "11", what] for n, what in enumerate(["痢疾", "痢疾", "手足口病"])]
TABLE = 'key = "id"\nreference = "day"\narea = "where"\n'


@pytest.mark.parametrize(
    "filtered",
    ['signal = "flu"\nonly = { what = "流感" }',
     'signal = { column = "what", others = "ignore", map = { "流感" = "flu" } }'],
)  # fmt: skip
def test_a_table_of_which_no_row_is_ours(filtered: str) -> None:
    data = as_csv(ROWS, ["id", "day", "where", "what"])
    message = told(said(data, TABLE + filtered, ""))
    assert "what the mapping wants 流感" in message
    assert "痢疾 (2), 手足口病 (1)" in message
    assert events(said(data, TABLE + filtered.replace("流感", "手足口病"), ""))
    assert codes(said(data, TABLE + filtered.replace("流感", "手足口病"), "")) == []


def test_a_set_of_other_data_elements() -> None:
    values = {"dataValues": [{"dataElement": "b", "period": "202603", "orgUnit": "u", "value": "1"}]}
    mapping = 'area = { value = "11" }\nsignal = "flu"\nvalue = "value"\nonly = { dataElement = "a" }'
    assert "b (1)" in told(said(values, mapping, DHIS2))


def test_one_entity_of_another_type_is_every_days_and_many_are_not() -> None:
    some = [{"id": f"urn:ngsi-ld:B:{n}", "type": "B", "n": 1, "dateObserved": "2026-03-02"} for n in range(5)]
    mapping = VALUE + '\nonly = { type = "A" }'
    assert said(some[:1], mapping, NGSI) == []
    assert "B (5)" in told(said(some, mapping, NGSI))


def test_a_panel_without_our_test_is_every_days_and_a_month_of_them_is_not() -> None:
    panel = visit().replace("ADT^A04", "ORU^R01") + "OBR|1|o1|||||20260302\r"
    panel += "".join(f"OBX|{n}|NM|{n}^x^L||1||||||F\r" for n in range(1, 31))
    assert said(panel, RESULTS, 'format = "hl7-oru"') == []
    assert "94500-6" in told(said(panel * 4, RESULTS, 'format = "hl7-oru"'))


HTEST = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}]}


def test_messages_marked_as_tests_count_and_are_told_once_a_delivery() -> None:
    """A hospital whose mark was never put right is not silenced; whoever wants tests left out says so."""
    for source, text in (
        (ADT, visit()),
        (
            'format = "hl7-oru"',
            visit().replace("ADT^A04", "ORU^R01") + "OBR|1|o\rOBX|1|ST|94500-6^x||Detected||||||F|||20260302\r",
        ),
    ):
        mapping = FEVER if source == ADT else RESULTS
        for mark in "TD":
            marked = text.replace("|7|P|", f"|7|{mark}|")
            found = said(marked * 2, mapping, source)
            notes = [f for f in found if isinstance(f, Finding) and f.code == "test-message"]
            assert [(f.kept, f.field, f.value) for f in notes] == [(True, "MSH-11", mark)]
            assert events(found) == events(said(text * 2, mapping, source))
            assert events(found)
    training = visit().replace("|7|P|", "|7|T^A|")
    assert said(training, FEVER + '\nonly = { "MSH-11" = "P" }', ADT) == []
    (taken,) = said(training, FEVER + '\nonly = { "MSH-11" = ["P", "T"] }', ADT)
    assert not isinstance(taken, Finding)


def test_resources_marked_as_tests_count_and_are_told_once_a_delivery() -> None:
    plain = {"resourceType": "Encounter", "id": "e1", "status": "finished", "period": {"start": "2026-03-02"},
             "subject": {"reference": "Patient/0"}}  # fmt: skip
    assert len(said(bundle(plain, PATIENTS[0]), VISITS, FHIR)) == 2
    marked = plain | {"meta": HTEST}
    header = {"resourceType": "MessageHeader", "id": "h", "meta": {"tag": HTEST["security"]}}
    for data in (
        marked, bundle(marked), bundle(plain, meta=HTEST), bundle(header, plain), bundle(marked, marked | {"id": "e2"}),
        bundle(plain, PATIENTS[0] | {"meta": HTEST}),
    ):  # fmt: skip
        found = said(data, VISITS, FHIR)
        notes = [f for f in found if isinstance(f, Finding)]
        assert [(f.code, f.kept) for f in notes] == [("test-message", True)]
        assert len(events(found)) >= 2
    assert said(bundle(marked), VISITS + '\nonly = { "/meta/security/0/code" = "" }', FHIR) == []
    decided = VISITS + '\nonly = { "/meta/security/0/code" = ["HTEST", ""] }'
    assert len(said(bundle(marked), decided, FHIR)) == 2


def test_a_zone_that_is_written_twice_is_one() -> None:
    text = visit(told="202603032040")
    once = said(text.replace("202603020830", "202603020830-0400"), FEVER, ADT)
    assert said(text.replace("202603020830", "202603020830-0400-0400"), FEVER, ADT) == once
    assert len(events(once)) == len(once) == 1
    assert codes(said(text.replace("202603020830", "202603020830-0400-0500"), FEVER, ADT)) == ["bad-date"]
    written = [["1", "2026-03-02T08:30:00+08:00+08:00", "11", "x"]]
    assert codes(said(as_csv(written, ["id", "day", "where", "what"]), TABLE + 'signal = "flu"', "")) == []


def test_days_as_a_spreadsheet_counts_them() -> None:
    titles = ["id", "day", "where", "what"]
    rows = [["1", "45931", "11", "x"], ["2", "45931.354166666664", "11", "x"], ["3", "2025-10-02", "11", "x"]]
    plain = said(as_csv(rows, titles), TABLE + 'signal = "flu"', "")
    assert [(f.code, 'format = "excel"' in f.message, "2025-10-01" in f.message) for f in findings(plain)] == [
        ("bad-date", True, True)
    ] * 2
    mapping = TABLE.replace('"day"', '{ column = "day", format = "excel" }') + 'signal = "flu"'
    moments = [e.reference_time for e in events(said(as_csv(rows, titles), mapping, ""))]
    assert moments == [1759248000_000_000, 1759248000_000_000 + 30_600_000_000, 1759334400_000_000]
