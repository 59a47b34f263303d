"""How often each holder of a token may ask: a bucket that fills with time. I/O."""

import math
import time
from collections.abc import Callable

from tocsin.server.refuse import Refused
from tocsin.server.tokens import Holder

BURST = 10.0  # seconds' worth of requests that may come at once
ROUNDING = 1e-9


class Gate:
    """How often each holder may ask: a bucket that fills with time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}  # requests, as of when

    def enter(self, holder: Holder) -> None:
        """Refused 429, with the seconds to wait, for one who asks too often."""
        most, now = max(1.0, BURST * holder.rate), self._clock()
        left, at = self._left.get(holder.name, (most, now))
        left = min(most, left + (now - at) * holder.rate)
        if left < 1 - ROUNDING:
            self._left[holder.name] = left, now
            wait = str(max(1, math.ceil((1 - left) / holder.rate)))
            message = f"{holder.name} may ask {holder.rate:g} times a second; send more records at once, or later"
            raise Refused(429, "too-often", message, {"Retry-After": wait})
        self._left[holder.name] = left - 1, now
