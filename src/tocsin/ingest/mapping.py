"""One record of any format, by the source's mapping, as events or as findings that say what is wrong. Pure."""

import math
from collections.abc import Iterator
from typing import Any, ClassVar

from tocsin.areas import AreaTree
from tocsin.calendar import zone
from tocsin.config import Field, RecordMap, Settings, SourceTable
from tocsin.ingest.classify import Classifier
from tocsin.ingest.contract import RAW, Broken, Cells, Header, Record, Usual
from tocsin.ingest.dates import Dates, When
from tocsin.ingest.keys import by_columns, by_row
from tocsin.ingest.places import columns_of, finder
from tocsin.ingest.silence import PassedOver
from tocsin.ingest.values import MOST_COUNT, half_width, is_below, json, number, text
from tocsin.types import Event, Finding, Imported, Instant, Kind

SHOWN = 200  # characters of a bad value in a finding

_IMPORTED: dict[str, Imported] = {
    **dict.fromkeys(("yes", "y", "true", "1", "是"), "yes"),
    **dict.fromkeys(("no", "n", "false", "0", "否"), "no"),
    **dict.fromkeys(("unknown", "", "不详", "不明", "未知"), "unknown"),
}


class _Bad(Exception):
    def __init__(self, field: str, value: str, code: str, message: str) -> None:
        super().__init__(code, message)
        self.field, self.value, self.code, self.message = field, value, code, message


class Mapper:
    """A source's mapping made ready: `items(record)` gives its events and findings, in a fixed order."""

    def __init__(
        self, source: SourceTable, usual: Usual, *, file: str, tree: AreaTree, settings: Settings, received: Instant
    ) -> None:
        assert source.mapping is not None, source.name
        m: RecordMap = source.mapping
        self.source, self.file, self.received = source.name, file, received
        self.kinds: dict[str, Kind] = {s.name: s.kind for s in settings.signals}
        tz = zone(settings.city.zone)
        self.reference = _field(m.reference or usual.reference)
        self.reference_dates = Dates(tz, _formats(self.reference), received)
        report = m.report if m.report is not None else usual.report or None
        self.report = _field(report) if report is not None else None
        self.own_report = m.report is None  # the format's own: where a record leaves it out, its arrival stands
        self.report_dates = Dates(tz, _formats(self.report) if self.report else [], received)
        self.signal = Field(value=m.signal) if isinstance(m.signal, str) else m.signal
        self.value = _field(m.value) if m.value is not None else Field(value=1)
        self.imported = _field(m.imported) if m.imported is not None else Field(value="unknown")
        self.wide = m.values
        self.classify = Classifier(m.classify, source.name) if m.classify else None
        self.place = finder(m.area, tree)
        self.only = {c: {v} if isinstance(v, str) else set(v) for c, v in m.only.items()}
        own = [m.key] if isinstance(m.key, str) and m.key else list(m.key)
        self.passed = PassedOver()
        key = own or list(usual.key)
        self.key = by_columns(source.name, key, every=not own) if key else by_row(source.name)
        self.key_columns = key
        fields = [self.reference, self.report, self.imported, *([] if m.values else [self.signal, self.value])]
        classified = self.classify.columns if self.classify else ()
        self.columns = {
            *key,
            *columns_of(m.area),
            *m.values,
            *m.only,
            *classified,
            *(f.column for f in fields if f),
        } - {""}

    def unusable(self, head: Header) -> Broken | None:
        """Why nothing can be read from a table with these columns: one is missing, or stands twice."""
        missing = sorted(self.columns - set(head.columns))
        if missing:
            has = ", ".join(head.columns)[:2000]
            hint = head.advice or ("; is the source's delimiter right?" if len(head.columns) == 1 else "")
            message = (
                f"has no column {', '.join(missing)}; it has {has}{hint}. Change the source's mapping, or the file"
            )
            return Broken(head.line, "missing-column", message, field=", ".join(missing))
        double = sorted(self.columns & head.duplicates)
        if double:
            message = (
                f"column {', '.join(double)} stands twice, and the mapping reads it; give each column its own name"
            )
            return Broken(head.line, "duplicate-header", message, field=", ".join(double))
        return None

    def broken(self, b: Broken) -> Finding:
        """A stretch that is no record, as a finding."""
        return Finding(self.source, self.file, b.line, b.field, b.value[:SHOWN], b.code, b.message, b.raw[:RAW], False)

    def items(self, record: Record) -> Iterator[Event | Finding]:
        """What the record says: a finding for each thing wrong with it, an event for each thing that is right."""
        cells = record.cells
        others = self._others(cells)
        if others:
            self.passed.add(*others)
            return
        key = self.key(cells)
        if not key:
            empty = ", ".join(c for c in self.key_columns if not text(cells.get(c)))
            message = (
                f"{empty} is empty, and it is part of the record's key; fill it, or name another key in the mapping"
            )
            yield self._finding(record, "", _Bad(empty, "", "empty-required", message))
            return
        first = f"{key}/{self._first}" if self._first else key
        bad: list[_Bad] = []
        reference = self._when(self.reference, self.reference_dates, cells, bad)
        report = self._report(cells, reference, bad)
        imported: Imported = "unknown"
        try:
            imported = self._imported(cells)
        except _Bad as e:
            bad.append(e)
        said = self._all_said(key, cells, bad)
        for b in bad:
            yield self._finding(record, f"{key}/{self.wide[b.field]}" if b.field in self.wide else first, b)
        for note in record.notes:
            kept = _Bad(note.field, note.value, note.code, note.message)
            yield self._finding(record, first, kept, kept=not bad)
        if not (reference and report and said) or any(b.field not in self.wide for b in bad):
            return
        place = self.place(cells)
        if place.why:
            kept = _Bad(place.field, place.value, "unknown-area", place.why)
            yield self._finding(record, said[0][0], kept, kept=True)
        for one_key, signal, value in said:
            said_now = self._nothing[self.kinds[signal]] if record.withdrawn else value
            yield Event(self.source, one_key, signal, place.area, reference.start, report.start, said_now, imported)

    _nothing: ClassVar[dict[Kind, float]] = {"count": 0.0, "measure": math.nan}  # what withdraws

    @property
    def _first(self) -> str:
        """The signal under whose key findings about the whole record are kept; "" where the key stands alone."""
        many = self.classify.signals if self.classify else self.wide
        return next(iter(many.values()), "")

    def _others(self, cells: dict[str, Any]) -> tuple[str, str] | None:
        """(column, cell) by which the mapping says that such a record is none of ours; None: it is."""
        for column, ours in self.only.items():
            if (cell := text(cells.get(column))) not in ours:
                return column, cell
        if self.signal.others == "ignore" and self.signal.column:
            cell = text(cells.get(self.signal.column))
            return None if cell in self.signal.map else (self.signal.column, cell)
        return None

    def silence(self, kind: str) -> Broken | None:
        """What to say of a delivery in a format of which nothing came but records that are for others."""
        return self.passed.told(kind, {self.signal.column: self.signal.map, **self.only})

    def _finding(self, record: Record, key: str, e: _Bad, kept: bool = False) -> Finding:
        raw = json(record.cells) if record.raw is None else record.raw
        value = e.value[:SHOWN]
        return Finding(self.source, self.file, record.line, e.field, value, e.code, e.message, raw[:RAW], kept, key)

    def _when(self, field: Field, dates: Dates, cells: dict[str, Any], bad: list[_Bad]) -> When | None:
        try:
            said = _said(field, cells, "bad-date", "a date")
        except _Bad as e:
            bad.append(e)
            return None
        when = dates.read(said)
        if when.code:
            bad.append(_Bad(field.column, said, when.code, f"{said[:40]!r} {when.why}"))
            return None
        return when

    def _report(self, cells: dict[str, Any], reference: When | None, bad: list[_Bad]) -> When | None:
        if self.report is None or (self.own_report and not text(cells.get(self.report.column))):
            return When(self.received, self.received)
        report = self._when(self.report, self.report_dates, cells, bad)
        if report and reference and reference.start > report.last:
            columns = f"{self.reference.column}, {self.report.column}"
            values = f"{text(cells.get(self.reference.column))}, {text(cells.get(self.report.column))}"
            message = "it happened after it was reported, which cannot be; are the two columns swapped in the mapping?"
            bad.append(_Bad(columns, values, "reference-after-report", message))
        return report

    def _all_said(self, key: str, cells: dict[str, Any], bad: list[_Bad]) -> list[tuple[str, str, float]]:
        """(key, signal, value) of all that the record says; of a syndrome that it does not speak of, 0."""
        found = self.classify.signals_of(cells) if self.classify else None
        said = []
        for one_key, column, signal in self._signals(key, cells, bad):
            try:
                value = 0.0 if found is not None and signal not in found else self._value(column, signal, cells)
            except _Bad as e:
                bad.append(e)
            else:
                if value is not None:
                    said.append((one_key, signal, value))
        return said

    def _signals(self, key: str, cells: dict[str, Any], bad: list[_Bad]) -> Iterator[tuple[str, str | None, str]]:
        """(key, column of a wide table, signal) of each thing the record may say."""
        if self.classify:
            for signal in self.classify.signals.values():
                yield f"{key}/{signal}", None, signal
            return
        if self.wide:
            for column, signal in self.wide.items():
                yield f"{key}/{signal}", column, signal
            return
        try:
            named = _said(self.signal, cells, "unknown-signal", "a signal")
        except _Bad as e:
            bad.append(e)
            return
        if named not in self.kinds:
            there = ", ".join(self.kinds)
            message = f"{named[:40]!r} is not a signal; give the mapping a map to one of: {there}"
            bad.append(_Bad(self.signal.column, named, "unknown-signal", message))
            return
        yield key, None, named

    def _value(self, column: str | None, signal: str, cells: dict[str, Any]) -> float | None:
        """The number a record gives for a signal; None for an empty cell of a wide table, which says nothing."""
        field = Field(column=column, map=self.value.map, default=self.value.default) if column else self.value
        if column and field.default is None and not text(cells.get(column)):
            return None
        said = _said(field, cells, "bad-value", "a number")
        value = number(said)
        empty = field.default is not None and not text(cells.get(field.column))
        if value is None or math.isinf(value) or (math.isnan(value) and not empty):
            message = f"{said[:40]!r} is not a number; expected digits with an optional point, like 12 or 0.5"
            if is_below(said):
                message += ". Of what is below the limit of detection, have half the limit written"
            raise _Bad(field.column, said, "bad-value", message)
        if self.kinds[signal] == "count" and not 0 <= value <= MOST_COUNT:
            message = f"{said[:40]!r} is not a count; expected 0 to {MOST_COUNT:,.0f} (0 withdraws what was reported)"
            raise _Bad(field.column, said, "bad-value", message)
        return value

    def _imported(self, cells: dict[str, Any]) -> Imported:
        field = self.imported
        if field.column and field.default is None and not text(cells.get(field.column)):
            return "unknown"
        said = _said(field, cells, "bad-imported", "yes or no")
        found = _IMPORTED.get(half_width(said).lower())
        if found is None:
            message = f"{said[:40]!r} is not understood; expected yes, no or unknown: give the mapping a map to these"
            raise _Bad(field.column, said, "bad-imported", message)
        return found


def _field(field: str | Field) -> Field:
    return Field(column=field) if isinstance(field, str) else field


def _formats(field: Field) -> list[str]:
    return [field.format] if isinstance(field.format, str) else list(field.format)


def _said(field: Field, cells: dict[str, Any], code: str, expected: str) -> str:
    """What a field says in our words: constant, mapped cell, or default; `_Bad` for an empty or unmapped cell."""
    if not field.column:
        return text(field.value)
    found = text(cells.get(field.column))
    if not found:
        if field.default is None:
            advice = cells.advice.get(field.column) if isinstance(cells, Cells) else None
            advice = advice or f"expected {expected}. Fill it, or give the mapping a default"
            message = f"{field.column} is empty; {advice}"
            raise _Bad(field.column, "", "empty-required", message)
        return field.default
    if field.map:
        if found not in field.map:
            known = ", ".join(field.map)
            message = f"{found[:40]!r} is not in the mapping's map, which knows: {known}; add it there, or correct it"
            raise _Bad(field.column, found, code, message)
        return field.map[found]
    return found
