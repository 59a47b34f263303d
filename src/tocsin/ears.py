"""When sources were heard and how late they were, held in memory: only what has come since is read. I/O."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np

from tocsin.store.db import Store
from tocsin.store.heard import DAY, by_day, minutes, tide
from tocsin.store.totals import delays
from tocsin.types import Ints

LATE = 1000  # of each source, the newest events
NONE = np.empty((2, 0), dtype=np.int64)
FIRST, NEXT = 200_000, 20_000  # events that are looked at, at first and from then on: enough, however many came


class Ears:
    """Threads may share it."""

    def __init__(self, store: Store) -> None:
        self._store, self._lock, self._mark = store, threading.Lock(), 0
        self._days: dict[str, dict[int, tuple[int, int]]] = {}  # what was said of the days that are held
        self._held: dict[str, Ints] = {}  # (2, M): minutes, and new events in each
        self._late: dict[str, deque[int]] = {}
        self._upto = 0

    def of(self, source: str) -> Ints:
        """The minutes UTC, since the epoch, in which a source was heard, ascending."""
        return np.asarray(self._now(source)[0])

    def between(self, source: str, first: int, last: int) -> tuple[Ints, Ints]:
        """The minutes UTC from first to last in which a source was heard, ascending, and the new events in each."""
        minute, events = self._now(source)
        inside = slice(*np.searchsorted(minute, [first, last + 1]))
        return minute[inside], events[inside]

    def _now(self, source: str) -> Ints:
        with self._lock:
            mark = tide(self._store)
            if mark != self._mark:
                for name, days in by_day(self._store).items():
                    self._listen(name, days)
                self._mark = mark
            return self._held.get(source, NONE)

    def late(self, source: str) -> list[int]:
        """Microseconds from reference to report of a source's newest events, at most a thousand."""
        with self._lock:
            rows, self._upto = delays(self._store, self._upto, NEXT if self._upto else FIRST)
            for name, by in rows:
                self._late.setdefault(name, deque(maxlen=LATE)).append(by)
            return list(self._late.get(source, ()))

    def _listen(self, source: str, days: dict[int, tuple[int, int]]) -> None:
        before, held = self._days.get(source, {}), self._held.get(source, NONE)
        for first, last in _runs(day for day, said in days.items() if before.get(day) != said):
            found = np.array(minutes(self._store, source, first * DAY, (last + 1) * DAY - 1), dtype=np.int64)
            cut = np.searchsorted(held[0], [first * DAY, (last + 1) * DAY])
            held = np.concatenate([held[:, : cut[0]], found.reshape(-1, 2).T, held[:, cut[1] :]], axis=1)
        self._days[source], self._held[source] = days, held


def _runs(days: Iterable[int]) -> Iterator[tuple[int, int]]:
    """First and last of the runs of consecutive days; `days` ascends."""
    run: list[int] = []
    for day in days:
        if run and day != run[-1] + 1:
            yield run[0], run[-1]
            run = []
        run.append(day)
    if run:
        yield run[0], run[-1]
