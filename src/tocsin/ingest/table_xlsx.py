"""Excel workbooks (.xlsx) as records, from one sheet. Pure."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any

from python_calamine import CalamineWorkbook

from tocsin.config import SourceTable
from tocsin.ingest.contract import BLOCK, MAX_WHOLE, Blocks, Broken, Header, Record, header, whole
from tocsin.ingest.values import text

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
    for number, row in rows:
        names = [text(cell) for cell in row]
        if not any(names):
            continue
        if head is None:
            if len(names) > 1 and sum(map(bool, names)) == 1:  # a caption over the whole table
                continue
            while names and not names[-1]:
                names.pop()
            head = header(names, number)
            yield head
        elif any(names[len(head.columns) :]):
            yield Broken(
                number,
                "wrong-column-count",
                f"a cell stands right of the last title ({head.columns[-1]}); give its column a title, or empty it",
            )
        else:
            yield Record(number, dict(zip(head.columns, [*row, *[None] * len(head.columns)], strict=False)), None)
    if head is None:
        yield Broken(0, "not-a-table", "the sheet is empty; name the sheet that holds the table: sheet = '…'")


def _rows(data: bytes, sheet: str) -> Iterator[tuple[int, list[Any]]] | Broken:
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    if sheet and sheet not in book.sheet_names:
        there = ", ".join(book.sheet_names)
        return Broken(0, "not-a-table", f"there is no sheet {sheet!r}; the workbook has: {there}. Change sheet = '…'")
    if not book.sheet_names:
        return Broken(0, "not-a-table", "the workbook has no sheet; save it again as .xlsx, or as CSV")
    found = book.get_sheet_by_name(sheet) if sheet else book.get_sheet_by_index(0)
    return enumerate(found.iter_rows(), 1)


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
