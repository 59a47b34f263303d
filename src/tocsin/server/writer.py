"""One writer at a time, and a short bounded queue before it: what does not fit is refused at once. I/O."""

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

import anyio
import anyio.to_thread

from tocsin.server.refuse import Refused

T = TypeVar("T")


class Writer:
    """Requests wait on the event loop, in order; the beat takes the same lock from its own thread."""

    def __init__(self, places: int = 16) -> None:
        """`places`: requests that may wait or be written, each with its body in memory."""
        self._places = places
        self.taken = 0
        self._lock = threading.Lock()
        self._turn = anyio.CapacityLimiter(1)
        self._closed = False

    def open(self) -> None:
        """Begin to take writes, on the running loop."""
        self._turn, self._closed = anyio.CapacityLimiter(1), False

    def close(self) -> None:
        """Refuse what waits and what comes."""
        self._closed = True

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place in the queue, to be taken before the body is read; Refused 429 when there is none."""
        if self.taken >= self._places:
            raise Refused(429, "busy", f"{self._places} writes wait already; send it again", {"Retry-After": "1"})
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    async def run(self, call: Callable[[], T]) -> T:
        """Run a blocking call as the only writer, in a thread; it is done, and durable, when this returns."""

        def alone() -> T:
            with self.hold():
                return call()

        return await anyio.to_thread.run_sync(alone, limiter=self._turn)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """The lock, from any thread; Refused 503 when the server ends first."""
        while not self._lock.acquire(timeout=0.1):  # a long beat must not hold up the end
            self._refuse_if_closed()
        try:
            self._refuse_if_closed()
            yield
        finally:
            self._lock.release()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Refused(503, "ending", "The server is shutting down; send it again later", {"Retry-After": "10"})
