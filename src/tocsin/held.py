"""The increments of an open city, held in memory: only what has come since is read. I/O."""

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from tocsin.calendar import civil_minute, day_of, end_of_day
from tocsin.cube.cube import Columns, joined, settled, taken
from tocsin.store.db import Store
from tocsin.store.increments import oldest, read_increments
from tocsin.types import Instant, Ints

MANY, CHUNK = 300_000, 100_000  # rows of a signal: held one by one at most, read at once
_DAY = 86_400_000_000


class _Signal:
    """Beyond `MANY` rows, those that are known are settled, day by day of report: memory grows with cells and days,
    not with what arrives."""

    def __init__(self) -> None:
        none = np.empty(0, dtype=np.int64)
        self.rows = Columns(none, none, none, np.empty(0), none, np.empty(0, dtype=np.bool_))
        self.upto, self.settled, self._most = 0, -(1 << 62), MANY

    def add(self, rows: Columns, upto: int) -> None:
        """Add what was read up to row `upto`."""
        self.rows, self.upto = joined(self.rows, rows), upto

    def settle(self, as_of: Instant, tz: ZoneInfo) -> None:
        """Settle what was known by `as_of`, if it is too much."""
        if len(self.rows.step) > self._most:
            told = self.rows.report_time
            self.settled = max(self.settled, int(told[told <= as_of].max(initial=self.settled)))
            self.rows = settled(self.rows, self.settled, _ends(told, tz))
            self._most = max(MANY, 2 * len(self.rows.step))


class Held:
    """Threads may share it."""

    def __init__(self, store: Store, place: Mapping[str, int], tz: ZoneInfo, anew: Callable[[], None]) -> None:
        """place: each area code's position in the tree. anew: called when all was counted anew (`rebuild`)."""
        self._store, self._place, self._tz, self._anew = store, place, tz, anew
        self._lock, self._oldest = threading.Lock(), 0
        self._signals: dict[str, _Signal] = {}

    def of(self, signal: str, as_of: Instant) -> Columns:
        """The increments of a signal: whoever takes those known by `as_of`, or later, has all that were."""
        with self._lock:
            first = oldest(self._store)
            if first != self._oldest:
                self._oldest, self._signals = first, {}
                self._anew()
            held = self._signals.setdefault(signal, _Signal())
            newer = CHUNK
            while newer == CHUNK:
                rows, upto = read_increments(self._store, signal, held.upto, self._place, limit=CHUNK)
                newer = len(rows.step)
                if newer:
                    held.add(rows, upto)
                held.settle(as_of, self._tz)
            rows, exact = held.rows, as_of >= held.settled
        return rows if exact else self._earlier(signal, rows, as_of)

    def _earlier(self, signal: str, rows: Columns, as_of: Instant) -> Columns:
        """Of the days that were over by then what is held, which is exact; of the one that was not, what is stored."""
        day = day_of(civil_minute(as_of, self._tz))
        if as_of == end_of_day(day, self._tz):
            return taken(rows, rows.report_time <= as_of)
        over = end_of_day(day - timedelta(days=1), self._tz)
        before = taken(rows, rows.report_time <= over)
        rest, _ = read_increments(self._store, signal, 0, self._place, since=over + 1, as_of=as_of)
        return joined(before, rest)


def _ends(reports: Ints, tz: ZoneInfo) -> Ints:
    """The last moments of the civil days that lie among reports, ascending."""
    days = {
        day_of(civil_minute(at * _DAY, tz)) for d in np.unique(reports // _DAY).tolist() for at in (d, d + 1)
    }  # fmt: skip
    return np.array(sorted(end_of_day(d, tz) for d in days), dtype=np.int64)
