"""Events as other programs push them: each record answered, by its index, whatever the body holds."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from tables import AREAS, NOW, as_csv, events, read, settings
from tocsin.ingest import push
from tocsin.types import Event, Finding

GOOD: dict[str, Any] = {
    "source": "clinic",
    "key": "visit 1",
    "signal": "flu",
    "area": "11",
    "reference_time": "2026-03-01",
    "report_time": "2026-03-02T00:00:00Z",
    "value": 1,
    "imported": "no",
}


def parse(body: Any) -> list[tuple[int, Event | Finding]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return list(push.parse(data, settings=settings(), tree=AREAS, received=NOW))


def changed(**fields: Any) -> dict[str, Any]:
    return {k: v for k, v in {**GOOD, **fields}.items() if v != "absent"}


def test_an_array_and_lines_are_the_same() -> None:
    three = [GOOD, changed(key="visit 2"), changed(key="visit 3", signal="pm25", value=3.5)]
    found = parse(three)
    assert [i for i, _ in found] == [0, 1, 2]
    assert all(isinstance(e, Event) for _, e in found)
    assert parse("\n".join(json.dumps(r) for r in three).encode()) == found
    assert parse("\r\n\n".join(json.dumps(r) for r in three).encode()) == found


def test_what_may_be_left_out() -> None:
    ((_, event),) = parse([changed(report_time="absent", value="absent", imported="absent")])
    assert isinstance(event, Event)
    assert (event.report_time, event.value, event.imported) == (NOW, 1.0, "unknown")


def test_null_withdraws_a_measurement() -> None:
    ((_, event),) = parse([changed(signal="pm25", value=None)])
    assert isinstance(event, Event)
    assert math.isnan(event.value)


def test_a_record_may_come_by_file_or_push() -> None:
    mapping = """
    [sources.mapping]
    key = "id"
    reference = "day"
    report = "told"
    area = "where"
    signal = "flu"
    """
    row = ["visit 1", "2026-03-01", "2026-03-02T00:00:00Z", "11", "", ""]
    (by_file,) = events(read(as_csv([row]), settings(mapping)))
    ((_, by_push),) = parse([changed(imported="unknown")])
    assert by_push == by_file


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"source": "nobody"}, "unknown-source", "source"),
        ({"signal": "measles"}, "unknown-signal", "signal"),
        ({"key": ""}, "empty-required", "key"),
        ({"key": 7}, "bad-value", "key"),
        ({"key": "absent"}, "bad-value", ""),
        ({"reference_time": "soon"}, "bad-date", "reference_time"),
        ({"reference_time": "1899-12-31"}, "date-out-of-range", "reference_time"),
        ({"report_time": ""}, "bad-date", "report_time"),
        ({"reference_time": "2026-03-04"}, "reference-after-report", "reference_time"),
        ({"value": -1}, "bad-value", "value"),
        ({"value": 1e11}, "bad-value", "value"),
        ({"value": None}, "bad-value", "value"),
        ({"value": "1"}, "bad-value", "value"),
        ({"signal": "pm25", "value": "absent"}, "empty-required", "value"),
        ({"imported": "maybe"}, "bad-value", "imported"),
        ({"name": "of a person"}, "bad-value", ""),
    ],
)
def test_rules(fields: dict[str, Any], code: str, field: str) -> None:
    found = parse([GOOD, changed(**fields), GOOD])
    assert [i for i, _ in found] == [0, 1, 2]
    finding = found[1][1]
    assert isinstance(finding, Finding)
    assert (finding.code, finding.field, finding.line, finding.kept) == (code, field, 2, False)
    assert finding.message


def test_an_unknown_area_is_kept_under_the_root() -> None:
    (first, finding), (second, event) = parse([changed(area="99")])
    assert (first, second) == (0, 0)
    assert isinstance(finding, Finding)
    assert isinstance(event, Event)
    assert (finding.code, finding.kept, finding.key, event.area) == ("unknown-area", True, event.key, "1")


def test_lines_that_are_no_json_are_theirs_alone() -> None:
    good = json.dumps(GOOD).encode()
    found = parse(good + b"\n{broken\n\xff\xfe\n" + good)
    assert [(i, type(e)) for i, e in found] == [(0, Event), (1, Finding), (2, Finding), (3, Event)]


@pytest.mark.parametrize("body", [b"", b" \n", b"[", b"[{]", b"[" * 100_000])
def test_a_body_that_is_nothing(body: bytes) -> None:
    ((index, finding),) = parse(body)
    assert index == -1
    assert isinstance(finding, Finding)


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text() | st.floats(), st.lists).map(json.dumps).map(str.encode)
)
@how(max_examples=100, deadline=None)
def test_no_body_raises(body: bytes) -> None:
    for index, item in parse(body):
        assert index >= -1
        assert isinstance(item, Event | Finding)


@given(st.fixed_dictionaries({k: st.text(max_size=20) | st.integers() | st.just(v) for k, v in GOOD.items()}))
@how(max_examples=100, deadline=None)
def test_no_record_raises(record: dict[str, Any]) -> None:
    found = parse([record])
    assert found[-1][0] == 0
    assert isinstance(found[-1][1], Event | Finding)
