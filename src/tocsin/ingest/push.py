"""Canonical events as other programs send them, JSON array or JSON lines, checked strictly. Pure."""

import math
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

import msgspec

from tocsin.areas import AreaTree
from tocsin.calendar import zone
from tocsin.config import Settings
from tocsin.ingest.contract import RAW
from tocsin.ingest.dates import Dates, When
from tocsin.ingest.keys import opaque
from tocsin.ingest.values import MOST_COUNT
from tocsin.types import Event, Finding, Instant

FILE = "push"  # what findings carry as their file; their line is index + 1
MOST = 50_000  # records at once: what is refused is kept, and must not be more than what was sent many times over
_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeError)  # ValidationError is a DecodeError


class Pushed(msgspec.Struct, forbid_unknown_fields=True):
    """One event on the wire; names and meanings are those of `tocsin.types.Event`."""

    source: str
    key: str
    signal: str
    area: str
    reference_time: str
    report_time: str | None = None
    value: float | msgspec.UnsetType | None = msgspec.UNSET  # absent: 1 case; null withdraws a measurement
    imported: Literal["yes", "no", "unknown"] = "unknown"


_ONE = msgspec.json.Decoder(Pushed)


class Problem(NamedTuple):
    """What is wrong: a finding's own words."""

    field: str
    value: str
    code: str
    message: str


Item = tuple[int, Event | Finding]


def parse(body: bytes, *, settings: Settings, tree: AreaTree, received: Instant) -> Iterator[Item]:
    """(index, event or finding) for each record of a body, in order; never raises.

    Index −1: the body as a whole cannot be read. An event in an unknown area comes after a finding of its own index
    with `kept` true. Keys are made opaque, as those of files are, so a record may come either way.
    """
    check = _Check(settings, tree, received)
    start = body.lstrip()[:1]
    if not start:
        yield (
            -1,
            check.finding(
                -1, Problem("", "", "not-a-table", "the body is empty; send a JSON array or JSON lines"), body
            ),
        )
        return
    try:
        decoder = msgspec.json.Decoder(Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MOST)])
        raws = [bytes(r) for r in decoder.decode(body)] if start == b"[" else _lines(body)
    except msgspec.ValidationError:
        message = f"more than {MOST:,} records; send them in parts"
        yield -1, check.finding(-1, Problem("", "", "too-many", message), body)
        return
    except _UNREADABLE as e:
        message = f"the body is not a JSON array ({e}); send an array, or one object a line"
        yield -1, check.finding(-1, Problem("", "", "bad-json", message), body)
        return
    for index, raw in enumerate(raws):
        for item in check.items(index, raw):
            yield index, item


def _lines(body: bytes) -> list[bytes]:
    if body.count(b"\n") > MOST:
        raise msgspec.ValidationError
    return [line for line in body.split(b"\n") if line.strip()]


class _Check:
    """The rules of one request."""

    def __init__(self, settings: Settings, tree: AreaTree, received: Instant) -> None:
        self.sources = {s.name for s in settings.sources}
        self.kinds = {s.name: s.kind for s in settings.signals}
        self.tree = tree
        self.dates = Dates(zone(settings.city.zone), [], received)
        self.now = When(received, received)

    def finding(self, index: int, problem: Problem, raw: bytes, p: Pushed | None = None) -> Finding:
        """A finding about one record, or the body."""
        key = opaque(p.source, p.key) if p and p.key else ""
        kept = problem.code == "unknown-area"
        shown = problem._replace(value=problem.value[:200])
        return Finding(p.source if p else "", FILE, index + 1, *shown, raw[:RAW], kept, key)

    def items(self, index: int, raw: bytes) -> list[Event | Finding]:
        """The event of a record, after a finding if its area is unknown; or a finding alone."""
        try:
            p = _ONE.decode(raw)
        except _UNREADABLE as e:
            return [self._undecoded(index, raw, e)]
        kind = self.kinds.get(p.signal)
        reference = self.dates.read(p.reference_time.strip())
        report = self.now if p.report_time is None else self.dates.read(p.report_time.strip())
        value = _value(p, kind)
        sound = (
            p.source in self.sources and p.key and kind and not reference.code and not report.code
            and reference.start <= report.last and value != math.inf and (kind != "count" or 0 <= value <= MOST_COUNT)
        )  # fmt: skip
        if not sound:
            return [self.finding(index, next(self._problems(p, reference, report, value)), raw, p)]
        found: list[Event | Finding] = []
        area = p.area
        if area not in self.tree:
            area = self.tree.root.code
            message = f"{p.area[:40]!r} is not in the area file; the record counts in {self.tree.root.title.en}"
            kept = Problem("area", p.area, "unknown-area", f"{message} as a whole. Correct it, or add the area")
            found.append(self.finding(index, kept, raw, p))
        key = opaque(p.source, p.key)
        found.append(Event(p.source, key, p.signal, area, reference.start, report.start, value, p.imported))
        return found

    def _undecoded(self, index: int, raw: bytes, e: Exception) -> Finding:
        what, _, where = str(e).partition(" - at ")
        field = where.strip("`").removeprefix("$.")
        names = ", ".join(Pushed.__struct_fields__)
        code = "bad-value" if isinstance(e, msgspec.ValidationError) else "bad-json"
        return self.finding(
            index, Problem(field, "", code, f"{what or type(e).__name__}; allowed fields: {names}"), raw
        )

    def _problems(self, p: Pushed, reference: When, report: When, value: float) -> Iterator[Problem]:
        """Everything wrong with a record that is not sound; the first is told."""
        if p.source not in self.sources:
            there = ", ".join(sorted(self.sources)) or "none"
            yield Problem("source", p.source, "unknown-source", f"not a source; there are: {there}")
        if not p.key:
            yield Problem("key", "", "empty-required", "the key is empty; give what names this record at the source")
        if p.signal not in self.kinds:
            yield Problem("signal", p.signal, "unknown-signal", f"not a signal; there are: {', '.join(self.kinds)}")
        for name, said, when in (
            ("reference_time", p.reference_time, reference),
            ("report_time", p.report_time or "", report),
        ):
            if when.code:
                yield Problem(name, said, when.code, f"{said[:40]!r} {when.why}")
        if reference.start > report.last:
            message = "it happened after it was reported, which cannot be; are the two times swapped?"
            yield Problem("reference_time", p.reference_time, "reference-after-report", message)
        if math.isinf(value):
            yield Problem("value", "", "empty-required", "a measurement needs a value; null withdraws it")
        message = f"not a count; expected 0 to {MOST_COUNT:,.0f} (0 withdraws what was reported)"
        yield Problem("value", str(p.value), "bad-value", message)


def _value(p: Pushed, kind: str | None) -> float:
    """The number; NaN for null, which only measurements may be; infinity where a measurement has none."""
    if p.value is msgspec.UNSET:
        return 1.0 if kind == "count" else math.inf
    return math.nan if p.value is None else float(p.value)
