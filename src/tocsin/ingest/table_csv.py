"""Delimited text (RFC 4180, any one-letter delimiter) as records, a bad row never hurting its neighbours. Pure."""

import csv
import re
from collections.abc import Iterator

from tocsin.config import SourceTable
from tocsin.ingest.contract import MAX_RECORD, RAW, Blocks, Broken, Header, Record, header
from tocsin.ingest.lines import Line, lines

_SEPARATOR = re.compile(r"sep=([^\r\n\"])")  # which delimiter: Excel's own first line
MAX_SPAN = 200  # lines that one quoted record may take


def read(source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """The title row, then one record a row. `Record.line` is the line the record begins on.

    Captions above the titles, with one cell alone, are left out.
    """
    feed = _Feed(lines(blocks, source.encoding))
    delimiter, blank = source.delimiter, source.delimiter + " \t"
    head: Header | None = None
    for item in feed:
        if isinstance(item, Broken):
            yield item if head else _no_header(item)
            if head is None:
                return
            continue
        number, text, raw = item
        if not text.strip(blank):
            continue
        if head is None and (mark := _SEPARATOR.fullmatch(text.strip(blank))):
            delimiter, blank = mark[1], mark[1] + " \t"
            continue
        if '"' in text:
            row, raw = _quoted(item, feed, delimiter, len(head.columns) if head else 0)
            if row and not any(row):
                continue
        else:
            row = text.split(delimiter)
        if head is None:
            if _is_caption(row, feed, delimiter):
                continue
            head = header(row, number) if row else None
            yield head or _no_header(Broken(number, "", "a quote in it is never closed", raw[:RAW]))
            if head is None:
                return
            continue
        yield _record(head.columns, row, number, raw)


def _is_caption(row: list[str], feed: "_Feed", delimiter: str) -> bool:
    """Whether a row above the titles is no title row: of its cells one is filled, or half as many as in the next."""
    filled = sum(bool(cell.strip()) for cell in row)
    if len(row) > 1 and filled == 1:
        return True
    following = next((i for i in feed if isinstance(i, Broken) or i[1].strip()), None)
    if following is not None:
        feed.back.append(following)
    if following is None or isinstance(following, Broken):
        return False
    below = [cell for cell in following[1].strip("\r\n").split(delimiter) if cell.strip()]
    return 2 * filled <= len(below) if len(row) > 1 else following[1].count(delimiter) > 1


def _record(columns: tuple[str, ...], row: list[str], number: int, raw: bytes) -> Record | Broken:
    if len(row) > len(columns) and not any(cell.strip() for cell in row[len(columns) :]):
        row = row[: len(columns)]  # spreadsheets leave commas behind
    if len(row) == len(columns):
        return Record(number, dict(zip(columns, row, strict=True)), raw)
    if not row:
        why = "a quote in it is never closed; close it, or double it if it is part of the text"
        return Broken(number, "wrong-column-count", f"the record cannot be read: {why}", raw[:RAW])
    return Broken(
        number,
        "wrong-column-count",
        f"{len(row)} columns where the title row has {len(columns)}; quote cells that hold the delimiter or a line end",
        raw[:RAW],
    )


class _Feed:
    """Lines one after another, which can be put back."""

    def __init__(self, source: Iterator[Line | Broken]) -> None:
        self.source = source
        self.back: list[Line | Broken] = []

    def __iter__(self) -> Iterator[Line | Broken]:
        return self

    def __next__(self) -> Line | Broken:
        return self.back.pop() if self.back else next(self.source)


def _quoted(first: Line, feed: _Feed, delimiter: str, width: int) -> tuple[list[str], bytes]:
    """The cells of a record with quotes, which may go over several lines, and its bytes.

    Lines are joined until quotes are even. If that gives no single row (of the header's width, where lines were
    joined), the first line stands alone and the others are put back: an open quote costs one record, not the file.
    """
    taken = [first]
    odd = first[1].count('"') % 2
    size = len(first[2])
    while odd and len(taken) < MAX_SPAN and size < MAX_RECORD:
        item = next(feed, None)
        if item is None:
            break
        if isinstance(item, Broken):
            feed.back.append(item)
            break
        taken.append(item)
        size += len(item[2])
        odd = (odd + item[1].count('"')) % 2
    if len(taken) > 1:
        row = [] if odd else _row([text for _, text, _ in taken], delimiter)
        if row and width in (0, len(row)):
            return row, b"\n".join(raw for _, _, raw in taken)
        feed.back.extend(reversed(taken[1:]))
    return _row([first[1]], delimiter), first[2]


def _row(texts: list[str], delimiter: str) -> list[str]:
    """The one row that the lines make; empty if they make none, or several, or leave a quote open."""
    try:
        rows = list(csv.reader([t + "\n" for t in texts], delimiter=delimiter, strict=True))
    except csv.Error:
        return _lenient(texts[0], delimiter) if len(texts) == 1 else []
    return rows[0] if len(rows) == 1 else []


def _lenient(text: str, delimiter: str) -> list[str]:
    """A single line with stray quotes (12" pipe), taken as it stands if it does not begin a quoted cell."""
    cells = text.split(delimiter)
    return [] if any(cell.lstrip().startswith('"') for cell in cells) else cells


def _no_header(broken: Broken) -> Broken:
    message = f"the first line is no title row: {broken.message}"
    return broken._replace(code="not-a-table" if broken.code != "truncated" else broken.code, message=message)
