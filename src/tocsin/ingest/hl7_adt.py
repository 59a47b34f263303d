"""HL7 v2.5.1 ADT, as emergency departments send it (PHIN syndromic surveillance), one record a message. Pure."""

from collections.abc import Iterator
from functools import lru_cache

from tocsin.config import SourceTable
from tocsin.ingest.contract import RAW, Blocks, Broken, Cells, Header, Record, Usual
from tocsin.ingest.hl7 import Message, Piece, field_of, pieces, take_apart

USUAL = Usual(key=("facility", "PV1-19"), reference="PV1-44", report="MSH-7")
ARRIVED = ("A01", "A04")  # admitted, registered
TAKEN = (*ARRIVED, "A02", "A03", "A06", "A07", "A08", "A12", "A13")  # moved, discharged, updated, or that taken back
WITHDRAWN = ("A11", "A23")  # the visit is cancelled, or deleted


def read(source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """One record a message; columns are paths such as `PV1-19`, `PID-11.5`, `DG1[*]-3`, `OBX[8661-1]`, and `facility`.

    A visit is upserted: all its messages share the key (facility, PV1-19), and MSH-7 says when each became known. Where
    an arrival or a cancellation does not say PV1-44, when the patient came, its own time stands: EVN-6, EVN-2, MSH-7.
    """
    for piece in pieces(blocks):
        yield piece if isinstance(piece, Broken) else _record(piece, source.encoding)


def _record(piece: Piece, encoding: str) -> Record | Broken:
    read = take_apart(piece, encoding)
    if isinstance(read, Broken):
        return read
    message, odd = read
    kind = _kind(message)
    if message.value("MSH-9") != "ADT" or kind not in TAKEN + WITHDRAWN:
        what = f"{message.value('MSH-9')}^{kind}".rstrip("^")
        advice = f"taken are ADT^{', ADT^'.join(TAKEN + WITHDRAWN)}; have the others left out of this feed"
        said = f"{what[:40]!r} is no message of a visit that is counted; {advice}"
        return Broken(piece.line, "unknown-message", said, piece.raw[:RAW], "MSH-9", what)
    notes = (odd,) if odd else ()
    return Record(piece.line, cells(message), piece.raw, kind in WITHDRAWN, notes)


def cells(message: Message) -> Cells:
    """The message's paths as columns, and `facility`: EVN-7, else MSH-4, MSH-3, by its universal id, else its name."""
    instead = ("EVN-6", "EVN-2", "MSH-7") if _kind(message) in ARRIVED + WITHDRAWN else ()

    @lru_cache(maxsize=64)
    def find(path: str) -> str:
        if path == "facility":
            fields = [field_of(s, n) for name, n in (("EVN", 7), ("MSH", 4), ("MSH", 3)) for s in message.of(name)[:1]]
            return next(filter(None, map(message.hd, fields)), "")
        if path == "PV1-44":
            return next(filter(None, map(message.value, ("PV1-44", *instead))), "")
        return message.value(path)

    return Cells({}, find)


def _kind(message: Message) -> str:
    return message.value("MSH-9.2") or message.value("EVN-1")
