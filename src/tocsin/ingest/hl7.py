"""HL7 version 2 as messages: files, batches and MLLP frames, delimiters, escapes, character sets. Pure.

HL7 v2.5.1, chapter 2: segments end in CR (LF and CRLF are taken too), MSH-1 and MSH-2 name the delimiters, MSH-18 the
character set; FHS, BHS, BTS and FTS wrap messages, and BTS-1 counts them. MLLP frames are 0x0B … 0x1C 0x0D.
"""

import codecs
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from tocsin.ingest.contract import MAX_RECORD, RAW, Blocks, Broken
from tocsin.ingest.hl7_charset import read_text
from tocsin.ingest.lines import narrowed

_PATH = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[([^\]]+)\])?(?:-(\d{1,3})(?:\.(\d{1,2})(?:\.(\d{1,2}))?)?)?")
_AROUND = b"\x0b\x1c \t"
_TIMES = {"EVN": (2, 6), "PV1": (44, 45), "PV2": (8, 9), "DG1": (5,), "PID": (29, 33), "ORC": (9, 15), "SPM": (17, 18),
          "OBR": (7, 8, 14, 22), "OBX": (14, 19)}  # fmt: skip
_TEXTS = {("PV2", 3): (2,), ("DG1", 3): (2,), ("DG1", 4): (1,), ("NTE", 3): (1,), ("PV2", 12): (1,), ("OBX", 5): (1,)}
_LOCAL = re.compile(r"\d{10}(?:\d{2}){0,2}(?:\.\d+)?", re.ASCII)
_ZONE = re.compile(r"(?<=\d)[+-]\d{4}$", re.ASCII)
_WRAPS = (b"FHS", b"BHS", b"BTS", b"FTS")


class Piece(NamedTuple):
    """The bytes of one message, from its MSH on, and the line of the MSH."""

    line: int
    raw: bytes


class Message(NamedTuple):
    """A message taken apart into segments of fields; `fields[0]` is the segment's name, so PID-3 is `fields[3]`."""

    segments: list[list[str]]
    component: str
    repetition: str
    escape: str
    sub: str
    encoding: str

    def of(self, name: str) -> list[list[str]]:
        """All segments of a name."""
        return [s for s in self.segments if s[0] == name]

    def value(self, path: str) -> str:
        """What stands at a path, "" for nothing.

        `PV1-19` is the first component of the first repetition in the first PV1; `PID-11.9` a component; `DG1[*]-3` all
        of them, joined by "; "; `OBX[8661-1]` the value of the OBX with that code in OBX-3; `PV1-44|EVN-6` the first
        path of several at which something stands.
        """
        if "|" in path:
            return next(filter(None, map(self.value, path.split("|"))), "")
        way = _way(path)
        if way is None:
            return ""
        found = self.of(way.name)
        if way.chosen and way.chosen != "*":
            found = [s for s in found if way.chosen in field_of(s, 3).split(self.component)]
        if not way.field:
            return "; ".join(filter(None, map(self.observed, found))) if way.chosen and way.name == "OBX" else ""
        if way.chosen == "*":
            return "; ".join(filter(None, (self._one(s, way) for s in found)))
        return self._one(found[0], way) if found else ""

    def _one(self, segment: list[str], way: "_Way") -> str:
        """A component; text with its ampersands, and a time of day without a zone in that of MSH-7."""
        if way.observed and field_of(segment, 2) in ("SN", "NR"):
            return self.observed(segment)
        found = self.part(field_of(segment, way.field), way.component, way.sub)
        return found + self.zone if way.time and _LOCAL.fullmatch(found) else found

    @property
    def zone(self) -> str:
        """The time zone of MSH-7, which is that of every time in the message that has none (chapter 2.15.9.7)."""
        said = _ZONE.search(self.part(field_of(self.segments[0], 7), 1))
        return said[0] if said else ""

    def observed(self, segment: list[str]) -> str:
        """OBX-5 as text: of a coded value its original text, else its name, else its code."""
        kind, field = field_of(segment, 2), field_of(segment, 5)
        said = []
        for one in field.split(self.repetition):
            parts = one.split(self.component)
            coded = kind in ("CWE", "CE", "CNE", "CF") or (not kind and len(parts) > 1)
            if coded:
                order = (8, 1, 0, 4) if kind == "CWE" or len(parts) > 8 else (1, 0, 4)
                chosen = next((parts[i] for i in order if i < len(parts) and parts[i].strip()), "")
            elif kind in ("SN", "NR"):  # comparator, number, separator, number; or low and high
                chosen = ("" if kind == "SN" else "-").join(filter(None, parts)).removeprefix("=")
            else:
                chosen = one.strip(self.component) if kind in ("TX", "FT", "ST") else parts[0]
            said.append("" if chosen == '""' else self.plain(chosen))
        return "; ".join(filter(None, said))

    def part(self, field: str, component: int, sub: int = 0) -> str:
        """A component of the first repetition, or its first subcomponent; `sub` -1 is all of it."""
        first = field.partition(self.repetition)[0]
        parts = first.split(self.component)
        found = parts[component - 1] if 0 < component <= len(parts) else ""
        if sub > 0 or (sub == 0 and self.sub and self.sub in found):
            subs = found.split(self.sub) if self.sub else [found]
            found = subs[max(sub, 1) - 1] if max(sub, 1) <= len(subs) else ""
        found = self.plain(found)
        return "" if found == '""' else found  # two quotes: the sender deletes the value

    def hd(self, field: str) -> str:
        """A hierarchic designator (MSH-4, EVN-7): its universal id, else its name."""
        return self.part(field, 2) or self.part(field, 1)

    def plain(self, said: str) -> str:
        """The text with its escape sequences resolved; one that is unknown stays as it stands."""
        if not self.escape or self.escape not in said:
            return said.strip()
        mark = re.escape(self.escape)
        return re.sub(rf"{mark}([^{mark}]{{0,200}}){mark}", lambda m: self._escaped(m[1], m[0]), said).strip()

    def _escaped(self, what: str, whole: str) -> str:
        fixed = {"F": self.segments[0][1], "S": self.component, "T": self.sub, "R": self.repetition, "E": self.escape}
        fixed |= dict.fromkeys((".br", ".sp", ".ce"), "\n") | dict.fromkeys(("H", "N", ".fi", ".nf", ".in", ".ti"), "")
        if what in fixed:
            return fixed[what]
        if re.fullmatch(r"X(?:[0-9A-Fa-f]{2})+", what):
            return bytes.fromhex(what[1:]).decode(self.encoding, "replace")
        if re.fullmatch(r"\.sp\+?\d+", what):
            return "\n"
        return "" if re.fullmatch(r"\.(?:in|ti|sk)[+-]?\d+|[CM](?:[0-9A-F]{4}|[0-9A-F]{6})", what) else whole


class _Way(NamedTuple):
    """A path taken apart; `sub` -1 is all of a component, `time` that a moment stands there, `observed` OBX-5."""

    name: str
    chosen: str
    field: int
    component: int
    sub: int
    time: bool
    observed: bool


@lru_cache(maxsize=1 << 12)
def _way(path: str) -> _Way | None:
    said = _PATH.fullmatch(path)
    if said is None:
        return None
    name, chosen, *numbers = said.groups(default="")
    field, component, sub = (int(n or 0) for n in numbers)
    text = not sub and max(component, 1) in _TEXTS.get((name, field), ())
    return _Way(name, chosen, field, component or 1, -1 if text else sub, field in _TIMES.get(name, ()),
                (name, field, component) == ("OBX", 5, 0))  # fmt: skip


def field_of(segment: list[str], n: int) -> str:
    """Field n of a segment, "" beyond its end."""
    return segment[n] if n < len(segment) else ""


def pieces(blocks: Blocks) -> Iterator[Piece | Broken]:
    """The messages of a file in its order; Broken for what is none, for one too long, and for a batch miscounted."""
    held: list[bytes] = []
    began = size = seen = 0
    skipping = False
    for number, segment in _segments(narrowed(blocks, "")[0]):
        if isinstance(segment, Broken):
            raw = _joined(held)[:RAW]  # what came last may be half a message: it goes with the finding
            yield segment._replace(line=began or number, raw=raw or segment.raw)
            return
        if segment.startswith(b"MSH") or segment[:3] in _WRAPS:
            if held:
                yield Piece(began, _joined(held))
                seen += 1
            held, skipping = [], False
            if segment.startswith(b"MSH"):
                held, began, size = [segment], number, len(segment)
            elif segment.startswith(b"BHS"):
                seen = 0
            elif segment.startswith(b"BTS"):
                yield from _counted(number, segment, seen)
        elif held:
            size += len(segment) + 1
            if size > MAX_RECORD:
                message = f"the message is longer than {MAX_RECORD >> 20} MB and was skipped; is an MSH lost?"
                yield Broken(began, "too-long", message, _joined(held)[:RAW])
                held, skipping = [], True
                continue
            held.append(segment if _is_segment(segment, held[0][3:4]) else b"\n" + segment)
        elif not skipping:
            message = "the segment belongs to no message; a message begins with MSH|^~\\&|"
            yield Broken(number, "bad-hl7", message, segment[:RAW])
            skipping = True
    if held:
        yield Piece(began, _joined(held))


def _joined(lines: list[bytes]) -> bytes:
    return b"\r".join(lines).replace(b"\r\n", b"\n")


def _counted(line: int, segment: bytes, seen: int) -> Iterator[Broken]:
    said = segment[4:].split(segment[3:4] or b"|")[0].strip()
    if said.isdigit() and len(said) < 10 and int(said) != seen:
        message = f"the batch says it holds {int(said)} messages, but {seen} came; have it sent again"
        yield Broken(line, "batch-count", message, segment[:RAW], "BTS-1", said.decode())


def _segments(blocks: Blocks) -> Iterator[tuple[int, bytes | Broken]]:
    """(line, segment without its end and without MLLP's marks); empty ones are left out. CR, LF and CRLF end a line."""
    number, tail, after_cr = 1, b"", False
    for block in blocks:
        if isinstance(block, Broken):
            yield number, block._replace(raw=tail[:RAW])
            return
        if after_cr and block.startswith(b"\n"):
            block = block[1:]  # noqa: PLW2901  # the other half of a CRLF that was cut in two
        after_cr = block.endswith(b"\r")
        parts = (tail + block).replace(b"\r\n", b"\r").replace(b"\n", b"\r").split(b"\r")
        tail = parts.pop()
        for part in parts:
            cleaned = _bare(part)
            if cleaned:
                yield number, cleaned
            number += 1
        if len(tail) > MAX_RECORD:
            yield number, tail[: MAX_RECORD + 1]
            tail = b""
    cleaned = _bare(tail)
    if cleaned:
        yield number, cleaned


def _bare(segment: bytes) -> bytes:
    """A segment without MLLP's marks, outer spaces and a byte-order mark before it."""
    segment = segment.strip(_AROUND)
    return segment.removeprefix(codecs.BOM_UTF8).lstrip(_AROUND) if segment.startswith(codecs.BOM_UTF8) else segment


def _is_segment(line: bytes, separator: bytes) -> bool:
    """Whether a line begins a segment; one that does not goes on with the text of the segment before it."""
    name = line[:3] if line[3:4] == separator else line.partition(separator)[0].strip() if separator else line[:3]
    return len(name) == 3 and name.isalnum() and name.isupper() and not name[:1].isdigit()


def take_apart(piece: Piece, declared: str) -> tuple[Message, Broken | None] | Broken:
    """The message and what is odd about it though it can be read; or why it cannot be.

    `declared` is the source's encoding, "auto" for none: it stands where MSH-18 is empty.
    """
    raw = piece.raw
    marks = raw[3:8].decode("latin-1")
    if len(raw) < 9 or len(set(marks[:4])) < 4 or any(c.isalnum() or c.isspace() for c in marks[:4]):
        message = "MSH-1 and MSH-2 do not name the delimiters; a message begins with MSH|^~\\&|"
        return Broken(piece.line, "bad-hl7", message, raw[:RAW], "MSH-2", marks)
    read = _decoded(piece, declared, marks[0])
    if isinstance(read, Broken):
        return read
    text, encoding, odd = read
    segments = [s.split(marks[0]) for s in text.split("\r")]
    segments[0].insert(1, marks[0])
    segments = [[s[0].strip(), *s[1:]] for s in segments]
    sub = marks[4] if len(marks) > 4 and marks[4] != marks[0] and not marks[4].isalnum() else ""
    return Message(segments, marks[1], marks[2], marks[3], sub, encoding), odd


def _decoded(piece: Piece, declared: str, separator: str) -> tuple[str, str, Broken | None] | Broken:
    """(text, encoding, finding): a wrong declaration is told, and the text read all the same where it can be."""
    if piece.raw.isascii():
        return piece.raw.decode("ascii"), "ascii", None
    first = read_text(piece.raw.split(b"\r")[0], "", "auto")  # a letter of GBK may have the separator's byte in it
    head = first.text.split(separator) if first else []
    said = head[17] if len(head) > 17 else ""
    read = read_text(piece.raw, said, declared)
    if read is None:
        message = (
            "the text is neither in the character set that MSH-18 names, nor UTF-8, nor GB18030; have it sent again"
        )
        return Broken(piece.line, "bad-encoding", message, piece.raw[:RAW], "MSH-18", said)
    odd = Broken(piece.line, "wrong-charset", read.odd, piece.raw[:RAW], "MSH-18", said) if read.odd else None
    return read.text, read.encoding, odd
