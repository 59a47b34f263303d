"""Compile what a demo's days will ask for, in a process of its own while its records are taken in. I/O.

Compiled code is kept on disk for every later process. What is asked here is asked of the real loop on a city in
miniature, so that nothing has to be listed; what it misses is compiled where it is first needed.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from tocsin import loop
from tocsin.calendar import end_of_day
from tocsin.desk import Desk, open_desk
from tocsin.sim.city import paperwork
from tocsin.store import deliveries
from tocsin.types import Event

DAYS, END = 400, date(2025, 6, 30)
DAILY = {"ed.ili": 96, "ed.gi": 40, "ed.fever_rash": 3, "lab.noro": 12, "hotline.12345": 60}  # cases in the city
DAY_US = 86_400_000_000


def begin() -> subprocess.Popen[bytes]:
    """Compile in another process; it ends by itself, or with this one's Ctrl-C."""
    silent = subprocess.DEVNULL
    command = [sys.executable, "-m", "tocsin.cli.kernels"]
    return subprocess.Popen(command, stdin=silent, stdout=silent, stderr=silent)  # noqa: S603 - our own words only


def run() -> None:
    """Judge and scan one day of a city in miniature."""
    with tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
        for made in paperwork(1, END):
            (Path(folder) / made.path).write_bytes(made.data)
        desk = open_desk(Path(folder), {})
        begun = deliveries.begin(desk.store, "ed", "made", "made", "made", 0)
        loop.put(desk, list(cases(desk)), begun.id, end_of_day(END, desk.tz))
        loop.tick(desk, end_of_day(END, desk.tz), strict=True)
        desk.store.close()


def cases(desk: Desk) -> Iterator[Event]:
    """So many cases a day, a few of them told late, in streets at random."""
    rng, streets = np.random.default_rng(1), desk.tree.at(desk.settings.city.levels[-1])
    for ago in range(DAYS):
        noon = end_of_day(END - timedelta(days=ago), desk.tz) - DAY_US // 2
        for signal, daily in DAILY.items():
            many = max(daily // 8, 1)  # cases in one event: what counts is how many cases there are
            for i in range(rng.poisson(daily / many)):
                late = int(rng.choice(6, p=[0.7, 0.1, 0.08, 0.06, 0.04, 0.02]))
                where = streets[int(rng.integers(len(streets)))].code
                yield Event("ed", f"{signal}{ago}-{i}", signal, where, noon, noon + late * DAY_US, float(many))


if __name__ == "__main__":
    run()
