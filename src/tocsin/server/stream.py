"""POST /stream: one long body of JSON lines, taken as it comes, its progress told as it lands. I/O.

What was told as `lines` is durable. Nothing more is read while a batch is written, so a sender is as fast as the store
and memory stays flat however long it sends.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from tocsin import loop
from tocsin.server import auth, wire, wire_intake
from tocsin.server.events import LINES
from tocsin.server.messages import said
from tocsin.server.refuse import Refused, refusal
from tocsin.server.route import PACKED, UNPACKABLE, Ask, parameters
from tocsin.server.site import Site
from tocsin.types import Finding

BATCH, PAUSE = 1000, 0.2  # lines in one transaction, seconds that the first of them waits for the others
LONGEST = 1 << 20  # bytes of a line
PIECE = 1 << 16  # bytes unpacked at once
_LINE = re.compile(rb"[^\n]+")
SILENCE = 300.0  # seconds without a byte after which a stream is ended
STREAMS = 16  # at once: each holds a connection and a batch


async def post(site: Site, request: Request) -> Response:
    """Push records without end: one JSON object a line, each as in `POST /events`, for as long as you like.

    The answer is a stream too, of one JSON object a line: `lines` is how many (not empty) are durable so far, with
    what became of them; the last has `done`. If something breaks, a last line has `error`: go on after `lines`, or
    send it all again, which does no harm. The body may be packed with gzip or zstd.
    """
    auth.check(request, site, "push")
    parameters(request, Ask)
    kind, _, rest = request.headers.get("content-type", "").lower().partition(";")
    if kind.strip() != LINES or rest.replace(" ", "").partition("charset=")[2].strip('"') not in ("", "utf-8"):
        raise Refused(415, "wrong-type", f"Send {LINES} in UTF-8", {"Accept": LINES})
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding not in PACKED:
        names = ", ".join(PACKED)
        raise Refused(415, "wrong-encoding", f"Content-Encoding: {names}", {"Accept-Encoding": "gzip, zstd"})
    if site.streams >= STREAMS:
        raise Refused(429, "busy", f"{STREAMS} streams are open already", {"Retry-After": "10"})
    return _Stream(site, request, encoding)


class _Stream(Response):
    """The answer, which reads the question."""

    def __init__(self, site: Site, request: Request, encoding: str) -> None:
        # Said to be packed already: progress that waits in a packer's buffer is none.
        super().__init__(None, 200, {"Cache-Control": "no-store", "Content-Encoding": "identity"}, LINES)
        del self.headers["content-length"]
        self._site, self._request, self._encoding = site, request, encoding
        self._total = {"lines": 0, "accepted": 0, "duplicates": 0, "findings": 0}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take all of it, telling after each batch; how it ended is the last line."""
        self._site.streams += 1
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            last = b""
            try:
                async for batch in _batches(_lines(self._pieces(receive))):
                    await send(_body(await self._take(batch)))
                last = self._told([], done=True)
            except ClientDisconnect:
                return
            except Exception as e:
                last = bytes(refusal(e, self._request).body)
            await send(_body(last, more=False))
        finally:
            self._site.streams -= 1

    async def _take(self, batch: list[bytes]) -> bytes:
        data, site = b"\n".join(batch), self._site
        caller = auth.caller(self._request, site)
        if caller is None:  # revoked, or over, since the stream began
            raise Refused(401, "wrong-token", "The token of this stream holds no longer")
        look = caller.bounds(site)
        taken, items = await site.writer.join(
            lambda: loop.push(site.desk, data, site.clock(), look), site.desk.together
        )
        before = self._total["lines"]
        self._total["lines"] += len(batch)
        for name in ("accepted", "duplicates", "findings"):
            self._total[name] += getattr(taken, name)
        return self._told([said(i._replace(line=i.line + before)) for i in items if isinstance(i, Finding)])

    def _told(self, problems: list[dict[str, Any]], *, done: bool = False) -> bytes:
        return wire.encode({**self._total, "problems": problems[:100], "done": done}, wire_intake.Progress)

    async def _pieces(self, receive: Receive) -> AsyncIterator[bytes]:
        """The body, unpacked, in pieces of bounded size; an empty piece every `PAUSE` seconds without any."""
        unpack: Any = PACKED[self._encoding]()
        silent, more = 0.0, True
        coming: asyncio.Task[Message] | None = None
        try:
            while more:
                coming = coming or asyncio.ensure_future(receive())
                done, _ = await asyncio.wait({coming}, timeout=PAUSE)
                if self._site.writer.closed:
                    raise Refused(503, "ending", "The server is shutting down; go on later")
                if not done:
                    silent += PAUSE
                    if silent >= SILENCE:
                        raise Refused(408, "too-slow", f"Nothing came for {SILENCE:g} s")
                    yield b""
                    continue
                message, coming, silent = coming.result(), None, 0.0
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                more = message.get("more_body", False)
                for piece in _unpacked(unpack, message.get("body", b"")):
                    yield piece
                    await asyncio.sleep(0)  # a little that unpacks to much must not hold up everybody else
            if not unpack.eof or unpack.unused_data:
                raise Refused(400, "bad-encoding", f"The body is not one {self._encoding} stream")
        except UNPACKABLE as e:
            raise Refused(400, "bad-encoding", f"The body is not one {self._encoding} stream: {e}") from e
        finally:
            if coming is not None:
                coming.cancel()


def _unpacked(unpack: Any, packed: bytes) -> Iterator[bytes]:
    full = False
    while packed or full or not getattr(unpack, "needs_input", True):
        piece = unpack.decompress(packed, PIECE)
        packed, full = getattr(unpack, "unconsumed_tail", b""), len(piece) == PIECE
        if piece:
            yield piece
        if unpack.eof:
            return


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    """Whole lines as they come, those of each piece; none where nothing came for a while."""
    held = b""
    async for piece in pieces:
        whole, _, held = (held + piece).rpartition(b"\n")
        yield _sound(_LINE.findall(whole))
        if len(held) > LONGEST:
            raise Refused(413, "too-large", f"A line is at most {LONGEST} bytes")
    yield _sound([held])


def _sound(lines: list[bytes]) -> list[bytes]:
    found = [line for line in lines if line.strip()]
    if any(line.lstrip()[:1] == b"[" for line in found):
        raise Refused(400, "bad-input", "One JSON object a line; an array goes to POST /events")
    return found


async def _batches(lines: AsyncIterator[list[bytes]]) -> AsyncIterator[list[bytes]]:
    """At most `BATCH` lines, as soon as there are so many, nothing more comes for a while, or `PAUSE` has passed."""
    clock = asyncio.get_running_loop().time
    held: list[bytes] = []
    began = 0.0
    try:
        async for some in lines:
            began = began if held else clock()
            held += some
            while len(held) >= BATCH or (held and (not some or clock() - began >= PAUSE)):
                batch, held = held[:BATCH], held[BATCH:]
                yield batch
    except Refused:
        if held:
            yield held  # what came before it was sound
        raise
    if held:
        yield held


def _body(line: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": line + b"\n", "more_body": more}
