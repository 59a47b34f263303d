"""The files of `tocsin scenario`: cases, areas, commuting, measures, posteriors in; a table of fans out. I/O."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from tocsin.cli.csv_sheet import Sheet
from tocsin.errors import InputError
from tocsin.estimate.scenario import Measure
from tocsin.types import Floats, Ints

COUNTS, AREAS = ("local", "count", "cases"), ("area", "series")
SHARES = ("contacts", "travel", "vaccinated", "isolated")
MOST, LATEST = 1e9, 1_000_000  # cases a day; a window's end


@dataclass(frozen=True, slots=True)
class Places:
    """Names, population and susceptible (A,) of the areas."""

    names: list[str]
    population: Floats
    susceptible: Floats


@dataclass(frozen=True, slots=True)
class Past:
    """Local and imported cases (A, T) up to the day `last`."""

    local: Floats
    imported: Floats
    last: date


def places(path: Path) -> Places:
    """Columns area and population, perhaps susceptible (people)."""
    sheet = Sheet(path, ("area", "population"))
    names = sheet.texts("area")
    if not names:
        raise InputError(f"{path}: no areas under the header; a line an area")
    sheet.refuse_any(np.array([not name for name in names]), "area", "write the area's name")
    sheet.once(names, "area", "this area stands twice")
    population = sheet.numbers("population")
    sheet.refuse_any(population <= 0, "population", "write how many people live there, above 0; or leave the area out")
    if "susceptible" not in sheet.columns:
        return Places(names, population, population)
    susceptible = sheet.numbers("susceptible")
    sheet.refuse_any(susceptible > population, "susceptible", "no more than live there")
    return Places(names, population, susceptible)


def flows(path: Path, names: Sequence[str]) -> Floats:
    """People a day (A, A) from the row's area to the column's: columns from, to, count."""
    sheet = Sheet(path, ("from", "to", "count"))
    out = np.zeros((len(names), len(names)))
    np.add.at(out, (_index(sheet, "from", names), _index(sheet, "to", names)), sheet.numbers("count"))
    return out


def past(path: Path, names: Sequence[str], alone: bool = False) -> Past:
    """Columns date, local (or count, cases), perhaps area (or series) and imported; a day without a line has none.

    `alone`: the one area has no name of its own, so that whichever the file gives it is right, if it is one.
    """
    sheet = Sheet(path, ("date",))
    count = next((c for c in COUNTS if c in sheet.columns), None)
    area = next((c for c in AREAS if c in sheet.columns), None)
    if count is None:
        raise InputError(f"{path}, line 1: no column of counts: {', '.join(COUNTS)}; found {', '.join(sheet.columns)}")
    if area is None and len(names) > 1:
        raise InputError(f"{path}, line 1: no column area, but there are {len(names)} areas")
    if not len(sheet):
        raise InputError(f"{path}: no rows under the header; a line a day and area")
    if alone and area is not None:
        said = sheet.texts(area)
        other = np.array([name != said[0] for name in said])
        sheet.refuse_any(other, area, "another area: --population is for one; give --areas FILE")
        area = None
    days = sheet.dates("date")
    row = np.zeros(len(sheet), np.int64) if area is None else _index(sheet, area, names)
    last = max(days)
    column = np.array([(day - min(days)).days for day in days])
    out = np.zeros((2, len(names), int(column.max()) + 1))
    for cases, name in zip(out, (count, "imported"), strict=True):
        if name in sheet.columns:
            np.add.at(cases, (row, column), sheet.numbers(name, empty=0.0, most=MOST))
    return Past(out[0], out[1], last)


def nowcast(path: Path, names: Sequence[str], known: Past) -> tuple[Floats, Floats]:
    """Levels (Q,) and quantiles (A, T, Q) of the local cases, NaN where not nowcast: what `tocsin nowcast` wrote."""
    sheet = Sheet(path, ("reference",))
    columns = [c for c in sheet.columns if re.fullmatch(r"q0\.\d+", c)]
    first = sheet.columns[0]
    if not columns or (first == "reference" and len(names) > 1):
        raise InputError(f"{path}, line 1: needs the columns that `tocsin nowcast --by AREA --out` writes")
    levels = np.array([float(c[1:]) for c in columns])
    keep = np.ones(len(sheet), dtype=np.bool_)
    if first != "reference":
        keep = np.array([name != "total" for name in sheet.texts(first)], dtype=np.bool_)
    row = np.zeros(len(sheet), np.int64) if first == "reference" else _index(sheet, first, [*names, "total"])
    steps = known.local.shape[1]
    column = np.array([steps - 1 - (known.last - day).days for day in sheet.dates("reference")], dtype=np.int64)
    sheet.refuse_any(column >= steps, "reference", f"after {known.last}, the last day of the cases")
    out = np.full((len(names), steps, len(levels)), np.nan)
    keep &= column >= 0
    out[row[keep], column[keep]] = np.stack([sheet.numbers(c) for c in columns], axis=1)[keep]
    return levels, out


def posterior(path: Path, names: Sequence[str]) -> tuple[Floats, Floats]:
    """Mean and sd (A,) of R in the last window of each series: what `tocsin rt` wrote."""
    sheet = Sheet(path, ("t_end", "mean", "sd"))
    mean, sd = (sheet.numbers(c, empty=np.nan) for c in ("mean", "sd"))
    for column, values in (("mean", mean), ("sd", sd)):
        sheet.refuse_any(values == 0, column, "R has a mean and an sd above 0")
    end = sheet.whole("t_end", 1, LATEST)
    told = np.isfinite(mean) & np.isfinite(sd)
    row = _index(sheet, "series", names) if "series" in sheet.columns else np.zeros(len(sheet), np.int64)
    out = np.full((2, len(names)), np.nan)
    for i in np.flatnonzero(told)[np.argsort(end[told], kind="stable")]:
        out[:, row[i]] = mean[i], sd[i]
    missing = [name for name, r in zip(names, out[0], strict=True) if np.isnan(r)]
    if missing:
        raise InputError(f"{path}: no R for {', '.join(missing[:5])}; estimate it, or leave the file out")
    return out[0], out[1]


def arrivals(path: Path, names: Sequence[str], last: date, steps: int) -> Floats:
    """Infected who arrive (A, H): columns date, area, count."""
    sheet = Sheet(path, ("date", "area", "count"))
    out = np.zeros((len(names), steps))
    ahead = np.array([(day - last).days - 1 for day in sheet.dates("date")], dtype=np.int64)
    inside = (ahead >= 0) & (ahead < steps)
    count, area = sheet.numbers("count", most=MOST), _index(sheet, "area", names)
    np.add.at(out, (area[inside], ahead[inside]), count[inside])
    return out


def measures(path: Path, names: Sequence[str], last: date, steps: int) -> list[Measure]:
    """A line a measure: area (empty = all), start, end (last day; empty = to the end) and what it does."""
    sheet = Sheet(path, ())
    return [
        measure({k: v for k, v in said.items() if v}, names, last, steps, f"{path}, line {line}")
        for line, said in sheet.rows()
    ]


def measure(said: dict[str, str], names: Sequence[str], last: date, steps: int, where: str) -> Measure:
    """One measure from words: area (several with ;), start, end, contacts, travel, vaccinated, isolated, after."""
    unknown = set(said) - {"area", "start", "end", "after", *SHARES}
    if unknown or not set(said) & set(SHARES):
        raise InputError(
            f"{where}: {'no word ' + ', '.join(sorted(unknown)) if unknown else 'it does nothing'}; "
            "write area, start, end, contacts, travel, vaccinated, isolated, after"
        )
    wanted = [name.strip() for name in said.get("area", "").split(";") if name.strip()]
    strange = [name for name in wanted if name not in names]
    if strange:
        raise InputError(f"{where}: no area {strange[0]!r}; there are {', '.join(names[:20])}")
    start = (_day(said, "start", where) - last).days - 1 if "start" in said else 0
    end = (_day(said, "end", where) - last).days if "end" in said else steps
    shares = {key: _share(said, key, where) for key in SHARES if key in said}
    after = said.get("after", "0")
    if not after.isdecimal():
        raise InputError(f"{where}: after {after!r}: write whole days from infection to isolation, from 0 up")
    if "end" in said and end <= start:
        raise InputError(f"{where}: it ends before it starts")
    if start >= steps or end <= 0:
        ahead = f"{last + timedelta(days=1)} to {last + timedelta(days=steps)}"
        raise InputError(f"{where}: it lies outside of the days ahead, {ahead}; change its dates, or --days")
    areas = np.array([not wanted or name in wanted for name in names])
    return Measure(areas, start, end, isolated_after=int(after), **shares)


def _day(said: dict[str, str], key: str, where: str) -> date:
    try:
        return date.fromisoformat(said[key])
    except ValueError as e:
        raise InputError(f"{where}: {key} {said[key]!r}: write a date such as 2026-03-01") from e


def _share(said: dict[str, str], key: str, where: str) -> float:
    most = 10.0 if key == "contacts" else 1.0
    try:
        value = float(said[key])
    except ValueError:
        value = np.nan
    if not 0 <= value <= most:
        raise InputError(f"{where}: {key} {said[key]!r}: write a number from 0 to {most:g}, such as 0.6")
    return value


def table(
    names: Sequence[str], first: date, fans: dict[tuple[str, str], tuple[Floats, Floats]], levels: Floats
) -> pl.DataFrame:
    """A line a run, area and day: means (A, H) and quantiles (A, H, Q) of each quantity."""
    runs = list(dict.fromkeys(run for run, _ in fans))
    parts = []
    for run in runs:
        for a, name in enumerate(names):
            columns: dict[str, object] = {}
            for quantity in ("infections", "beds"):
                mean, quantiles = fans[run, quantity]
                columns[f"{quantity}_mean"] = mean[a]
                columns |= {f"{quantity}_q{level:g}": quantiles[a, :, i] for i, level in enumerate(levels)}
            days = [first + timedelta(days=h) for h in range(mean.shape[1])]
            parts.append(pl.DataFrame({"run": [run] * len(days), "area": [name] * len(days), "date": days, **columns}))
    return pl.concat(parts)


def _index(sheet: Sheet, column: str, names: Sequence[str]) -> Ints:
    place = {name: i for i, name in enumerate(names)}
    found = np.array([place.get(value, -1) for value in sheet.texts(column)], dtype=np.int64)
    sheet.refuse_any(found < 0, column, f"no such area; there are {', '.join(names[:20])}")
    return found
