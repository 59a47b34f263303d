"""A SaTScan parameter file as settings and file names; what is not supported is named. Pure."""

import re
from dataclasses import dataclass
from math import isfinite
from typing import Any

from tocsin.errors import InputError, MethodError
from tocsin.scan import prm_keys
from tocsin.scan.fields import Precision, day_of
from tocsin.scan.files import Frame
from tocsin.scan.settings import Settings, Unit

_PRECISION: dict[str, Precision] = {"0": "none", "1": "year", "2": "month", "3": "day", "4": "generic"}
_UNIT: dict[str, Unit] = {"0": "day", "1": "year", "2": "month", "3": "day", "4": "generic"}
_MODEL = {"0": "poisson", "1": "bernoulli", "2": "permutation"}
_ANALYSIS = {
    "1": ("spatial", False),
    "2": ("temporal", False),
    "3": ("space-time", False),
    "4": ("space-time", True),
    "6": ("temporal", True),
}
_RATES = {"1": "high", "2": "low", "3": "both"}
_TREND = {"0": "none", "2": "percent", "3": "estimated", "4": "stratified"}
_SPATIAL = {"0": "none", "1": "stratified", "2": "nonparametric"}
_P_VALUE = {"0": "default", "1": "rank", "2": "sequential", "3": "gumbel"}
_PENALTY = {"0": 0.0, "1": 0.5, "2": 1.0}
_FREQUENCY = {"1": "day", "2": "week", "3": "month", "4": "quarter", "5": "year"}
_KNOWN = {name.lower() for name in (*prm_keys.READ, *prm_keys.ONLY, *prm_keys.NO_EFFECT)}
_STREAM = re.compile(r"(casefile|controlfile|populationfile)\d+|dataset\d+-name")  # of further data sets


@dataclass(frozen=True, slots=True)
class Job:
    """A parameter file: the settings, the frame of the study and the names of its files ("" = none)."""

    settings: Settings
    frame: Frame
    cases: tuple[str, ...]
    controls: tuple[str, ...]
    population: tuple[str, ...]
    areas: str
    grid: str
    neighbours: str
    risks: str


def read(text: str) -> Job:
    """Parse the text of a .prm file. InputError if it is none, MethodError naming every unsupported setting."""
    keys = _Keys(text)
    _refuse(keys)
    if not keys["CaseFile", ""]:
        raise InputError("CaseFile= is empty; name the file of cases")
    settings = _settings(keys)
    precision = keys.one("PrecisionCaseTimes", _PRECISION, "3")
    frame = Frame(
        keys.day("StartDate", "2000/1/1"),
        keys.day("EndDate", "2000/12/31"),
        precision,
        earth=keys["CoordinatesType", "1"] == "1",
        strict_places=keys["GeographicalCoordinatesCheckType", "0"] == "0",
        strict_times=keys["StudyPeriodCheckType", "0"] == "0",
    )
    sets = [""] + [str(i) for i in range(2, 21) if keys[f"CaseFile{i}", ""]]
    return Job(
        settings,
        frame,
        tuple(keys["CaseFile" + i, ""] for i in sets),
        tuple(keys["ControlFile" + i, ""] for i in sets),
        tuple(keys["PopulationFile" + i, ""] for i in sets),
        keys["CoordinatesFile", ""],
        keys["GridFile", ""] if keys.yes("UseGridFile") else "",
        keys["NeighborsFilename", ""] if keys.yes("UseNeighborsFile") else "",
        keys["AdjustmentsByKnownRelativeRisksFilename", ""] if keys.yes("UseAdjustmentsByRRFile") else "",
    )


class _Keys:
    """The settings of the file by name; sections do not matter, names are unique."""

    def __init__(self, text: str) -> None:
        self.found: dict[str, str] = {}
        for line in text.lstrip("\ufeff").splitlines():
            bare = line.strip()
            if bare and bare[0] not in ";[#" and "=" in bare:
                name, value = bare.split("=", 1)
                self.found[name.strip().lower()] = value.strip().strip('"')
        if "modeltype" not in self.found and "casefile" not in self.found:
            raise InputError("this is no SaTScan parameter file: it has neither ModelType= nor CaseFile=")

    def __getitem__(self, key: tuple[str, str]) -> str:
        return self.found.get(key[0].lower()) or key[1]

    def yes(self, name: str) -> bool:
        return self[name, "n"].lower() in ("y", "yes", "1", "true")

    def one(self, name: str, table: dict[str, Any], default: str) -> Any:
        """The meaning of a coded setting."""
        value = self[name, default]
        if value not in table:
            raise MethodError(f"{name}={value} is not supported; supported: {', '.join(sorted(table))}")
        return table[value]

    def number(self, name: str, default: float) -> float:
        return self.numbers(name, str(default))[0]

    def whole(self, name: str, default: int) -> int:
        return int(self.number(name, default))

    def numbers(self, name: str, default: str) -> tuple[float, ...]:
        """Finite numbers, parted by commas or blanks."""
        try:
            found = tuple(float(part) for part in re.split(r"[ ,]+", self[name, default].strip(" ,")))
        except ValueError as e:
            raise InputError(f"{name}={self[name, '']} is not a number") from e
        if not all(map(isfinite, found)):
            raise InputError(f"{name}={self[name, '']} is not a number that can be used")
        return found

    def day(self, name: str, default: str, part: str | None = None) -> int:
        """A day number; `part`: what of the setting to read, if not all."""
        said = self[name, default] if part is None else part.strip()
        try:
            return day_of(said, "generic" if self["PrecisionCaseTimes", "3"] == "4" else "day")
        except ValueError as e:
            raise InputError(f"{name}={self[name, default]}: {said!r} is not a date such as 2001/11/24") from e

    def span(self, name: str) -> tuple[int, int]:
        """First and last day, parted by a comma."""
        parts = self[name, ""].split(",")
        if len(parts) != 2:
            raise InputError(f"{name}={self[name, '']} is no range such as 2001/11/24,2001/12/1")
        return self.day(name, "", parts[0]), self.day(name, "", parts[1])


def _refuse(keys: _Keys) -> None:
    """Name every setting that would change the result and that is not supported."""
    refused = [
        f"{name}={keys[name, '']}" + (f" (use {prm_keys.HINTS[name]})" if name in prm_keys.HINTS else "")
        for name, allowed in prm_keys.ONLY.items()
        if keys[name, allowed].lower() not in (allowed, "")
    ]
    for name, value in keys.found.items():
        if value and "-source" in name:
            refused.append(f"{name}={value} (columns of other formats; save the file in SaTScan's own layout)")
        elif value and name not in _KNOWN and not _STREAM.fullmatch(name):
            refused.append(f"{name}={value} (not known)")
    if keys["ModelType", "0"] not in _MODEL:
        refused.append(f"ModelType={keys['ModelType', '0']} (supported: 0 Poisson, 1 Bernoulli, 2 permutation)")
    if keys["AnalysisType", "1"] not in _ANALYSIS:
        refused.append(f"AnalysisType={keys['AnalysisType', '1']} (supported: 1, 2, 3, 4, 6)")
    if keys["TimeTrendAdjustmentType", "0"] not in _TREND:
        refused.append(f"TimeTrendAdjustmentType={keys['TimeTrendAdjustmentType', '0']} (supported: 0, 2, 3, 4)")
    if refused:
        raise MethodError("not supported: " + "; ".join(refused) + ". Change these settings to run without them")


def _settings(keys: _Keys) -> Settings:
    analysis, prospective = keys.one("AnalysisType", _ANALYSIS, "1")
    values: dict[str, Any] = {
        "model": keys.one("ModelType", _MODEL, "0"),
        "analysis": analysis,
        "prospective": prospective,
        "rates": keys.one("ScanAreas", _RATES, "1"),
        "min_cases": keys.whole("MinimumCasesInHighRateClusters", 2),
        "min_cases_low": keys.whole("MinimumCasesInLowRateClusters", 0),
        "risk_floor": keys.number("RiskThresholdHighClusters", 1) if keys.yes("RiskLimitHighClusters") else 0.0,
        "risk_ceiling": keys.number("RiskThresholdLowClusters", 1) if keys.yes("RiskLimitLowClusters") else 0.0,
        "criterion": keys.whole("CriteriaForReportingSecondaryClusters", 0),
        "streams": "adjustment" if keys["MultipleDataSetsPurposeType", "0"] == "1" else "multivariate",
        "replicates": keys.whole("MonteCarloReps", 999),
        "p_value": keys.one("PValueReportType", _P_VALUE, "0"),
        "stop_after": keys.whole("EarlyTerminationThreshold", 50),
        "random": "satscan",
        "unit": "generic" if keys["PrecisionCaseTimes", "3"] == "4" else "day",
    }
    if keys.yes("IterativeScan"):
        values["iterations"] = keys.whole("IterativeScanMaxIterations", 10)
        values["iteration_p"] = keys.number("IterativeScanMaxPValue", 0.05)
    values |= _space(keys) if analysis != "temporal" else {}
    values |= _time(keys, prospective) if analysis != "spatial" else {}
    if values.get("earlier") is not None:
        values["max_size"] = 0.0  # SaTScan does not allow a percentage that earlier analyses would see otherwise
    return Settings(**values)


def _space(keys: _Keys) -> dict[str, Any]:
    values: dict[str, Any] = {
        "max_size": keys.number("MaxSpatialSizeInPopulationAtRisk", 50) / 100,
        "include_temporal": keys.yes("IncludePurelyTemporal"),
        "spatial": keys.one("SpatialAdjustmentType", _SPATIAL, "0"),
    }
    if keys.yes("UseDistanceFromCenterOption"):
        values["max_distance"] = keys.number("MaxSpatialSizeInDistanceFromCenter", 1)
    if keys.yes("UseReportOnlySmallerClusters"):
        values["reported_max_size"] = keys.number("MaxSpatialSizeInPopulationAtRisk_Reported", 50) / 100
        if keys.yes("UseDistanceFromCenterOption_Reported"):
            values["reported_max_distance"] = keys.number("MaxSpatialSizeInDistanceFromCenter_Reported", 1)
    if keys["SpatialWindowShapeType", "0"] == "1":
        values["shapes"] = keys.numbers("EllipseShapes", "1.5,2,3,4,5")
        values["angles"] = tuple(int(n) for n in keys.numbers("EllipseAngles", "4,6,9,12,15"))
        values["penalty"] = keys.one("NonCompactnessPenalty", _PENALTY, "0")
    return values


def _time(keys: _Keys, prospective: bool) -> dict[str, Any]:
    size = keys.number("MaxTemporalSize", 50)
    generic = keys["PrecisionCaseTimes", "3"] == "4"
    values: dict[str, Any] = {
        "unit": "generic" if generic else keys.one("TimeAggregationUnits", _UNIT, "0"),
        "step": keys.whole("TimeAggregationLength", 1),
        "min_window": keys.whole("MinimumTemporalClusterSize", 1),
        "include_spatial": keys.yes("IncludePurelySpatial"),
        "trend": keys.one("TimeTrendAdjustmentType", _TREND, "0"),
        "trend_percent": keys.number("TimeTrendPercentage", 0),
        "weekly": keys.yes("AdjustForWeeklyTrends"),
        "alive": keys["IncludeClusters", "0"] == "1",
    }
    by_time = keys["MaxTemporalSizeInterpretation", "0"] == "1"
    values |= {"max_window": int(size)} if by_time else {"max_window_share": size / 100}
    if keys["IncludeClusters", "0"] == "2":
        for name, key in (("starts", "IntervalStartRange"), ("ends", "IntervalEndRange")):
            values[name] = keys.span(key)
    if prospective and keys.yes("AdjustForEarlierAnalyses"):
        values["earlier"] = keys.day("ProspectiveStartDate", "1900/1/1")
    if keys["ProspectiveFrequencyType", "0"] != "0":
        values["frequency"] = (
            keys.one("ProspectiveFrequencyType", _FREQUENCY, "1"),
            keys.whole("ProspectiveFrequency", 1),
        )
    return values
