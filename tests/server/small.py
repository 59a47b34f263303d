"""A real city small enough to serve in a test: two towns, one signal, one folder, one feed that is pushed."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

TOML = """
[city]
name = "small"
levels = ["city", "town"]
title = { zh = "小城", en = "Small" }

[areas]
file = "areas.csv"
geojson = "areas.geojson"

[[signals]]
name = "ed.ili"
title = { zh = "流感样", en = "ILI" }
detectors = ["ears_c2", { method = "ears_c1" }]

[[signals]]
name = "ww.sars2"
kind = "measure"
absent = "missing"

[[sources]]
name = "hospital"

[[sources]]
name = "inbox"
files = "inbox/*.csv"
every = "1d"
[sources.mapping]
key = "id"
reference = "day"
area = "town"
signal = "ed.ili"
"""
AREAS = """code,parent,level,name_zh,name_en,longitude,latitude,population
1,,city,小城,Small,121.5,31.2,1000
11,1,town,东镇,East,121.6,31.2,600
12,1,town,西镇,West,121.4,31.2,400
"""
POLYGONS = """{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"11"},
"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}}]}"""


def city(directory: Path) -> Path:
    """Write it."""
    (directory / "inbox").mkdir(parents=True)
    (directory / "city.toml").write_text(TOML, "utf-8")
    (directory / "areas.csv").write_text(AREAS, "utf-8")
    (directory / "areas.geojson").write_text(POLYGONS, "utf-8")
    return directory


def outbreak(today: date, days: int = 40) -> list[dict[str, Any]]:
    """Two cases a day in the east (three now and then), and forty yesterday."""
    found = []
    for ago in range(days, 0, -1):
        day = (today - timedelta(days=ago)).isoformat()
        found += [(day, f"{day}-{n}") for n in range(40 if ago == 1 else 2 + ago % 2)]
    fixed = {"source": "hospital", "signal": "ed.ili", "area": "11"}
    return [{**fixed, "reference_time": day, "key": key} for day, key in found]
