"""What every request may need: the open city, the token, the writer, the live stream, the clock. I/O."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tocsin import calendar
from tocsin.desk import Desk
from tocsin.errors import InputError
from tocsin.server.live import Broker
from tocsin.server.writer import Writer
from tocsin.types import Instant

# No city has records outside these years, so an as-of beyond them means the nearer end; it also keeps every
# zone's arithmetic inside what datetime can hold.
FIRST = calendar.instant(datetime(1800, 1, 1, tzinfo=UTC), calendar.zone("UTC"))
LAST = calendar.instant(datetime(2300, 1, 1, tzinfo=UTC), calendar.zone("UTC"))


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

    def as_of(self, text: str | None) -> Instant:
        """The moment a query means: a date's end in the city's zone, a date-time, or now. InputError if neither."""
        if text is None:
            return self.clock()
        try:
            at = calendar.parse_as_of(text, calendar.zone(self.desk.settings.city.zone))
        except OverflowError:
            at = FIRST if text.startswith("0") else LAST
        except ValueError as e:
            raise InputError(f"as_of {text!r}: write a date (2026-03-02) or a date-time (2026-03-02T10:00:00Z)") from e
        return min(max(at, FIRST), LAST)

    def utc(self, at: Instant) -> str:
        """A moment as it is written on the wire."""
        return calendar.moment(at, calendar.zone("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ")

    def fault(self, part: str, message: str) -> None:
        """Remember that a part of ours broke, for /health."""
        self.faults[:] = [*self.faults, {"at": self.utc(self.clock()), "part": part, "message": message}][-20:]

    def open(self) -> None:
        """Begin, on the running event loop."""
        self.broker.open()
        self.writer.open()

    def close(self) -> None:
        """End the streams and refuse what waits; on the event loop."""
        self.broker.close()
        self.writer.close()
