"""HL7 version 2 as messages: files, batches and MLLP frames, delimiters, escapes, character sets. Pure.

HL7 v2.5.1, chapter 2: segments end in CR (LF and CRLF are taken too), MSH-1 and MSH-2 name the delimiters, MSH-18 the
character set; FHS, BHS, BTS and FTS wrap messages, and BTS-1 counts them. MLLP frames are 0x0B … 0x1C 0x0D.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from tocsin.ingest.contract import MAX_RECORD, RAW, Blocks, Broken

CHARSETS = {  # MSH-18, HL7 table 0211, without spaces → Python's name
    "ASCII": "ascii", "UNICODEUTF-8": "utf-8", "UTF-8": "utf-8", "UTF8": "utf-8", "GB18030-2000": "gb18030",
    "GB18030": "gb18030", "GB2312": "gb18030", "GBK": "gb18030", "CNS11643-1992": "euc_tw", "BIG-5": "big5",
    "BIG5": "big5", "KSX1001": "euc_kr", "ISOIR87": "iso2022_jp", "ISOIR14": "shift_jis", "UNICODE": "utf-8",
    **{f"8859/{n}": f"iso8859-{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
}  # fmt: skip

_PATH = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[([^\]]+)\])?(?:-(\d{1,3})(?:\.(\d{1,2})(?:\.(\d{1,2}))?)?)?")
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
        of them, joined by "; "; `OBX[8661-1]` the value of the OBX with that code in OBX-3.
        """
        said = _PATH.fullmatch(path)
        if not said:
            return ""
        name, chosen, field, component, sub = said.groups()
        found = self.of(name)
        if chosen and chosen != "*":
            found = [s for s in found if chosen in field_of(s, 3).split(self.component)]
        if field is None:
            return "; ".join(filter(None, (self.observed(s) for s in found))) if chosen and name == "OBX" else ""
        values = (self.part(field_of(s, int(field)), int(component or 1), int(sub or 0)) for s in found)
        return "; ".join(filter(None, values)) if chosen == "*" else next(values, "")

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
            else:
                chosen = one if kind in ("TX", "FT", "ST") else parts[0]
            said.append(self.plain(chosen))
        return "; ".join(filter(None, said))

    def part(self, field: str, component: int, sub: int = 0) -> str:
        """A component of the first repetition; `sub` 0 is all of it."""
        first = field.partition(self.repetition)[0]
        parts = first.split(self.component)
        found = parts[component - 1] if 0 < component <= len(parts) else ""
        if sub or (self.sub and self.sub in found):
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
        return "\n" if re.fullmatch(r"\.sp\d+", what) else whole


def field_of(segment: list[str], n: int) -> str:
    """Field n of a segment, "" beyond its end."""
    return segment[n] if n < len(segment) else ""


def pieces(blocks: Blocks) -> Iterator[Piece | Broken]:
    """The messages of a file in its order; Broken for what is none, for one too long, and for a batch miscounted."""
    held: list[bytes] = []
    began = size = seen = 0
    skipping = False
    for number, segment in _segments(blocks):
        if isinstance(segment, Broken):
            raw = b"\r".join(held)[:RAW]  # what came last may be half a message: it goes with the finding
            yield segment._replace(line=began or number, raw=raw or segment.raw)
            return
        if segment.startswith(b"MSH") or segment[:3] in _WRAPS:
            if held:
                yield Piece(began, b"\r".join(held))
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
                yield Broken(began, "too-long", message, b"\r".join(held)[:RAW])
                held, skipping = [], True
                continue
            held.append(segment)
        elif not skipping:
            message = "the segment belongs to no message; a message begins with MSH|^~\\&|"
            yield Broken(number, "bad-hl7", message, segment[:RAW])
            skipping = True
    if held:
        yield Piece(began, b"\r".join(held))


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
            cleaned = part.strip(b"\x0b\x1c \t\xef\xbb\xbf")
            if cleaned:
                yield number, cleaned
            number += 1
        if len(tail) > MAX_RECORD:
            yield number, tail[: MAX_RECORD + 1]
            tail = b""
    cleaned = tail.strip(b"\x0b\x1c \t\xef\xbb\xbf")
    if cleaned:
        yield number, cleaned


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
    raw = piece.raw
    if raw.isascii():
        return raw.decode("ascii"), "ascii", None
    head = raw.split(b"\r")[0].split(separator.encode("latin-1"))
    said = head[17].decode("latin-1").split("~")[0].strip() if len(head) > 17 else ""
    own = CHARSETS.get(said.upper().replace(" ", ""), "") if said else ("" if declared == "auto" else declared)
    fits = [name for name in ("utf-8", "gb18030") if _fits(raw, name)]
    if not said and not own:
        return (raw.decode(fits[0]), fits[0], None) if fits else _unreadable(piece, said)
    mojibake = own.startswith("iso8859") and fits[:1] == ["utf-8"]  # Latin text is hardly ever valid UTF-8 by chance
    if own and _fits(raw, own) and not mojibake:
        return raw.decode(own), own, None
    if not fits:
        return _unreadable(piece, said)
    what = f"MSH-18 says {said[:40]!r}" if said else f"the source's encoding is {declared}"
    message = f"{what}, but the text is {fits[0]} and was read so; have the sender declare what it sends"
    odd = Broken(piece.line, "wrong-charset", message, raw[:RAW], "MSH-18", said)
    return raw.decode(fits[0]), fits[0], odd


def _unreadable(piece: Piece, said: str) -> Broken:
    message = "the text is neither in the character set that MSH-18 names, nor UTF-8, nor GB18030; have it sent again"
    return Broken(piece.line, "bad-encoding", message, piece.raw[:RAW], "MSH-18", said)


def _fits(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except (UnicodeError, LookupError):
        return False
    return True
