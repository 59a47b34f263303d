"""What every source format must keep to, and wrong readers that the checks must catch."""

import functools
import io
import random
import typing
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from messages import SAMPLES
from tables import COLUMNS, FIRST_LINE, GOOD, MAPPING, WRITERS, codes, events, findings, settings
from tables import read as read_as
from tocsin import ingest
from tocsin.config import OWN_TIME, Format, Settings, SourceTable
from tocsin.ingest import stream
from tocsin.ingest.contract import Blocks, Broken, Header, Reader, Record
from tocsin.types import Event, Finding

BAD = ["e", "yesterday", "2026-03-05", "11", "流感", "1"]
WRITE: dict[str, Callable[[Sequence[Sequence[str]]], bytes]] = {
    **WRITERS, **{name: sample.write for name, sample in SAMPLES.items()}
}  # fmt: skip
SILENT = ["e", "2026-03-05", "2026-03-06", "11", "流感", ""]  # a case without its number
ALL = pytest.mark.parametrize("name", WRITE)
AS_TEXT = ("csv", "jsonl", "hl7", "nwss", "json|lines", "fhir|lines")  # which do not know that they were cut


@functools.cache
def city(name: str) -> Settings:
    """The test city, its source set up for a format."""
    return settings(*SAMPLES[name].mapping(name)) if name in SAMPLES else settings()


def read(name: str, data: Any) -> list[Event | Finding]:
    return read_as(data, city(name))


def as_table(name: str, rows: Sequence[Sequence[str]]) -> list[Event | Finding]:
    """What the same rows say as a plain table; its keys are the ids where the format's are."""
    if name not in SAMPLES:
        return read("csv", WRITERS["csv"](rows))
    prefix = "urn:" if name == "ngsi-ld" else ""
    return read_as(WRITERS["csv"]([[prefix + r[0], *r[1:]] for r in rows]), settings(MAPPING + 'key = "id"'))


def line_of(name: str, at: int) -> int:
    return SAMPLES[name].line(at) if name in SAMPLES else FIRST_LINE[name] + at


class Dribble(io.RawIOBase):
    """A stream that gives a few bytes at a time, as sockets do."""

    def __init__(self, data: bytes, seed: int) -> None:
        self.inner, self.chance = io.BytesIO(data), random.Random(seed)

    def read(self, size: int = -1) -> bytes:
        return self.inner.read(self.chance.randint(1, 7))


def check_same_events(name: str) -> None:
    """The same rows in any format are the same events, keys and all."""
    assert read(name, WRITE[name](GOOD)) == as_table(name, GOOD)
    assert len(events(read(name, WRITE[name](GOOD)))) == len(GOOD)


def check_deterministic(name: str) -> None:
    """The same bytes give the same items in the same order, also after other files."""
    data = WRITE[name]([*GOOD, BAD])
    first = read(name, data)
    read(name, WRITE[name](GOOD[::-1]))
    assert read(name, data) == first


def check_chunking_free(name: str) -> None:
    """It does not matter in what pieces the bytes come."""
    data = WRITE[name]([*GOOD, BAD])
    assert read(name, Dribble(data, 1)) == read(name, data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "BLOCK", 5)
        small = read(name, data)
    assert small == read(name, data)


def check_bad_neighbours(name: str) -> None:
    """A bad row costs itself, wherever it stands."""
    without = events(read(name, WRITE[name](GOOD)))
    for at in range(len(GOOD) + 1):
        items = read(name, WRITE[name]([*GOOD[:at], BAD, *GOOD[at:]]))
        assert events(items) == without
        assert codes(items) == ["bad-date"]


def check_lines(name: str) -> None:
    """A finding names the line (or row) it stands on, and keeps the record."""
    for at in range(len(GOOD) + 1):
        (found,) = findings(read(name, WRITE[name]([*GOOD[:at], BAD, *GOOD[at:]])))
        assert found.line == line_of(name, at)
        if name in SAMPLES:
            shown = SAMPLES[name].bad
            field = "period" if name.partition("|")[0] == "dhis2" else SAMPLES[name].columns[1]
        else:
            shown, field = "yesterday", "day"
        assert (found.field, found.value) == (field, shown)
        assert (b"yesterday" if shown == "yesterday" else b"\x0a\x01e") in found.raw


def check_nothing_carried_over(name: str) -> None:
    """What a record does not say is not taken from the one before it."""
    for at in range(len(GOOD) + 1):
        items = read(name, WRITE[name]([*GOOD[:at], SILENT, *GOOD[at:]]))
        assert events(items) == events(read(name, WRITE[name](GOOD)))
        assert len(findings(items)) == 1


def check_order_free(name: str) -> None:
    """Rows in another order are the same events in another order."""
    assert sorted(events(read(name, WRITE[name](GOOD[::-1])))) == sorted(events(read(name, WRITE[name](GOOD))))


def check_torn(name: str) -> None:
    """A file cut anywhere gives a beginning of its events or none, never a wrong one, and never an exception."""
    data = WRITE[name](GOOD)
    whole = events(read(name, data))
    for cut in range(0, len(data), max(1, len(data) // 60)):
        found = events(read(name, data[:cut]))
        if (
            not name.startswith(AS_TEXT) or name == "csv.gz"
        ):  # text does not know that it was cut: its last record may be half
            assert found == whole[: len(found)]
        else:
            assert found[:-1] == whole[: max(len(found) - 1, 0)]


CHECKS: list[Callable[[str], None]] = [
    check_same_events,
    check_deterministic,
    check_chunking_free,
    check_bad_neighbours,
    check_lines,
    check_nothing_carried_over,
    check_order_free,
    check_torn,
]


@ALL
@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
def test_a_format_keeps_to_the_contract(name: str, check: Callable[[str], None]) -> None:
    check(name)


def test_every_format_is_checked() -> None:
    assert set(ingest.FORMATS) <= set(WRITE)
    assert set(ingest.FORMATS) | {"auto"} == set(typing.get_args(Format))
    assert set(ingest.USUAL) == OWN_TIME


@pytest.mark.parametrize("declared", ["auto", *ingest.FORMATS])
@given(data=st.binary(max_size=300))
@how(max_examples=60, deadline=None)
def test_no_bytes_raise(declared: str, data: bytes) -> None:
    for item in _read_as(declared, data):
        assert isinstance(item, Event | Finding)


@ALL
@given(damage=st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=4)), min_size=1, max_size=4))
@how(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_damage_raises(name: str, damage: list[tuple[int, bytes]]) -> None:
    data = WRITE[name](GOOD)
    for where, new in damage:
        at = where % len(data)
        data = data[:at] + new + data[at + 1 :]
    for item in read(name, data):
        assert isinstance(item, Event | Finding)
        if isinstance(item, Finding):
            assert item.message
            assert item.code


def _read_as(declared: str, data: bytes) -> list[Event | Finding]:
    return read_as(data, settings(MAPPING, source=f'format = "{declared}"'))


# ── readers that are wrong, each in one way ──


def _rows(data: bytes, first: int = 2) -> Iterator[Header | Record | Broken]:
    lines = data.decode().replace("\r", "").split("\n")
    yield Header(COLUMNS, 1)
    for number, line in enumerate(lines[1:], first):
        if line:
            yield Record(number, dict(zip(COLUMNS, line.split(","), strict=False)), line.encode())


def _whole(blocks: Blocks) -> bytes:
    return b"".join(b for b in blocks if isinstance(b, bytes))


def raises(_source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    for item in _rows(_whole(blocks)):
        if isinstance(item, Record) and item.cells["day"] == "yesterday":
            raise ValueError(item)
        yield item


def counts_from_zero(_source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    return _rows(_whole(blocks), first=1)


def drops_doubles(_source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    seen = set()
    for item in _rows(_whole(blocks)):
        if isinstance(item, Record) and item.raw in seen:
            continue
        if isinstance(item, Record):
            seen.add(item.raw)
        yield item


def stops_at_bad(_source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    for item in _rows(_whole(blocks)):
        yield item
        if isinstance(item, Record) and item.cells["day"] == "yesterday":
            return


def cuts_at_blocks(_source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    yield Header(COLUMNS, 1)
    number = 1
    for block in blocks:
        assert isinstance(block, bytes)
        for line in block.decode("utf-8", "replace").replace("\r", "").split("\n"):
            if line and line != ",".join(COLUMNS):
                number += 1
                yield Record(number, dict(zip(COLUMNS, line.split(","), strict=False)), line.encode())


def carries_over(_source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    before: dict[str, Any] = {}
    for item in _rows(_whole(blocks)):
        if isinstance(item, Record):
            before = {name: cell or before.get(name, "") for name, cell in item.cells.items()}
            yield item._replace(cells=before)
        else:
            yield item


_last: list[Record] = []


def remembers(_source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    yield Header(COLUMNS, 1)
    yield from _last
    _last.clear()
    for item in _rows(_whole(blocks)):
        if isinstance(item, Record):
            _last[:] = [item]
            yield item


def drops_the_last(_source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    items = list(_rows(_whole(blocks)))
    return iter(items[:-1])


def keeps_no_bytes(_source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    return (i._replace(raw=b"") if isinstance(i, Record) else i for i in _rows(_whole(blocks)))


WRONG: list[Reader] = [
    raises,
    counts_from_zero,
    drops_doubles,
    stops_at_bad,
    cuts_at_blocks,
    carries_over,
    remembers,
    drops_the_last,
    keeps_no_bytes,
]


def test_a_right_reader_of_the_gallery_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ingest.FORMATS, "csv", lambda _source, blocks: _rows(_whole(blocks)))
    for check in CHECKS[:-1]:
        check("csv")


@pytest.mark.parametrize("wrong", WRONG, ids=lambda r: r.__name__)
def test_a_wrong_reader_is_caught(wrong: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ingest.FORMATS, "csv", wrong)
    caught = []
    for check in CHECKS[:-1]:
        try:
            check("csv")
        except (AssertionError, ValueError):
            caught.append(check.__name__)
    assert caught
