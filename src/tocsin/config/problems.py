"""What is wrong with settings beyond what single types can say: the key, what it says, what is allowed. Pure."""

import typing
from collections.abc import Mapping

from tocsin.calendar import DAY, Step, zone
from tocsin.config.feeds import feed_problems
from tocsin.config.tables import (
    OWN_TIME,
    AlertRules,
    Field,
    IntervalTable,
    OutbreakTable,
    RecordMap,
    ScanTable,
    Settings,
    SignalTable,
    SourceTable,
    scannable,
)
from tocsin.errors import ConfigError


def problems(s: Settings) -> typing.Iterator[tuple[str, str]]:
    """(key, what is wrong and what is allowed) for what single types cannot say."""
    try:
        zone(s.city.zone)
    except ConfigError as e:
        yield "city.zone", str(e)
    if not s.city.levels:
        yield "city.levels", 'name at least one level, coarsest first: ["city", "district"]'
    yield from _alert_problems(s.alerts)
    for key, tables in (("signals", s.signals), ("sources", s.sources), ("scans", s.scans)):
        names = [x.name for x in tables]
        for name in {n for n in names if names.count(n) > 1}:
            yield key, f"{name!r} stands twice; names are unique"
    signals = {x.name for x in s.signals}
    for i, g in enumerate(s.signals):
        yield from ((f"signals[{i}].{k}", v) for k, v in _signal_problems(g, s.city.levels))
    for i, o in enumerate(s.outbreaks):
        yield from ((f"outbreaks[{i}].{k}", v) for k, v in _outbreak_problems(o, signals))
    for i, g in enumerate(s.signals):
        yield from ((f"signals[{i}].{k}", v) for k, v in _estimate_problems(g, {x.name: x for x in s.signals}))
    for i, f in enumerate(s.sources):
        yield from ((f"sources[{i}].{k}", v) for k, v in _source_problems(f, signals))
    for i, t in enumerate(s.scans):
        yield from ((f"scans[{i}].{k}", v) for k, v in _scan_problems(t, s))


def _alert_problems(a: AlertRules) -> typing.Iterator[tuple[str, str]]:
    if not 0 < a.p < 1:
        yield "alerts.p", f"{a.p} is not a probability between 0 and 1"
    if not 0 <= a.complete <= 1:
        yield "alerts.complete", f"{a.complete} is not a share between 0 and 1; 0 judges whatever has come"
    if a.fdr is not None and not 0 < a.fdr < 1:
        yield "alerts.fdr", f"{a.fdr} is not a share between 0 and 1; leave it out to go by p"


def _signal_problems(g: SignalTable, levels: list[str]) -> typing.Iterator[tuple[str, str]]:
    try:
        Step.parse(g.step)
    except ConfigError as e:
        yield "step", str(e)
    for level in g.levels:
        if level not in levels:
            yield "levels", f"{level!r} is not a level of the city; allowed: {', '.join(levels)}"
    if not 1 <= g.lookback <= 366:
        yield "lookback", f"{g.lookback} steps; allowed: 1 to 366"
    for key, d in [("detectors", d) for d in g.detectors] + [("fallback", d) for d in g.fallback]:
        if isinstance(d, dict) and not isinstance(d.get("method"), str):
            yield key, 'a table needs a method: { method = "ears_c2", alpha = 0.001 }'


def _outbreak_problems(o: OutbreakTable, signals: set[str]) -> typing.Iterator[tuple[str, str]]:
    if o.signal and o.signal not in signals:
        yield "signal", f"{o.signal!r} is not a signal; allowed: {', '.join(sorted(signals))}"
    if o.last < o.first:
        yield "to", f"{o.last} is before {o.first}; write the first and the last day"


def _scan_problems(t: ScanTable, s: Settings) -> typing.Iterator[tuple[str, str]]:
    if t.level and t.level not in s.city.levels:
        yield "level", f"{t.level!r} is not a level of the city; allowed: {', '.join(s.city.levels)}"
    can = [g.name for g in s.signals if scannable(g)]
    for name in t.signals:
        if name not in can:
            there = ", ".join(can) or "none, as no signal is a count with steps of a day or less"
            yield "signals", f"{name!r} cannot be scanned; allowed: {there}"
    if not 1 <= t.aggregate_days <= t.min_days <= t.max_days <= t.study_days // 2:
        days = f"{t.aggregate_days}, {t.min_days}, {t.max_days}, {t.study_days}"
        yield "max_days", f"aggregate_days ≤ min_days ≤ max_days ≤ half of study_days is needed; they are {days}"
    for key, value, low, high in (
        ("max_size", t.max_size, 0.001, 0.5), ("max_km", t.max_km, 0, 20_000), ("min_cases", t.min_cases, 1, 1_000_000),
        ("lag_days", t.lag_days, 0, 60), ("study_days", t.study_days, 2, 3660), ("criterion", t.criterion, 0, 5),
        ("replicates", t.replicates, 99, 99_999), ("recurrence_days", t.recurrence_days, 1, 1e9),
    ):  # fmt: skip
        if not low <= value <= high:
            yield key, f"{value}; allowed: {low:g} to {high:g}"
    if t.baseline and t.model not in ("ebp", "ebnb"):
        yield "baseline", f"the {t.model} model makes its own; leave the key out, or take ebp or ebnb"
    try:
        if Step.parse(t.every).minutes > DAY:
            yield "every", f"{t.every!r}; allowed: 5min to 1d"
    except ConfigError as e:
        yield "every", str(e)


def _estimate_problems(g: SignalTable, signals: Mapping[str, SignalTable]) -> typing.Iterator[tuple[str, str]]:
    if g.kind != "count" and (g.judge == "nowcast" or g.interval or g.imports or g.outcomes):
        yield "judge", "only counts are nowcast and have an interval, imports or outcomes; this signal is a measure"
    if isinstance(g.interval, IntervalTable) and not (g.interval.mean > 0 and g.interval.sd > 0):
        yield "interval", f"mean {g.interval.mean}, sd {g.interval.sd}: both must be above 0 days"
    for i, o in enumerate(g.outcomes):
        if not (o.mean > 0 and o.sd > 0):
            yield f"outcomes[{i}]", f"mean {o.mean}, sd {o.sd}: the delay to the outcome must be above 0 days"
    named = [("imports", g.imports)] * bool(g.imports) + [
        (f"outcomes[{i}]", o.signal) for i, o in enumerate(g.outcomes)
    ]
    for key, name in named:
        if name not in signals or signals[name].kind != "count" or signals[name].step != g.step or name == g.name:
            there = ", ".join(n for n, x in signals.items() if x.kind == "count" and x.step == g.step and n != g.name)
            yield key, f"{name!r} is not another signal that counts by the same step; allowed: {there or 'none'}"


def _source_problems(f: SourceTable, signals: set[str]) -> typing.Iterator[tuple[str, str]]:
    if f.feed is not None:
        yield from ((f"feed.{k}", v) for k, v in feed_problems(f.feed))
    if f.watched.name in signals:
        yield "name", f"the signal {f.watched.name!r} is what is said of this feed itself; give the other a new name"
    if f.raw_days < 0:
        yield "raw_days", f"{f.raw_days}; expected a number of days, or 0 to keep the bytes"
    if f.every:
        try:
            Step.parse(f.every)
        except ConfigError as e:
            yield "every", str(e)
    if len(f.delimiter) != 1 or f.delimiter in '"\r\n':
        yield "delimiter", f"{f.delimiter!r} is not one character; write for example ',' or ';' or '\\t'"
    if f.encoding != "auto" and not _is_text_encoding(f.encoding):
        yield (
            "encoding",
            f"{f.encoding!r} is not known; write auto, utf-8, gb18030, big5 or another that Python has",
        )
    if f.mapping is not None:
        yield from ((f"mapping.{k}", v) for k, v in _mapping_problems(f, f.mapping, signals))


def _mapping_problems(f: SourceTable, m: RecordMap, signals: set[str]) -> typing.Iterator[tuple[str, str]]:
    if not m.reference and f.format not in OWN_TIME:
        yield "reference", "name the column that says when it happened"
    for name in ("reference", "signal", "report", "value", "imported"):
        field = getattr(m, name)
        if isinstance(field, Field) and not field.column and field.value is None:
            yield name, "name a column, or give a constant value"
    named = m.signal
    spoken = {named} if isinstance(named, str) else {*named.map.values(), *([str(named.value)] if named.value else [])}
    classify = m.classify
    spoken |= set(classify.signals.values()) if classify else set()
    for name in (spoken | set(m.values.values())) - {""}:
        if name not in signals:
            yield "signal", f"{name!r} is not a signal; allowed: {', '.join(sorted(signals))}"
    if sum(map(bool, (named, m.values, classify))) != 1:
        yield (
            "signal",
            (
                "name a signal, or a column that holds it; or map columns to signals with values = { … }; "
                "or complaints to signals with classify = { … }: one of the three"
            ),
        )
    if classify and not (classify.text or classify.codes):
        yield "classify", "name the columns of free text (text = …) or of ICD-10 codes (codes = …)"
    ways = m.area if isinstance(m.area, list) else [m.area]
    if not ways or any(not (w if isinstance(w, str) else w.column or w.names or w.value or w.longitude) for w in ways):
        yield "area", "name the column that holds the area's code, or the columns of names or of a point, or a value"
    for w in ways:
        if not isinstance(w, str) and (bool(w.longitude) != bool(w.latitude) or w.km < 0):
            yield "area", "a point has a longitude and a latitude, both columns, and km of 0 or more"


def _is_text_encoding(name: str) -> bool:
    try:
        return isinstance(b"1".decode(name), str)
    except (LookupError, UnicodeError):  # half a letter of UTF-16 is no letter, but the encoding is known
        return name.lower().replace("_", "-").startswith(("utf-16", "utf-32"))
