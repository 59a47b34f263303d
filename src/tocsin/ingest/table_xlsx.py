"""Excel workbooks (.xlsx) as records, from one sheet. Pure."""

import io
import itertools
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from python_calamine import CalamineSheet, CalamineWorkbook

from tocsin.config import SourceTable
from tocsin.ingest.contract import BLOCK, MAX_WHOLE, Blocks, Broken, Header, Record, header, whole
from tocsin.ingest.values import text

LOOK = 20  # rows in which the titles are looked for
MAX_CELLS = 1 << 25
_REFERENCE = re.compile(rb"""\sr\s*=\s*["']([A-Z]{1,3})(\d{1,7})["']""")


def read(source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """The first row with more than a caption in it, then one record a row. `Record.line` is the sheet's row number."""
    data = whole(blocks)
    problem = data if isinstance(data, Broken) else _unsafe(data)
    if problem or isinstance(data, Broken):
        yield problem or Broken(0, "not-a-table", "")
        return
    try:
        rows = _rows(data, source.sheet)
    except BaseException as e:  # the Rust reader's panics are no Exception
        if isinstance(e, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise
        yield Broken(0, "not-a-table", f"cannot be read as an Excel workbook ({e}); save it again as .xlsx, or as CSV")
        return
    if isinstance(rows, Broken):
        yield rows
        return
    head: Header | None = None
    there = ", ".join(rows.others)[:500]
    silent = True
    for number, row in _titled(rows.rows):
        names = [text(cell) for cell in row]
        if not any(names):
            continue
        silent &= head is None
        if head is None:
            while names and not names[-1]:
                names.pop()
            more = f"; the workbook has more sheets, and sheet = '…' names one: {there}" if there else ""
            head = header(names, number)._replace(advice=more)
            yield head
        elif any(names[len(head.columns) :]):
            yield Broken(
                number,
                "wrong-column-count",
                f"a cell stands right of the last title ({head.columns[-1]}); give its column a title, or empty it",
            )
        else:
            yield Record(number, dict(zip(head.columns, [*row, *[None] * len(head.columns)], strict=False)), None)
    if silent and rows.others:
        message = f"the sheet {rows.name} holds no records, but the workbook has more: {there}. Write sheet = '…'"
        yield Broken(0, "not-a-table", message)
    elif head is None:
        yield Broken(0, "not-a-table", "the sheet is empty; name the sheet that holds the table: sheet = '…'")


def sheets(data: bytes) -> list[str]:
    """The names of a workbook's sheets, none of one that cannot be read."""
    try:
        return [] if _unsafe(data) else list(CalamineWorkbook.from_filelike(io.BytesIO(data)).sheet_names)
    except BaseException as e:  # as above
        if isinstance(e, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise
        return []


class _Sheet(NamedTuple):
    """A sheet's rows by number, its name, and those of the others."""

    rows: Iterator[tuple[int, list[Any]]]
    name: str
    others: list[str]


def _titled(rows: Iterator[tuple[int, list[Any]]]) -> Iterator[tuple[int, list[Any]]]:
    """The rows from the titles on; titles in two rows, groups above, are one."""
    first = list(itertools.islice(rows, LOOK))
    filled = [sum(bool(text(cell)) for cell in row) for _, row in first]
    start = 0
    while start < len(first) and (2 * filled[start] <= max(filled[start + 1 :], default=0) or (
        filled[start] == 1 and len(first[start][1]) > 1
    )):  # a caption, over the whole table or beside another  # fmt: skip
        start += 1
    if start + 1 < len(first) and _goes_on(first[start][1], first[start + 1][1]):
        number, above = first[start]
        below = first[start + 1][1]
        first[start + 1] = (number, [b if text(b) else a for a, b in itertools.zip_longest(above, below)])
        start += 1
    return itertools.chain(first[start:], rows)


def _goes_on(titles: list[Any], below: list[Any]) -> bool:
    """Whether a row has titles for the columns that the row above leaves open, under the groups in it."""
    there = [bool(text(cell)) for cell in titles]
    under = [bool(text(cell)) for cell in below]
    last = max((i for i, t in enumerate(there) if t), default=0)
    words = all(isinstance(cell, str) for cell, u in zip(below, under, strict=True) if u)
    open_ = [i for i, t in enumerate(there) if not t and i < last + 2]
    return (
        bool(open_) and words and any(under) and not under[0] and there[0] and all(under[i] for i in open_ if i < last)
    )


def _rows(data: bytes, sheet: str) -> _Sheet | Broken:
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    if sheet and sheet not in book.sheet_names:
        there = ", ".join(book.sheet_names)
        return Broken(0, "not-a-table", f"there is no sheet {sheet!r}; the workbook has: {there}. Change sheet = '…'")
    if not book.sheet_names:
        return Broken(0, "not-a-table", "the workbook has no sheet; save it again as .xlsx, or as CSV")
    found = book.get_sheet_by_name(sheet) if sheet else book.get_sheet_by_index(0)
    return _Sheet(_filled(found), found.name, [n for n in book.sheet_names if n != found.name])


def _filled(sheet: CalamineSheet) -> Iterator[tuple[int, list[Any]]]:
    """The rows by number; cells that are merged downwards all have what stands in them."""
    down = {(top, column): bottom for (top, column), (bottom, right) in sheet.merged_cell_ranges or []
            if bottom > top and right == column}  # fmt: skip
    held: dict[int, tuple[int, Any]] = {}  # column → last row of the merged cell, and its value
    for at, row in enumerate(sheet.iter_rows()):
        for column, cell in enumerate(row) if down else ():
            if (at, column) in down:
                held[column] = down[at, column], cell
            elif column in held and at <= held[column][0] and not text(cell):
                row[column] = held[column][1]
        yield at + 1, row


def _unsafe(data: bytes) -> Broken | None:
    """What is wrong with the zip itself: torn, or unpacking to more bytes, or to a wider sheet, than may be held.

    The Excel reader makes room for the whole rectangle up to the farthest cell, so one cell in the far corner of a
    sheet would take all memory there is.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(part.file_size for part in packed.infolist()) > MAX_WHOLE:
                limit = MAX_WHOLE >> 20
                return Broken(0, "too-long", f"the workbook unpacks to over {limit} MB; save it as CSV instead")
            for part in packed.infolist():  # reading checks sizes and sums, which may lie
                with packed.open(part) as stream:
                    if _cells(stream) > MAX_CELLS:
                        message = "a cell stands so far from the others that the sheet cannot be held; save it as CSV"
                        return Broken(0, "too-long", message)
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, EOFError) as e:
        return Broken(0, "not-a-table", f"cannot be read as an Excel workbook ({e}); save it again as .xlsx, or as CSV")
    return None


def _cells(stream: IO[bytes]) -> int:
    """The size of the rectangle from A1 to the farthest column and row that a part's XML names."""
    columns, rows, tail = {b"A"}, 1, b""
    while block := stream.read(BLOCK):
        found = _REFERENCE.findall(tail + block)
        columns.update([c for c, _ in found])
        rows = max(rows, *(int(r) for _, r in found)) if found else rows
        tail = block[-32:]
    return rows * max(_position(c) for c in columns)


def _position(column: bytes) -> int:
    """A column's number: A is 1, Z 26, AA 27."""
    number = 0
    for letter in column:
        number = number * 26 + letter - 64
    return number
