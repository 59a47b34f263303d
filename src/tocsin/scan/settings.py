"""What a scan is asked to do, and nothing of how. Pure."""

from dataclasses import dataclass
from typing import Literal

from tocsin.errors import MethodError

Model = Literal["poisson", "bernoulli", "permutation", "ebp", "ebnb"]
Analysis = Literal["spatial", "temporal", "space-time"]
Unit = Literal["day", "month", "year", "generic"]
Rates = Literal["high", "low", "both"]
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Settings:
    """The rules of one scan. Days are day numbers (days since 1970-01-01, or the study's own generic units).

    The defaults are SaTScan's, except that p-values are plain Monte Carlo ranks.
    """

    model: Model = "poisson"
    analysis: Analysis = "space-time"
    prospective: bool = False
    rates: Rates = "high"

    # zones
    max_size: float = 0.5  # share of the population at risk (or of the cases); 0 switches the limit off
    max_distance: float = 0.0  # km, or the map's own units; 0 = no limit
    reported_max_size: float = 0.0  # clusters larger than this share are searched but not reported; 0 = no limit
    reported_max_distance: float = 0.0
    shapes: tuple[float, ...] = ()  # ellipses: long axis / short axis …
    angles: tuple[int, ...] = ()  # … and how many angles for each shape
    penalty: float = 0.0  # a in (4s/(s+1)^2)^a: 0 none, 0.5 medium, 1 strong
    include_temporal: bool = False  # also the window "everywhere"
    multiple: Literal["one", "any", "all"] = "one"

    # windows
    unit: Unit = "day"
    step: int = 1  # units in an interval
    min_window: int = 1  # units
    max_window: int = 0  # units; 0 = use the share
    max_window_share: float = 0.5  # of the study period
    include_spatial: bool = False  # also the window "always"
    alive: bool = False  # only windows that reach the end of the study
    starts: Range | None = None  # windows must begin within these days …
    ends: Range | None = None  # … and end within these
    earlier: int | None = None  # day from which analyses were made before this one (prospective)
    frequency: tuple[Unit | Literal["week", "quarter"], int] | None = None  # of the analyses; None = one an interval

    # clusters worth looking at
    min_cases: int = 2
    min_cases_low: int = 0
    risk_floor: float = 0.0  # high clusters must have at least this relative risk
    risk_ceiling: float = 0.0  # low clusters at most this one; 0 = no limit
    criterion: int = 0  # which secondary clusters are reported, see secondary.py

    # what is adjusted for
    trend: Literal["none", "percent", "estimated", "stratified"] = "none"
    trend_percent: float = 0.0  # a year
    weekly: bool = False  # day of the week (permutation model)
    spatial: Literal["none", "stratified", "nonparametric"] = "none"
    streams: Literal["multivariate", "adjustment"] = "multivariate"

    # inference
    replicates: int = 999
    seed: int = 20240229
    random: Literal["tocsin", "satscan"] = "tocsin"
    p_value: Literal["rank", "default", "sequential", "gumbel"] = "rank"
    stop_after: int = 50  # replicates above the best cluster, then a sequential run stops
    iterations: int = 0  # look again without what was found, so often …
    iteration_p: float = 0.05  # … while p is at most this
    threads: int = 0  # 0 = all processors

    def __post_init__(self) -> None:
        """Refuse what no method here can do, saying what to use instead."""
        for refused, why in _refusals(self):
            if refused:
                raise MethodError(why)


def _refusals(s: Settings) -> list[tuple[bool, str]]:
    """What does not go together, and what to do instead."""
    stratified = s.trend == "stratified"
    lengths = s.step < 1 or s.min_window < 0 or s.max_window < 0 or not 0 < s.max_window_share <= 1
    ovals = len(s.shapes) != len(s.angles) or any(x <= 1 for x in s.shapes) or any(n < 1 for n in s.angles)
    permuted, spatial, temporal = s.model == "permutation", s.analysis == "spatial", s.analysis == "temporal"
    bernoulli = s.model == "bernoulli" and (s.trend in ("percent", "estimated") or s.spatial != "none")
    return [
        (
            not 0 <= s.max_size <= 1 or s.max_distance < 0,
            "max size: a share from 0 to 1 (0.5 is 50 %); max distance: 0 (none) or more",
        ),
        (lengths, "windows: step at least 1 unit, lengths 0 or more, share above 0 and at most 1"),
        (s.trend_percent <= -100, "trend: above -100 percent a year; -100 leaves nothing expected"),
        (s.stop_after < 1, "a sequential run stops after at least 1 larger replicate; 50 is usual"),
        (s.replicates < 0, "replicates: 0 (no p-values) or more; 999 is usual"),
        (s.prospective and spatial, "a purely spatial scan has no time to look ahead in; use --analysis space-time"),
        (permuted and s.analysis != "space-time", "the permutation model needs places and times: use space-time"),
        (bernoulli, "the Bernoulli model has no trend or spatial adjustment; adjust by controls, or stratify by time"),
        (permuted and (s.trend != "none" or s.spatial != "none"), "the permutation model adjusts for both already"),
        (
            s.weekly and (not permuted or s.unit != "day" or s.step != 1),
            "day-of-week strata: permutation model on days",
        ),
        (s.trend != "none" and spatial, "a purely spatial scan has no time trend to adjust for; leave the trend out"),
        (stratified and temporal, "a purely temporal scan stratified by time has nothing left to find"),
        (s.spatial != "none" and s.analysis != "space-time", "a spatial adjustment needs --analysis space-time"),
        (stratified and s.spatial == "stratified", "stratify by time or by space; the permutation model does both"),
        (not 0 <= s.criterion <= 5, "criterion: 0 to 5, see docs/methods/scan.md"),
        (ovals, "ellipses: shapes above 1, and one number of angles (at least 1) for each"),
    ]
