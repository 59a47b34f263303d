"""Between full beats: which counts of the newest steps moved, and has one reached the mark computed ahead for it? I/O.

A mark is the smallest count at which a cell would speak, found by asking the signal's own detectors about ever larger
counts when nothing else is to be done, a few areas at a time, so that a look at what is new never waits for long.
Judging what arrives then costs one comparison; a cell that reaches its mark brings the full beat forward, and only that
writes alerts, so that nothing is said that a replay would not say.
"""

from collections.abc import Generator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tocsin.config import SignalTable
from tocsin.desk import Desk
from tocsin.judge import believed, cube_asked, judge_cube
from tocsin.store.increments import moved, newest
from tocsin.types import Bools, Cube, Floats, Instant, Minute

MOST = 1 << 20  # a cell that is silent at so many has no mark
ROWS = 128  # areas judged at once between two looks: some 40 ms of the slowest method


class Cell(NamedTuple):
    """The count of one cell, newly known."""

    signal: str
    area: str
    step: Minute
    value: float


class Seen(NamedTuple):
    """What one look saw: cells of newest steps that changed; a cell reached its mark; what has no mark moved."""

    cells: list[Cell]
    urgent: bool
    other: bool


class _Mark(NamedTuple):
    step: Minute
    least: Floats  # (A,)


class _Work(NamedTuple):
    """Marks that are being made: whose, of which step, and the search, which goes on by one judgement at a time."""

    key: tuple[str, str]
    step: Minute
    search: Generator[None, None, Floats]


class Ahead:
    """The marks of one open city, and how far its increments have been looked at. Used by one thread."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._upto = desk, newest(desk.store)
        self._marks: dict[tuple[str, str], _Mark] = {}
        self._known: dict[tuple[str, str], tuple[Minute, Floats]] = {}
        self._over: dict[tuple[str, str], _Mark] = {}
        self._work: _Work | None = None

    def look(self, now: Instant) -> Seen:
        """Read what was written since the last look, and compare the newest counts with their marks."""
        steps, self._upto = moved(self._desk.store, self._upto)
        cells: list[Cell] = []
        urgent = other = False
        for table in self._desk.settings.signals:
            if table.name not in steps:
                continue
            current = self._desk.step(table.name).floor(self._desk.today(now))
            past = steps[table.name] - {current}
            other |= bool(past)
            for level in self._desk.levels(table):
                if past:
                    self._forget((table.name, level))
                if current in steps[table.name]:
                    told, reached, unknown = self._compare(table, level, current, now)
                    cells += told
                    urgent |= reached
                    other |= unknown
        return Seen(cells, urgent, other)

    def judged(self) -> None:
        """A full beat has judged everything: who is over the mark now is known."""
        for key, mark in self._marks.items():
            step, values = self._known.get(key, (mark.step, np.zeros_like(mark.least)))
            self._over[key] = _Mark(step, np.where(values >= mark.least, -np.inf, 0.0))

    def prepare(self, now: Instant) -> bool:
        """Go on by one judgement towards the marks of a signal at a level that has none for its newest step.

        False: all have theirs. What marks rest on is read once, when their search begins; a look that sees it move
        ends the search.
        """
        if self._work is not None and self._work.step != self._current(self._work.key[0], now):
            self._work = None
        if self._work is None:
            self._work = self._next(now)
        if self._work is None:
            return False
        key, step, search = self._work
        try:
            next(search)
        except StopIteration as done:
            self._marks[key], self._work = _Mark(step, done.value), None
        except BaseException:
            self._work = None
            raise
        return True

    def _next(self, now: Instant) -> _Work | None:
        for table in self._desk.settings.signals:
            for level in self._desk.levels(table) if self._markable(table) else ():
                step = self._current(table.name, now)
                mark = self._marks.get((table.name, level))
                if mark is None or mark.step != step:
                    return _Work((table.name, level), step, _search(self._desk, table, level, now))
        return None

    def _current(self, signal: str, now: Instant) -> Minute:
        return self._desk.step(signal).floor(self._desk.today(now))

    def _forget(self, key: tuple[str, str]) -> None:
        self._marks.pop(key, None)
        if self._work is not None and self._work.key == key:
            self._work = None

    def _markable(self, table: SignalTable) -> bool:
        """Whether a count alone decides: not a nowcast, not its share among others, not what other areas count."""
        asked = [*self._desk.detectors[table.name], *self._desk.fallbacks[table.name]]
        alone = not any(d.pools for d in asked) and table.judge != "nowcast" and self._desk.settings.alerts.fdr is None
        return bool(table.detectors) and table.kind == "count" and alone

    def _compare(self, table: SignalTable, level: str, step: Minute, now: Instant) -> tuple[list[Cell], bool, bool]:
        key = table.name, level
        cube = self._desk.cube(table.name, level, now, step, step)
        values = cube.values[0, :, 0]
        then, before = self._known.get(key, (step, np.full(values.shape, np.nan)))
        if then != step:
            before = np.full(values.shape, np.nan)
        changed = np.flatnonzero((values != before) & ~np.isnan(values))
        self._known[key] = step, values
        told = [Cell(table.name, cube.areas[a], step, float(values[a])) for a in changed.tolist()]
        mark = self._marks.get(key)
        if mark is None or mark.step != step:
            return told, False, bool(table.detectors) and bool(len(changed))
        over = values[changed] >= mark.least[changed]
        known = self._over.get(key)
        if known is not None and known.step == step:
            new = over & (known.least[changed] == 0)
            return told, bool(new.any()), bool(over.any())
        return told, bool(over.any()), False


def marks(desk: Desk, table: SignalTable, level: str, now: Instant) -> Floats:
    """The smallest count (A,) of the newest step at which each area of a level would speak; infinite: at none."""
    search = _search(desk, table, level, now)
    while True:
        try:
            next(search)
        except StopIteration as done:
            return np.asarray(done.value)


def _search(desk: Desk, table: SignalTable, level: str, now: Instant) -> Generator[None, None, Floats]:
    """The marks of a level (A,), `ROWS` areas at a time: no detector asked here looks from one area at another."""
    cube, _ = cube_asked(desk, table, level, now, 1, None, None)
    outbreaks, found = desk.marked(table.name, cube), np.empty(len(cube.areas))
    yield
    for first in range(0, len(cube.areas), ROWS):
        rows = slice(first, first + ROWS)
        part = replace(
            cube, areas=cube.areas[rows], values=cube.values[:, rows], exposure=cube.exposure[:, rows]
        )  # fmt: skip
        found[rows] = yield from _least(desk, table, part, outbreaks[rows])
    return found


def _least(desk: Desk, table: SignalTable, cube: Cube, outbreaks: Bools) -> Generator[None, None, Floats]:
    """The marks (A,) of a cube's areas, with a pause after each of some twenty judgements.

    Asked of the detectors as they are, by doubling and halving, for all its areas at once.
    """

    def speaks(values: Floats) -> Bools:
        tried = cube.values.copy()
        tried[0, :, -1] = values
        one = judge_cube(desk, table, replace(cube, values=tried), 1, outbreaks)
        ruled = np.zeros(one.p.shape, dtype=bool)
        for name in one.rules:
            ruled |= one.alarming[name]
        enough = np.maximum.reduce([o[:, -1] for o in one.observed.values()]) >= table.least
        return np.asarray(ruled[:, -1] | (believed([one], desk.settings.alerts)[0].cells[:, -1] & enough))

    low, high = np.full(len(cube.areas), -1.0), np.full(len(cube.areas), 4.0)  # silent at low, speaks at high
    silent = ~speaks(high)
    yield
    while silent.any() and high.max() < MOST:
        low, high = np.where(silent, high, low), np.where(silent, high * 4, high)
        silent = ~speaks(high)
        yield
    never = silent.copy()
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        loud = speaks(middle)
        low, high = np.where(loud, low, middle), np.where(loud, middle, high)
        yield
    return np.where(never, np.inf, high)
