"""The live stream: one ring of messages that every open page reads at its own pace. I/O.

There is no queue per reader: a reader is a place in the ring, so a slow one costs nothing and one that has fallen out
of the ring (or comes from an earlier run of the server) is told to load everything again: `event: reset`.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from itertools import islice
from typing import Any

from tocsin.server import wire
from tocsin.server.refuse import Refused
from tocsin.server.wire_progress import Progress

KINDS: dict[str, Any] = {
    "tick": wire.Tick,
    "counts": wire.Counts,
    "alert": wire.Alert,
    "source": wire.Source,
    "progress": Progress,
    "reset": dict[str, str],
}


class Broker:
    """Messages with increasing ids. `tell` from any thread; streams live on the event loop that called `open`."""

    def __init__(self, first: int, keep: int = 512, most: int = 500, heartbeat: float = 15.0) -> None:
        """`first`: over every id of earlier runs (milliseconds since the epoch); `keep` messages, `most` readers."""
        assert keep > 0
        self._ring: deque[bytes] = deque(maxlen=keep)
        self._last = first  # the newest message's id; ids in the ring are consecutive
        self._most, self._heartbeat = most, heartbeat
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._closed = False
        self.readers = 0

    def open(self) -> None:
        """Begin to pass messages on, on the running loop."""
        self._loop, self._closed = asyncio.get_running_loop(), False

    def close(self) -> None:
        """End all streams; on the loop."""
        self._closed = True
        self._wake()

    def tell(self, event: str, value: Any) -> None:
        """Say something to all, from any thread; nothing happens when nobody can be listening."""
        data = wire.encode(value, KINDS[event])
        if self._loop is not None and not self._loop.is_closed() and not self._closed:
            self._loop.call_soon_threadsafe(self._say, event, data)

    def stream(self, last: int | None) -> AsyncIterator[bytes]:
        """Messages after id `last`, then new ones as they come; None: from now on. Ends when the broker closes."""
        if self._closed or self.readers >= self._most:
            raise Refused(503, "too-many-streams", f"{self._most} pages listen already", {"Retry-After": "10"})
        return self._stream(last)

    async def _stream(self, last: int | None) -> AsyncIterator[bytes]:
        self.readers += 1
        try:
            at = self._last if last is None else last
            # An id without data only sets what the browser sends back when it reconnects.
            yield b"retry: 2000\n" + (b"id: %d\n\n" % at if last is None else b"\n")
            while not self._closed:
                news = self._news
                at, text = self._after(at)
                if text:
                    yield text
                    continue
                try:
                    await asyncio.wait_for(news.wait(), self._heartbeat)
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self.readers -= 1

    def _say(self, event: str, data: bytes) -> None:
        self._last += 1
        self._ring.append(frame(self._last, event, data))
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _after(self, at: int) -> tuple[int, bytes]:
        oldest = self._last - len(self._ring) + 1
        if not oldest - 1 <= at <= self._last:
            return self._last, frame(self._last, "reset", b'{"why":"what came in between is no longer held"}')
        return self._last, b"".join(islice(self._ring, at - oldest + 1, None))


def frame(number: int, event: str, data: bytes) -> bytes:
    """One server-sent event; JSON holds no raw line ends, so `data` is one line."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, event.encode(), data)
