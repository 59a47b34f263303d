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
        if not (0 <= self.max_size <= 1 and self.max_distance >= 0):
            raise MethodError("max size: a share between 0 and 1; max distance: 0 (no limit) or more")
        if self.step < 1 or self.min_window < 0 or self.max_window < 0 or not 0 < self.max_window_share <= 1:
            raise MethodError("windows: step at least 1 unit, lengths 0 or more, share above 0 and at most 1")
        if self.replicates < 0:
            raise MethodError("replicates: 0 (no p-values) or more; 999 is usual")
        if self.prospective and self.analysis == "spatial":
            raise MethodError("a purely spatial scan has no time to look ahead in; use --analysis space-time")
        if self.model == "permutation" and self.analysis != "space-time":
            raise MethodError("the permutation model needs places and times: use --analysis space-time, or poisson")
        if self.model == "bernoulli" and (self.trend in ("percent", "estimated") or self.spatial != "none"):
            raise MethodError("the Bernoulli model has no trend or spatial adjustment; adjust by controls, or stratify")
        if self.model == "permutation" and (self.trend != "none" or self.spatial != "none"):
            raise MethodError("the permutation model already adjusts for every place and time pattern; drop it")
        if self.weekly and (self.model != "permutation" or self.unit != "day" or self.step != 1):
            raise MethodError("day-of-week strata go with the permutation model on days; or bring expected counts")
        if self.trend != "none" and self.analysis == "spatial":
            raise MethodError("a purely spatial scan has no time trend to adjust for")
        if self.trend == "stratified" and self.analysis == "temporal":
            raise MethodError("a purely temporal scan stratified by time has nothing left to find")
        if self.spatial != "none" and self.analysis != "space-time":
            raise MethodError("a spatial adjustment needs --analysis space-time")
        if self.spatial == "stratified" and self.trend == "stratified":
            raise MethodError("stratify by time or by space, not both; the permutation model adjusts for both")
        if not 0 <= self.criterion <= 5:
            raise MethodError("criterion: 0 to 5")
        if len(self.shapes) != len(self.angles):
            raise MethodError("ellipses: one number of angles for each shape")
        if any(s <= 1 for s in self.shapes) or any(a < 1 for a in self.angles):
            raise MethodError("ellipses: shapes above 1, at least one angle each")
