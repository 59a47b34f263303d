"""HL7 v2.5.1 ADT, as emergency departments send it (PHIN syndromic surveillance), one record a message. Pure."""

from collections.abc import Iterator
from functools import lru_cache

from tocsin.config import SourceTable
from tocsin.ingest.contract import RAW, Blocks, Broken, Cells, Header, Record, Usual
from tocsin.ingest.hl7 import Message, Piece, field_of, pieces, take_apart
from tocsin.ingest.marked import HL7, Marks
from tocsin.ingest.temperature import is_temperature, warmest

USUAL = Usual(key=("facility", "PV1-19"), reference="PV1-44", report="MSH-7")
ARRIVED = ("A01", "A04")  # admitted, registered
TAKEN = (*ARRIVED, "A02", "A03", "A06", "A07", "A08", "A12", "A13")  # moved, discharged, updated, or that taken back
WITHDRAWN = ("A11", "A23")  # the visit is cancelled, or deleted
MERGED = ("A42", "A50")  # into another visit, or the same under another number: what MRG-5 names is no visit any more
OF_PEOPLE = ("A18", "A30", "A34", "A39", "A40", "A43", "A46", "A47", "A48")  # patients merged or renumbered, no visits
_ADVICE = {
    "PV1-44": "an update does not say by itself when the patient came, nor does an earlier message of its visit in "
    'the file. Have the sender fill it; or write reference = "PV1-44|EVN-6|EVN-2", and the visit moves to the day of '
    "its update"
}
VISITS = 100_000  # whose beginnings are remembered of one file
_PRIOR = {"PV1-19": "MRG-5", "PID-18": "MRG-3", "PV1-50": "MRG-6", "PID-3": "MRG-1"}


def read(source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """One record a message; columns are paths such as `PV1-19`, `PID-11.5`, `DG1[*]-3`, `OBX[8661-1]`, and `facility`.

    A visit is upserted: all its messages share the key (facility, PV1-19), and MSH-7 says when each became known. Where
    an arrival or a cancellation does not say PV1-44, when the patient came, its own time stands: EVN-6, EVN-2, MSH-7.
    A visit that is merged into another, or gets another number, is withdrawn under the number it had (MRG-5). Messages
    that merge patients change no visit, and are no records. An update that does not say PV1-44 has that of the visit's
    earlier messages in the same file.
    """
    came: dict[tuple[str, str], str] = {}
    marks = Marks(source, HL7)
    for piece in pieces(blocks):
        found = piece if isinstance(piece, Broken) else _record(piece, source, came, marks)
        if found is not None:
            yield found


def _record(
    piece: Piece, source: SourceTable, came: dict[tuple[str, str], str], marks: Marks
) -> Record | Broken | None:
    read = take_apart(piece, source.encoding)
    if isinstance(read, Broken):
        return read
    message, odd = read
    kind = _kind(message)
    if message.value("MSH-9") == "ADT" and kind in OF_PEOPLE:
        return None
    if message.value("MSH-9") != "ADT" or kind not in TAKEN + WITHDRAWN + MERGED:
        what = f"{message.value('MSH-9')}^{kind}".rstrip("^")
        advice = f"taken are ADT^{', ADT^'.join(TAKEN + WITHDRAWN)}; have the others left out of this feed"
        why = f"{what[:40]!r} is no message of a visit that is counted; {advice}"
        return Broken(piece.line, "unknown-message", why, piece.raw[:RAW], "MSH-9", what)
    notes = (*((odd,) if odd else ()), *marks.of_message(message.value(HL7), piece.line, piece.raw))
    if kind not in MERGED:
        said = cells(message) if kind in WITHDRAWN else _remembered(cells(message), came)
        return Record(piece.line, said, piece.raw, kind in WITHDRAWN, notes)
    if not message.value("MRG-5"):
        why = f"an {kind} without MRG-5 does not say which visit is merged; have the sender fill it"
        return Broken(piece.line, "cannot-withdraw", why, piece.raw[:RAW], "MRG-5")
    if kind == "A50":
        why = "the visit has a new number. What was counted under the old one is withdrawn; it counts again with the "
        why += "next message under the new one: have an A08 sent"
        notes += (Broken(piece.line, "renumbered", why, piece.raw[:RAW], "MRG-5"),)
    return Record(piece.line, cells(message), piece.raw, True, notes)


def _remembered(found: Cells, came: dict[tuple[str, str], str]) -> Cells:
    """The cells, with the time at which the visit began if an earlier message said it; `came` holds what was said."""
    visit = (found.get("facility"), found.get("PV1-19"))
    if all(visit):
        if said := found.get("PV1-44"):
            came[visit] = said
            if len(came) > VISITS:
                del came[next(iter(came))]
        elif visit in came:
            found["PV1-44"] = came[visit]
    return found


def cells(message: Message) -> Cells:
    """The message's paths as columns, `facility`: EVN-7, else MSH-4, MSH-3, by its universal id, else its name; and

    `temperature`: the highest body temperature of its OBX in °C, as text ("38.5 °C").
    """
    kind = _kind(message)
    instead = ("EVN-6", "EVN-2", "MSH-7") if kind in ARRIVED + WITHDRAWN + MERGED else ()
    prior = _PRIOR if kind in MERGED else {}

    @lru_cache(maxsize=64)
    def find(path: str) -> str:
        if "|" in path:
            return next(filter(None, map(find, path.split("|"))), "")
        path = prior.get(path, path)
        if path == "temperature":
            return warmest(_readings(message))
        if path == "facility":
            fields = [field_of(s, n) for name, n in (("EVN", 7), ("MSH", 4), ("MSH", 3)) for s in message.of(name)[:1]]
            return next(filter(None, map(message.hd, fields)), "")
        if path == "PV1-44":
            return next(filter(None, map(message.value, ("PV1-44", *instead))), "")
        return message.value(path)

    return Cells({}, find, _ADVICE)


def _readings(message: Message) -> Iterator[tuple[str, str]]:
    """(number, unit) of every OBX that is a body temperature."""
    for obx in message.of("OBX"):
        if is_temperature(field_of(obx, 3).split(message.component)):
            yield message.part(field_of(obx, 5), 1), field_of(obx, 6)


def _kind(message: Message) -> str:
    return message.value("MSH-9.2") or message.value("EVN-1")
