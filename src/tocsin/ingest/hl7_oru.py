"""HL7 v2 ORU^R01 and OUL^R22 laboratory results, one record an OBX. Pure."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from tocsin.config import SourceTable
from tocsin.ingest.contract import RAW, Blocks, Broken, Cells, Header, Record, Usual
from tocsin.ingest.hl7 import Message, Piece, field_of, pieces, take_apart
from tocsin.ingest.marked import HL7, Marks
from tocsin.ingest.values import half_width

USUAL = Usual(key=("facility", "order", "test"), reference="collected", report="MSH-7")

_CODED = {  # SNOMED CT, SNOMED 3, LOINC answers
    **dict.fromkeys(("10828004", "260373001", "52101004", "11214006", "260408008", "G-A200", "LA6576-8", "LA11882-0",
                     "LA9633-4"), "1"),
    **dict.fromkeys(("260385009", "260415000", "2667000", "131194007", "264868006", "264887000", "G-A201", "LA6577-6",
                     "LA11883-8", "LA9634-2"), "0"),
    **dict.fromkeys(("419984006", "82334004", "42425007"), ""),  # inconclusive, indeterminate, equivocal
}  # fmt: skip
_FOUND = (
    r"(?:detect(?:ed|able)|isolated|seen|found|identified|recovered|observed|present|reactive|growth|grown|evidence)"
)
_NO = re.compile(
    rf"\b(?:not?|none|non)\b(?:[^\w.;:\n]+\w+){{0,6}}?[^\w.;:\n]+{_FOUND}\b|\bundetect(?:ed|able)\b|\bnon-?reactive\b|\babsent\b"
    r"|\bneg(?:ative)?\b|\bbelow (?:the )?(?:limit of )?(?:detection|quantification)\b"
    r"|阴性|未检出|未检测到|未见|未发现|未查见|未分离出|(?:无|未见?)(?:细菌|真菌|病毒)?生长|[无非]反应性|^阴$|^\(?\s*[-－–]\s*\)?$"
)
_YES = re.compile(
    rf"\b(?:positive|pos|{_FOUND})\b|阳性|检出|检测到|查见|分离出|培养出|反应性|^阳$|^\(?\s*\d?\s*[+＋]+\s*\d?\s*\)?$"
)
_UNSURE = re.compile(
    r"\b(?:indeterminate|equivocal|inconclusive|invalid|borderline|pending|unsatisfactory|cancel\w*)\b"
    r"|\bnot (?:done|tested|performed)\b"
    r"|可疑|灰区|不确定|无效|±|\+/?-"
)
_FLAGS = dict.fromkeys(("POS", "DET", "RR", "WR"), "1") | dict.fromkeys(("NEG", "ND", "NR"), "0")
_ABNORMAL = dict.fromkeys(("A", "AA", "H", "HH"), "1") | {"N": "0"}  # of a named finding, such as an organism
_CODED_KINDS = ("CE", "CWE", "CNE", "CF")
NEITHER = {  # what to do where `positive` is empty
    "positive": "the result says neither positive nor negative. Leave its test out of the signal's map, or take the "
    'number: value = "OBX-5" (FHIR: "value")'
}
AROUND = 20  # segments about the patient, and about one order, that are kept with each of its results
SHORT = 8 << 10  # bytes of a message that are kept whole with each bad result; of a longer one the result alone
_CONTROLS = ("Q", "C", "E", "F", "O", "V")  # SPM-11: quality control, calibration, proficiency; no patient's specimen
_GONE = ("X", "D", "W")  # OBX-11: no result to be had, deleted, posted by mistake


def read(source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """One record an OBX; columns are paths, where OBR, ORC, SPM and OBX mean those of this result, and these words:

    `facility`, `order` (filler, else placer, else specimen number), `test` (first code of OBX-3, its sub-id, and of
    several with both alike the position), `code` (the LOINC code of OBX-3 wherever it stands, else the first code),
    `collected` (SPM-17, else OBR-7, OBX-14, OBR-14, OBX-19), `flag` (OBX-8), and `positive` ("1", "0", or "" where the
    result says neither). Results of control specimens (SPM-11) are nobody's, and no records.
    """
    marks = Marks(source, HL7)
    for piece in pieces(blocks):
        if isinstance(piece, Broken):
            yield piece
        else:
            yield from _records(piece, source, marks)


def _records(piece: Piece, source: SourceTable, marks: Marks) -> Iterator[Record | Broken]:
    read = take_apart(piece, source.encoding)
    if isinstance(read, Broken):
        yield read
        return
    message, odd = read
    if message.value("MSH-9") not in ("ORU", "OUL"):
        what = f"{message.value('MSH-9')}^{message.value('MSH-9.2')}"
        said = (
            f"{what[:40]!r} is no laboratory result; taken are ORU^R01 and OUL^R22, have others left out of this feed"
        )
        yield Broken(piece.line, "unknown-message", said, piece.raw[:RAW], "MSH-9", what)
        return
    notes = (
        *((odd,) if odd else ()),
        *marks.of_message(message.value(HL7), piece.line, piece.raw),
    )  # of the message, told with its first result
    times: Counter[tuple[str, str]] = Counter()
    for part in _results(message):
        columns = cells(part)
        same = (columns["order"], columns["test"])
        times[same] += 1
        if columns["test"] and times[same] > 1:  # lines of one text, or a value beside its reading
            columns["test"] = f"{columns['test']}#{times[same]}"
        short = len(piece.raw) <= SHORT
        raw = piece.raw if short else "|".join(part.of("OBX")[0]).encode("utf-8", "replace")
        yield Record(piece.line, columns, raw, part.value("OBX-11") in _GONE, notes)
        notes = ()
    if not times:
        yield Broken(piece.line, "bad-hl7", "the message has no OBX, so no result", piece.raw[:RAW], "OBX")


def _results(message: Message) -> Iterator[Message]:
    """The message once for each OBX under an OBR, with its own ORC, OBR, OBX and SPM only."""
    common = [s for s in message.segments if s[0] not in ("ORC", "OBR", "OBX", "SPM", "SAC", "NTE")][:AROUND]
    groups = _groups(message)
    for before, group in groups:
        kinds = [field_of(s, 2) if s[0] == "OBX" else s[0] for s in group if s[0] in ("OBX", "SPM")]
        early = all(k in ("RP", "ED") for k in itertools.takewhile(lambda k: k != "SPM", kinds))  # documents at most
        specimen_seen = False
        around = [*before, *(s for s in group if s[0] != "OBX")][:AROUND]
        if any(field_of(s, 11).split(message.component)[0] in _CONTROLS for s in around if s[0] == "SPM"):
            continue
        for segment in group:
            specimen_seen |= segment[0] == "SPM" and not early
            if segment[0] == "OBX" and not specimen_seen:  # an OBX after the SPM tells of the specimen
                yield message._replace(segments=[*common, *around, segment])


def _groups(message: Message) -> list[tuple[list[list[str]], list[list[str]]]]:
    """Of every order its specimen, where that is told first (as OUL^R22 does); its ORC, OBR and all that follows."""
    first = next((s[0] for s in message.segments if s[0] in ("SPM", "OBR")), "") == "SPM" and bool(message.of("OBR"))
    groups: list[tuple[list[list[str]], list[list[str]]]] = [] if message.of("OBR") else [([], [])]
    specimen: list[list[str]] = []
    order: list[list[str]] = []
    within = not message.of("OBR")  # an order, not what is told of a specimen before the next one
    for segment in message.segments:
        name = segment[0]
        if name == "OBR":
            groups.append((specimen, [*order, segment]))
            within = True
        elif name == "ORC":
            last = groups[-1][1] if groups and message.value("MSH-9") == "OUL" else []
            if last and last[-1][0] == "OBR" and last[0][0] != "ORC":
                last.append(segment)  # in OUL it comes after its OBR
            else:
                order = [segment]
        elif name == "SPM" and first:
            specimen, order, within = [segment], [], False
        elif name == "SAC" and first:
            specimen = [*specimen, segment]
        elif name in ("OBX", "SPM", "SAC") and within:
            groups[-1][1].append(segment)
    return groups


def cells(message: Message) -> Cells:
    """The paths of one result as columns, and the words."""
    obx = message.of("OBX")[0]
    msh = message.of("MSH")[0]

    def first(*paths: str) -> str:
        return next(filter(None, map(message.value, paths)), "")

    named = next(filter(None, (message.part(field_of(obx, 3), n) for n in (1, 4, 2, 5))), "")  # codes, else names
    plain = {
        "facility": message.hd(field_of(msh, 4)) or message.hd(field_of(msh, 3)),
        "order": first("OBR-3", "ORC-3", "OBR-2", "ORC-2", "SPM-2.2", "SPM-2", "SAC-3"),
        "code": next((message.part(field_of(obx, 3), n) for n in (1, 4) if _is_loinc(message, obx, n)), named),
        "test": f"{named}/{message.value('OBX-4')}" if named else "",
        "collected": first("SPM-17", "OBR-7", "OBX-14", "OBR-14", "OBX-19"),
        "flag": message.value("OBX-8"),
        "positive": positive(message.value("OBX-5"), message.observed(obx), message.value("OBX-8"), field_of(obx, 2)),
    }
    return Cells(plain, message.value, NEITHER)


def _is_loinc(message: Message, obx: list[str], n: int) -> bool:
    return bool(message.part(field_of(obx, 3), n)) and message.part(field_of(obx, 3), n + 2).upper() in ("LN", "LOINC")


@lru_cache(maxsize=1 << 12)
def positive(code: str, said: str, flag: str, kind: str = "") -> str:
    """ "1" for a positive result, "0" for a negative one, "" where it says neither, or both.

    `said` is the result in words, `flag` of HL7 table 0078, `kind` the value type: what is coded and named, such as an
    organism, is positive where it is flagged as abnormal.
    """
    plain = half_width(said).lower().strip()
    if code in _CODED:
        return _CODED[code]
    rest = _NO.sub(" ", plain)
    denied, claimed = rest != plain, bool(_YES.search(rest))
    if denied != claimed:
        return "1" if claimed else "0"
    if denied or _UNSURE.search(plain):
        return ""
    flags = _FLAGS | (_ABNORMAL if kind in _CODED_KINDS and plain else {})
    return flags.get(flag.upper(), "")
