"""A scan on the beat: its first run, the next day's, and ticks when nothing is new, by areas. CPU seconds. I/O.

python benchmarks/beat_scan.py
"""

import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np

from tocsin import locate
from tocsin.calendar import end_of_day
from tocsin.desk import Desk, open_desk
from tocsin.loop import put
from tocsin.store.clusters import write_scans
from tocsin.store.deliveries import begin
from tocsin.types import Event

CITY = """
[city]
name = "bench"
levels = ["city", "street"]
[areas]
file = "areas.csv"
[[signals]]
name = "cases"
[[scans]]
name = "streets"
min_days = 2
max_days = 30
"""
END, DAYS, CASES = date(2026, 6, 30), 372, 20  # a day, in the whole city
HOUR = 3_600_000_000


def city(root: Path, areas: int) -> Desk:
    """A year of cases spread over areas on a plane."""
    chance = np.random.default_rng(1)
    x, y = chance.uniform(0, 0.5, (2, areas))
    rows = ["code,parent,level,name_zh,name_en,longitude,latitude,population", "c,,city,,City,,,"]
    rows += [f"{i},c,street,,{i},{121 + x[i]:.5f},{31 + y[i]:.5f},1000" for i in range(areas)]
    (root / "areas.csv").write_text("\n".join(rows) + "\n", "utf-8")
    (root / "city.toml").write_text(CITY, "utf-8")
    desk = open_desk(root, {})
    delivery = begin(desk.store, "s", "s", "s", "m", 0)
    for back in range(DAYS, -1, -1):
        at = end_of_day(END - timedelta(days=back), desk.tz) - 3 * HOUR
        where = chance.integers(0, areas, chance.poisson(CASES)).tolist()
        put(
            desk,
            [Event("s", f"{back}-{i}", "cases", str(a), at, at, 1.0) for i, a in enumerate(where)],
            delivery.id,
            at,
        )
    return desk


def timed(what: str, work: Callable[[], locate.Located]) -> locate.Located:
    """Print how long one piece of work takes."""
    cpu, wall = time.process_time(), time.perf_counter()
    found = work()
    print(f"{what:<58} {time.process_time() - cpu:8.3f} s CPU {time.perf_counter() - wall:8.3f} s")
    return found


def main() -> None:
    """Each size of city: two days and a tick between."""
    for areas in (24, 24, 100, 390):  # the first round compiles, and is not told
        with tempfile.TemporaryDirectory() as folder:
            desk = city(Path(folder), areas)
            for what, back in (("first run", 3), ("next day", 2), ("day after", 1)):
                evening = end_of_day(END - timedelta(days=back), desk.tz) - 2 * HOUR
                found = timed(f"{areas} areas, {what}", partial(locate.locate, desk, evening))
                assert len(found.runs) == 1
                write_scans(desk.store, found.runs, found.told)
            timed(f"{areas} areas, a second later", partial(locate.locate, desk, evening + 1_000_000))
            timed(f"{areas} areas, an hour later, the same counts", partial(locate.locate, desk, evening + HOUR))
            desk.store.close()


if __name__ == "__main__":
    main()
