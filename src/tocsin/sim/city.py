"""A complete city directory from one seed, file by file. Pure.

The same seed, years and end give the same bytes.
"""

import json
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import numpy as np

from tocsin.sim.abroad import ORIGINS
from tocsin.sim.feeds import feeds
from tocsin.sim.geography import Ring
from tocsin.sim.outbreaks import CITY, Outbreak
from tocsin.sim.paper import city_toml, readme
from tocsin.sim.world import CITY_CODE, World, world

FILES = 15  # how many files `simulate` gives


class Made(NamedTuple):
    """One file of the city: its path under the directory, its bytes, and how many records it holds."""

    path: str
    data: bytes
    rows: int


def simulate(seed: int, years: int, end: date) -> Iterator[Made]:
    """The files of a simulated city. ConfigError for a span that the calendar does not know."""
    made = world(seed, years, end)
    yield from _ground(made)
    first_report: dict[int, int] = {}
    for feed in feeds(made):
        path, data, rows, first = feed()
        yield Made(path, data, rows)
        for k, at in first.items():
            first_report[k] = min(at, first_report.get(k, at))
    yield _table("truth.csv", _truth(made, first_report))
    yield Made("city.toml", city_toml(made).encode(), 0)
    yield Made("README.md", readme(made).encode(), 0)


def paperwork(seed: int, end: date) -> Iterator[Made]:
    """A city's settings, areas and travel, without any records."""
    made = world(seed, 1, end)
    yield from _ground(made)
    yield Made("city.toml", city_toml(made).encode(), 0)


def _ground(made: World) -> Iterator[Made]:
    yield _table("areas.csv", _areas(made))
    yield Made("areas.geojson", _geojson(made), len(made.areas))
    yield _table("commuting.csv", _commuting(made))
    yield _table("arrivals.csv", _arrivals(made))
    yield _table("dengue-abroad.csv", _incidence(made))


def signals_of(outbreak: Outbreak) -> list[str]:
    """The signals in which an outbreak can be seen, its main one first."""
    found = list(outbreak.cases)
    if outbreak.lift is not None:
        found.append("ww.sars2")
    return [*found, "school.absence"] if outbreak.absent is not None and outbreak.absent.any() else found


def _table(path: str, rows: list[list[str]]) -> Made:
    return Made(path, "".join(",".join(r) + "\n" for r in rows).encode(), len(rows) - 1)


def _areas(made: World) -> list[list[str]]:
    head = ["code", "parent", "level", "name_zh", "name_en", "longitude", "latitude", "population"]
    rows = [
        [a.code, a.parent, a.level, *a.title, f"{a.longitude:.5f}", f"{a.latitude:.5f}", f"{a.population:.0f}"]
        for a in made.areas
    ]
    return [head, *rows]


def _geojson(made: World) -> bytes:
    """RFC 7946: one polygon an area, outer rings counter-clockwise; the river is the gap between the banks."""
    shape: dict[str, list[Ring]] = {CITY_CODE: made.ground.city}
    shape |= dict(zip(made.district_codes, made.ground.districts, strict=True))
    shape |= dict(zip(made.street_codes, made.ground.streets, strict=True))
    features = [
        {
            "type": "Feature",
            "properties": {"code": a.code, "level": a.level, "name_zh": a.title.zh, "name_en": a.title.en},
            "geometry": {"type": "Polygon", "coordinates": shape[a.code]},
        }
        for a in made.areas
    ]
    whole = {"type": "FeatureCollection", "features": features}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _commuting(made: World) -> list[list[str]]:
    flow = made.people.commuting
    codes = made.street_codes
    order = sorted(zip(*np.nonzero(flow >= 20), strict=True), key=lambda ij: (codes[ij[0]], codes[ij[1]]))
    return [["from", "to", "commuters"], *([codes[i], codes[j], f"{flow[i, j]:.0f}"] for i, j in order)]


def _arrivals(made: World) -> list[list[str]]:
    travellers = made.abroad.travellers
    order = sorted((o.name, made.street_codes[s], f"{travellers[i, s]:.1f}") for i, o in enumerate(ORIGINS)
                   for s in range(travellers.shape[1]))  # fmt: skip
    return [["origin", "to", "travellers"], *map(list, order)]


def _incidence(made: World) -> list[list[str]]:
    months = np.datetime_as_string(made.abroad.months, unit="D").tolist()
    found = [
        [o.name, month, f"{value:.2f}"]
        for o, row in zip(ORIGINS, made.abroad.incidence.tolist(), strict=True)
        for month, value in zip(months, row, strict=True)
    ]
    return [["origin", "date", "incidence"], *found]


def _truth(made: World, first_report: dict[int, int]) -> list[list[str]]:
    """One row an outbreak; `end` is its last case so far, `ongoing` that the city ends before it does."""
    rows = [["id", "kind", "signals", "areas", "start", "end", "ongoing", "size", "origin", "first_report"]]
    when = np.datetime_as_string(made.days.date, unit="D").tolist()
    for k, o in enumerate(made.outbreaks):
        cases = next(iter(o.cases.values())) + (0 if o.travellers is None else o.travellers)
        seen = np.flatnonzero(cases.sum(axis=0))
        end = int(seen[-1]) if len(seen) else o.start
        areas = sorted(CITY_CODE if a == CITY else made.street_codes[a] for a in o.areas)
        told = str(np.datetime64(first_report[k], "m").astype("datetime64[D]")) if k in first_report else ""
        rows.append(
            [
                *(f"O{k + 1:02d}", o.kind, " ".join(signals_of(o)), " ".join(areas), when[o.start], when[end]),
                *("yes" if end >= len(when) - 2 else "no", str(int(cases.sum()))),
                *("local" if o.travellers is None else "imported", told),
            ]
        )
    return rows
