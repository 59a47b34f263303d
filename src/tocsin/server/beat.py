"""The beat: a thread that looks for new files, judges, and says what changed. I/O."""

import threading
from collections.abc import Callable
from typing import Any

from tocsin import loop, views
from tocsin.feed.folder import QUIET_SECONDS
from tocsin.server.alerts import tell
from tocsin.server.refuse import Refused
from tocsin.server.site import Site
from tocsin.server.watch import Ending, Watch
from tocsin.store.retention import forget
from tocsin.views.plain import iso

FORGET_EVERY = 3_600_000_000  # microseconds
DAY = 24 * FORGET_EVERY
MANY = 20  # alerts of one beat told one by one; beyond, pages are told to load everything


class Beat:
    """`once` is one beat; `start` makes one every `seconds`, the first at once, until `stop`."""

    def __init__(self, site: Site, seconds: float) -> None:
        self._site, self._seconds = site, seconds
        self._stop = threading.Event()
        self._watch = Watch(site, self._stop.is_set)
        # A daemon: a beat in the middle of its work may be cut off at the end, since all it writes is written
        # in transactions and may be written twice.
        self._thread = threading.Thread(target=self._run, name="beat", daemon=True)
        self._known: dict[str, Any] = {}
        self._leads = False
        self._upto = site.clock()
        self._forgot = 0

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
        self._leads = False
        self._fenced("lead", self._ask)
        if self._leads:
            self._fenced("watch", self._look)
            self._fenced("forget", self._forget)
        self._fenced("sources", self._tell_sources)
        self._fenced("tick", self._tick)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.once()
            self._stop.wait(self._seconds)

    def _fenced(self, part: str, work: Callable[[], None]) -> None:
        try:
            if not self._stop.is_set():
                work()
        except (Refused, Ending):
            pass  # the server is ending
        except Exception as e:
            self._site.fault(part, e)

    def _ask(self) -> None:
        self._leads = self._site.desk.leads()

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
        now = {row["name"]: row for row in views.sources(site.desk, site.clock())}
        for name, row in now.items():
            if self._known and _told(row) != _told(self._known.get(name, {})):
                site.broker.tell("source", row)
        self._known = now

    def _tick(self) -> None:
        site = self._site
        if self._leads:
            with site.writer.hold():
                ticked: loop.Ticked | None = loop.tick(site.desk, site.clock())
        else:
            ticked = loop.news(site.desk, self._upto)
        if ticked is None:
            return
        self._upto = ticked.as_of
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
