"""JSON lines (one object a line) and JSON arrays of objects as records. Pure."""

import itertools
from collections.abc import Iterator
from typing import Any

import msgspec

from tocsin.config import SourceTable
from tocsin.ingest.contract import RAW, Blocks, Broken, Header, Record, whole
from tocsin.ingest.lines import head_text, lines


def read(source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """One record an object. `Record.line` is the line, or the position in an array. A missing name is an empty cell."""
    first = next(blocks, b"")
    together: Blocks = itertools.chain([first], blocks)
    if isinstance(first, bytes) and head_text(first).lstrip().startswith("["):
        yield from _array(together)
        return
    for item in lines(together, source.encoding):
        if isinstance(item, Broken):
            yield item
        elif item[1].strip():
            number, text, raw = item
            yield _object(number, text, raw)


def _array(blocks: Blocks) -> Iterator[Record | Broken]:
    data = whole(blocks)
    if isinstance(data, Broken):
        yield data._replace(message=f"{data.message}; or as JSON lines (one object a line), of which nothing is lost")
        return
    try:
        items = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError, UnicodeError) as e:
        yield Broken(
            0, "not-a-table", f"begins like a JSON array but is none ({e}); send one object a line", data[:RAW]
        )
        return
    for i, item in enumerate(items, 1):
        yield _object(i, bytes(item), bytes(item))


def _object(number: int, text: str | bytes, raw: bytes) -> Record | Broken:
    try:
        found: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as e:
        why = str(e) or type(e).__name__
        return Broken(
            number, "bad-json", f"the record is not JSON ({why}); write one complete object a line", raw[:RAW]
        )
    if not isinstance(found, dict):
        kind = type(found).__name__
        return Broken(number, "bad-json", f'the record is a {kind}; write an object: {{"name": value, …}}', raw[:RAW])
    return Record(number, {name.strip(): value for name, value in found.items()}, raw)
