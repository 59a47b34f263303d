"""What the server says of nowcasts, R, imports and what-ifs, as types; beside `wire`, for length. Pure."""

from tocsin.server.said import Moment, Number, Numbers, Said, Step, Title


class Range(Said, frozen=True):
    """A median and its 95 % interval."""

    low: Number
    middle: Number
    high: Number


class Interval(Said, frozen=True):
    """A serial (or generation) interval, and where it stands."""

    mean_days: float
    sd_days: float
    cite: str


class Nowcast(Said, frozen=True):
    """One signal in one area; `nowcast`, `r` and `growth` hold a list for each of `levels`, as long as `times`."""

    signal: str
    area: str
    as_of: Moment
    seen: Moment  # up to when reports are there: earlier than as_of if the feed is silent
    step: str
    judged: str  # "nowcast" or "reported": what detectors see
    times: list[Step]
    reported: Numbers
    open: int  # so many of the newest steps still gain cases
    levels: list[float]
    nowcast: list[Numbers]
    r: list[Numbers]
    growth: list[Numbers]
    above_one: Numbers
    interval: Interval | None
    why_no_nowcast: Title | None
    why_no_r: Title | None


class Severity(Said, frozen=True):
    """What became of the cases: `adjusted` counts only those old enough (`known`, their share)."""

    outcome: str
    title: Title
    cases: Number
    outcomes: Number
    crude: Range
    adjusted: Range
    known: Number


class OutlookSignal(Said, frozen=True):
    """One signal in the whole city: its last `window` steps and those before, R of local cases and growth now."""

    signal: str
    title: Title
    area: str
    levels: list[str]
    judged: str
    seen: Moment
    last: Step
    step: str
    reported: Number
    nowcast: Range
    before: Range
    r: Range | None
    above_one: Number
    growth: Range | None
    doubling_days: Range | None  # negative: days to halve; null where not even the direction is sure
    interval: Interval | None
    why_no_r: Title | None
    why_no_nowcast: Title | None
    severity: list[Severity]
    knows_imports: bool  # some of its cases are known to be imported


class Outlook(Said, frozen=True):
    """The whole city as of a moment."""

    as_of: Moment
    window: int
    signals: list[OutlookSignal]


class BoardArea(Said, frozen=True):
    """One area on both boards: does it come from outside; does it spread here."""

    code: str
    title: Title
    imported: Range
    imported_share: Range
    days_since_imported: Range
    expected_arrivals: Number  # infected travellers a day, now, if the tables are right
    expected_imports: Range  # … and of the whole window, with the chance of so rare an event
    local: Range
    r: Range
    above_one: Number
    explained: Number  # probability that imports explain every local case of the window
    chain_since: Step | None  # since when a local chain is 95 % sure
    days_since_local: Range
    over: Number  # probability that no local case will follow from those known


class Boards(Said, frozen=True):
    """Imported against local, areas with any case first by number."""

    signal: str
    level: str
    as_of: Moment
    window_days: int
    knows_imports: bool
    knows_travel: bool
    interval: Interval | None
    why_no_r: Title | None
    areas: list[BoardArea]


class Fan(Said, frozen=True):
    """The whole city ahead: daily cases and beds in use, a list for each of `levels`."""

    cases: list[Numbers]
    beds: list[Numbers]
    total: Range
    beds_peak: Range


class ScenarioArea(Said, frozen=True):
    """One area's cases over all the days."""

    code: str
    title: Title
    without: Range
    measured: Range


class Scenario(Said, frozen=True):
    """The same chance without and with the measures."""

    signal: str
    level: str
    as_of: Moment
    seed: int
    times: list[Step]
    levels: list[float]
    without: Fan
    measured: Fan
    days_gained: Range
    averted: Range
    areas: list[ScenarioArea]
    mixed: bool  # a commuting table ties the areas together
    assumptions: list[str]
