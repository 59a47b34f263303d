"""Who goes where: commuting between the city's areas, arrivals from elsewhere, incidence there. I/O."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tocsin.config import SignalTable
from tocsin.desk import Desk
from tocsin.errors import ConfigError, MethodError
from tocsin.estimate import importation
from tocsin.estimate import mixing as commuting
from tocsin.types import Floats, Instant

if TYPE_CHECKING:
    import polars as pl  # slow to load: only where a table is read


def mixing(desk: Desk, areas: tuple[str, ...]) -> tuple[Floats, bool]:
    """Of those whom a case of each area (column) infects, the share in each (A, A); and whether a table says so.

    Without a table every area is an island; so is an area whose population is not known.
    """
    name = desk.settings.travel.commuting
    if not name:
        return np.eye(len(areas)), False
    table = _read(desk, "travel.commuting", name, ("from", "to", "commuters"))
    level = desk.tree[areas[0]].level
    flow = np.zeros((len(areas), len(areas)))
    a, b = (_places(desk, table[c], level, f"travel.commuting: {name}") for c in ("from", "to"))
    inside = (a >= 0) & (b >= 0) & (a != b)
    np.add.at(flow, (a[inside], b[inside]), _numbers(table["commuters"], name)[inside])
    population = np.array([desk.tree[c].population for c in areas])
    counted = population > 0
    flow *= counted[:, None] & counted
    try:
        return commuting.mixing(flow, np.where(counted, population, 1.0)), True
    except MethodError as e:
        raise ConfigError(f"city.toml: travel.commuting: {name}: {e}") from e


def arrivals(
    desk: Desk, table: SignalTable, areas: tuple[str, ...], as_of: Instant, infected_days: int, days: int = 1
) -> Floats:
    """Expected infected arrivals on each of the last `days` (A, days), from travellers and incidence at their home."""
    import polars as pl

    back = infected_days + days - 1
    name = desk.settings.travel.arrivals
    who = _read(desk, "travel.arrivals", name, ("origin", "to", "travellers"))
    ill = _read(desk, f"signals.{table.name}.incidence", table.incidence, ("origin", "date", "incidence"))
    origins = who["origin"].unique().sort().to_list()
    lost = sorted(set(origins) - set(ill["origin"].to_list()))
    if lost:
        raise ConfigError(f"{table.incidence}: no incidence for {lost[0]!r}, from which {name} has travellers")
    today = np.datetime64(desk.day(as_of))
    rate = np.zeros((len(origins), back))
    for i, origin in enumerate(origins):
        mine = ill.filter(pl.col("origin") == origin).with_columns(pl.col("date").str.to_date("%Y-%m-%d", strict=False))
        mine = mine.drop_nulls("date").sort("date")
        day, value = mine["date"].to_numpy().astype("datetime64[D]"), _numbers(mine["incidence"], table.incidence) / 1e5
        at = np.searchsorted(day, today - np.arange(back)[::-1], side="right") - 1  # the newest known by then
        rate[i] = np.where(at >= 0, value[np.maximum(at, 0)] if len(value) else 0, 0)
    level = desk.tree[areas[0]].level
    travellers = np.zeros((len(origins), len(desk.tree.at(level)), back))
    to = _places(desk, who["to"], level, f"travel.arrivals: {name}")
    place = {o: i for i, o in enumerate(origins)}
    for origin, d, n in zip(
        who["origin"].to_list(), to.tolist(), _numbers(who["travellers"], name).tolist(), strict=True
    ):
        if d >= 0:
            travellers[place[origin], d] += n
    found = importation.expected(travellers, rate, infected_days)[:, -days:]
    codes = [a.code for a in desk.tree.at(level)]
    return np.asarray(found[[codes.index(a) for a in areas]])


def _read(desk: Desk, key: str, name: str, columns: tuple[str, ...]) -> pl.DataFrame:
    import polars as pl

    path = desk.directory / name if not Path(name).is_absolute() else Path(name)
    try:
        table = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as e:
        raise ConfigError(f"city.toml: {key}: cannot read {path}: {str(e).splitlines()[0]}; a CSV in UTF-8") from e
    missing = [c for c in columns if c not in table.columns]
    if missing:
        raise ConfigError(f"{path}: no column {', '.join(missing)}; {key} needs {', '.join(columns)}")
    return table.select(columns).with_columns(pl.all().str.strip_chars())


def _places(desk: Desk, codes: pl.Series, level: str, where: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Positions in `at(level)`, −1 for areas coarser than it; ConfigError for a code the tree does not know."""
    to = desk.tree.rollup(level)
    found = []
    for code in codes.to_list():
        if code not in desk.tree:
            raise ConfigError(f"{where}: no area {code!r} in the city's areas file")
        found.append(int(to[desk.tree.index[code]]))
    return np.array(found, dtype=np.int64)


def _numbers(column: pl.Series, name: str) -> Floats:
    import polars as pl

    values = column.cast(pl.Float64, strict=False)
    if values.is_null().any() or (values < 0).any():
        raise ConfigError(f"{name}: {column.name} must hold numbers from 0 up in every row")
    return values.to_numpy().astype(np.float64)
