"""Open311 GeoReport v2 service requests, JSON or XML. Pure."""

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tocsin.config import SourceTable
from tocsin.ingest.contract import RAW, Blocks, Broken, Header, Record, Usual
from tocsin.ingest.json_docs import cells, each_object, encoded
from tocsin.ingest.lines import head_text
from tocsin.ingest.silence import unheard
from tocsin.ingest.xml_docs import tree

USUAL = Usual(key=("service_request_id",), reference="requested_datetime", report="updated")


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


def _xml(blocks: Blocks) -> Iterator[Record | Broken]:
    """The <request> elements of a document, as far as it is well-formed."""
    root, _, torn = tree(blocks)
    found = [one for one in (root.walk() if root else ()) if one.name in ("request", "error")]
    if root and root.children and not found:
        there = Counter(f"<{one.name}>" for one in root.children)
        yield unheard("<request>", there, "Ask the service for its requests (GET /requests.xml)")
    for one in found:
        item: dict[str, str] = {}
        for child in one.children:
            item.setdefault(child.name, child.text)
        yield _record(one.line, item, encoded(item))
    if torn:
        yield torn
