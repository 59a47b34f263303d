"""Bytes of every untidy kind: encodings, gzip, endless lines, NUL bytes, quotes."""

import gzip
import io
import resource
import zlib

import pytest

from tables import COLUMNS, GOOD, MAPPING, as_csv, codes, events, findings, read, settings
from tocsin.ingest.contract import MAX_RECORD, RAW

TEXT = as_csv(GOOD).decode()
EXPECTED = read(as_csv(GOOD))
HEAD = ",".join(COLUMNS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-32"])
def test_the_encoding_is_found(encoding: str) -> None:
    assert read(TEXT.encode(encoding)) == EXPECTED


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16-le", "big5", "UTF_16BE"])
def test_the_encoding_is_declared(encoding: str) -> None:
    text = TEXT.replace("流感", "flu").replace("尘", "pm25").replace("2026年3月4日", "2026-03-04")
    city = settings(
        MAPPING.replace(', map = { "流感" = "flu", "尘" = "pm25" }', ""),
        source=f'encoding = "{encoding}"',
    )
    assert len(events(read(text.encode(encoding), city))) == len(GOOD)


def test_one_line_in_another_encoding_is_one_finding() -> None:
    lines = TEXT.encode().split(b"\r\n")
    lines.insert(2, "x,2026-03-01,2026-03-02,11,流感,1".encode("gb18030"))
    items = read(b"\r\n".join(lines))
    assert events(items) == EXPECTED
    (found,) = findings(items)
    assert (found.code, found.line) == ("bad-encoding", 3)
    assert found.raw == lines[2] + b"\r"


def test_nul_bytes_cost_their_line() -> None:
    lines = TEXT.encode().split(b"\r\n")
    lines.insert(3, b"x,2026-03-01\0,2026-03-02,11,flu,1")
    items = read(b"\r\n".join(lines))
    assert events(items) == EXPECTED
    assert [(f.code, f.line) for f in findings(items)] == [("bad-encoding", 4)]


def test_old_line_ends() -> None:
    assert read(TEXT.replace("\r\n", "\r").encode()) == EXPECTED
    assert read(TEXT.replace("\r\n", "\n").encode()) == EXPECTED
    assert read(TEXT.replace("\r\n", "\n").strip().encode()) == EXPECTED


class Endless(io.RawIOBase):
    """A good beginning, one line of `size` bytes, a good end; never held anywhere."""

    def __init__(self, head: bytes, size: int, tail: bytes) -> None:
        self.parts = [head, *[b"x" * MAX_RECORD] * (size // MAX_RECORD), b"\n" + tail]

    def read(self, size: int = -1) -> bytes:
        return self.parts.pop(0) if self.parts else b""


def test_an_endless_line_is_not_held() -> None:
    lines = TEXT.encode().splitlines(keepends=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    items = read(Endless(b"".join(lines[:3]), 300 * MAX_RECORD, b"".join(lines[3:])))
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert events(items) == EXPECTED
    (found,) = findings(items)
    assert (found.code, found.line, len(found.raw)) == ("too-long", 4, RAW)
    assert grown_mb < 60


def test_lines_after_a_long_one_keep_their_numbers() -> None:
    data = f"{HEAD}\n{'x' * (2 * MAX_RECORD)}\ne,yesterday,2026-03-05,11,流感,1\n".encode()
    assert [(f.code, f.line) for f in findings(read(data))] == [("too-long", 2), ("bad-date", 3)]


def test_torn_gzip_gives_what_came_before() -> None:
    rows = [[str(i), "2026-03-01", "2026-03-02", "11", "流感", str(i)] for i in range(20_000)]
    packed = gzip.compress(as_csv(rows), mtime=0)
    items = read(packed[: len(packed) // 2])
    assert items[-1].code == "truncated"  # type: ignore[union-attr] # it is a finding, or the test fails
    assert codes(items) == ["truncated"]
    assert 1000 < len(events(items)) < 20_000
    assert events(items) == events(read(as_csv(rows)))[: len(events(items))]


def test_gzip_that_is_none() -> None:
    (found,) = read(b"\x1f\x8bnot gzip at all")
    assert found.code == "truncated"  # type: ignore[union-attr] # it is a finding, or the test fails
    assert codes(read(gzip.compress(as_csv(GOOD))[:11])) == ["truncated"]


def test_gzip_members_and_padding() -> None:
    data = as_csv(GOOD)
    assert read(gzip.compress(data[:50]) + gzip.compress(data[50:]) + b"\0" * 512) == EXPECTED
    assert codes(read(gzip.compress(data) + b"garbage")) == ["truncated"]


def test_a_gzip_bomb_stops() -> None:
    pack = zlib.compressobj(9, wbits=31)
    million = (HEAD + "\n").encode() + b"x" * 1_000_000
    bomb = b"".join(pack.compress(million) for _ in range(90)) + pack.flush()
    assert codes(read(bomb))[-1] == "too-long"
    assert "unpacks to" in findings(read(bomb))[-1].message


def test_quoted_line_ends_count_as_lines() -> None:
    data = f'{HEAD},remark\na,2026-03-01,2026-03-02,11,流感,1,"two\nlines, ""quoted"""\nb,never,,,,,\n'.encode()
    items = read(data)
    assert len(events(items)) == 1
    assert {f.line for f in findings(items)} == {4}


def test_a_cell_may_begin_with_a_line_end_and_a_row_may_be_all_quotes() -> None:
    data = f'{HEAD}\n"\nx",2026-03-01,2026-03-02,11,流感,1\n"","","","","",""\n\n,,,,,\n'.encode()
    assert len(events(read(data))) == len(read(data)) == 1


def test_an_open_quote_costs_one_record() -> None:
    lines = TEXT.encode().splitlines(keepends=True)
    items = read(b"".join([*lines[:3], b'x,"2026-03-01,2026-03-02,11,flu,1\r\n', *lines[3:]]))
    assert events(items) == EXPECTED
    assert [(f.code, f.line) for f in findings(items)] == [("wrong-column-count", 4)]


def test_two_open_quotes_do_not_swallow_what_is_between() -> None:
    lines = TEXT.encode().splitlines(keepends=True)
    bad = b'x,"2026-03-01,2026-03-02,11,flu,1\r\n'
    items = read(b"".join([*lines[:3], bad, lines[3], bad, *lines[4:]]))
    assert events(items) == EXPECTED
    assert [(f.code, f.line) for f in findings(items)] == [("wrong-column-count", 4), ("wrong-column-count", 6)]


def test_a_stray_quote_is_text() -> None:
    data = f'{HEAD},remark\na,2026-03-01,2026-03-02,11,流感,1,12" pipe\nb,2026-03-01,2026-03-02,11,流感,1,\n'.encode()
    assert len(events(read(data))) == 2


def test_too_few_and_too_many_cells() -> None:
    data = f"{HEAD}\na,2026-03-01,2026-03-02\n{','.join(GOOD[0])},,,\n{','.join(GOOD[0])},extra\n".encode()
    items = read(data)
    assert len(events(items)) == 1
    assert [(f.code, f.line) for f in findings(items)] == [("wrong-column-count", 2), ("wrong-column-count", 4)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\1\2\3" * 99,
        b"%PDF-1.7 ...",
        b"\xd0\xcf\x11\xe0" + b"x" * 99,
        b"PK\x03\x04nonsense",
        b"PAR1nonsensePAR1",
    ],
    ids=["empty", "binary", "pdf", "xls", "zip", "parquet"],
)
def test_what_is_no_table_is_one_finding(data: bytes) -> None:
    (found,) = findings(read(data))
    assert found.code == "not-a-table"
    assert not events(read(data))


def test_a_format_that_was_declared_wrong() -> None:
    (found,) = findings(read(b"PK\x03\x04...", settings(source='format = "csv"')))
    assert found.code == "not-a-table"
    assert "xlsx" in found.message
