"""Any JSON as records: a pointer to the list of records, and pointers into each of them (RFC 6901). Pure."""

from collections.abc import Iterator
from typing import Any

from tocsin.config import SourceTable
from tocsin.ingest.contract import Blocks, Broken, Header, Record
from tocsin.ingest.json_docs import Document, cells, documents, no_object, numbered, pointed


def read(source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """One record an object of the list at `records` (empty: the document is the list, or the one record).

    Columns are names of the record's members, or pointers into it: `/patient/district`, `/values/0`.
    """
    for document in documents(blocks):
        if isinstance(document, Broken):
            yield document
        else:
            yield from _records(document, source.records)


def _records(document: Document, where: str) -> Iterator[Record | Broken]:
    found: Any = pointed(document.value, where)
    if found is None:
        message = f"there is nothing at {where or 'the root'}; change the source's `records`, or the file"
        yield Broken(document.line, "missing-column", message, document.raw, where)
        return
    for line, item, raw in numbered(document, found if isinstance(found, list) else [found]):
        if isinstance(item, dict):
            yield Record(line, cells(item, item), raw)
        else:
            yield no_object(line, item, raw, "an object")
