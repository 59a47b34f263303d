"""A watched folder: which files of a source are new or changed, and no longer growing. I/O.

The caller keeps `Seen` for each source from one beat to the next. A file that was copied or only touched is offered
again; the store knows its bytes by their digest and adds nothing.
"""

import os
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from tocsin.config import SourceTable

QUIET_SECONDS = 2.0  # a file is done when its size and time have not changed for so long
_PARTIAL = (".part", ".partial", ".tmp", ".crdownload", "~")
Name = TypeVar("Name", bound=Hashable)


class Stamp(NamedTuple):
    """What tells one state of a file from another."""

    size: int
    modified_ns: int


@dataclass
class Seen(Generic[Name]):
    """What is known of a source's files: those taken, and those still being watched for growth."""

    taken: dict[Name, Stamp] = field(default_factory=dict)
    waiting: dict[Name, tuple[Stamp, float]] = field(default_factory=dict)  # since when it looks like this


def poll(base: Path, source: SourceTable, seen: Seen[Path], now: float) -> list[Path]:
    """The source's files that are new or changed and have been still for `QUIET_SECONDS`, oldest first.

    `now` is any clock that goes forward, in seconds. A file stays in the list until `took` is called for it. Files
    that cannot be looked at (just removed, no permission) are left for the next poll.
    """
    there = dict(_files(base, source.files)) if source.files else {}
    return [
        path for _, path in sorted((there[path].modified_ns, path) for path in still(there, seen, now, QUIET_SECONDS))
    ]


def still(there: Mapping[Name, Stamp], seen: Seen[Name], now: float, quiet: float) -> list[Name]:
    """Those of the files there that are not taken as they are and have looked the same for `quiet` seconds."""
    ready = []
    for name, stamp in there.items():
        if seen.taken.get(name) == stamp:
            continue
        before, since = seen.waiting.get(name, (None, now))
        if before != stamp:
            seen.waiting[name] = (stamp, now)
        elif now - since >= quiet:
            ready.append(name)
    for gone in seen.waiting.keys() - there.keys():
        del seen.waiting[gone]
    return ready


def partial(name: str) -> bool:
    """Whether a name says that the file is none of ours, or not whole yet."""
    return name.startswith(".") or name.endswith(_PARTIAL)


def took(path: Path, seen: Seen[Path]) -> None:
    """Remember that the file was taken as it is; call it after its records are durable."""
    stamp, _ = seen.waiting.pop(path, (None, 0.0))
    seen.taken[path] = stamp or _stamp(path)


def _files(base: Path, pattern: str) -> Iterator[tuple[Path, Stamp]]:
    for path in sorted(base.glob(pattern)):
        if partial(path.name):
            continue
        try:
            if path.is_file():
                yield path, _stamp(path)
        except OSError:  # it went away, or may not be looked at: next time
            continue


def _stamp(path: Path) -> Stamp:
    found = os.stat(path)
    return Stamp(found.st_size, found.st_mtime_ns)
