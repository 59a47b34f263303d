"""The beat: a thread that looks for new files, judges, and says what changed. I/O."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from tocsin import loop, views
from tocsin.server.alerts import tell
from tocsin.server.refuse import Refused
from tocsin.server.site import Site

log = logging.getLogger("tocsin.server")

MANY = 50  # alerts of one beat told one by one; beyond, the page is told to load everything


class Beat:
    """`once` is one beat; `start` makes one every `seconds`, the first at once, until `stop`."""

    def __init__(self, site: Site, seconds: float) -> None:
        self._site, self._seconds = site, seconds
        self._stop = threading.Event()
        # A daemon: a beat in the middle of its work may be cut off at the end, since all it writes is written
        # in transactions and may be written twice.
        self._thread = threading.Thread(target=self._run, name="beat", daemon=True)
        self._known: dict[str, Any] = {}

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
        """Watch, tell the sources that changed, judge, tell what changed. A part that breaks is a fault; the rest goes on."""
        self._fenced("watch", self._watch)
        self._fenced("tick", self._tick)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.once()
            self._stop.wait(self._seconds)

    def _fenced(self, part: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Refused:
            pass  # the server is ending
        except Exception as e:
            log.exception("%s", part)
            self._site.fault(part, f"{type(e).__name__}: {e}")

    def _watch(self) -> None:
        site = self._site
        with site.writer.hold():
            loop.watch(site.desk, site.clock())
        now = {row["name"]: row for row in views.sources(site.desk)}
        for name, row in now.items():
            if self._known and _told(row) != _told(self._known.get(name, {})):
                site.broker.tell("source", row)
        self._known = now

    def _tick(self) -> None:
        site = self._site
        with site.writer.hold():
            ticked = loop.tick(site.desk, site.clock())
        moved = [*ticked.opened, *ticked.changed, *ticked.closed]
        if len(moved) > MANY:
            site.broker.tell("reset", {"why": f"{len(moved)} alerts changed at once"})
        else:
            for name in moved:
                tell(site, views.alert(site.desk, name, ticked.as_of))
        alerts = {k: len(getattr(ticked, k)) for k in ("opened", "changed", "closed")}
        site.broker.tell("tick", {"as_of": site.utc(ticked.as_of), "alerts": alerts})


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """What of a source is worth telling: its lag grows by itself."""
    return {k: v for k, v in row.items() if k != "lag_minutes"}
