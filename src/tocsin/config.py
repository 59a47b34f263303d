"""One TOML file to frozen values; nothing else reads settings. Pure.

`parse` takes the file's text and says, for every mistake, the file, the key and what is allowed. The commented example
that `tocsin init` writes (`init.toml` beside this file) is the reference for people.
"""

import re
import tomllib
import typing
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal

import msgspec

from tocsin.calendar import Step, zone
from tocsin.errors import ConfigError
from tocsin.types import Kind, Signal, Title


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A TOML table: unknown keys are refused."""


class City(_Table, frozen=True):
    """[city]: who, where, when."""

    name: str
    levels: list[str]  # coarsest first; the storeys of the area tree
    title: dict[str, str] = {}
    zone: str = "Asia/Shanghai"
    seed: int = 1
    simulated: bool = False  # the page says so, plainly


class AreaFiles(_Table, frozen=True):
    """[areas]: the table of areas, and optionally their polygons."""

    file: str
    geojson: str = ""
    geojson_key: str = "code"  # the property that holds the area's code
    columns: dict[str, str] = {}  # our name = the file's name, where they differ


class AlertRules(_Table, frozen=True):
    """[alerts]: when alarms become an alert, and when an episode ends."""

    p: float = 0.001  # a fused p at or under this opens or feeds an episode
    fdr: float | None = None  # instead of p: the share of false discoveries among all cells a beat judges
    fdr_by: Literal["cell", "signal"] = "cell"  # "signal": first which signals hold anything, then where in them
    quiet_days: int = 7  # no alarm for so long: quiet
    close_days: int = 21  # … and for so long: closed by the system if nobody has it in hand
    budget: int = 20  # at most so many a day on Today; the rest are one click away


class StoreTable(_Table, frozen=True):
    """[store]: where events live; empty: an SQLite file beside city.toml."""

    url: str = ""  # "postgresql://USER@HOST/DATABASE"; ${NAME} comes from the environment, the password from PGPASSFILE
    schema: str = "tocsin"  # … and the schema in that database: one a city


class IntervalTable(_Table, frozen=True):
    """A serial or generation interval of one's own, in days."""

    mean: float
    sd: float


class OutcomeTable(_Table, frozen=True):
    """[[signals.outcomes]]: the signal that counts what became of a signal's cases, and how many days later."""

    signal: str
    mean: float
    sd: float


class TravelTable(_Table, frozen=True):
    """[travel]: who goes where; all optional. Columns are named in docs/guides/outlook.md."""

    commuting: str = ""  # a table from,to,commuters of areas within the city, per day
    arrivals: str = ""  # a table origin,to,travellers of arrivals from elsewhere, per day


class SignalTable(_Table, frozen=True):
    """[[signals]]: one stream of counts or measurements, and how it is judged."""

    name: str
    kind: Kind = "count"
    step: str = "1d"
    title: dict[str, str] = {}
    domain: Literal["health", "environment", "transport", "municipal", "web", "facility", "network", "data"] = "health"
    unit: str = ""
    absent: Literal["zero", "missing"] = "zero"
    levels: list[str] = []  # where it is judged; empty: every level of the city
    lookback: int = 7  # how many of the newest steps each beat judges again
    detectors: list[str | dict[str, Any]] = []  # "ears_c2" or { method = "fixed_value", value = 1 }
    fallback: list[str | dict[str, Any]] = msgspec.field(default_factory=lambda: ["ears_c2"])
    # … who speaks, first to last, while all detectors are silent, as for want of history
    least: float = 1.0  # a count under this opens no alert, however unusual, unless by a rule such as fixed_value
    severity: float = 1.0  # weight of this signal in the ranking: plague is not a cold
    judge: Literal["reported", "nowcast"] = "reported"  # what detectors see of steps whose reports still come in
    interval: str | IntervalTable = ""  # "influenza", a disease of docs/methods/rt.md, or { mean = 3.6, sd = 1.6 } days
    imports: str = ""  # the signal that holds this disease's imported cases, where they are not in this one
    incidence: str = ""  # a table origin,date,incidence (new infections per 100,000 a day) of this disease elsewhere
    outcomes: list[OutcomeTable] = []

    @property
    def signal(self) -> Signal:
        """The noun that the pure parts know."""
        return Signal(
            self.name, self.kind, self.step, self.domain, self.unit, titled(self.title, self.name), self.absent
        )


class OutbreakTable(_Table, frozen=True):
    """[[outbreaks]]: an outbreak that is known to have been one; its steps are in no baseline."""

    area: str  # its code; all areas within are meant too
    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    signal: str = ""  # empty: every signal
    note: str = ""  # for people


class Field(_Table, frozen=True):
    """How one field of an event is found in a record: a column, a constant, a map of values, a date format."""

    column: str = ""
    value: str | float | int | None = None  # a constant; given instead of a column
    map: dict[str, str] = {}
    default: str | None = None  # for an empty cell; without it an empty cell is a finding
    format: str | list[str] = []  # strptime formats for dates; empty: ISO 8601, YYYY/MM/DD, YYYYMMDD
    others: Literal["finding", "ignore"] = "finding"  # a signal's cell that is not in the map


class AreaField(_Table, frozen=True):
    """One way to find the area: a code column (optionally its first `prefix` characters), or names, coarsest first."""

    column: str = ""
    prefix: int = 0
    names: list[str] = []  # columns of names, coarsest first: the deepest one that matches
    value: str = ""  # a constant code
    map: dict[str, str] = {}


class Classify(_Table, frozen=True):
    """[sources.mapping.classify]: complaints and diagnoses to syndromes to signals; one event for each signal named."""

    signals: dict[str, str]  # syndrome = signal name; "*" is every record
    text: str | list[str] = []  # columns of free text, Chinese or English
    codes: str | list[str] = []  # columns of ICD-10 codes
    file: str = ""  # a CSV file of further terms: syndrome,kind,term
    terms: list[tuple[str, str, str]] = []  # the same, written here


class RecordMap(_Table, frozen=True):
    """[sources.mapping]: which column is what. A bare string means "this column"."""

    area: str | AreaField | list[AreaField]  # the first that is known; any but the first leaves a finding
    reference: str | Field = ""  # may be left out where the format has a time of its own
    signal: str | Field = ""  # a bare string is the signal's name
    values: dict[str, str] = {}  # wide tables: column = signal name, one event a column
    classify: Classify | None = None  # instead of signal and values
    key: str | list[str] = []  # empty: the format's own, else a digest of the row and its occurrence number
    report: str | Field | None = None  # absent: the format's own, else the moment of arrival
    value: str | Field | None = None  # absent: 1 (one row, one case)
    imported: str | Field | None = None
    only: dict[str, str | list[str]] = {}  # column = cells that are ours; any other record is none of ours, no finding


Format = Literal[
    "auto", "csv", "jsonl", "parquet", "xlsx", "json", "hl7-adt", "hl7-oru", "fhir", "dhis2", "dhis2-tracker",
    "open311", "sensorthings", "ngsi-ld", "nwss", "gtfs-rt",
]  # fmt: skip
OWN_TIME = {"hl7-adt", "hl7-oru", "fhir", "dhis2", "dhis2-tracker", "open311", "sensorthings", "ngsi-ld", "nwss",
            "gtfs-rt"}  # fmt: skip


class SourceTable(_Table, frozen=True):
    """[[sources]]: one feed."""

    name: str
    title: dict[str, str] = {}
    format: Format = "auto"
    encoding: str = "auto"  # auto: UTF-8 (with or without BOM), else GB18030
    delimiter: str = ","
    sheet: str = ""  # xlsx: the sheet's name; empty: the first
    records: str = ""  # json: where the list of records is, as a JSON pointer; fhir: the resource that is a record
    files: str = ""  # a glob under the city directory that `serve` watches
    every: str = ""  # "1d", "1h": how often it should be heard; empty: no expectation
    owner: str = ""  # whom to call when it is silent
    raw_days: int = 0  # the bytes that came are forgotten after so many days; 0: they are kept
    mapping: RecordMap | None = None  # push-only sources need none


class Settings(_Table, frozen=True):
    """The whole file."""

    city: City
    areas: AreaFiles
    signals: list[SignalTable]
    alerts: AlertRules = AlertRules()
    store: StoreTable = StoreTable()
    holidays: list[date] = []
    sources: list[SourceTable] = []
    outbreaks: list[OutbreakTable] = []
    travel: TravelTable = TravelTable()

    def signal(self, name: str) -> SignalTable:
        """The signal of that name; ConfigError naming those there are."""
        for s in self.signals:
            if s.name == name:
                return s
        raise ConfigError(f"no signal {name!r} in city.toml; there are: {', '.join(s.name for s in self.signals)}")

    def source(self, name: str) -> SourceTable:
        """The source of that name; ConfigError naming those there are."""
        for s in self.sources:
            if s.name == name:
                return s
        there = ", ".join(s.name for s in self.sources) or "none"
        raise ConfigError(f"no source {name!r} in city.toml; there are: {there}")


def titled(title: Mapping[str, str], name: str) -> Title:
    """zh and en of a title table, each falling back on the other, then on the name."""
    return Title(title.get("zh") or title.get("en") or name, title.get("en") or title.get("zh") or name)


def every_minutes(text: str) -> int:
    """A source's cadence in minutes, 0 for none."""
    return Step.parse(text).minutes if text else 0


def parse(text: str, file: str = "city.toml") -> Settings:
    """The settings of a city file; ConfigError names the file, the key and what is allowed."""
    try:
        settings = msgspec.convert(tomllib.loads(text), Settings)
    except tomllib.TOMLDecodeError as e:
        raise ConfigError(f"{file}: not TOML: {e}") from e
    except msgspec.ValidationError as e:
        raise ConfigError(f"{file}: {_explain(str(e))}") from e
    for key, problem in _problems(settings):
        raise ConfigError(f"{file}: {key}: {problem}")
    return settings


def fill(text: str, env: Mapping[str, str]) -> str:
    """A value of the file with `${NAME:-default}` taken from the environment."""
    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", lambda m: env.get(m[1]) or m[2] or "", text)


def expand(path: str, base: Path, env: Mapping[str, str]) -> Path:
    """A path of the file, filled; relative to `base`, else to the working folder."""
    found = fill(path, env)
    beside = base / found
    return beside if beside.exists() or not Path(found).exists() else Path(found)


def _problems(s: Settings) -> typing.Iterator[tuple[str, str]]:
    """(key, what is wrong and what is allowed) for what single types cannot say."""
    try:
        zone(s.city.zone)
    except ConfigError as e:
        yield "city.zone", str(e)
    if not s.city.levels:
        yield "city.levels", 'name at least one level, coarsest first: ["city", "district"]'
    if not 0 < s.alerts.p < 1:
        yield "alerts.p", f"{s.alerts.p} is not a probability between 0 and 1"
    if s.alerts.fdr is not None and not 0 < s.alerts.fdr < 1:
        yield "alerts.fdr", f"{s.alerts.fdr} is not a share between 0 and 1; leave it out to go by p"
    for key, names in (("signals", [x.name for x in s.signals]), ("sources", [x.name for x in s.sources])):
        for name in {n for n in names if names.count(n) > 1}:
            yield key, f"{name!r} stands twice; names are unique"
    signals = {x.name for x in s.signals}
    for i, g in enumerate(s.signals):
        yield from ((f"signals[{i}].{k}", v) for k, v in _signal_problems(g, s.city.levels))
    for i, o in enumerate(s.outbreaks):
        if o.signal and o.signal not in signals:
            yield f"outbreaks[{i}].signal", f"{o.signal!r} is not a signal; allowed: {', '.join(sorted(signals))}"
        if o.last < o.first:
            yield f"outbreaks[{i}].to", f"{o.last} is before {o.first}; write the first and the last day"
        yield from ((f"signals[{i}].{k}", v) for k, v in _estimate_problems(g, {x.name: x for x in s.signals}))
    for i, f in enumerate(s.sources):
        yield from ((f"sources[{i}].{k}", v) for k, v in _source_problems(f, signals))


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
    if not ways or any(not (w if isinstance(w, str) else w.column or w.names or w.value) for w in ways):
        yield "area", "name the column that holds the area's code, or the columns of names, or a constant value"


def _is_text_encoding(name: str) -> bool:
    try:
        return isinstance(b"1".decode(name), str)
    except (LookupError, UnicodeError):  # half a letter of UTF-16 is no letter, but the encoding is known
        return name.lower().replace("_", "-").startswith(("utf-16", "utf-32"))


def _explain(message: str) -> str:
    """msgspec's message with the key first and, where a name or choice is wrong, what is allowed."""
    what, _, where = message.partition(" - at ")
    key = where.strip("`").removeprefix("$").removeprefix(".")
    allowed = _allowed(key)
    return f"{key or 'the file'}: {what}" + (f"; allowed: {', '.join(allowed)}" if allowed else "")


def _allowed(key: str) -> list[str]:
    """Field names of the table, or choices of the field, at a key such as `signals[...].kind`."""
    at: Any = Settings
    for name in re.sub(r"\[[^]]*\]", "", key).split(".") if key else []:
        hints = typing.get_type_hints(at) if isinstance(at, type) and issubclass(at, msgspec.Struct) else {}
        if name not in hints:
            return []
        at = hints[name]
        at = next((a for a in typing.get_args(at) if isinstance(a, type) and issubclass(a, msgspec.Struct)), at)
    if isinstance(at, type) and issubclass(at, msgspec.Struct):
        return list(at.__struct_encode_fields__)
    return [str(a) for a in typing.get_args(at)] if typing.get_origin(at) is Literal else []
