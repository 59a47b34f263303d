"""The nouns: what the parts of Tocsin hand to one another. Pure.

Shapes: A areas, S signals, N = series (one signal in one area), T steps, H tested steps (the last H of the T).
Moments (`Instant`) are whole microseconds since 1970-01-01T00:00Z. Steps are *civil*: `datetime64[m]` in the city's own
zone, the minute the step begins, so that a day is a day and a week begins where people say it does.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Times = NDArray[np.datetime64]

Instant = int  # microseconds since the Unix epoch, UTC
Minute = int  # civil minutes since 1970-01-01T00:00 in the city's zone: the name of a step
Kind = Literal["count", "measure"]
Imported = Literal["yes", "no", "unknown"]


class Title(NamedTuple):
    """What people read, in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Signal:
    """A named stream of counts (summed) or measurements (averaged); a stratum is a signal of its own."""

    name: str
    kind: Kind
    step: str  # "5min" … "1d", "1w" (ISO weeks) or "1w-mmwr"; see calendar.Step
    domain: str = "health"
    unit: str = ""
    title: Title = Title("", "")
    absent: Literal["zero", "missing"] = "zero"  # what a step nobody spoke of means while the source is heard


@dataclass(frozen=True, slots=True)
class Area:
    """A place in one tree. `level` is the name of its storey (city, district, town, …)."""

    code: str
    parent: str  # "" for the root
    level: str
    title: Title
    longitude: float = float("nan")
    latitude: float = float("nan")
    population: float = float("nan")


class Event(NamedTuple):
    """One fact at one source. A later event with the same (source, key) replaces the earlier one.

    `value`: counts, how many (1 = one case, 0 withdraws it); measurements, the reading (NaN withdraws it).
    """

    source: str
    key: str
    signal: str
    area: str
    reference_time: Instant
    report_time: Instant
    value: float
    imported: Imported = "unknown"


class Finding(NamedTuple):
    """A sentence about bad input: where it stands, what was found, what was expected, what to do."""

    source: str
    file: str
    line: int  # 1-based line (text), row (sheets, Parquet), 0 = the whole file
    field: str
    value: str  # as found, cut to 200 characters
    code: str  # the rule's name, a word with dashes: "bad-date", "unknown-area"
    message: str  # plain English, says what is expected and what to do
    raw: bytes  # the record's own bytes (cut to 64 KiB)
    kept: bool  # True: the event went on all the same (e.g. under its parent area)
    key: str = ""  # the record's key where it could be read: a later event of that key closes the finding


class Increment(NamedTuple):
    """`n` readings of `value` more (or fewer) in one cell from one report time on.

    Counts: the cell's value is the sum of value·n. Measurements: the mean of the readings that are left. Keeping
    the value beside its multiplicity lets a correction cancel exactly what it corrects.
    """

    signal: str
    area: str
    step: Minute
    report_time: Instant
    value: float
    n: int
    imported: Imported = "unknown"


@dataclass(frozen=True, slots=True)
class Cube:
    """Counts by signal × area × time as they were known at one moment.

    values (S, A, T): **NaN = not reported, 0 = a reported zero**. All signals of a cube share one step.
    exposure (S, A, T): population at risk, or NaN where unknown.
    """

    signals: tuple[str, ...]
    areas: tuple[str, ...]
    times: Times
    as_of: Instant
    values: Floats
    exposure: Floats


class Panel(NamedTuple):
    """N series side by side, as detectors see them: y and exposure (N, T), time (T,) civil step starts.

    `step` is the length in minutes; `holiday` (T,) marks days off; `kind` is the same for the whole panel.
    """

    y: Floats
    exposure: Floats
    time: Times
    step: int
    kind: Kind
    holiday: Bools


@dataclass(frozen=True, slots=True)
class Alarms:
    """What a detector says of the last H steps of a panel; every field (N, H).

    score = (y − expected) / (upper − expected), an alarm when it is over 1 (some methods: at 1, they say so).
    `upper` is as published; `p` is calibrated under the null, NaN = the method makes no such claim.
    """

    expected: Floats
    upper: Floats
    score: Floats
    p: Floats


class Note(NamedTuple):
    """One appended change of an alert: who, when, what. `what` is free text of a person, or JSON of the system."""

    seq: int
    alert: str
    at: Instant
    who: str
    action: str
    what: str


class Estimated(NamedTuple):
    """What lies under a count that was nowcast: how much of it was reported, and its 95 % interval."""

    reported: float
    low: float
    high: float


class Evidence(NamedTuple):
    """One alarm behind an alert, as it was when that count was first judged; `observed` may be a nowcast's median."""

    alert: str
    at: Instant
    detector: str
    step: Minute
    observed: float
    expected: float
    upper: float
    score: float
    p: float
    area: str = ""  # where, if it is not the alert's own area: what a cluster has joined
    estimated: Estimated | None = None


Change = Literal["new", "ongoing", "grown", "shrunk", "ended"]


class Cluster(NamedTuple):
    """A scan's set of areas and days with more cases than chance explains, as one run of the scan told it.

    `id` stays from day to day while follow() takes it for the same. center: the code of the area in the middle; radius
    in km. members: area codes in the order they enter the circle. start, end: the first and the last day (civil minute
    each begins). by_member: (observed, expected) of each. reported: the share of the cluster's cases that was reported
    by then, 1 = all, or nobody says; observed and expected are of reports. course: its members together over the last
    weeks, (first day of the interval since 1970-01-01, observed, expected). An ended cluster holds what was last said.
    """

    id: str
    scan: str
    signal: str
    at: Instant
    change: Change
    center: str
    latitude: float
    longitude: float
    radius_km: float
    members: tuple[str, ...]
    start: Minute
    end: Minute
    observed: float
    expected: float
    relative_risk: float
    llr: float
    p: float
    recurrence_days: float
    by_member: tuple[tuple[float, float], ...]
    reported: float = 1.0
    course: tuple[tuple[int, float, float], ...] = ()

    @property
    def start_day(self) -> int:
        """The first day, counted from 1970-01-01."""
        return self.start // 1440  # minutes of a day

    @property
    def end_day(self) -> int:
        """The last day, counted from 1970-01-01."""
        return self.end // 1440

    @property
    def high(self) -> bool:
        """On the beat, scans look for more cases than expected only."""
        return True


class ScanRun(NamedTuple):
    """One run of one scan over one signal: when, a digest of all it looked at, p of its best cluster (NaN: none)."""

    at: Instant
    scan: str
    signal: str
    digest: str
    p: float


Phase = Literal["open", "growing", "quiet", "ended"]
State = Literal["new", "acknowledged", "verifying", "confirmed", "excluded", "responding", "closed"]


class Flag(NamedTuple):
    """One cell that speaks for an alert: its fused p (NaN where only a rule spoke) and the alarms behind it."""

    signal: str
    area: str
    step: Minute
    p: float
    observed: float  # over the last `window` steps, as `expected`
    expected: float
    window: int
    rule: bool
    detectors: tuple[str, ...]
    q: float = float("nan")  # p among all that were judged with it, where alerts go by a false discovery rate
    cluster: str = ""  # the cluster that speaks, with all alarms within it …
    members: tuple[str, ...] = ()  # … and its areas; `area` is the smallest that holds them all
    kin: tuple[str, ...] = ()  # what other scans of the signal call the same cluster
    estimated: Estimated | None = None  # observed is a nowcast


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode of one signal in one place, or of one cluster, folded from its notes: what a person works on.

    opened, last: the first and the newest step that spoke. p: the smallest so far, NaN if only rules spoke.
    observed, expected: of the newest such step, summed over the last `window` steps. q: the smallest, as p.
    place: whose episode it is from its beginning: an area's code, or the cluster's name where that was several areas.
    cluster, members: of the newest flag, if a cluster spoke; see Flag. kin: all clusters ever told as one here.
    """

    id: str
    signal: str
    area: str
    opened: Minute
    last: Minute
    p: float
    observed: float
    expected: float
    window: int
    rule: bool
    detectors: tuple[str, ...]
    phase: Phase
    state: State
    began: Instant  # when it was first known
    updated: Instant
    q: float = float("nan")
    place: str = ""
    cluster: str = ""
    members: tuple[str, ...] = ()
    estimated: Estimated | None = None  # observed is a nowcast
    kin: tuple[str, ...] = ()
