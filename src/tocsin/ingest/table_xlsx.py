"""Excel workbooks (.xlsx) as records, from one sheet. Pure."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from python_calamine import CalamineWorkbook

from tocsin.config import SourceTable
from tocsin.ingest.contract import MAX_WHOLE, Blocks, Broken, Header, Record, header, whole
from tocsin.ingest.values import text


def read(source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """The first row with anything in it, then one record a row. `Record.line` is the sheet's own row number."""
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
    return enumerate(found.to_python(skip_empty_area=False), 1)


def _unsafe(data: bytes) -> Broken | None:
    """What is wrong with the zip itself: torn, or unpacking to more than may be held."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            size = sum(part.file_size for part in packed.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as e:
        return Broken(0, "not-a-table", f"cannot be read as an Excel workbook ({e}); save it again as .xlsx, or as CSV")
    if size > MAX_WHOLE:
        return Broken(0, "too-long", f"the workbook unpacks to over {MAX_WHOLE >> 20} MB; save it as CSV instead")
    return None
