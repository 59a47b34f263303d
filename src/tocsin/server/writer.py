"""One writer at a time, and a short bounded queue before it: what does not fit is refused at once. I/O.

Requests that wait at the same time share one transaction, and so one flush to the disk; each is answered when it lands.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from tocsin.server.refuse import Refused

T = TypeVar("T")
TOGETHER = 32  # calls in one transaction: enough that its flush costs each next to nothing


class _Call:
    """One that waits: what it will do, what came of it."""

    def __init__(self, do: Callable[[], Any]) -> None:
        self.do, self.done = do, asyncio.Event()
        self.result: Any = None
        self.error: BaseException | None = None

    def alone(self) -> None:
        try:
            self.result = self.do()
        except BaseException as e:
            self.error = e


class Writer:
    """Requests wait on the event loop, in order; the beat takes the same lock from its own thread."""

    def __init__(self, places: int = 64) -> None:
        """`places`: requests that may wait or be written, each with its body in memory."""
        self._places = places
        self.taken = 0
        self._lock = threading.Lock()
        self._turn = anyio.CapacityLimiter(1)
        self.closed = False
        self._calls: list[_Call] = []
        self._driver: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to take writes, on the running loop."""
        self._turn, self.closed = anyio.CapacityLimiter(1), False

    def close(self) -> None:
        """Refuse what waits and what comes."""
        self.closed = True

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

    async def join(self, do: Callable[[], T], together: Callable[[], AbstractContextManager[Any]]) -> T:
        """As `run`, but in one transaction (`together`) with whoever waits too. `do` may be called twice.

        If one of them fails, nothing of the transaction stands and each is done alone: none fails for another's sake.
        """
        call = _Call(do)
        self._calls.append(call)
        if self._driver is None:  # a task of its own: a caller that goes away must not take the others with it
            self._driver = asyncio.get_running_loop().create_task(self._drive(together))
        await call.done.wait()
        if call.error is not None:
            raise call.error
        return call.result  # type: ignore[no-any-return]  # it is what `do` gave

    async def _drive(self, together: Callable[[], AbstractContextManager[Any]]) -> None:
        try:
            while self._calls:
                some, self._calls = self._calls[:TOGETHER], self._calls[TOGETHER:]
                try:
                    await anyio.to_thread.run_sync(self._do, some, together, limiter=self._turn)
                except BaseException as e:
                    for call in some:
                        call.error = e
                    raise
                finally:
                    for call in some:
                        call.done.set()
        finally:
            self._driver = None

    def _do(self, calls: list[_Call], together: Callable[[], AbstractContextManager[Any]]) -> None:
        try:
            with self.hold():
                try:
                    with together():
                        for call in calls:
                            call.result = call.do()
                except Exception:
                    for call in calls:
                        call.alone()
        except Refused as e:  # the server ends
            for call in calls:
                call.error = e

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
        if self.closed:
            raise Refused(503, "ending", "The server is shutting down; send it again later", {"Retry-After": "10"})
