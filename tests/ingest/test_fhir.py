"""FHIR R4: bundles, bulk lines, references, what is taken back, and what servers answer instead."""

import json
from typing import Any

import pytest

from tables import codes, events, findings, read, settings
from tocsin.types import Event, Finding

ICD = "http://hl7.org/fhir/sid/icd-10"
VISITS = """
[sources.mapping]
report = "updated"
area = "Organization/address/0/postalCode"
classify = { text = "text", codes = "codes", signals = { gi = "flu" } }
"""
CITY = settings(VISITS, 'format = "fhir"')


def encounter(id_="e1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter", "id": id_, "status": "finished", "class": {"code": "EMER"},
        "period": {"start": "2026-03-02T08:00:00+08:00"}, "meta": {"lastUpdated": "2026-03-02T09:00:00+08:00"},
        "serviceProvider": {"reference": "Organization/o1"}, "subject": {"reference": "Patient/p1"},
    } | more  # fmt: skip


def condition(id_="c1", visit="Encounter/e1", code="A09", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition", "id": id_, "encounter": {"reference": visit}, "recordedDate": "2026-03-02",
        "code": {"coding": [{"system": ICD, "code": code}]},
    } | more  # fmt: skip


PLACE = {"resourceType": "Organization", "id": "o1", "address": [{"postalCode": "11"}]}
PATIENT = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Doe"}], "birthDate": "1980-01-01"}


def bundle(*resources: dict[str, Any], **more: Any) -> bytes:
    entries = [r if "resource" in r or "request" in r else {"resource": r} for r in resources]
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries} | more).encode()


def said(data: bytes) -> list[Event | Finding]:
    return read(data, CITY)


def test_a_visit_has_the_diagnoses_and_the_place_that_the_bundle_tells() -> None:
    (event,) = said(bundle(condition(), PATIENT, encounter(), PLACE))
    assert isinstance(event, Event)
    assert (event.value, event.area, event.signal) == (1, "11", "flu")
    assert event.report_time - event.reference_time == 3_600_000_000
    (other,) = said(bundle(condition(visit="Encounter/e2"), encounter(), PLACE))
    assert isinstance(other, Event)
    assert other.value == 0
    (reason,) = said(bundle(encounter(reasonCode=[{"text": "呕吐"}]), PLACE))
    assert isinstance(reason, Event)
    assert reason.value == 1


def test_nothing_of_the_person_is_in_an_event() -> None:
    assert not any(word in repr(said(bundle(condition(), PATIENT, encounter(), PLACE))) for word in ("Doe", "1980"))


def test_references_by_full_url_and_absolute_address() -> None:
    url = "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059"
    place = {"fullUrl": url, "resource": {k: v for k, v in PLACE.items() if k != "id"}}
    (event,) = said(bundle(encounter(serviceProvider={"reference": url}), place))
    assert isinstance(event, Event)
    assert event.area == "11"
    far = "https://hospital.example/fhir/Organization/o1/_history/3"
    (event,) = said(bundle(encounter(serviceProvider={"reference": far}), PLACE))
    assert isinstance(event, Event)
    assert event.area == "11"


def test_a_reference_into_the_bundle_that_leads_nowhere_is_told() -> None:
    items = said(bundle(encounter(serviceProvider={"reference": "urn:uuid:1"}), PLACE))
    assert codes(items) == ["unresolved-reference", "unknown-area"]
    assert all(f.kept for f in findings(items))
    assert len(events(items)) == 1


@pytest.mark.parametrize(
    "resource", [encounter(status="entered-in-error"), encounter(status="cancelled")], ids=["error", "cancelled"]
)
def test_what_was_entered_in_error_is_withdrawn(resource: dict[str, Any]) -> None:
    first, last = events(said(bundle(condition(), encounter(), PLACE)) + said(bundle(condition(), resource, PLACE)))
    assert (first.key, first.value, last.value) == (last.key, 1, 0)
    refuted = condition(verificationStatus={"coding": [{"code": "refuted"}]})
    assert [e.value for e in events(said(bundle(refuted, encounter(), PLACE)))] == [0]
    asked = {"resource": encounter(), "request": {"method": "DELETE", "url": "Encounter/e1"}}
    assert [e.value for e in events(said(bundle(condition(), asked, PLACE)))] == [0]


def test_a_deletion_without_its_resource_is_a_finding() -> None:
    items = said(bundle({"request": {"method": "DELETE", "url": "Encounter/e1"}}, encounter(), PLACE))
    assert codes(items) == ["cannot-withdraw"]
    assert len(events(items)) == 1


def test_servers_that_answer_with_an_outcome() -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "diagnostics": "too many"}]}
    for data in (json.dumps(outcome).encode(), bundle(encounter(), outcome, PLACE)):
        items = said(data)
        assert codes(items) == ["service-error"]
        assert "too many" in findings(items)[0].message


OBSERVATIONS = """
[sources.mapping]
key = ["id"]
area = { value = "12" }
signal = { column = "codes", map = { "94500-6" = "flu" }, others = "ignore" }
value = { column = "value", map = { "260373001" = "1", "260415000" = "0" } }
"""


def test_observations_one_a_line_and_a_bad_line_costs_itself() -> None:
    def line(id_: str, value: str, code: str = "94500-6", **more: Any) -> bytes:
        coded = {"coding": [{"code": value}]}
        return json.dumps(
            {"resourceType": "Observation", "id": id_, "code": {"coding": [{"code": code}]},
             "valueCodeableConcept": coded,
             "effectiveDateTime": "2026-03-02T08:00:00Z", **more}
        ).encode()  # fmt: skip

    city = settings(OBSERVATIONS, 'format = "fhir"\nrecords = "Observation"')
    good = [line("a", "260373001"), line("b", "260415000"), line("c", "260373001", "1-1")]
    for at in range(4):
        items = read(b"\n".join([*good[:at], b'{"resourceType": "Obs', *good[at:]]), city)
        assert [e.value for e in events(items)] == [1, 0]
        assert codes(items) == ["bad-json"]
        assert findings(items)[0].line == at + 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{}", "bad-fhir"),
        (b"[]", "bad-json"),
        (b"[1", "bad-json"),
        (b'{"resourceType": 7}', "bad-fhir"),
        (b'{"resourceType": "Bundle", "entry": [7]}', "bad-json"),
        (b'{"resourceType": "Bundle", "entry": 7}', "bad-json"),
        (b'{"resourceType": "Bundle", "entry": [{"resource": {}}]}', "bad-json"),
        (b"[" * 5000 + b"]" * 5000, "bad-json"),
    ],
)
def test_what_is_no_fhir(data: bytes, code: str) -> None:
    assert codes(said(data)) == [code]


def test_other_resources_are_nobodys_business() -> None:
    assert codes(said(bundle(encounter(), PATIENT, PLACE))) == []


def test_a_document_beyond_the_limit_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.ingest.contract.MAX_DOCUMENT", 1 << 10)
    (found,) = findings(said(bundle(*[encounter(f"e{i}") for i in range(20)])))
    assert found.code == "too-long"
    assert "one object a line" in found.message
