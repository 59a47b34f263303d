"""The files of `tocsin scenario`: cases, areas, commuting, measures, posteriors in; a table of fans out. I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from tocsin.errors import InputError
from tocsin.estimate.scenario import Measure
from tocsin.types import Floats

COUNTS, AREAS = ("local", "count", "cases"), ("area", "series")
SHARES = ("contacts", "travel", "vaccinated", "isolated")


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
    frame = _csv(path, ("area", "population"))
    names = frame["area"].cast(pl.String).to_list()
    if len(set(names)) < len(names):
        raise InputError(f"{path}: an area stands there twice")
    population = numbers(frame, "population", path)
    susceptible = numbers(frame, "susceptible", path) if "susceptible" in frame.columns else population
    if (population <= 0).any() or (susceptible < 0).any() or (susceptible > population).any():
        raise InputError(f"{path}: population must be above 0, and susceptible between 0 and the population")
    return Places(names, population, susceptible)


def flows(path: Path, names: Sequence[str]) -> Floats:
    """People a day (A, A) from the row's area to the column's: columns from, to, count."""
    frame = _csv(path, ("from", "to", "count"))
    out = np.zeros((len(names), len(names)))
    where = _index(frame, "from", names, path), _index(frame, "to", names, path)
    np.add.at(out, where, numbers(frame, "count", path))
    return out


def past(path: Path, names: Sequence[str]) -> Past:
    """Columns date, local (or count, cases), perhaps area (or series) and imported; a day without a line has none."""
    frame = _csv(path, ("date",))
    count = next((c for c in COUNTS if c in frame.columns), None)
    area = next((c for c in AREAS if c in frame.columns), None)
    if count is None:
        raise InputError(f"{path}: no column of counts: {', '.join(COUNTS)}; found {', '.join(frame.columns)}")
    if area is None and len(names) > 1:
        raise InputError(f"{path}: no column area, but there are {len(names)} areas")
    days = dates(frame, "date", path)
    row = np.zeros(frame.height, np.int64) if area is None else _index(frame, area, names, path)
    last = max(days)
    column = np.array([(day - min(days)).days for day in days])
    shape = (len(names), int(column.max()) + 1)
    out = []
    for name in (count, "imported"):
        cases = np.zeros(shape)
        if name in frame.columns:
            np.add.at(cases, (row, column), numbers(frame, name, path))
        if (cases < 0).any():
            raise InputError(f"{path}: column {name} has counts below 0; net out corrections first")
        out.append(cases)
    return Past(out[0], out[1], last)


def nowcast(path: Path, names: Sequence[str], known: Past) -> tuple[Floats, Floats]:
    """Levels (Q,) and quantiles (A, T, Q) of the local cases, NaN where not nowcast: what `tocsin nowcast` wrote."""
    frame = _csv(path, ("reference",))
    columns = [c for c in frame.columns if c.startswith("q")]
    first = frame.columns[0]
    if not columns or (first == "reference" and len(names) > 1):
        raise InputError(f"{path}: needs the columns that `tocsin nowcast --by AREA --out` writes")
    levels = np.array([float(c[1:]) for c in columns])
    if first != "reference":
        frame = frame.filter(pl.col(first).cast(pl.String) != "total")
    row = np.zeros(frame.height, np.int64) if first == "reference" else _index(frame, first, names, path)
    steps = known.local.shape[1]
    column = np.array([steps - 1 - (known.last - day).days for day in dates(frame, "reference", path)])
    if (column >= steps).any():
        raise InputError(f"{path}: reaches beyond {known.last}, the last day of the cases")
    out = np.full((len(names), steps, len(levels)), np.nan)
    inside = column >= 0
    out[row[inside], column[inside]] = np.stack([numbers(frame, c, path) for c in columns], axis=1)[inside]
    return levels, out


def posterior(path: Path, names: Sequence[str]) -> tuple[Floats, Floats]:
    """Mean and sd (A,) of R in the last window of each series: what `tocsin rt` wrote."""
    frame = _csv(path, ("t_end", "mean", "sd")).drop_nulls(["mean", "sd"]).sort("t_end", maintain_order=True)
    if "series" not in frame.columns:
        frame = frame.with_columns(pl.lit(names[0]).alias("series"))
    newest = frame.group_by("series", maintain_order=True).last()
    out = np.full((2, len(names)), np.nan)
    out[:, _index(newest, "series", names, path)] = [numbers(newest, c, path) for c in ("mean", "sd")]
    missing = [name for name, mean in zip(names, out[0], strict=True) if np.isnan(mean)]
    if missing and "series" in frame.columns:
        raise InputError(f"{path}: no R for {', '.join(missing[:5])}; estimate it, or leave the file out")
    return out[0], out[1]


def arrivals(path: Path, names: Sequence[str], last: date, steps: int) -> Floats:
    """Infected who arrive (A, H): columns date, area, count."""
    frame = _csv(path, ("date", "area", "count"))
    out = np.zeros((len(names), steps))
    ahead = np.array([(day - last).days - 1 for day in dates(frame, "date", path)])
    inside = (ahead >= 0) & (ahead < steps)
    np.add.at(out, (_index(frame, "area", names, path)[inside], ahead[inside]), numbers(frame, "count", path)[inside])
    return out


def measures(path: Path, names: Sequence[str], last: date, steps: int) -> list[Measure]:
    """A line a measure: area (empty = all), start, end (last day; empty = to the end) and what it does."""
    frame = _csv(path, ("start",)).with_columns(pl.all().cast(pl.String))
    return [
        measure({k: v for k, v in row.items() if v}, names, last, steps, f"{path}, line {i + 2}")
        for i, row in enumerate(frame.iter_rows(named=True))
    ]


def measure(said: dict[str, str], names: Sequence[str], last: date, steps: int, where: str) -> Measure:
    """One measure from words: area (several with ;), start, end, contacts, travel, vaccinated, isolated, after."""
    unknown = set(said) - {"area", "start", "end", "after", *SHARES}
    if unknown or not set(said) & set(SHARES):
        raise InputError(
            f"{where}: {', '.join(sorted(unknown)) or 'it does nothing'}; "
            "write area, start, end, contacts, travel, vaccinated, isolated, after"
        )
    wanted = [name.strip() for name in said.get("area", "").split(";") if name.strip()]
    strange = [name for name in wanted if name not in names]
    if strange:
        raise InputError(f"{where}: no area {strange[0]!r}; there are {', '.join(names[:20])}")
    try:
        start = (date.fromisoformat(said["start"]) - last).days - 1 if "start" in said else 0
        end = (date.fromisoformat(said["end"]) - last).days if "end" in said else steps
        shares = {key: float(said[key]) for key in SHARES if key in said}
        after = int(said.get("after", 0))
    except ValueError as e:
        raise InputError(f"{where}: {e}; write dates like 2026-03-01 and shares like 0.6") from e
    if end <= start:
        raise InputError(f"{where}: it ends before it starts")
    areas = np.array([not wanted or name in wanted for name in names])
    return Measure(areas, start, end, isolated_after=after, **shares)


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


def numbers(frame: pl.DataFrame, column: str, path: Path) -> Floats:
    """A column as numbers; InputError where one is none."""
    values = frame[column].cast(pl.String).cast(pl.Float64, strict=False)
    if values.null_count() or not values.is_finite().all():
        raise InputError(f"{path}: column {column} must hold a number in every line")
    return values.to_numpy()


def dates(frame: pl.DataFrame, column: str, path: Path) -> list[date]:
    """A column as dates; InputError where one is none."""
    days = frame[column].cast(pl.String).str.to_date("%Y-%m-%d", strict=False)
    if days.null_count() or not len(days):
        raise InputError(f"{path}: column {column} must hold dates like 2026-01-31")
    return days.to_list()


def _index(frame: pl.DataFrame, column: str, names: Sequence[str], path: Path) -> np.ndarray:
    place = {name: i for i, name in enumerate(names)}
    found = [place.get(str(value), -1) for value in frame[column]]
    if -1 in found:
        raise InputError(f"{path}: no area {frame[column][found.index(-1)]!r}; there are {', '.join(names[:20])}")
    return np.array(found, dtype=np.int64)


def _csv(path: Path, needed: Sequence[str]) -> pl.DataFrame:
    try:
        frame = pl.read_csv(path, infer_schema_length=None)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as e:
        raise InputError(f"{path}: not a readable CSV ({e}); save it as UTF-8 with a header line") from e
    missing = [c for c in needed if c not in frame.columns]
    if missing:
        raise InputError(f"{path}: no column {', '.join(missing)}; found {', '.join(frame.columns)}")
    return frame
