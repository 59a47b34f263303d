"""Open311 GeoReport v2 service requests, JSON or XML. Pure."""

import itertools
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat  # documents with a DTD or an entity are refused before they are read

from tocsin.config import SourceTable
from tocsin.ingest.contract import MAX_DOCUMENT, RAW, Blocks, Broken, Header, Record, Usual, whole
from tocsin.ingest.json_docs import cells, each_object, encoded
from tocsin.ingest.lines import head_text

USUAL = Usual(key=("service_request_id",), reference="requested_datetime", report="updated")
DEPTH = 30


def read(_source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """One record a request, by GeoReport's own names; `updated` is updated_datetime, else requested_datetime."""
    first = next(blocks, b"")
    together: Blocks = itertools.chain([first], blocks)
    if isinstance(first, bytes) and head_text(first).lstrip("\ufeff \t\r\n").startswith("<"):
        return _xml(together)
    return each_object(together, _requests, _record, "a service request: an object with service_request_id")


def _requests(document: Any) -> list[Any]:
    if isinstance(document, dict):
        for name in ("service_requests", "requests"):
            if isinstance(document.get(name), list):
                return list(document[name])
    return document if isinstance(document, list) else [document]


def _record(line: int, item: dict[str, Any], raw: bytes) -> Record | Broken:
    if "code" in item and "description" in item and "service_request_id" not in item:
        message = f"the service answered with an error: {str(item['code'])[:40]}, {str(item['description'])[:200]}"
        return Broken(line, "service-error", message, raw[:RAW], "code", str(item["code"]))
    plain = {**item, "updated": item.get("updated_datetime") or item.get("requested_datetime")}
    return Record(line, cells(plain, item), raw)


class _Refused(Exception):
    pass


def _xml(blocks: Blocks) -> Iterator[Record | Broken]:
    """The <request> elements of a document, as far as it is well-formed."""
    data = whole(blocks, MAX_DOCUMENT)
    if isinstance(data, Broken):
        yield data
        return
    found, torn = _parsed(data)
    for position, (line, item) in enumerate(found, 1):
        made = _record(line or position, item, encoded(item))
        yield made
    if torn:
        yield torn._replace(raw=data[:RAW])


def _parsed(data: bytes) -> tuple[list[tuple[int, dict[str, str]]], Broken | None]:
    """((line, cells) of each request, and why it ends early)."""
    parser = expat.ParserCreate()
    found: list[tuple[int, dict[str, str]]] = []
    path: list[str] = []
    held: dict[str, str] | None = None
    texts: list[str] = []
    began = 0

    def start(name: str, _attributes: dict[str, str]) -> None:
        nonlocal held, began
        path.append(name)
        texts.clear()
        if len(path) > DEPTH:
            raise _Refused(f"it is nested deeper than {DEPTH} levels")
        if name in ("request", "error") and held is None:
            held, began = {}, parser.CurrentLineNumber

    def end(name: str) -> None:
        nonlocal held
        path.pop()
        if held is not None and name in ("request", "error"):
            found.append((began, held))
            held = None
        elif held is not None:
            held.setdefault(name, "".join(texts).strip())
        texts.clear()

    def refuse(*_: Any) -> None:
        raise _Refused("it has a document type or entities of its own, which no service request needs")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = texts.append
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except _Refused as e:
        return [], Broken(0, "bad-xml", f"the document is refused: {e}")
    except (expat.ExpatError, ValueError, LookupError) as e:
        line = parser.CurrentLineNumber
        return found, Broken(
            line, "bad-xml", f"the XML breaks off ({e}); what came before was taken. Have it sent again"
        )
    return found, None
