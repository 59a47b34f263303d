"""What the mapping of now makes of all that a source has delivered, beside what is stored. I/O."""

import gzip
import io
import typing
import zlib
from typing import Any, NamedTuple

from tocsin import ingest
from tocsin.config import SourceTable
from tocsin.cube.increments import judge, same
from tocsin.desk import Desk
from tocsin.feed import trial
from tocsin.store.deliveries import raw_path, read_message
from tocsin.store.said import Kept, kept, newest
from tocsin.types import Event
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
    message = read_message(desk.store, file.sha256)
    with io.BytesIO(message) if message is not None else gzip.open(raw_path(desk.directory, file.sha256)) as opened:
        stream = typing.cast(typing.BinaryIO, opened)  # only read, seek and tell are used
        if trial.unsound(stream):
            findings["not-a-table"] = findings.get("not-a-table", 0) + 1
            return
        items = ingest.parse(
            source, stream, file=file.file, tree=desk.tree, settings=desk.settings, received=file.received
        )
        for item in items:
            if not isinstance(item, Event):
                findings[item.code] = findings.get(item.code, 0) + 1
            elif judge(after.get(item.key), item) == "new":
                after[item.key] = item


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
