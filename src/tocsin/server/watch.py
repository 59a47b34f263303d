"""The folder watch: files of every source, taken in once they have stopped growing. I/O."""

import time
from collections.abc import Callable
from pathlib import Path

from tocsin import loop
from tocsin.config import SourceTable
from tocsin.errors import StoreError
from tocsin.feed import folder
from tocsin.server.site import Site


class Watch:
    """What is known of every source's files from one look to the next. `ending` is asked between batches."""

    def __init__(self, site: Site, ending: Callable[[], bool]) -> None:
        self._site, self._ending = site, ending
        self._seen = {s.name: folder.Seen[Path]() for s in site.desk.settings.sources if s.files}

    def look(self) -> bool:
        """Take what is ready; a file that cannot be read is a fault once, until it changes. True: some still grow.

        StoreError, for all of them together, when the store did not take some: they are tried again at the next look.
        """
        kept: list[str] = []
        for source in self._site.desk.settings.sources:
            if source.files:
                seen = self._seen[source.name]
                for path in folder.poll(self._site.desk.directory, source, seen, time.monotonic()):
                    try:
                        self._take(source, path, seen)
                    except StoreError as e:  # a full disk, a lock: not the file's fault
                        kept.append(f"{path.name}: {e}")
        if kept:
            raise StoreError(kept[0] + (f" ({len(kept) - 1} more files wait)" if len(kept) > 1 else ""))
        return any(seen.waiting for seen in self._seen.values())

    def _take(self, source: SourceTable, path: Path, seen: folder.Seen[Path]) -> None:
        if self._ending():
            return
        stamp = seen.waiting[path][0]
        try:
            # Without the writer's lock: the store takes a file batch by batch, and pushes go between.
            loop.take(self._site.desk, source, path, self._site.clock(), self._go_on)
            folder.took(path, seen)
        except (Ending, StoreError):
            raise
        except Exception as e:
            self._site.fault(f"watch {path.name}", e)
            seen.taken[path] = stamp
            seen.waiting.pop(path, None)

    def _go_on(self, _: int) -> None:
        if self._ending():
            raise Ending


class Ending(Exception):
    """The server ends: the way out of a long file; what was taken of it is kept."""
