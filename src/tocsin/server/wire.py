"""What the server says: every JSON answer, event and refusal as a type; the only JSON out. Pure.

Steps are civil ISO strings in the city's zone ("2026-03-02", or "2026-03-02T08:05" when shorter than a day), moments
are UTC ("2026-03-02T10:00:00Z"), a missing number is null. The OpenAPI document is drawn from these types, so a
field that is not here is not on the wire: an answer with one more or one less is our fault and is not sent.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from tocsin import types
from tocsin.server.said import Moment, Number, Numbers, Said, Step, Title
from tocsin.server.wire_clusters import Cluster
from tocsin.server.wire_outlook import Range
from tocsin.server.wire_progress import Progress

Phase = types.Phase
State = types.State
Action = Literal["acknowledge", "verify", "confirm", "exclude", "respond", "close", "reopen", "comment"]


class City(Said, frozen=True):
    """The city, the clock, and what this server can do."""

    name: str
    title: Title
    zone: str
    simulated: bool
    levels: list[str]
    budget: int
    now: Moment
    as_of: Moment | None  # the last beat's
    first: Step | None
    last: Step | None
    version: str
    languages: list[str]
    has_map: bool
    can_write: bool  # whether this request's token may work on alerts
    level_titles: dict[str, Title] | UnsetType = UNSET
    progress: Progress | None = None  # before its first beat, if there is work to do


class Signal(Said, frozen=True):
    """A stream of counts or measurements."""

    name: str
    title: Title
    kind: Literal["count", "measure"]
    step: str
    domain: str
    unit: str
    levels: list[str]
    detectors: list[str]
    severity: float


class Area(Said, frozen=True):
    """A place of the tree."""

    code: str
    parent: str  # "" for the root
    level: str
    title: Title
    longitude: Number
    latitude: Number
    population: Number


class Curve(Said, frozen=True):
    """What one detector thinks of a series; every list as long as the series' `times`."""

    name: str
    title: Title
    cite: str
    rule: bool  # its threshold alone opens an alert
    window: int  # how many steps' sum it compares
    observed: Numbers  # that sum
    expected: Numbers
    upper: Numbers
    score: Numbers
    p: Numbers


class Alarm(Said, frozen=True):
    """One detector, one step, over its threshold."""

    time: Step
    detector: str
    observed: Number
    expected: Number
    upper: Number
    p: Number


class Series(Said, frozen=True):
    """One signal in one area, as it was known at a moment."""

    signal: str
    area: str
    as_of: Moment
    step: str
    times: list[Step]
    values: Numbers
    population: Number
    detectors: list[Curve]
    alarms: list[Alarm]
    alerts: list[str]
    first: Step | None
    last: Step | None


class Estimated(Said, frozen=True):
    """Under a count that was nowcast: how much of it was reported, and its 95 % interval."""

    reported: Number
    low: Number
    high: Number


class Span(Said, frozen=True):
    """From one step to another, both in."""

    start: Step
    end: Step


class Spark(Said, frozen=True):
    """The small curve beside an alert; of a cluster of several areas, theirs together as its scan counted them."""

    times: list[Step]
    values: Numbers
    expected: Numbers
    upper: Numbers
    window: Span | None  # the days of the cluster that speaks


class Alert(Said, frozen=True):
    """One episode of one signal in one place: what a person works on."""

    id: str
    rank: int | None
    signal: str
    signal_title: Title
    area: str
    area_title: Title
    path: list[Title]
    level: str
    opened: Step
    last: Step
    began: Moment  # when it was first known
    phase: Phase
    state: State
    severity: Literal["red", "orange", "yellow", "blue"]
    p: Number
    q: Number  # p among all that a beat judged, where the city goes by a false discovery rate
    observed: Number
    expected: Number
    ratio: Number
    ratio_range: Range | None  # of a count, by chance and by what is not yet reported; the expected taken as known
    imported_share: Number
    detectors: list[str]
    reason: Title
    spark: Spark
    updated: Moment
    estimated: Estimated | None  # observed is a nowcast
    explained_by: list[str]  # alerts of smaller areas within, or of a cluster around, that say the same
    members: list[str]  # the areas of the cluster that speaks, its centre first; empty: no cluster does


class Evidence(Said, frozen=True):
    """One alarm behind an alert."""

    at: Moment
    detector: str
    time: Step
    observed: Number
    expected: Number
    upper: Number
    score: Number
    p: Number
    area: str  # where, if it is not the alert's own area: what a cluster has joined
    estimated: Estimated | None


class Note(Said, frozen=True):
    """One appended change of an alert."""

    seq: int
    at: Moment
    who: str
    action: str
    text: str


class AlertDetail(Alert, frozen=True):
    """An alert with its evidence, its notes, and what may be done next."""

    evidence: list[Evidence]
    notes: list[Note]
    actions: list[str]
    cluster: Cluster | None
    kin: list[Cluster]  # what other scans of the signal say of the same cluster


class Alerts(Said, frozen=True):
    """Ranked alerts, rank 1 first; `total` counts those beyond the limit too."""

    as_of: Moment
    budget: int
    total: int
    alerts: list[Alert]


class MapArea(Said, frozen=True):
    """One area's last step."""

    code: str
    value: Number
    expected: Number
    upper: Number
    score: Number
    p: Number
    rate_per_100k: Number
    window_sum: Number


class Pin(Said, frozen=True):
    """An alert that is not over, on the map."""

    id: str
    area: str
    phase: Phase
    state: State


class Map(Said, frozen=True):
    """One signal at one level of the tree, at its last step."""

    signal: str
    level: str
    as_of: Moment
    time: Step | None
    areas: list[MapArea]
    alerts: list[Pin]


class DayCount(Said, frozen=True):
    """Events that arrived on one day."""

    date: str
    events: int


class Feed(Said, frozen=True):
    """A source's own line. Paused: the store does not take what came; standby: another server runs it."""

    kind: Literal["mllp", "mqtt", "kafka", "poll", "sftp"]
    state: Literal["starting", "up", "paused", "down", "standby"]
    since: Moment | None
    last_message: Moment | None
    messages: int
    errors: int
    problem: str


class Source(Said, frozen=True):
    """One feed and how it does."""

    name: str
    title: Title
    owner: str
    every: str
    last_seen: Moment | None
    lag_minutes: Number
    state: Literal["ok", "late", "silent", "never"]
    events: int
    findings_open: int
    duplicates: int
    median_delay_days: Number
    recent: list[DayCount]
    feed: Feed | None


class Finding(Said, frozen=True):
    """A sentence about bad input."""

    id: int
    source: str
    file: str
    line: int
    field: str
    value: str
    code: str
    message: str
    kept: bool
    at: Moment
    alike: int | UnsetType = UNSET  # open findings of its source, field and rule, where kinds were asked for


class Findings(Said, frozen=True):
    """Open findings, newest first."""

    total: int
    findings: list[Finding]


class Fault(Said, frozen=True):
    """A part of ours that broke."""

    at: Moment
    part: str
    message: str


class Health(Said, frozen=True):
    """Whether the system does what it should."""

    status: Literal["ok", "degraded"]
    version: str
    store: str
    events: int
    as_of: Moment | None
    last_tick: Moment | None
    behind_seconds: Number
    faults: list[Fault]


class Ready(Said, frozen=True):
    """Requests may come."""

    ready: bool


class Moved(Said, frozen=True):
    """How many alerts a beat opened, changed and closed; each is also told on its own."""

    opened: int
    changed: int
    closed: int


class Tick(Said, frozen=True):
    """A beat, on the live stream."""

    as_of: Moment
    alerts: Moved


class Count(Said, frozen=True):
    """The count of one cell of a newest step, as it is now."""

    signal: str
    area: str
    time: Step
    value: Number


class Counts(Said, frozen=True):
    """Counts that changed since the last look, on the live stream; `more`: so did others."""

    as_of: Moment
    cells: list[Count]
    more: bool


class Wrong(Said, frozen=True):
    """What is wrong, and what to do."""

    code: str
    message: str
    allowed: list[str] | UnsetType = UNSET


class Problem(Said, frozen=True):
    """Every refusal."""

    error: Wrong


class NewNote(Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody does with an alert."""

    action: Action
    who: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
    text: Annotated[str, Meta(max_length=4000)] = ""


def encode(value: Any, kind: Any) -> bytes:
    """The JSON of a plain value that must have the shape of `kind`; msgspec.ValidationError when it has not."""
    return msgspec.json.encode(msgspec.convert(value, kind))


def problem(code: str, message: str, allowed: list[str] | None = None) -> bytes:
    """The JSON of a refusal."""
    return msgspec.json.encode(Problem(Wrong(code, message, UNSET if allowed is None else allowed)))
