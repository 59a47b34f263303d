"""The beat: a thread that looks for new files, judges, and says what changed. I/O."""

import math
import threading
import time
from collections.abc import Callable
from typing import Any

from tocsin import loop, views
from tocsin.ahead import Ahead
from tocsin.feed.folder import QUIET_SECONDS
from tocsin.server import sources
from tocsin.server.alerts import tell
from tocsin.server.refuse import Refused
from tocsin.server.site import Site
from tocsin.server.watch import Ending, Watch
from tocsin.store import told
from tocsin.store.retention import forget
from tocsin.views.plain import civil, iso

FORGET_EVERY = 3_600_000_000  # microseconds
DAY = 24 * FORGET_EVERY
CELLS = 1000  # counts told in one message
SOURCES = 5.0  # seconds between two looks at the sources
MANY = 20  # alerts of one beat told one by one; beyond, pages are told to load everything


FULL = 30.0  # seconds after which everything is judged, moved or not
IDLE = 3.0  # what is not urgent waits so many times as long as it last took: at most a quarter of a core


Before = Callable[[Site, Callable[[], bool]], None]


class Beat:
    """`once` is one full beat; `start` looks every `seconds` for what moved, and makes a full one when it is due.

    Due: at first; every `FULL` seconds, or `seconds` if that is longer; at once when a count reaches its mark; soon
    when something moved that has none.
    """

    def __init__(self, site: Site, seconds: float, before: Before | None = None) -> None:
        """`before`: work that comes before the first beat, in its thread; it asks whether the server is ending."""
        self._site, self._seconds, self._before = site, seconds, before
        self._stop = threading.Event()
        self._watch = Watch(site, self._stop.is_set)
        # A daemon: a beat in the middle of its work may be cut off at the end, since all it writes is written
        # in transactions and may be written twice.
        self._thread = threading.Thread(target=self._run, name="beat", daemon=True)
        self._known: dict[str, Any] = {}
        self._leads = False
        self._upto = site.clock()
        self._forgot = 0
        self._ahead: Ahead | None = None
        self._judged, self._took, self._moved = -math.inf, 0.0, False  # when, for how long; something waits
        self._rested = -math.inf  # when marks may be worked on again
        self._sources = -math.inf

    def leads(self) -> bool:
        """Whether this server was the one to watch and judge when it last asked."""
        return self._leads

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    def stop(self, patience: float) -> bool:
        """No further beat; wait `patience` seconds for the one under way. True when the thread has ended."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(patience)
        return not self._thread.is_alive()

    def once(self) -> None:
        """Watch, tell the sources that changed, judge, tell what changed. What breaks is a fault; the rest goes on.

        Of several servers on one store, one watches and judges; the others tell their pages what it did, and one of
        them takes over when it ends.
        """
        began = time.monotonic()
        if self._ahead is None:  # before the counts are read: what comes after that is news
            self._fenced("look", self._begin)
        self._fenced("lead", self._ask)
        if self._leads:
            self._fenced("watch", self._look)
            self._fenced("forget", self._forget)
        self._fenced("sources", self._tell_sources)
        self._fenced("tick", self._tick)
        first, self._moved, self._judged = self._judged == -math.inf, False, time.monotonic()
        self._took = 0.0 if first else self._judged - began  # the first may compile what the others find compiled
        if self._ahead is not None:
            self._ahead.judged()

    def glance(self) -> None:
        """What moved since the last look is told; what reached its mark is judged at once, the rest when it is due."""
        self._fenced("lead", self._ask)
        if self._leads:
            self._fenced("watch", self._look)
        if time.monotonic() - self._sources >= SOURCES:
            self._fenced("sources", self._tell_sources)
        urgent = self._fenced("look", self._see)
        if self._leads:  # a little each time, so that a full beat finds nothing left and pages need not wait for it
            self._fenced("sums", lambda: told.fold(self._site.desk.store, most=1))
        waited = time.monotonic() - self._judged
        if self._leads and (urgent or waited >= FULL or (self._moved and waited >= IDLE * self._took)):
            self.once()
        elif not self._leads:
            self._fenced("tick", self._tick)
        elif time.monotonic() >= self._rested:
            self._fenced("marks", self._prepare)

    def _run(self) -> None:
        if (before := self._before) is not None:
            self._fenced("before", lambda: before(self._site, self._stop.is_set))
            self._site.progress = None
            self._site.broker.tell("reset", {"why": "what came before the first beat is done"})
        self.once()
        while not self._stop.wait(self._seconds):
            if self._seconds >= FULL:
                self.once()
            else:
                self.glance()

    def _begin(self) -> None:
        self._ahead = Ahead(self._site.desk)

    def _see(self) -> bool:
        site = self._site
        if self._ahead is None:
            self._begin()
        assert self._ahead is not None
        seen = self._ahead.look(site.clock())
        self._moved |= seen.other
        if seen.cells:
            cells = [
                c._asdict() | {"time": civil(c.step, site.desk.step(c.signal).minutes)} for c in seen.cells[:CELLS]
            ]
            told = [{k: c[k] for k in ("signal", "area", "time", "value")} for c in cells]
            site.broker.tell("counts", {"as_of": iso(site.clock()), "cells": told, "more": len(seen.cells) > CELLS})
        return seen.urgent

    def _prepare(self) -> None:
        """Work on the marks for a part of the time there is between two looks; the next look is not put off by more."""
        began = time.monotonic()
        while self._ahead is not None and self._ahead.prepare(self._site.clock()) and not self._stop.is_set():
            if time.monotonic() - began >= self._seconds / (1 + IDLE):
                break
        ended = time.monotonic()
        self._rested = ended + IDLE * (ended - began)

    def _fenced(self, part: str, work: Callable[[], bool | None]) -> bool:
        try:
            if not self._stop.is_set():
                done = bool(work())
                self._site.works(part)
                return done
        except (Refused, Ending):
            pass  # the server is ending
        except Exception as e:
            self._site.fault(part, e)
        return False

    def _ask(self) -> None:
        try:
            self._leads = self._site.desk.leads()
        except Exception:
            self._leads = False
            raise

    def _look(self) -> None:
        # A file is known to have stopped growing only at a second look.
        if self._watch.look() and self._seconds > QUIET_SECONDS and not self._stop.wait(QUIET_SECONDS * 1.05):
            self._watch.look()

    def _forget(self) -> None:
        """Once an hour: let go of raw bytes whose days are over."""
        site, now = self._site, self._site.clock()
        before = {s.name: now - s.raw_days * DAY for s in site.desk.settings.sources if s.raw_days}
        if before and now - self._forgot >= FORGET_EVERY:
            with site.writer.hold():
                forget(site.desk.store, site.desk.directory, before)
            self._forgot = now

    def _tell_sources(self) -> None:
        site = self._site
        now = {row["name"]: row for row in sources.rows(site)}
        for name, row in now.items():
            if self._known and _told(row) != _told(self._known.get(name, {})):
                site.broker.tell("source", row)
        self._known, self._sources = now, time.monotonic()

    def _tick(self) -> None:
        site = self._site
        if self._leads:
            ticked: loop.Ticked | None = loop.tick(site.desk, site.clock())
        else:
            ticked = loop.news(site.desk, self._upto)
        if ticked is None:
            return
        self._upto = ticked.as_of
        announce(site, ticked)


def announce(site: Site, ticked: loop.Ticked) -> None:
    """Tell every open page what a beat changed."""
    moved = list(dict.fromkeys([*ticked.opened, *ticked.changed, *ticked.closed]))
    if len(moved) > MANY:
        site.broker.tell("reset", {"why": f"{len(moved)} alerts changed at once"})
    else:
        for name in moved:
            tell(site, views.alert(site.desk, name, None, ticked.as_of))
    alerts = {k: len(getattr(ticked, k)) for k in ("opened", "changed", "closed")}
    site.broker.tell("tick", {"as_of": iso(ticked.as_of), "alerts": alerts})


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """What of a source is worth telling: its lag grows by itself."""
    return {k: v for k, v in row.items() if k != "lag_minutes"}
