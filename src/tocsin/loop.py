"""The pipe: take() what arrives, tick() on the beat; the one file that knows the way from bytes to alerts. I/O."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from msgspec.structs import replace

from tocsin import ingest
from tocsin.alert import episode, triage
from tocsin.alert.join import Where, joined
from tocsin.calendar import end_of_day
from tocsin.config import SignalTable, SourceTable
from tocsin.desk import Desk
from tocsin.errors import InputError, NotFound
from tocsin.feed import trial
from tocsin.feeds import feed_of
from tocsin.ingest import push as push_format
from tocsin.ingest.contract import RAW
from tocsin.judge import Judged, believed, flagged, judge_beat
from tocsin.locate import Located, locate
from tocsin.quality import CLOSE, QUIET, watch
from tocsin.store import deliveries, notes
from tocsin.store.clusters import write_scans
from tocsin.store.events import Taken, append
from tocsin.types import Cluster, Event, Evidence, Finding, Flag, Instant, Note, State

BATCH = 2000  # items in one transaction: a few milliseconds of fsync shared by many
WRONG = 50_000  # findings of one message; what is wrong takes many times the room that it took to send
PUSH = "push"  # the source under which requests are counted as deliveries

Item = Event | Finding


class Delivered(NamedTuple):
    """What taking one file did; `before`: these very bytes had been taken already."""

    accepted: int
    duplicates: int
    findings: int
    before: bool


class Ticked(NamedTuple):
    """What a beat changed: ids of alerts; faults are (part, message)."""

    as_of: Instant
    opened: list[str]
    changed: list[str]
    closed: list[str]
    faults: list[tuple[str, str]]
    rows: int


def take(
    desk: Desk, source: SourceTable, path: Path, now: Instant, progress: Callable[[int], None] = lambda _: None
) -> Delivered:
    """Take a file in: keep its bytes, parse, append; what was interrupted goes on where it stopped.

    `progress` is told how many bytes have been read. Raises InputError for a file that cannot be opened.
    """
    sha = deliveries.digest(path)
    deliveries.keep_raw(desk.directory, path, sha)
    name = deliveries.named(path)
    delivery = deliveries.begin(desk.store, source.name, name, sha, mapping_digest(desk, source), now)
    if delivery.done:
        return Delivered(0, 0, 0, before=True)
    total = Delivered(0, 0, 0, before=False)
    with path.open("rb") as stream:
        for batch in _batches(islice(parsed(desk, source, stream, name, delivery.received), delivery.items, None)):
            taken = put(desk, batch, delivery.id, delivery.received)  # interrupted or not, the same rows
            total = Delivered(
                total.accepted + taken.accepted, total.duplicates + taken.duplicates, total.findings + taken.findings,
                before=False,
            )  # fmt: skip
            progress(stream.tell())
    deliveries.finish(desk.store, source.name, name, delivery.id, now)
    return total


def retake(desk: Desk, source: SourceTable, sha: str, name: str, items: list[Item], now: Instant) -> Taken | None:
    """Write what the mapping of now makes of a delivery that came before; what was found of it before is closed.

    All of it or nothing. None: it is being taken in by this very mapping, and that must go on first.
    """
    with desk.store.transaction():
        delivery = deliveries.begin(desk.store, source.name, name, sha, mapping_digest(desk, source), now)
        if delivery.items and not delivery.done:
            return None
        taken = put(desk, items, delivery.id, now, known=delivery.done)
        deliveries.supersede(desk.store, delivery.id, now)
    return taken


def parsed(desk: Desk, source: SourceTable, stream: BinaryIO, file: str, received: Instant) -> Iterator[Item]:
    """The events and findings of a seekable stream, in its order; nothing is stored."""
    if why := trial.unsound(stream):
        return iter([Finding(source.name, file, 0, "", "", "not-a-table", why, stream.read(RAW), False)])
    return ingest.parse(source, stream, file=file, tree=desk.tree, settings=desk.settings, received=received)


def put(desk: Desk, items: list[Item], delivery: int, now: Instant, *, known: bool = False) -> Taken:
    """Append a batch; durable when it returns. `known`: it came before, what was wrong with it has been said."""
    return append(desk.store, items, delivery=delivery, step=desk.step_of, signals=desk.stored_as, at=now, known=known)


def tick(desk: Desk, now: Instant, *, strict: bool = False, scans: bool = True) -> Ticked:
    """Judge the counts as of `now` and write what changed. Twice at one moment is once. Without `scans`: none is run.

    A part of ours that breaks is fenced: it becomes a fault and the beat goes on (`strict`: it raises).
    """
    found: list[tuple[Flag, list[Evidence]]] = []
    faults: list[tuple[str, str]] = []
    judged: list[tuple[SignalTable, Judged]] = []
    for table in desk.settings.signals:
        for level in desk.levels(table) if table.detectors else ():
            try:
                judged.append((table, judge_beat(desk, table, level, now)))
            except Exception as e:
                if strict:
                    raise
                faults.append((f"{table.name} at {level}", f"{type(e).__name__}: {e}"))
    rules = desk.settings.alerts
    for (table, one), of in zip(judged, believed([one for _, one in judged], rules), strict=True):
        found += flagged(table, one, of, now)
    located = locate(desk, now, strict=strict) if scans else Located([], [], [], [])
    faults += located.faults
    where = {c.id: _where(desk, c) for c in located.standing}
    steps = {s.name: desk.step(s.name).minutes for s in desk.settings.signals}
    found = joined(found, located.standing, where, steps, now)
    watched = watch(desk, now, strict=strict)
    faults += watched.faults
    today = desk.today(now)
    with desk.store.transaction():  # what people say meanwhile comes before or after, not between
        before = notes.read_notes(desk.store, now)
        newest = episode.current(episode.fold(before).values())
        feeds = {where: a for where, a in newest.items() if feed_of(desk.settings, a.signal)}
        others = {where: a for where, a in newest.items() if where not in feeds}
        said = episode.advance(others, [f for f, _ in found], now, today, rules.quiet_days, rules.close_days)
        said += episode.advance(feeds, [f for f, _ in watched.found], now, today, QUIET, CLOSE)
        after = episode.current(episode.fold([*before, *said]).values())
        behind, home = [], episode.homes(after)
        for flag, alarms in found + watched.found:
            alert = after.get(home(flag))
            if alert is not None and alert.phase != "ended" and flag.step >= alert.opened:
                behind += [alarm._replace(alert=alert.id) for alarm in alarms]
        rows = write_scans(desk.store, located.runs, located.told)
        rows += notes.write_tick(desk.store, now, said, sorted(behind), faults)
    by = {kind: [n.alert for n in said if n.action == kind] for kind in ("open", "grow", "quiet", "lapse")}
    return Ticked(now, by["open"], by["grow"] + by["quiet"], by["lapse"], faults, rows)


def _where(desk: Desk, c: Cluster) -> Where:
    depth = desk.tree.levels.index(desk.tree[c.members[0]].level)
    return Where(desk.tree.around(c.members).code, desk.tree.inside(c.members), depth)


def news(desk: Desk, since: Instant) -> Ticked | None:
    """What another process's beats and people changed after `since`; None while there was no beat since."""
    last = notes.last_tick(desk.store)
    if last is None or last <= since:
        return None
    moved = [n for n in notes.read_notes(desk.store, last) if n.at > since]
    opened = list(dict.fromkeys(n.alert for n in moved if n.action == "open"))
    changed = list(dict.fromkeys(n.alert for n in moved if n.action != "open"))
    return Ticked(last, opened, changed, [], [], len(moved))


def replay(
    desk: Desk, first: date, last: date, *, strict: bool = False, scans_from: date = date.min
) -> Iterator[Ticked]:
    """Tick each day from first to last, as of its end, as live would have; a second time writes nothing new.

    `scans_from`: the first day on which the scans are run.
    """
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        yield tick(desk, end_of_day(day, desk.tz), strict=strict, scans=day >= scans_from)


def note(desk: Desk, alert: str, action: str, who: str, text: str, now: Instant) -> State:
    """A person moves an alert or says something of it; NotFound, NotAllowed (with what is), InputError.

    Returns the alert's new state.
    """
    known = episode.fold(notes.read_notes(desk.store, now))
    if alert not in known:
        raise NotFound(f"no alert {alert!r}; `tocsin alerts` lists them")
    if not who.strip():
        raise InputError("who: a note needs the name of the person who makes it")
    state = triage.move(known[alert].state, action)
    notes.write_note(desk.store, Note(0, alert, now, who.strip(), action, text))
    return state


Look = Callable[[Iterable[Item]], None]  # sees what will be written before it is, and raises where it may not be


def push(desk: Desk, body: bytes, now: Instant, look: Look = lambda _: None) -> tuple[Taken, list[Item]]:
    """Take the events of one request in; durable when it returns. One word for each record, in its order."""
    items = [item for _, item in push_format.parse(body, settings=desk.settings, tree=desk.tree, received=now)]
    look(items)
    sha = hashlib.sha256(body).hexdigest()
    with desk.store.transaction():
        delivery = deliveries.begin(desk.store, PUSH, "POST /api/v1/events", sha, PUSH, now)
        return put(desk, items, delivery.id, now, known=delivery.items > 0), items


def receive(
    desk: Desk, source: SourceTable, data: bytes, name: str, now: Instant, look: Look = lambda _: None
) -> tuple[Taken, list[Item]]:
    """Take one message of a source in, in the source's own format, its bytes kept; durable when it returns.

    `name` says in findings where it came from. The same bytes a second time add nothing: every record a duplicate.
    After `WRONG` findings the rest of it is not read, and a last finding says so.
    """
    sha = hashlib.sha256(data).hexdigest()
    with desk.store.transaction():
        delivery = deliveries.begin(desk.store, source.name, name, sha, mapping_digest(desk, source), now)
        items = list(_until_all_is_wrong(parsed(desk, source, BytesIO(data), name, delivery.received)))
        look(items)
        deliveries.keep_message(desk.store, sha, data, now)
        taken = put(desk, items, delivery.id, delivery.received, known=delivery.done)
        deliveries.done(desk.store, delivery.id)
    return taken, items


def _until_all_is_wrong(items: Iterable[Item]) -> Iterator[Item]:
    """The items of a message up to its finding number `WRONG`, and then one that says so."""
    wrong = 0
    for item in items:
        yield item
        wrong += isinstance(item, Finding)
        if wrong == WRONG and isinstance(item, Finding):
            why = f"{WRONG:,} records up to here are wrong; the rest was not read. Mend the mapping, or the message"
            yield item._replace(field="", value="", code="too-many", message=why, raw=b"", kept=False, key="")
            return


def mapping_digest(desk: Desk, source: SourceTable) -> str:
    """What a file is read with: mapping, signals, zone, areas. The same bytes read another way are another delivery."""
    return hashlib.sha256(repr((replace(source, feed=None), desk.vocabulary)).encode()).hexdigest()[:16]


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    it = iter(items)
    while batch := list(islice(it, BATCH)):
        yield batch
