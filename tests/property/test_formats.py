"""No message of any standard makes a reader raise, however odd what stands in it."""

import functools
import json

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from messages import SAMPLES, field
from tables import GOOD, read, settings
from tocsin.config import Settings
from tocsin.ingest.classify import made
from tocsin.types import Event, Finding

NAMES = st.sampled_from(
    [
        "resourceType",
        "entry",
        "resource",
        "fullUrl",
        "id",
        "status",
        "period",
        "start",
        "encounter",
        "reference",
        "code",
        "coding",
        "text",
        "issue",
        "meta",
        "request",
        "method",
        "dataValues",
        "events",
        "enrollments",
        "dataElement",
        "orgUnit",
        "value",
        "deleted",
        "occurredAt",
        "service_request_id",
        "description",
        "result",
        "Datastream",
        "Observations",
        "dataArray",
        "components",
        "phenomenonTime",
        "@iot.id",
        "Thing",
        "Locations",
        "location",
        "coordinates",
        "type",
        "data",
        "observedAt",
        "dateObserved",
        "@value",
        "datasetId",
        "reasonCode",
        "verificationStatus",
        "/i",
    ]
)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
    | st.sampled_from(["Bundle", "Patient",
                       "Encounter", "Condition", "OperationOutcome", "Notification", "Property", "urn:x", "DELETE",
                       "2026-03-02", "2026W10", "11", "flu"])
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda v: st.lists(v, max_size=4) | st.dictionaries(NAMES | st.text(max_size=3), v, max_size=6),
    max_leaves=25,
)
DOCUMENTS = ["json", "fhir", "dhis2", "dhis2-tracker", "open311", "sensorthings", "ngsi-ld"]


@functools.cache
def city(name: str) -> Settings:
    return settings(*SAMPLES[name].mapping(name))


def check(name: str, data: bytes) -> None:
    for item in read(data, city(name)):
        assert isinstance(item, Event | Finding)
        if isinstance(item, Finding):
            assert item.message
            assert item.code
        else:
            assert item.key


@pytest.mark.parametrize("name", DOCUMENTS)
@given(value=VALUES, lines=st.booleans())
@how(max_examples=150, deadline=None)
def test_no_json_raises(name: str, value: object, lines: bool) -> None:
    data = json.dumps(value).encode("utf-8", "surrogatepass")
    check(name, b"\n".join([data, data]) if lines else data)


@pytest.mark.parametrize("name", ["hl7-adt", "hl7-oru"])
@given(
    segments=st.lists(
        st.sampled_from(["MSH|^~\\&|",
                         "MSH|^~\\&||a|||2026||ADT^A04|", "OBR|1|", "OBX|1|CWE|", "PV1|", "BTS|", "\x0b", "SPM|"])
        .flatmap(lambda s: st.text(st.sampled_from("|^~\\&XH.af09\r\n发\x1c\x0b"), max_size=30).map(lambda t: s + t)),
        max_size=8,
    ),
    encoding=st.sampled_from(["utf-8", "gb18030", "utf-16"]),
)  # fmt: skip
@how(max_examples=300, deadline=None)
def test_no_segments_raise(name: str, segments: list[str], encoding: str) -> None:
    check(name, "\r".join(segments).encode(encoding))


FIELDS = st.recursive(
    st.binary(max_size=6) | st.integers(0, 1 << 64) | st.floats(width=32, allow_nan=True).map(float),
    lambda v: st.lists(st.tuples(st.integers(1, 12), v), max_size=4).map(lambda f: b"".join(field(n, x) for n, x in f)),
    max_leaves=12,
)


@given(st.lists(st.tuples(st.integers(1, 4), FIELDS), max_size=6), st.integers(0, 8))
@how(max_examples=300, deadline=None)
def test_no_protocol_buffer_raises(parts: list[tuple[int, bytes | int | float]], cut: int) -> None:
    data = b"".join(field(n, x) for n, x in parts)
    check("gtfs-rt", data[: max(len(data) - cut, 0)])


@pytest.mark.parametrize("name", SAMPLES)
@given(st.data())
@how(max_examples=60, deadline=None)
def test_no_piece_of_a_sample_raises(name: str, data: st.DataObject) -> None:
    whole = SAMPLES[name].write(GOOD)
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    check(name, whole[:first] + whole[last:])
    check(name, whole[first:last])


@given(st.text(max_size=200), st.text(max_size=40))
@how(max_examples=300, deadline=None)
def test_no_complaint_raises(said: str, codes: str) -> None:
    table = made(())
    assert table.found(said, codes) <= table.names


@given(st.sampled_from(["发热", "咳嗽", "腹泻"]), st.sampled_from(["发热", "咳嗽", "腹泻"]))
def test_denial_of_one_says_nothing_of_the_other(one: str, other: str) -> None:
    table = made(())
    assert table.found(f"无{one}，{other}3天", "") == table.found(other, "")
