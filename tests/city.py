"""A small city for tests, and the one place where they touch the loop."""

from collections.abc import Iterable
from pathlib import Path

from tocsin import loop
from tocsin.desk import Desk, open_desk
from tocsin.store import deliveries
from tocsin.store.events import Taken
from tocsin.types import Event, Finding

DAY_US = 86_400_000_000

CITY = """
holidays = []
[city]
name = "test"
zone = "{zone}"
levels = ["city", "district", "street"]
[areas]
file = "areas.csv"
[alerts]
p = 0.001
quiet_days = 3
close_days = 6
[[signals]]
name = "cases"
title = {{ zh = "病例", en = "Cases" }}
step = "1d"
levels = ["district", "street"]
detectors = {detectors}
[[signals]]
name = "other"
step = "1d"
[[signals]]
name = "air"
kind = "measure"
step = "1h"
absent = "missing"
[[sources]]
name = "hospital"
{every}
[sources.mapping]
key = "id"
reference = "onset"
report = "reported"
area = [{{ column = "street" }}, {{ column = "district" }}]
signal = "cases"
value = {{ column = "n", default = "1" }}
"""
AREAS = """code,parent,level,name_zh,name_en,longitude,latitude,population
1,,city,城,City,,,
11,1,district,东,East,0,0,1000
12,1,district,西,West,1,1,2000
111,11,street,东一,East 1,0,0,400
112,11,street,东二,East 2,0,0,600
121,12,street,西一,West 1,1,1,2000
"""


def make_city(
    folder: Path,
    *,
    zone: str = "Asia/Shanghai",
    detectors: str = '[{ method = "ears_c2", baseline = 14 }]',
    every: str = "",
) -> Desk:
    """A city of two districts and three streets in `folder`, with an empty store."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "city.toml").write_text(CITY.format(zone=zone, detectors=detectors, every=every), "utf-8")
    (folder / "areas.csv").write_text(AREAS, "utf-8")
    return open_desk(folder, {})


def put(desk: Desk, items: Iterable[Event | Finding], name: str = "test", at: int = 10**15) -> Taken:
    """Append items as one delivery."""
    begun = deliveries.begin(desk.store, "hospital", name, name, "m", at)
    return loop.put(desk, list(items), begun.id, at)
