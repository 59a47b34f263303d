"""HL7 v2 acknowledgements: what is said back of a message, in its own delimiters. Pure.

HL7 v2.5.1, chapter 2.9: in original mode every message is answered AA, AE or AR. Where MSH-15 or MSH-16 is given, the
sender asks for the enhanced mode: an accept acknowledgement (CA, CE, CR) if MSH-15 says so, an application
acknowledgement (AA, AE, AR) if MSH-16 says so. The data are durable before either.
"""

from typing import Literal, NamedTuple

from tocsin.ingest.hl7_charset import read_text

FRAMING = b"\x0b\x1c"  # an answer that repeated these would end in its middle
Verdict = Literal["A", "E", "R"]  # accepted; error: nothing of it could be used; rejected: no such message is taken
_CODES = {"E": b"207^Application internal error^HL70357", "R": b"200^Unsupported message type^HL70357"}
_EVENT = b"201^Unsupported event code^HL70357"
_WHEN = {b"AL": "AER", b"NE": "", b"ER": "ER", b"SU": "A"}  # HL7 table 0155


class Header(NamedTuple):
    """MSH of a message: its delimiters, and its fields by number (fields[10] is MSH-10)."""

    separator: bytes
    encoding: bytes
    fields: list[bytes]

    @property
    def control(self) -> bytes:
        """MSH-10, what the sender knows the message by."""
        return self.field(10)

    def field(self, number: int) -> bytes:
        """MSH-number, empty where it is not given."""
        return self.fields[number] if number < len(self.fields) else b""


def header(data: bytes) -> Header | None:
    """The message's MSH; None if it is no HL7 v2 message."""
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n ")
    line = data.replace(b"\n", b"\r").split(b"\r", 1)[0][:4096].translate(None, FRAMING)
    if not line.startswith(b"MSH") or len(line) < 8 or line[3:4].isalnum() or not line[3:4].isascii():
        return None
    separator = line[3:4]
    read = read_text(line, "", "auto")  # a letter of GBK may have the separator's byte in it
    letters = read.text.split(separator.decode("latin-1")) if read else []
    parts = [p.encode(read.encoding) for p in letters] if read and not read.torn else line.split(separator)
    return Header(separator, parts[1], [parts[0], separator, *parts[1:]])


def acknowledge(asked: Header | None, verdict: Verdict, text: str, at: str, number: str) -> list[bytes]:
    """The answers to a message: one in original mode, none to two in enhanced.

    `at` is the moment as HL7 writes it (20260302080000+0800), `number` our own MSH-10.
    """
    if asked is None:
        asked = Header(b"|", b"^~\\&", [])
    accept, application = (w if (w := asked.field(n).strip().upper()) in _WHEN else b"" for n in (15, 16))
    if not accept and not application:
        return [_answer(asked, "A" + verdict, verdict, text, at, number)]
    said = []
    if verdict in _WHEN.get(accept, ""):
        said.append(_answer(asked, "C" + verdict, verdict, text, at, number))
    if verdict in _WHEN.get(application, ""):
        said.append(_answer(asked, "A" + verdict, verdict, text, at, number + "A"))
    return said


def _answer(asked: Header, code: str, verdict: Verdict, text: str, at: str, number: str) -> bytes:
    bar, component = asked.separator, asked.encoding[:1] or b"^"
    kind = asked.field(9).split(component)
    ack = component.join([b"ACK", *kind[1:2], *([b"ACK"] if len(kind) > 2 else [])])
    fields = [
        b"MSH", asked.encoding, asked.field(5), asked.field(6), asked.field(3), asked.field(4), at.encode(), b"", ack,
        number.encode(), asked.field(11) or b"P", asked.field(12) or b"2.5.1",
    ]  # fmt: skip
    said = _escaped(text, asked)
    segments = [fields, [b"MSA", code.encode(), asked.control, *([said] if said else [])]]
    if verdict != "A" and (asked.field(12) or b"2.5") >= b"2.5":  # before, ERR was another segment
        about = (_EVENT if verdict == "R" and kind[0] in (b"ADT", b"ORU") else _CODES[verdict]).replace(b"^", component)
        segments.append([b"ERR", b"", b"", about, b"E", b"", b"", b"", said])
    return b"".join(bar.join(s) + b"\r" for s in segments)


def _escaped(text: str, asked: Header) -> bytes:
    """Free text in which no delimiter is one; ASCII, since the answer declares no character set."""
    plain = " ".join(text.split())[:200].encode("ascii", "replace")
    for delimiter in {asked.separator, *(bytes([c]) for c in asked.encoding)}:
        plain = plain.replace(delimiter, b" ")
    return plain
