"""Plain text tables of cases, controls, people and places, read into a study. Pure.

The layouts are SaTScan's (blanks, tabs or commas between columns):

    cases, controls   location  number  [date]  [covariate …]
    population        location  date  people  [covariate …]
    areas             location  latitude longitude, or location  x  y  [z …]
    grid              latitude longitude, or x y [z …]
    neighbours        location  neighbour  neighbour …   (in the order they join)
    network           location  location  [distance]     (joined both ways; no distance: as the crow flies)
    risks             location (or All)  relative risk  [first date  last date]
"""

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from tocsin.errors import InputError
from tocsin.scan.expected import from_exposure, person_time
from tocsin.scan.fields import Precision, day_of, lines, points
from tocsin.scan.network import paths
from tocsin.scan.periods import day_text, intervals
from tocsin.scan.settings import Settings
from tocsin.scan.study import Stream, Study, merged
from tocsin.types import Floats, Ints

MOST = 10**8  # cases in a row; more is no count of people


class Names(NamedTuple):
    """What a stream's files are called in messages."""

    cases: str = "cases"
    controls: str = "controls"
    population: str = "population"


class Called(NamedTuple):
    """What the files that all streams share are called in messages."""

    areas: str = "areas"
    grid: str = "grid"
    neighbours: str = "neighbours"
    risks: str = "risks"
    network: str = "network"


AS_KINDS = Called()  # by what they hold


class Texts(NamedTuple):
    """The contents of the files of one stream ("" = there is none), and what they are called."""

    cases: str
    controls: str = ""
    population: str = ""
    names: Names = Names()


class Frame(NamedTuple):
    """What the files do not say themselves."""

    start: int  # first day of the study
    end: int  # last day
    precision: Precision = "day"
    earth: bool = True
    strict_places: bool = True  # a case at an unknown place is an error, not left out
    strict_times: bool = False  # a case outside the study period is an error, not left out
    dated: bool = True  # the study period is known


class _Rows(NamedTuple):
    place: list[str]
    number: list[float]
    day: list[int]
    stratum: list[tuple[str, ...]]
    line: list[int]


def _counts(text: str, name: str, precision: Precision) -> _Rows:
    """Cases or controls."""
    rows = _Rows([], [], [], [], [])
    dated = precision != "none"
    for line, fields in lines(text, name):
        try:
            rows.place.append(fields[0])
            rows.number.append(int(fields[1]))
            rows.day.append(day_of(fields[2], precision) if dated else 0)
        except (ValueError, IndexError) as e:
            want = "location, number" + (", date (2001/11/24)" if dated else "")
            raise InputError(f"{name} line {line}: found {' '.join(fields)!r}, expected {want}") from e
        if not 0 <= rows.number[-1] <= MOST:
            raise InputError(f"{name} line {line}: a number of {fields[1]}; numbers are from 0 to {MOST:,}")
        rows.stratum.append(tuple(fields[3 if dated else 2 :]))
        rows.line.append(line)
    return rows


def _people(text: str, name: str, precision: Precision) -> _Rows:
    """Populations: float numbers on days."""
    rows = _Rows([], [], [], [], [])
    for line, fields in lines(text, name):
        try:
            rows.place.append(fields[0])
            rows.day.append(_people_day(fields[1], precision))
            rows.number.append(float(fields[2]))
        except (ValueError, IndexError) as e:
            raise InputError(
                f"{name} line {line}: found {' '.join(fields)!r}, expected location, date or year, people"
            ) from e
        if not 0 <= rows.number[-1] < float("inf"):
            raise InputError(f"{name} line {line}: {fields[2]} people; numbers are 0 or more")
        rows.stratum.append(tuple(fields[3:]))
        rows.line.append(line)
    return rows


def _people_day(text: str, precision: Precision) -> int:
    """The day of a population: dates count also where cases have none; SaTScan then takes any number for one."""
    if precision != "none":
        return day_of(text, precision, middle=True)
    try:
        return day_of(text, "day", middle=True)
    except ValueError:
        return int(text)


def study(
    streams: list[Texts],
    areas: str,
    frame: Frame,
    settings: Settings,
    grid: str = "",
    neighbours: str = "",
    risks: str = "",
    network: str = "",
    called: Called = AS_KINDS,
) -> Study:
    """Everything read, counted by place and interval. InputError names file, line and what was expected."""
    edges = _edges(frame, settings)
    tables = [_counts(t.cases, t.names.cases, frame.precision) for t in streams]
    names: tuple[str, ...]
    if settings.analysis == "temporal":
        names, where = ("All",), np.zeros((1, 2))
        index: dict[str, int] = {}
        frame = frame._replace(earth=False)
    else:
        ids, coordinates = points(areas, called.areas, frame.earth)
        names, where, index = merged(ids, coordinates, frame.earth)
    place = _Places(index, frame, settings, edges)
    near = _lists(neighbours, called.neighbours, names, index) if neighbours else None
    reach = None
    if network and settings.analysis != "temporal":
        pairs, lengths = _network(network, called.network, index)
        near, reach = paths(where, frame.earth, pairs, lengths, settings.max_distance)
    read = [_stream(texts, rows, place) for texts, rows in zip(streams, tables, strict=True)]
    return Study(
        names,
        where,
        frame.earth,
        edges,
        tuple(read),
        centres=points(grid, called.grid, frame.earth, named=False)[1] if grid else None,
        neighbours=near,
        reach=reach,
        risks=_risks(risks, called.risks, place) if risks else None,
        pooled=_places(streams) if settings.analysis == "temporal" else 0,
        dated=frame.dated,
        left_out=place.left_out,
    )


def _places(streams: list[Texts]) -> int:
    """How many places the files name."""
    texts = [(text, name) for s in streams for text, name in zip(s[:3], s.names, strict=True)]
    return len({fields[0] for text, name in texts for _, fields in lines(text, name)})


def _edges(frame: Frame, settings: Settings) -> Ints:
    if settings.analysis == "spatial":
        return np.array([frame.start, frame.end + 1])
    return intervals(frame.start, frame.end, settings.unit, settings.step)


class _Places:
    """Where a row belongs: its location and its interval."""

    def __init__(self, index: dict[str, int], frame: Frame, settings: Settings, edges: Ints) -> None:
        self.index, self.frame, self.settings, self.edges = index, frame, settings, edges
        self.L = 1 if settings.analysis == "temporal" else max(index.values()) + 1
        self.T = len(edges) - 1
        self.left_out = 0  # rows of counts

    def of(self, name: str, file: str, line: int) -> int | None:
        """The location, None if rows of unknown places are left out."""
        if self.settings.analysis == "temporal":
            return 0
        if name not in self.index and self.frame.strict_places:
            raise InputError(
                f"{file} line {line}: location {name!r} is not among the areas; add it there or take it out here"
            )
        return self.index.get(name)

    def table(self, rows: _Rows, file: str) -> dict[tuple[str, ...], Ints]:
        """Counts (L, T) by stratum, strata in the order in which they first appear."""
        found: dict[tuple[str, ...], Ints] = {}
        when = np.searchsorted(self.edges, rows.day, side="right") - 1
        dated = self.frame.precision != "none"
        for name, number, day, covariates, line, t in zip(*rows, when.tolist(), strict=True):
            inside = not dated or self.edges[0] <= day < self.edges[-1]
            if not inside and self.frame.strict_times:
                said = day_text(day, self.settings.unit)
                raise InputError(f"{file} line {line}: {said} is outside the study period; widen the period")
            where = self.of(name, file, line)
            stratum = covariates
            if self.settings.weekly:
                stratum = (str(day % 7), *covariates)
            self.left_out += not inside or where is None
            if inside and where is not None:
                if stratum not in found:
                    found[stratum] = np.zeros((self.L, self.T), np.int64)
                found[stratum][where, t if dated else 0] += int(number)
        return found


def _stream(texts: Texts, rows: _Rows, place: _Places) -> Stream:
    strata = place.table(rows, texts.names.cases)
    shape = (place.L, place.T)
    cases: Ints = sum(strata.values(), np.zeros(shape, np.int64))
    model = place.settings.model
    if model == "bernoulli":
        if not texts.controls:
            raise InputError("the Bernoulli model needs controls (--controls FILE)")
        controls = place.table(
            _counts(texts.controls, texts.names.controls, place.frame.precision), texts.names.controls
        )
        return Stream(cases, sum(controls.values(), np.zeros(shape, np.int64)).astype(np.float64))
    if model == "permutation":
        return Stream(cases, None, tuple(strata.values()) if len(strata) > 1 else ())
    if texts.population:
        held = _standardised(texts.population, texts.names.population, strata, place)
        nobody = (held.sum(axis=1) <= 0) & (cases.sum(axis=1) > 0)
        for name, line in zip(rows.place, rows.line, strict=True):
            if nobody.any() and (where := place.of(name, texts.names.cases, line)) is not None and nobody[where]:
                raise InputError(
                    f"{texts.names.cases} line {line}: location {name!r} has cases but nobody at risk in "
                    f"{texts.names.population}; give it people, or take its cases out"
                )
        return Stream(cases, held)
    if place.settings.analysis != "temporal":
        raise InputError("the Poisson model needs people at risk (--population FILE); or use --model permutation")
    return Stream(cases, from_exposure(np.array([float(cases.sum())]), [np.diff(place.edges)[None].astype(np.float64)]))


def _standardised(text: str, file: str, strata: dict[tuple[str, ...], Ints], place: _Places) -> Floats:
    """Expected cases (L, T) from person-time by stratum; a case file without covariates is not stratified."""
    rows = _people(text, file, place.frame.precision)
    crude = set(strata) <= {()}
    series: dict[tuple[tuple[str, ...], str], dict[int, np.float32]] = defaultdict(dict)
    lines_of: dict[str, int] = {}
    for name, people, day, stratum, line in zip(*rows, strict=True):
        lines_of.setdefault(name, line)
        by_day = series[(() if crude else stratum, name)]
        by_day[day] = np.float32(by_day.get(day, np.float32(0)) + np.float32(people))
    exposure: dict[tuple[str, ...], Floats] = defaultdict(lambda: np.zeros((place.L, place.T)))
    if not place.frame.dated and any(len(by_day) > 1 for by_day in series.values()):
        raise InputError(f"{file}: people of several dates; say of when the cases are with --start and --end")
    for (stratum, name), by_day in series.items():
        where = place.of(name, file, lines_of[name])
        if where is not None:
            days = sorted(by_day)
            exposure[stratum][where] += person_time(
                np.array(days, dtype=np.float64), np.array([by_day[d] for d in days]), place.edges
            )
    if missing := set(strata) - set(exposure):
        raise InputError(f"{file}: no people with covariates {' '.join(sorted(missing)[0])!r}, but cases with them")
    if not any(table.sum() > 0 for table in exposure.values()):
        raise InputError(f"{file}: nobody at risk anywhere; give people above 0")
    keys = sorted(exposure)
    return from_exposure(
        np.array([float(strata[k].sum()) if k in strata else 0.0 for k in keys]), [exposure[k] for k in keys]
    )


def _lists(text: str, file: str, names: tuple[str, ...], index: dict[str, int]) -> tuple[Ints, ...]:
    """Ordered neighbours of every location, itself first."""
    found: dict[int, list[int]] = {}
    for line, fields in lines(text, file):
        if unknown := [f for f in fields if f not in index]:
            raise InputError(f"{file} line {line}: location {unknown[0]!r} is not among the areas; add it there")
        found[index[fields[0]]] = list(dict.fromkeys(index[f] for f in fields))
    return tuple(np.array(found.get(i, [i]), dtype=np.int64) for i in range(len(names)))


def _network(text: str, file: str, index: dict[str, int]) -> tuple[Ints, Floats]:
    """Pairs (E, 2) and their lengths (E,), NaN where none is given; a header line is passed over."""
    pairs: list[tuple[int, int]] = []
    lengths: list[float] = []
    for line, fields in lines(text, file):
        if not pairs and [f.lower() for f in fields[:2]] == ["from", "to"]:
            continue
        try:
            a, b = fields[:2]
            length = float(fields[2]) if len(fields) > 2 and fields[2] else float("nan")
        except ValueError as e:
            raise InputError(
                f"{file} line {line}: found {' '.join(fields)!r}, want location, location, distance"
            ) from e
        if unknown := [f for f in (a, b) if f not in index]:
            raise InputError(f"{file} line {line}: location {unknown[0]!r} is not among the areas; add it there")
        if length < 0 or length == float("inf"):
            raise InputError(f"{file} line {line}: distance {fields[2]}; distances are 0 or more")
        pairs.append((index[a], index[b]))
        lengths.append(length)
    return np.array(pairs, dtype=np.int64).reshape(-1, 2), np.array(lengths)


def _risks(text: str, file: str, place: _Places) -> Floats:
    """Known relative risks (L, T), 1 where nothing is said; risks of one cell multiply."""
    risk = np.ones((place.L, place.T))
    for line, fields in lines(text, file):
        try:
            value = float(fields[1])
            first = day_of(fields[2], place.frame.precision) if len(fields) > 2 else int(place.edges[0])
            last = day_of(fields[3], place.frame.precision) if len(fields) > 3 else int(place.edges[-1]) - 1
        except (ValueError, IndexError) as e:
            raise InputError(
                f"{file} line {line}: found {' '.join(fields)!r}, expected location, risk, first and last date"
            ) from e
        times = (place.edges[:-1] <= last) & (place.edges[1:] > first)
        where = slice(None) if fields[0].lower() == "all" else place.of(fields[0], file, line)
        if where is not None:
            risk[where, times] *= value
    return risk


def expected_table(text: str, areas: str, frame: Frame, study: Study) -> Floats:
    """Expected counts (L, T) from rows of location, date, number on the study's places and intervals."""
    ids, coordinates = points(areas, "areas", frame.earth) if areas else (["All"], np.zeros((1, 2)))
    index = merged(ids, coordinates, frame.earth)[2]
    found = np.zeros((len(study.ids), len(study.edges) - 1))
    for line, fields in lines(text, "expected"):
        try:
            where, day, number = index.get(fields[0]), day_of(fields[1], frame.precision), float(fields[2])
        except (ValueError, IndexError) as e:
            raise InputError(f"expected line {line}: found {' '.join(fields)!r}, want location, date, number") from e
        if where is None and areas:
            raise InputError(f"expected line {line}: location {fields[0]!r} is not among the areas; add it there")
        if study.edges[0] <= day < study.edges[-1]:
            found[where or 0, int(np.searchsorted(study.edges, day, side="right")) - 1] += number
    return found
