"""The tables of city.toml: their keys, types and defaults. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import msgspec

from tocsin.calendar import DAY, Step
from tocsin.config.feeds import AnyFeed
from tocsin.errors import ConfigError
from tocsin.types import Kind, Signal, Title


def titled(title: Mapping[str, str], name: str) -> Title:
    """zh and en of a title table, each falling back on the other, then on the name."""
    return Title(title.get("zh") or title.get("en") or name, title.get("en") or title.get("zh") or name)


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
    complete: float = 0.8  # a count of which less than this share has come, by usual volume, is missing
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


class ScanTable(_Table, frozen=True):
    """[[scans]]: one prospective space-time scan on the beat; what it finds feeds alerts."""

    name: str
    signals: list[str] = []  # empty: every count signal with steps of a day or less
    level: str = ""  # the areas it looks at; empty: the city's finest level
    model: Literal["permutation", "poisson", "ebp", "ebnb"] = "permutation"
    baseline: str = ""  # ebp, ebnb: the detector that says what is expected; empty: the signal's first that can
    study_days: int = 365  # how much of the past is looked at
    lag_days: int = 0  # the study ends so many days before today
    min_days: int = 2  # how long a cluster lasts, at least …
    max_days: int = 30  # … and at most
    max_size: float = 0.5  # at most this share of the cases (permutation), people (poisson) or expected cases
    max_km: float = 0.0  # … and at most so far around its centre; 0 = no limit
    min_cases: int = 2  # fewer are no cluster
    aggregate_days: int = 1  # days counted together
    weekday: bool = True  # permutation of single days: every day of the week is compared with its own kind
    criterion: int = 0  # which clusters beside the best are told, see docs/methods/scan.md; 0: those that share nothing
    replicates: int = 999
    seed: int = 0  # 0: the city's
    recurrence_days: float = 100.0  # a cluster that chance shows less often than once in so many days is told
    every: str = "1h"  # new counts of the same day are scanned again after so long


class Field(_Table, frozen=True):
    """How one field of an event is found in a record: a column, a constant, a map of values, a date format."""

    column: str = ""
    value: str | float | int | None = None  # a constant; given instead of a column
    map: dict[str, str] = {}
    default: str | None = None  # for an empty cell; without it an empty cell is a finding
    format: str | list[str] = []  # strptime formats for dates; empty: ISO 8601, YYYY/MM/DD, YYYYMMDD
    others: Literal["finding", "ignore"] = "finding"  # a signal's cell that is not in the map


class AreaField(_Table, frozen=True):
    """One way to find the area: a code column (optionally its first `prefix` characters), names, or a point."""

    column: str = ""
    prefix: int = 0
    names: list[str] = []  # columns of names, coarsest first: the deepest one that matches
    value: str = ""  # a constant code
    map: dict[str, str] = {}
    longitude: str = ""  # with latitude, columns of a point: the deepest area of areas.geojson that it lies in
    latitude: str = ""
    km: float = 0.0  # … else the area with the nearest centre, if it is no farther; 0: only outlines count
    datum: Literal["wgs84", "gcj02", "bd09"] = "wgs84"  # of the point; outlines and centres are WGS 84


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
    feed: AnyFeed | None = None  # how its messages come by themselves, where not as files

    @property
    def watched(self) -> SignalTable:
        """The signal of the feed itself: how many events came by day. Its alerts say that it is late or changed."""
        zh, en = titled(self.title, self.name)
        title = {"zh": f"{zh}（数据质量）", "en": f"{en} (feed)"}
        return SignalTable(f"data.{self.name}", title=title, domain="data", unit="", fallback=[], severity=0.5)


class Settings(_Table, frozen=True):
    """The whole file."""

    city: City
    areas: AreaFiles
    signals: list[SignalTable]
    alerts: AlertRules = AlertRules()
    store: StoreTable = StoreTable()
    scans: list[ScanTable] = []
    holidays: list[date] = []
    sources: list[SourceTable] = []
    outbreaks: list[OutbreakTable] = []
    travel: TravelTable = TravelTable()

    def signal(self, name: str) -> SignalTable:
        """The signal of that name; ConfigError naming those there are."""
        for s in self.spoken:
            if s.name == name:
                return s
        raise ConfigError(f"no signal {name!r} in city.toml; there are: {', '.join(s.name for s in self.signals)}")

    @property
    def spoken(self) -> list[SignalTable]:
        """The signals, and `data.NAME` of every source: what alerts may be of."""
        return [*self.signals, *(s.watched for s in self.sources)]

    def source(self, name: str) -> SourceTable:
        """The source of that name; ConfigError naming those there are."""
        for s in self.sources:
            if s.name == name:
                return s
        there = ", ".join(s.name for s in self.sources) or "none"
        raise ConfigError(f"no source {name!r} in city.toml; there are: {there}")

    def scanned(self, scan: ScanTable) -> list[SignalTable]:
        """The signals that a scan looks at."""
        return [g for g in self.signals if (g.name in scan.signals if scan.signals else scannable(g))]


def scannable(g: SignalTable) -> bool:
    """Whether a scan can look at a signal: a count whose steps make up days."""
    return g.kind == "count" and Step.parse(g.step).minutes <= DAY
