"""HL7 v2 ORU^R01 laboratory results, one record an OBX. Pure."""

import re
from collections.abc import Iterator

from tocsin.config import SourceTable
from tocsin.ingest.contract import RAW, Blocks, Broken, Cells, Header, Record, Usual
from tocsin.ingest.hl7 import Message, Piece, field_of, pieces, take_apart
from tocsin.ingest.values import half_width

USUAL = Usual(key=("facility", "order", "test"), reference="collected", report="MSH-7")

_CODED = {
    "10828004": "1",
    "260373001": "1",
    "52101004": "1",
    "260385009": "0",
    "260415000": "0",
    "2667000": "0",
}  # SNOMED
_NO = re.compile(
    r"阴性|未检出|未检测到|\b(?:negative|not detected|none detected|neg|absent|non-?reactive|undetected)\b|^[-－]$"
)
_YES = re.compile(r"阳性|检出|\b(?:positive|detected|pos|present|reactive)\b|^[+＋]+$")
AROUND = 20  # segments about the patient, and about one order, that are kept with each of its results
SHORT = 8 << 10  # bytes of a message that are kept whole with each bad result; of a longer one the result alone
_GONE = ("X", "D", "W")  # OBX-11: no result to be had, deleted, posted by mistake


def read(source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """One record an OBX; columns are paths, where OBR, ORC, SPM and OBX mean those of this result, and these words:

    `facility`, `order` (filler number, else placer number), `test` (code of OBX-3, and its sub-id), `code`,
    `collected` (SPM-17, else OBR-7, else OBX-14), `flag` (OBX-8), and `positive`
    ("1", "0", or "" where the result says neither).
    """
    for piece in pieces(blocks):
        if isinstance(piece, Broken):
            yield piece
        else:
            yield from _records(piece, source.encoding)


def _records(piece: Piece, encoding: str) -> Iterator[Record | Broken]:
    read = take_apart(piece, encoding)
    if isinstance(read, Broken):
        yield read
        return
    message, odd = read
    if message.value("MSH-9") != "ORU":
        what = f"{message.value('MSH-9')}^{message.value('MSH-9.2')}"
        said = f"{what[:40]!r} is no laboratory result; taken is ORU^R01, have the others left out of this feed"
        yield Broken(piece.line, "unknown-message", said, piece.raw[:RAW], "MSH-9", what)
        return
    notes = (odd,) if odd else ()  # of the message, told with its first result
    found = False
    for part in _results(message):
        found = True
        short = len(piece.raw) <= SHORT
        raw = piece.raw if short else "|".join(part.of("OBX")[0]).encode("utf-8", "replace")
        yield Record(piece.line, cells(part), raw, part.value("OBX-11") in _GONE, notes)
        notes = ()
    if not found:
        yield Broken(piece.line, "bad-hl7", "the message has no OBX, so no result", piece.raw[:RAW], "OBX")


def _results(message: Message) -> Iterator[Message]:
    """The message once for each OBX under an OBR, with its own ORC, OBR, OBX and SPM only."""
    common = [s for s in message.segments if s[0] not in ("ORC", "OBR", "OBX", "SPM", "NTE")][:AROUND]
    groups: list[list[list[str]]] = []
    order: list[list[str]] = []
    for segment in message.segments:
        if segment[0] == "ORC":
            order = [segment]
        elif segment[0] == "OBR":
            groups.append([*order, segment])
            order = []
        elif segment[0] in ("OBX", "SPM") and groups:
            groups[-1].append(segment)
    for group in groups:
        specimen_seen = False
        around = [s for s in group if s[0] != "OBX"][:AROUND]
        for segment in group:
            specimen_seen |= segment[0] == "SPM"
            if segment[0] == "OBX" and not specimen_seen:  # an OBX after the SPM tells of the specimen
                yield message._replace(segments=[*common, *around, segment])


def cells(message: Message) -> Cells:
    """The paths of one result as columns, and the words."""
    obx = message.of("OBX")[0]
    msh = message.of("MSH")[0]

    def first(*paths: str) -> str:
        return next(filter(None, map(message.value, paths)), "")

    code = message.part(field_of(obx, 3), 1) or message.part(field_of(obx, 3), 4)
    plain = {
        "facility": message.hd(field_of(msh, 4)),
        "order": first("OBR-3", "ORC-3", "OBR-2", "ORC-2"),
        "code": code,
        "test": f"{code}/{message.value('OBX-4')}" if code else "",
        "collected": first("SPM-17", "OBR-7", "OBX-14"),
        "flag": message.value("OBX-8"),
        "positive": positive(message.value("OBX-5"), message.observed(obx), message.value("OBX-8")),
    }
    return Cells(plain, message.value)


def positive(code: str, said: str, flag: str) -> str:
    """ "1" for a positive result, "0" for a negative one, "" where it says neither."""
    plain = half_width(said).lower().strip()
    if code in _CODED:
        return _CODED[code]
    if _NO.search(plain) or flag.upper() == "NEG":
        return "0"
    return "1" if _YES.search(plain) or flag.upper() == "POS" else ""
