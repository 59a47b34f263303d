"""Bytes in, events or findings out: one format a file, one line each in `FORMATS`. Pure."""

from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from tocsin.areas import AreaTree
from tocsin.config import Settings, SourceTable
from tocsin.errors import ConfigError
from tocsin.ingest import (
    dhis2,
    fhir,
    gtfs_rt,
    hl7_adt,
    hl7_oru,
    json_pointed,
    ngsi_ld,
    nwss,
    open311,
    sensorthings,
    table_csv,
    table_jsonl,
    table_parquet,
    table_xlsx,
)
from tocsin.ingest.contract import RAW, Blocks, Broken, Header, Reader, Usual
from tocsin.ingest.lines import head_text
from tocsin.ingest.mapping import Mapper
from tocsin.ingest.stream import blocks
from tocsin.types import Event, Finding, Instant

FORMATS: dict[str, Reader] = {
    "csv": table_csv.read,
    "jsonl": table_jsonl.read,
    "parquet": table_parquet.read,
    "xlsx": table_xlsx.read,
    "json": json_pointed.read,
    "hl7-adt": hl7_adt.read,
    "hl7-oru": hl7_oru.read,
    "fhir": fhir.read,
    "dhis2": dhis2.read,
    "dhis2-tracker": dhis2.read_tracker,
    "open311": open311.read,
    "sensorthings": sensorthings.read,
    "ngsi-ld": ngsi_ld.read,
    "nwss": nwss.read,
    "gtfs-rt": gtfs_rt.read,
}
USUAL: dict[str, Usual] = {  # which columns serve where the mapping names none
    "hl7-adt": hl7_adt.USUAL,
    "hl7-oru": hl7_oru.USUAL,
    "fhir": fhir.USUAL,
    "dhis2": dhis2.USUAL,
    "dhis2-tracker": dhis2.USUAL_TRACKER,
    "open311": open311.USUAL,
    "sensorthings": sensorthings.USUAL,
    "ngsi-ld": ngsi_ld.USUAL,
    "nwss": nwss.USUAL,
    "gtfs-rt": gtfs_rt.USUAL,
}

_MAGIC = {b"PAR1": "parquet", b"PK\x03\x04": "xlsx"}
_XML = ("fhir", "dhis2", "dhis2-tracker", "open311")  # formats that are read as XML, or say more about it themselves
_MARKUP = (b"<?xml", b"<html", b"<!doctype html")
_NEVER = {b"\xd0\xcf\x11\xe0": "an old Excel or Word file; save it as .xlsx or CSV", b"%PDF": "a PDF; send the table"}


def parse(
    source: SourceTable, stream: BinaryIO, *, file: str, tree: AreaTree, settings: Settings, received: Instant
) -> Iterator[Event | Finding]:
    """Every event and finding of one file, in the file's order; bad bytes become findings, whatever they are.

    The same bytes, mapping and `received` give the same items in the same order, so that who was interrupted may
    skip what it has and go on. `file` is the name findings carry; `received` stamps records without a report time and
    bounds dates from above. ConfigError if the source has no mapping.
    """
    if source.mapping is None:
        raise ConfigError(f"source {source.name!r} has no [sources.mapping]; it says which column is what")
    usual = USUAL.get(source.format, Usual())
    mapper = Mapper(source, usual, file=file, tree=tree, settings=settings, received=received)
    return _items(source, mapper, blocks(stream))


def _items(source: SourceTable, mapper: Mapper, opened: Blocks) -> Iterator[Event | Finding]:
    first = next(opened, b"")
    if isinstance(first, Broken):
        yield mapper.broken(first)
        return
    name = sniff(first) if source.format == "auto" else source.format
    problem = next(_mismatch(name, first), "")
    if problem:
        yield mapper.broken(Broken(0, "not-a-table", problem, first[:RAW]))
        return
    silent = True
    for item in FORMATS[name](source, chain([first], opened)):
        if isinstance(item, Broken):
            silent = False
            yield mapper.broken(item)
        elif isinstance(item, Header):
            unusable = mapper.unusable(item)
            if unusable:
                yield mapper.broken(unusable)
                return
        else:
            for found in mapper.items(item):
                silent = False
                yield found
    told = mapper.silence(name) if silent else None
    if told:
        yield mapper.broken(told)


def sniff(head: bytes) -> str:
    """The format that a file's first bytes show, whatever its name says."""
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    return "jsonl" if head_text(head).lstrip("\ufeff \t\r\n").startswith(("{", "[")) else "csv"


def _mismatch(name: str, head: bytes) -> Iterator[str]:
    """Why these bytes cannot be of the format; nothing if they may."""
    if not head and name != "jsonl":
        yield "the file is empty; a table has at least a row of titles"
    for magic, what in _NEVER.items():
        if head.startswith(magic):
            yield f"this is {what}"
    if name not in _XML and head.lstrip(b"\xef\xbb\xbf \t\r\n")[:14].lower().startswith(_MARKUP):
        wanted = "HL7's form with bars (ER7)" if name.startswith("hl7") else "JSON or CSV"
        yield f"this is XML or a web page (one for signing in?), and {name} is not read so; ask for {wanted}"
    if name in ("csv", "jsonl") and head.lstrip(b"\x0b \t\r\n").startswith((b"MSH|", b"FHS|", b"BHS|")):
        yield "these are HL7 v2 messages; write format = 'hl7-adt' (visits) or 'hl7-oru' (laboratory)"
    for magic, found in _MAGIC.items():
        if head.startswith(magic) and found != name:
            yield f"the source's format is {name}, but this is {found}; write format = '{found}' or 'auto'"
        if not head.startswith(magic) and found == name:
            yield f"the source's format is {name}, but this is none; write format = 'auto', or send the file again"
