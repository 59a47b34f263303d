"""Parquet is decoded in a process of its own first: a file that is made so can end the one that decodes it. I/O."""

import resource
import subprocess
import sys
import zlib
from pathlib import Path
from typing import BinaryIO

from tocsin.errors import StoreError
from tocsin.ingest.stream import GZIP
from tocsin.ingest.table_parquet import MAGIC, decode

PATIENCE = 120.0  # seconds
MEMORY = 6 << 30  # bytes of address space
_ROOT = str(Path(__file__).resolve().parents[2])
_CHILD = f"import sys; sys.path.insert(0, {_ROOT!r}); from tocsin.feed.trial import child; child()"
_ENV = {"POLARS_MAX_THREADS": "1"}  # and nothing of ours: no secret goes there
_WHY = "decoding it as Parquet {what}; the file is damaged or made to do harm. Write it again, or send it as CSV"


def unsound(stream: BinaryIO) -> str:
    """Why a seekable stream must not be decoded here; "": it may be, be it good or bad. The stream is where it was.

    StoreError when no process can be made to try it.
    """
    at = stream.tell()
    try:
        if not _begin(stream.read(256)).startswith(MAGIC):
            return ""
        stream.seek(at)
        data = stream.read()
    finally:
        stream.seek(at)
    args = [sys.executable, "-P", "-c", _CHILD]
    try:
        # S603: our own program, without a shell; what comes from outside is its standard input only
        done = subprocess.run(args, input=data, capture_output=True, timeout=PATIENCE, env=_ENV, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return _WHY.format(what=f"takes more than {PATIENCE:.0f} seconds")
    if done.returncode > 0:  # it ended by itself: not the file's fault, and the file has not been tried
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise StoreError(f"Parquet cannot be tried before it is read: {' '.join(said)}; is the installation whole?")
    return _WHY.format(what="broke the process that tried it") if done.returncode else ""


def child() -> None:
    """Decode what comes on standard input and end, one way or the other."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    decode(sys.stdin.buffer)


def _begin(head: bytes) -> bytes:
    if not head.startswith(GZIP):
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, len(MAGIC))
    except zlib.error:
        return b""
