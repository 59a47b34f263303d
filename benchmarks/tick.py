"""The beat on the simulated city: files to durable events, one tick, one past day's cube. CPU and wall seconds. I/O.

python benchmarks/tick.py [YEARS]
"""

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from tocsin import loop
from tocsin.calendar import end_of_day
from tocsin.desk import Desk, open_desk
from tocsin.sim.city import simulate
from tocsin.store.totals import events

END = date(2026, 6, 30)


def timed(what: str, work: Callable[[], object], times: int = 1) -> None:
    """Print the mean of some runs."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(times):
        work()
    cpu, wall = (time.process_time() - cpu) / times, (time.perf_counter() - wall) / times
    print(f"{what:<58} {cpu:8.3f} s CPU {wall:8.3f} s")


def take_all(desk: Desk) -> None:
    """Take in every file of the city."""
    for source in desk.settings.sources:
        for file in sorted(desk.directory.glob(source.files)):
            loop.take(desk, source, file, end_of_day(END, desk.tz))


def main(years: int) -> None:
    """Make a city, and time what a day asks of it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path, data, _ in simulate(7, years, END):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        desk = open_desk(root, {})
        timed("files to durable events", lambda: take_all(desk))
        print(f"  {events(desk.store):,} events, {len(desk.tree.areas)} areas, {len(desk.settings.signals)} signals")
        day = iter(range(1, 100))
        loop.tick(desk, end_of_day(END - timedelta(days=30), desk.tz))  # what is read once is read
        timed("one tick", lambda: loop.tick(desk, end_of_day(END - timedelta(days=30 - next(day)), desk.tz)), 10)
        timed("the same tick again", lambda: loop.tick(desk, end_of_day(END, desk.tz)), 3)
        past = end_of_day(END - timedelta(days=200), desk.tz)
        timed(
            "a cube as of 200 days ago, all streets, all days",
            lambda: desk.cube("ed.ili", "street", past, None, None),
            5,
        )
        desk.store.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
