"""What a format's reader is given and what it gives back: the one contract of all sources. Pure.

A reader takes the source's settings and the file as blocks of bytes, and yields a `Header` (formats that have one),
then `Record`s and `Broken`s in the file's order. It never raises on any bytes and holds no more than a record (or, for
formats that need the whole file, no more than `MAX_WHOLE` bytes).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tocsin.config import SourceTable

BLOCK = 1 << 20  # bytes in every block but the last, however the stream was read
MAX_RECORD = 1 << 20  # bytes in one record
MAX_WHOLE = 512 << 20  # bytes of a Parquet, Excel or JSON-array file, which must be held whole
MAX_DOCUMENT = 128 << 20  # bytes of one JSON or XML document or feed, which takes some eight times its size to read
RAW = 64 << 10  # bytes of a bad record that are kept


class Header(NamedTuple):
    """The names of the columns, as the file has them (stripped, made unique with #2, #3, …).

    `advice` says where else the columns may be, if they are not there.
    """

    columns: tuple[str, ...]
    line: int
    duplicates: frozenset[str] = frozenset()
    advice: str = ""


class Broken(NamedTuple):
    """A stretch of the file that is no record; becomes a finding."""

    line: int
    code: str
    message: str
    raw: bytes = b""
    field: str = ""
    value: str = ""


class Record(NamedTuple):
    """One row: its 1-based line or row, its cells by column, its own bytes (None: the format has no lines).

    `withdrawn`: the source takes back what it said under this key. `notes`: what is odd about the record, though it is
    taken all the same.
    """

    line: int
    cells: dict[str, Any]
    raw: bytes | None
    withdrawn: bool = False
    notes: tuple[Broken, ...] = ()


class Usual(NamedTuple):
    """The columns of a format that stand in where the mapping names none; all columns of `key` must be filled."""

    key: tuple[str, ...] = ()
    reference: str = ""
    report: str = ""


class Cells(dict[str, Any]):
    """A record's plain cells; a column that is none of them is a path, which `find` follows into the record.

    `advice` says of columns what to do where they are empty.
    """

    def __init__(
        self, plain: dict[str, Any], find: Callable[[str], Any], advice: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__(plain)
        self.find = find
        self.advice = advice

    def get(self, key: str, default: Any = None) -> Any:
        """The cell, or what the path leads to; None if there is nothing."""
        return self[key] if key in self else self.find(key)


Blocks = Iterator[bytes | Broken]  # a Broken is the last item: the stream was torn there
Reader = Callable[[SourceTable, Blocks], Iterator[Header | Record | Broken]]


def header(names: list[str], line: int) -> Header:
    """A header from the cells of a title row: empty names become `column N`, later doubles get a number."""
    columns: dict[str, None] = {}  # a set that keeps order
    doubles = set()
    times: Counter[str] = Counter()
    for i, raw in enumerate(names, 1):
        name = plain = raw.strip().lstrip("\ufeff").strip() or f"column {i}"
        times[plain] += 1
        while name in columns:
            doubles.add(plain)
            times[plain] += name != plain
            name = f"{plain}#{max(times[plain], 2)}"
        columns[name] = None
    return Header(tuple(columns), line, frozenset(doubles))


def whole(blocks: Blocks, most: int = MAX_WHOLE) -> bytes | Broken:
    """All bytes of a file that cannot be read in pieces; Broken if it is torn or larger than `most`."""
    held: list[bytes] = []
    size = 0
    for block in blocks:
        if isinstance(block, Broken):
            return block
        size += len(block)
        if size > most:
            limit = most >> 20
            return Broken(0, "too-long", f"the file is over {limit} MB; split it, or send it as CSV, which is streamed")
        held.append(block)
    return b"".join(held)
