"""Blocks of bytes as numbered lines of text, each in the file's encoding, however long the file. Pure."""

import codecs
import itertools
from collections.abc import Iterator, Sequence

from tocsin.ingest.contract import BLOCK, MAX_RECORD, RAW, Blocks, Broken

Line = tuple[int, str, bytes]  # 1-based number, text without its line end, its bytes

_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BOM = "\ufeff"


def lines(blocks: Blocks, encoding: str) -> Iterator[Line | Broken]:
    """Every line, or a Broken for one that is too long, has NUL bytes, or is not text in the file's encoding.

    `encoding` "auto": UTF-16 by its byte-order mark; else UTF-8 or GB18030, whichever more of the lines fit in the
    first block that has any letter beyond ASCII.
    """
    blocks, said = narrowed(blocks, "" if encoding == "auto" else encoding)
    number, tail, newline, skipping = 0, b"", b"", False
    for block in blocks:
        if isinstance(block, Broken):  # what follows the last line end may be half a record: it goes with the finding
            yield block._replace(line=number + 1, raw=tail[:RAW])
            return
        newline = newline or (b"\r" if b"\r" in block and b"\n" not in block else b"\n")
        pieces = (tail + block).split(newline)
        tail = pieces.pop()
        said = said or _guess(pieces)
        if skipping and pieces:
            skipping = False
            del pieces[0]
        for piece in pieces:
            number += 1
            yield _line(number, piece, said or "utf-8")
        if skipping:
            tail = b""
        elif len(tail) > MAX_RECORD:
            number += 1
            yield _too_long(number, tail)
            skipping, tail = True, b""
    if tail:
        yield _line(number + 1, tail, said or _guess([tail]) or "utf-8")


def head_text(block: bytes) -> str:
    """The beginning of a file as text good enough to tell formats apart."""
    wide = next((name for mark, name in _WIDE if block.startswith(mark)), "utf-8-sig")
    return block[:4096].decode(wide, errors="replace")


def _guess(pieces: Sequence[bytes]) -> str:
    utf8 = gb = 0
    for piece in pieces:
        if not piece.isascii():
            if _fits(piece, "utf-8"):
                utf8 += 1
            elif _fits(piece, "gb18030"):
                gb += 1
    if utf8 or gb:
        return "gb18030" if gb > utf8 else "utf-8"
    return ""  # nothing but ASCII so far


def _fits(piece: bytes, encoding: str) -> bool:
    try:
        piece.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _line(number: int, piece: bytes, encoding: str) -> Line | Broken:
    if len(piece) > MAX_RECORD:
        return _too_long(number, piece)
    if b"\0" in piece:
        return Broken(
            number,
            "bad-encoding",
            "the line has NUL bytes, which text has not; export the file again as UTF-8 text",
            piece[:RAW],
        )
    try:
        text = piece.decode(encoding)
    except UnicodeError as e:
        return Broken(
            number,
            "bad-encoding",
            f"the line is not {encoding} text ({_reason(e)}); export it as UTF-8, or declare the source's encoding",
            piece[:RAW],
        )
    if number == 1:
        text = text.removeprefix(_BOM)
    return number, text.removesuffix("\r"), piece


def _reason(e: UnicodeError) -> str:
    return f"byte {e.start + 1}: {e.reason}" if isinstance(e, UnicodeDecodeError) else str(e)


def _too_long(number: int, piece: bytes) -> Broken:
    return Broken(
        number,
        "too-long",
        f"the line is longer than {MAX_RECORD >> 20} MB and was skipped; a record ends with a line end: was it lost?",
        piece[:RAW],
    )


def narrowed(blocks: Blocks, encoding: str) -> tuple[Blocks, str]:
    """UTF-16 and UTF-32, where a byte 10 is no line end, turned into UTF-8; anything else untouched."""
    first = next(blocks, b"")
    wide = encoding if encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32")) else ""
    if not encoding and isinstance(first, bytes):
        wide = next((name for mark, name in _WIDE if first.startswith(mark)), "")
    together = itertools.chain([first], blocks)
    return (_transcoded(together, wide), "utf-8") if wide else (together, encoding)


def _transcoded(blocks: Blocks, encoding: str) -> Blocks:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    held = b""
    for block in blocks:
        if isinstance(block, Broken):
            yield held
            yield block
            return
        held += decoder.decode(block).encode("utf-8", errors="replace")
        while len(held) >= BLOCK:
            yield held[:BLOCK]
            held = held[BLOCK:]
    yield held + decoder.decode(b"", True).encode("utf-8", errors="replace")
