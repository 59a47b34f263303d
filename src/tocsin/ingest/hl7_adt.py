"""HL7 v2.5.1 ADT, as emergency departments send it (PHIN syndromic surveillance), one record a message. Pure."""

from collections.abc import Iterator
from functools import lru_cache

from tocsin.config import SourceTable
from tocsin.ingest.contract import RAW, Blocks, Broken, Cells, Header, Record, Usual
from tocsin.ingest.hl7 import Message, Piece, field_of, pieces, take_apart

USUAL = Usual(key=("facility", "PV1-19"), reference="PV1-44", report="MSH-7")
TAKEN = ("A01", "A03", "A04", "A08")  # admitted, discharged, registered, updated
WITHDRAWN = ("A11",)  # the visit is cancelled


def read(source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """One record a message; columns are paths such as `PV1-19`, `PID-11.5`, `DG1[*]-3`, `OBX[8661-1]`, and `facility`.

    A visit is upserted: all its messages share the key (facility, PV1-19), and MSH-7 says when each became known.
    """
    for piece in pieces(blocks):
        yield piece if isinstance(piece, Broken) else _record(piece, source.encoding)


def _record(piece: Piece, encoding: str) -> Record | Broken:
    read = take_apart(piece, encoding)
    if isinstance(read, Broken):
        return read
    message, odd = read
    kind = message.value("MSH-9.2") or message.value("EVN-1")
    if message.value("MSH-9") != "ADT" or kind not in TAKEN + WITHDRAWN:
        what = f"{message.value('MSH-9')}^{kind}"
        advice = f"taken are ADT^{', ADT^'.join(TAKEN + WITHDRAWN)}; have the others left out of this feed"
        said = f"{what[:40]!r} is no message of a visit that is counted; {advice}"
        return Broken(piece.line, "unknown-message", said, piece.raw[:RAW], "MSH-9", what)
    notes = (odd,) if odd else ()
    return Record(piece.line, cells(message), piece.raw, kind in WITHDRAWN, notes)


def cells(message: Message) -> Cells:
    """The message's paths as columns, and `facility`: EVN-7, else MSH-4, by its universal id, else its name."""

    @lru_cache(maxsize=64)
    def find(path: str) -> str:
        if path != "facility":
            return message.value(path)
        fields = [field_of(s, n) for name, n in (("EVN", 7), ("MSH", 4)) for s in message.of(name)[:1]]
        return next(filter(None, map(message.hd, fields)), "")

    return Cells({}, find)
