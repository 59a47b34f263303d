"""Any byte stream as blocks of one size, gzip opened, so that no reader sees how the bytes arrived. Pure."""

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from tocsin.ingest.contract import BLOCK, Blocks, Broken

GZIP = b"\x1f\x8b"
BOMB_FROM = 64 << 20  # bytes out before the ratio is looked at
BOMB_RATIO = 400  # tables rarely shrink a hundredfold; deflate's own limit is about 1030


_BOMB = (
    f"the gzip file unpacks to over {BOMB_RATIO} times its size, as no table does; what came before this point was "
    "taken. If it is real, unpack it and send it plain"
)


def blocks(stream: BinaryIO) -> Blocks:
    """Blocks of exactly `BLOCK` bytes, then the rest; a torn gzip stream ends with a Broken."""
    held: list[bytes] = []
    size = 0
    for piece in _opened(stream):
        if isinstance(piece, Broken):
            if size:
                yield b"".join(held)
            yield piece
            return
        held.append(piece)
        size += len(piece)
        if size >= BLOCK:
            data = b"".join(held)
            cut = len(data) // BLOCK * BLOCK
            for i in range(0, cut, BLOCK):
                yield data[i : i + BLOCK]
            held, size = [data[cut:]], len(data) - cut
    if size:
        yield b"".join(held)


def _opened(stream: BinaryIO) -> Blocks:
    """The bytes as stored, or unpacked when they begin with gzip's two bytes."""
    head = b""
    while len(head) < len(GZIP):
        more = stream.read(BLOCK)
        if not more:
            break
        head += more
    pieces = _pieces(head, stream)
    yield from _gunzip(pieces) if head.startswith(GZIP) else pieces


def _pieces(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    while head:
        yield head
        head = stream.read(BLOCK)


def _gunzip(pieces: Iterator[bytes]) -> Blocks:
    """Unpack gzip members one after another; zero padding between and after them is allowed."""
    member = None
    read = given = 0
    for piece in pieces:
        read += len(piece)
        data, waiting = piece, False
        while data or waiting:
            if member is None:
                data = data.lstrip(b"\0")
                if not data:
                    break
                member = zlib.decompressobj(wbits=31)
            try:
                out = member.decompress(data, BLOCK)
            except zlib.error as e:
                yield _torn(given, str(e))
                return
            given += len(out)
            if given > BOMB_FROM and given > BOMB_RATIO * read:
                yield Broken(0, "too-long", _BOMB)
                return
            yield out
            data, waiting = member.unconsumed_tail, len(out) == BLOCK
            if member.eof:
                data, waiting, member = member.unused_data, False, None
    if member is not None:
        yield _torn(given, "it ends too early")


def _torn(given: int, why: str) -> Broken:
    if not given:
        return Broken(
            0, "truncated", f"begins like gzip but cannot be unpacked ({why}); pack it again, or send it plain"
        )
    return Broken(
        0, "truncated", f"the gzip file is damaged here ({why}); the records before were taken; send it again"
    )
