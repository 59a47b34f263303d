"""What the mapping of now makes of all that a source has delivered, beside what is stored. I/O."""

import gzip
import io
import typing
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from tocsin import ingest
from tocsin.config import SourceTable
from tocsin.cube.increments import judge, same
from tocsin.desk import Desk
from tocsin.feed import trial
from tocsin.store.deliveries import raw_path, read_message
from tocsin.store.said import Kept, kept, newest
from tocsin.types import Event, Finding, Instant
from tocsin.views.plain import iso


class Change(NamedTuple):
    """One key that would say something else; `before` None: it is new, `after` None: nothing says it any more."""

    before: Event | None
    after: Event | None


class Changes(NamedTuple):
    """What would change, and by how many files that was found; files whose bytes are gone are named in `lost`."""

    files: int
    events: int
    findings: dict[str, int]
    added: list[Change]
    changed: list[Change]
    gone: list[Change]
    lost: list[str]


def changes(desk: Desk, source: SourceTable) -> Changes:
    """Read every kept delivery of the source again by today's mapping, in its order, and compare with the store.

    Events pushed in Tocsin's own form have no mapping and no kept bytes: they count as no longer said, unless a file or
    message says the same key.
    """
    files = kept(desk.store, source.name)
    after: dict[str, Event] = {}
    findings: dict[str, int] = {}
    lost = []
    for file in files:
        try:
            _read(desk, source, file, after, findings)
        except (OSError, EOFError, zlib.error) as e:
            lost.append(f"{file.file}: {e}")
    before = {e.key: e for e in newest(desk.store, source.name)}
    added, changed = [], []
    for key, event in after.items():
        was = before.get(key)
        if was is None:
            added.append(Change(None, event))
        elif not same(was, event):
            changed.append(Change(was, event))
    gone = [Change(e, None) for key, e in before.items() if key not in after] if not lost else []
    return Changes(len(files) - len(lost), len(after), findings, added, changed, gone, lost)


def _read(desk: Desk, source: SourceTable, file: Kept, after: dict[str, Event], findings: dict[str, int]) -> None:
    for item in _items(desk, source, file):
        if not isinstance(item, Event):
            findings[item.code] = findings.get(item.code, 0) + 1
        elif judge(after.get(item.key), item) == "new":
            after[item.key] = item


def _items(desk: Desk, source: SourceTable, file: Kept) -> Iterator[Event | Finding]:
    """A kept delivery by the mapping of now. OSError, EOFError, zlib.error where its bytes are gone."""
    message = read_message(desk.store, file.sha256)
    with io.BytesIO(message) if message is not None else gzip.open(raw_path(desk.directory, file.sha256)) as opened:
        stream = typing.cast(typing.BinaryIO, opened)  # only read, seek and tell are used
        if why := trial.unsound(stream):
            yield Finding(source.name, file.file, 0, "", "", "not-a-table", why, b"", False)
            return
        yield from ingest.parse(
            source, stream, file=file.file, tree=desk.tree, settings=desk.settings, received=file.received
        )


def remapped(desk: Desk, source: SourceTable, now: Instant) -> Iterator[tuple[Kept, list[Event | Finding]]]:
    """Delivery by delivery, what is to be written so that the store says what `changes` says it would.

    Of each key its last word only. It became known when its record says; where a record does not say, now. Never
    before what it corrects. Deliveries whose bytes are gone are left out.
    """
    found = changes(desk, source)
    wanted = {c.after.key: c for c in (*found.added, *found.changed) if c.after is not None}
    for file in kept(desk.store, source.name):
        items: list[Event | Finding] = []
        try:
            for item in _items(desk, source, file):
                last = wanted.get(item.key) if isinstance(item, Event) else None
                if isinstance(item, Finding):
                    items.append(item)
                elif last and last.after and same(last.after, item) and last.after.report_time == item.report_time:
                    del wanted[item.key]
                    told = now if item.report_time == file.received else item.report_time
                    items.append(item._replace(report_time=max(told, last.before.report_time if last.before else 0)))
        except (OSError, EOFError, zlib.error):
            continue
        yield file, items


def plain_change(change: Change) -> dict[str, Any]:
    """The change as JSON."""
    return {
        "key": (change.after or change.before or ("", ""))[1],
        "before": _said(change.before),
        "after": _said(change.after),
    }


def _said(event: Event | None) -> dict[str, Any] | None:
    if event is None:
        return None
    value = None if event.value != event.value else event.value
    return {"signal": event.signal, "area": event.area, "reference": iso(event.reference_time), "value": value}
