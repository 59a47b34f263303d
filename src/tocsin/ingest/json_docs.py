"""JSON as documents: one in a file, or one a line; JSON pointers (RFC 6901) into them. Pure."""

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from tocsin.ingest import contract
from tocsin.ingest.contract import RAW, Blocks, Broken, Cells, Record, whole
from tocsin.ingest.lines import lines

UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeError)
_ZEROS = re.compile(rb"(?<=[:\[,])(0\d+)(?=\s*[,}\]])")  # a code written as a number, which JSON has not
HEAD = 64 << 10  # bytes in which a file shows whether its lines are objects
LINES = 50  # by which a file shows it
DEPTH = 100  # levels of nesting; no feed needs more


class Document(NamedTuple):
    """One JSON value, its own bytes, and its line (0: it is the whole file)."""

    line: int
    value: Any
    raw: bytes


def documents(blocks: Blocks) -> Iterator[Document | Broken]:
    """The JSON values of a file: every line's, where lines are whole objects, else the file's one value.

    Lines are streamed; a file with one value is held whole, at most `MAX_DOCUMENT` bytes. A bad line costs itself.
    Numbers that begin with 0 are no JSON; in a file that is none but for them they are read as texts.
    """
    held: list[bytes | Broken] = []
    while sum(map(len, held)) < HEAD and (block := next(blocks, None)) is not None:
        held.append(block)
    together: Blocks = itertools.chain(held, blocks)
    if _is_lines(b"".join(b for b in held if isinstance(b, bytes))[:HEAD]):
        yield from _each(together)
        return
    data = whole(together, contract.MAX_DOCUMENT)
    if isinstance(data, Broken):
        yield data._replace(message=data.message.replace("as CSV, which is", "one object a line, which is"))
        return
    value = decoded(data.removeprefix(b"\xef\xbb\xbf"))
    if isinstance(value, str):  # the example of Open311 itself has "service_code":006
        mended = _ZEROS.sub(rb'"\1"', data.removeprefix(b"\xef\xbb\xbf"))
        again = decoded(mended) if mended != data else value
        value = value if isinstance(again, str) else again
    if isinstance(value, str) and _good(data) > 1:  # lines of which most are bad
        yield from _each(iter([data]))
        return
    if isinstance(value, str):
        yield Broken(
            0, "bad-json", f"the file is no JSON ({value}); send one JSON value, or one object a line", data[:RAW]
        )
        return
    yield Document(0, value[0], data)


def _each(blocks: Blocks) -> Iterator[Document | Broken]:
    for item in lines(blocks, "auto"):
        if isinstance(item, Broken):
            yield item
        elif item[1].strip():
            number, text, raw = item
            value = decoded(text.encode("utf-8", "replace"))
            if isinstance(value, str):
                message = f"the line is no JSON ({value}); write one complete object a line"
                yield Broken(number, "bad-json", message, raw[:RAW])
            else:
                yield Document(number, value[0], raw)


def _is_lines(block: bytes) -> bool:
    """Whether whole objects stand on lines of their own, and not merely some of the objects inside of one."""
    if not block.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return False
    some = [line for line in block.split(b"\n")[:LINES] if line.strip()]
    return len(some) > 1 and 2 * _good(block) >= len(some)


def _good(block: bytes) -> int:
    """How many of the first lines are whole objects."""
    some = block.split(b"\n")[:LINES]
    return sum(line.startswith((b"{", b"\xef\xbb\xbf{")) and not isinstance(decoded(line), str) for line in some)


def decoded(data: bytes) -> tuple[Any] | str:
    """(value,) or why it is none: not JSON, not UTF-8, nested too deep."""
    try:
        value = msgspec.json.decode(data)
    except UNREADABLE as e:
        return str(e) or type(e).__name__
    return (value,) if _shallow(value) else f"it is nested deeper than {DEPTH} levels"


def _shallow(value: Any) -> bool:
    level = [value]
    for _ in range(DEPTH):
        level = [
            child for v in level if isinstance(v, dict | list) for child in (v.values() if isinstance(v, dict) else v)
        ]
        if not level:
            return True
    return False


def pointed(value: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) leads to; None if it leads nowhere."""
    if not pointer:
        return value
    if not pointer.startswith("/"):
        return None
    for token in pointer[1:].split("/"):
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isascii() and name.isdigit() and (name == "0" or name[0] != "0"):
            value = value[int(name)] if len(name) < 10 and int(name) < len(value) else None
        else:
            return None
    return value


def cells(plain: dict[str, Any], value: Any, find: Callable[[str], Any] = lambda _: None) -> Cells:
    """`plain` and, for columns that begin with /, pointers into `value`; `find` knows all others."""
    return Cells(plain, lambda c: pointed(value, c) if c.startswith("/") else find(c))


def numbered(document: Document, items: list[Any]) -> Iterator[tuple[int, Any, bytes]]:
    """(line, item, its bytes) of the items of one document: the line where it has one, else the item's position.

    An item's bytes are its own, not the whole document's: a thousand bad ones must not keep it a thousand times.
    """
    alone = bool(document.line) and len(items) == 1
    for position, item in enumerate(items, 1):
        yield document.line or position, item, document.raw if alone else encoded(item)


def encoded(item: Any) -> bytes:
    """The item as JSON, which is how a part of a document is kept."""
    try:
        return msgspec.json.encode(item)[:RAW]
    except (ValueError, TypeError, UnicodeError, RecursionError):  # half a letter
        return repr(item).encode("utf-8", "replace")[:RAW]


def no_object(line: int, item: Any, raw: bytes, expected: str) -> Broken:
    """A finding for an item that is no object."""
    return Broken(line, "bad-json", f"the record is a {type(item).__name__}; expected {expected}", raw[:RAW])


def each_object(
    blocks: Blocks, split: Callable[[Any], list[Any]], record: Callable[[int, dict[str, Any], bytes], Record | Broken],
    expected: str,
) -> Iterator[Record | Broken]:  # fmt: skip
    """Every document's items by `split`, each made a record; what is no object becomes a finding."""
    for document in documents(blocks):
        if isinstance(document, Broken):
            yield document
            continue
        for line, item, raw in numbered(document, split(document.value)):
            yield record(line, item, raw) if isinstance(item, dict) else no_object(line, item, raw, expected)


def text_of(value: Any) -> str:
    """A string, or "" for anything else."""
    return value if isinstance(value, str) else ""


def start_of(value: Any) -> str:
    """The beginning of an ISO 8601 interval `start/end`, or the moment itself."""
    return text_of(value).split("/")[0].strip()
