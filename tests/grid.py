"""A city of twenty-five streets on a grid, for what happens side by side."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from tocsin import loop
from tocsin.calendar import end_of_day
from tocsin.desk import Desk, open_desk
from tocsin.store import deliveries
from tocsin.types import Event

CITY = """
[city]
name = "test"
zone = "Asia/Shanghai"
levels = ["city", "district", "street"]
[areas]
file = "areas.csv"
geojson = "areas.geojson"
[alerts]
quiet_days = 3
close_days = 6
[[signals]]
name = "cases"
title = {{ zh = "病例", en = "Cases" }}
levels = ["street"]
detectors = ["ears_c2"]
[[signals]]
name = "other"
levels = ["street"]
[[scans]]
name = "streets"
signals = ["cases"]
study_days = 90
min_days = 2
max_days = 7
{more}
"""
FIRST = date(2026, 1, 1)
DAYS, START = 120, 110
SIDE = 5  # streets lie on a grid of five by five, a district a row
RAISED = ("02", "11", "12", "13", "22")  # 12 and what touches it: a circle, over three districts
US = 1_000_000


def areas() -> str:
    """The areas' table."""
    rows = ["code,parent,level,name_zh,name_en,longitude,latitude,population", "1,,city,城,City,121.5,31.2,"]
    rows += [f"d{i},1,district,区{i},District {i},,," for i in range(SIDE)]
    for i in range(SIDE):
        rows += [f"{i}{j},d{i},street,街{i}{j},Street {i}{j},{121 + j / 50},{31 + i / 50},10000" for j in range(SIDE)]
    return "\n".join(rows) + "\n"


def counts(extra: int, days: int = 4) -> np.ndarray:
    """Two cases a day in every street, and `extra` more in those of RAISED from day START on."""
    y = np.random.default_rng(3).poisson(2.0, (SIDE * SIDE, DAYS))
    for code in RAISED:
        y[int(code[0]) * SIDE + int(code[1]), START : START + days] += extra
    return y


def squares() -> str:
    """The streets as squares around their points."""
    found = []
    for i in range(SIDE):
        for j in range(SIDE):
            x, y, s = 121 + j / 50, 31 + i / 50, 0.01
            ring = [[x - s, y - s], [x + s, y - s], [x + s, y + s], [x - s, y + s], [x - s, y - s]]
            shape = {"type": "Polygon", "coordinates": [ring]}
            found.append({"type": "Feature", "properties": {"code": f"{i}{j}"}, "geometry": shape})
    return json.dumps({"type": "FeatureCollection", "features": found})


def city(folder: Path, y: np.ndarray, more: str = "", until: int = DAYS, first: date = FIRST) -> Desk:
    """A city whose cases are reported by the evening of their day; the first column of `y` is the day `first`."""
    folder.mkdir()
    (folder / "city.toml").write_text(CITY.format(more=more), "utf-8")
    (folder / "areas.csv").write_text(areas(), "utf-8")
    (folder / "areas.geojson").write_text(squares(), "utf-8")
    desk = open_desk(folder, {})
    put(desk, y[:, :until], "all", begin=first)
    return desk


def put(desk: Desk, y: np.ndarray, name: str, first: int = 0, begin: date = FIRST) -> None:
    """Append cases: the first column of `y` is the day `first` after `begin`."""
    begun = deliveries.begin(desk.store, "s", name, name, "m", 10**15)
    events = []
    for (a, t), n in np.ndenumerate(y):
        at = end_of_day(begin + timedelta(days=first + t), desk.tz) - 8 * 3600 * US
        code = f"{a // SIDE}{a % SIDE}"
        events += [Event("s", f"{code}-{first + t}-{i}", "cases", code, at, at, 1.0) for i in range(n)]
    loop.put(desk, events, begun.id, 10**15)
