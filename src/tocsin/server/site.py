"""What every request may need: the open city, the tokens, the writer, the live stream, the clock. I/O."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from tocsin.desk import Desk
from tocsin.errors import StoreError, TocsinError
from tocsin.feed.contract import Status
from tocsin.server.gate import Gate
from tocsin.server.live import Broker
from tocsin.server.tokens import Tokens
from tocsin.server.writer import Writer
from tocsin.types import Instant
from tocsin.views.plain import iso

READERS = 8  # threads that answer questions; each has its own connection to the store
DAY = 86_400_000_000
T = TypeVar("T")

log = logging.getLogger("tocsin.server")


def now() -> Instant:
    """The clock."""
    return time.time_ns() // 1000


@dataclass
class Site:
    """One open city on the wire.

    `faults`: what broke in the server's own parts, newest last, at most 20; `away`: what each part cannot do while the
    store is away, its disk full, or it is locked.
    """

    desk: Desk
    token: str = ""  # the operator's; "": there is none
    clock: Callable[[], Instant] = now
    writer: Writer = field(default_factory=Writer)
    broker: Broker = field(default_factory=lambda: Broker(first=now() // 1000))
    faults: list[dict[str, str]] = field(default_factory=list)
    away: dict[str, dict[str, str]] = field(default_factory=dict)  # by part
    streams: int = 0  # bodies without end that are being read
    feeds: dict[str, Status] = field(default_factory=dict)  # by source
    gate: Gate = field(default_factory=Gate)
    progress: dict[str, Any] | None = None  # wire.Progress, while there is work to do before the first beat
    _reading: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(READERS))

    def __post_init__(self) -> None:
        self.tokens = Tokens(self.desk.directory)

    def fault(self, part: str, why: Exception) -> None:
        """A part of ours broke: into the log with all that is known of it, and into /health with a sentence."""
        known = isinstance(why, TocsinError)  # its message is for people, and says all
        log.error("%s%s", part, f": {why}" if known else "", exc_info=None if known else why)
        message = str(why) if known else f"{type(why).__name__}: {why}"
        fault = {"at": iso(self.clock()), "part": part, "message": message}
        if isinstance(why, StoreError):
            self.away[part] = fault | {"at": self.away.get(part, fault)["at"]}
        else:
            self.faults[:] = [*self.faults, fault][-20:]

    def works(self, part: str) -> None:
        """A part has done its work: the store is there again."""
        self.away.pop(part, None)

    def troubles(self) -> list[dict[str, str]]:
        """Faults of the last day, and what cannot be done now, as /health says them."""
        since = iso(self.clock() - DAY)
        return [f for f in self.faults if f["at"] > since] + list(self.away.values())

    async def read(self, question: Callable[[], T]) -> T:
        """The answer to a blocking question, in a thread; abandoned when the server ends: it changes nothing."""
        return await anyio.to_thread.run_sync(question, abandon_on_cancel=True, limiter=self._reading)

    def open(self) -> None:
        """Begin, on the running event loop."""
        self._reading = anyio.CapacityLimiter(READERS)
        self.broker.open()
        self.writer.open()

    def close(self) -> None:
        """End the streams and refuse what waits; on the event loop."""
        self.broker.close()
        self.writer.close()
