"""What every request may need: the open city, the token, the writer, the live stream, the clock. I/O."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tocsin.desk import Desk
from tocsin.server.live import Broker
from tocsin.server.writer import Writer
from tocsin.types import Instant
from tocsin.views.plain import iso

log = logging.getLogger("tocsin.server")


def now() -> Instant:
    """The clock."""
    return time.time_ns() // 1000


@dataclass
class Site:
    """One open city on the wire. `faults`: what broke in the server's own parts, newest last, at most 20."""

    desk: Desk
    token: str = ""  # "": nobody may write
    clock: Callable[[], Instant] = now
    writer: Writer = field(default_factory=Writer)
    broker: Broker = field(default_factory=lambda: Broker(first=now() // 1000))
    faults: list[dict[str, str]] = field(default_factory=list)

    def fault(self, part: str, why: Exception) -> None:
        """A part of ours broke: into the log with all that is known of it, and into /health with a sentence."""
        log.error("%s", part, exc_info=why)
        fault = {"at": iso(self.clock()), "part": part, "message": f"{type(why).__name__}: {why}"}
        self.faults[:] = [*self.faults, fault][-20:]

    def open(self) -> None:
        """Begin, on the running event loop."""
        self.broker.open()
        self.writer.open()

    def close(self) -> None:
        """End the streams and refuse what waits; on the event loop."""
        self.broker.close()
        self.writer.close()
