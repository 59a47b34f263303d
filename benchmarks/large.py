"""What a city asks of a store of many events, again and again: the beat, the page, /metrics. I/O.

    PYTHONPATH=src python benchmarks/large.py [DIRECTORY] [--events 1000000] [--days 60]

Makes the city in DIRECTORY unless it is there, or for this once: ten sources heard every minute, each telling of two of
ten signals in 400 streets, written straight into the tables. Then times what is asked: the first answer of a program
that has just started, and the next ones, as time goes on.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tocsin import loop, views
from tocsin.desk import Desk, open_desk
from tocsin.store import told, totals
from tocsin.store.heard import hear
from tocsin.types import Event

HOUR, DAY = 3_600_000_000, 86_400_000_000
NOW = 20_500 * DAY + 7 * HOUR + 11 * 60_000_000  # 15:11 in Shanghai
SOURCES, STREETS, DISTRICTS = 10, 400, 16
CITY = """
[city]
name = "large"
zone = "Asia/Shanghai"
levels = ["city", "district", "street"]
[areas]
file = "areas.csv"
"""
SIGNAL = """
[[signals]]
name = "s{0}"
step = "1d"
levels = ["city", "district", "street"]
detectors = ["ears_c2"]
"""
SOURCE = """
[[sources]]
name = "from{0}"
every = "1h"
[sources.mapping]
key = "id"
reference = "onset"
report = "reported"
area = [{{ column = "street" }}]
signal = {{ column = "signal", map = {{ a = "s{0}", b = "s{1}" }} }}
"""


def make(to: Path, events: int, days: int) -> None:
    """The city, and `events` events of its last `days` days: told within minutes, or up to two weeks late."""
    to.mkdir(parents=True, exist_ok=True)
    text = CITY + "".join(SIGNAL.format(n) for n in range(SOURCES))
    (to / "city.toml").write_text(text + "".join(SOURCE.format(n, (n + 1) % SOURCES) for n in range(SOURCES)), "utf-8")
    rows = ["code,parent,level,name_zh,name_en,longitude,latitude,population", "1,,city,城,City,,,"]
    rows += [f"d{i},1,district,区{i},District {i},,," for i in range(DISTRICTS)]
    rows += [f"t{i},d{i % DISTRICTS},street,街{i},Street {i},121,31,10000" for i in range(STREETS)]
    (to / "areas.csv").write_text("\n".join(rows) + "\n", "utf-8")
    desk, rng = open_desk(to, {}), np.random.default_rng(1)
    db = desk.store.db
    for pragma in ("synchronous=OFF", "cache_size=-1500000"):
        db.execute(f"PRAGMA {pragma}")
    names = [f"from{n}" for n in range(SOURCES)]
    db.executemany("INSERT INTO source (id, name) VALUES (?, ?)", list(enumerate(names, 1)))
    db.executemany("INSERT INTO area (id, code) VALUES (?, ?)", [(i + 1, f"t{i}") for i in range(STREETS)])
    db.executemany("INSERT INTO signal VALUES (?, ?, 'count', '1d')", [(n + 1, f"s{n}") for n in range(SOURCES)])
    db.execute("INSERT INTO delivery VALUES (1, 1, 'f', 'x', 'm', 0, 0, ?, 0, 0, 1)", (events,))
    a_day = events // days
    for d in range(days):
        n = a_day if d < days - 1 else events - a_day * (days - 1)
        report = np.sort(rng.integers(0, DAY, n)) + (NOW - (days - d) * DAY)
        delay = np.where(rng.random(n) < 0.6, rng.exponential(HOUR / 12, n), rng.exponential(2 * DAY, n))
        reference = report - np.minimum(delay, 14 * DAY).astype(np.int64)
        source, area = rng.integers(1, SOURCES + 1, n), rng.integers(1, STREETS + 1, n)
        signal = (source - 1 + rng.integers(0, 2, n)) % SOURCES + 1
        first = d * a_day + 1
        seq = range(first, first + n)
        keys = [f"{k:032x}" for k in rng.integers(0, 1 << 62, n).tolist()]
        step = ((reference // 60_000_000 + 480) // 1440) * 1440
        columns = [c.tolist() for c in (source, signal, area, reference, report, step)]
        source_, signal_, area_, reference_, report_, step_ = columns
        with desk.store.transaction():
            db.executemany(
                "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, 1.0, '', 1)",
                zip(seq, source_, keys, signal_, area_, reference_, report_, strict=True),
            )
            db.executemany(
                "INSERT INTO increment VALUES (?, ?, ?, ?, ?, 1.0, 1, '')",
                zip(seq, signal_, area_, step_, report_, strict=True),
            )
            at, count = np.unique(np.stack([source, report // 60_000_000]), axis=1, return_counts=True)
            hear(db, {(s, m): (c, 0) for s, m, c in zip(*at.tolist(), count.tolist(), strict=True)})
    db.execute("INSERT INTO span (one, first, last) SELECT 1, MIN(step), MAX(step) FROM increment")
    desk.store.close()


def timed(what: str, work: Callable[[], object], times: int = 1) -> None:
    """Print the least of some runs."""
    found = []
    for _ in range(times):
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        found.append((time.process_time() - cpu, time.perf_counter() - wall))
    cpu, wall = min(found)
    print(f"{what:<60} {cpu * 1000:10.1f} ms CPU {wall * 1000:10.1f} ms", flush=True)


def come(desk: Desk, now: int, n: int = 2000) -> None:
    """What comes within half a minute."""
    items = [
        Event(f"from{i % SOURCES}", f"{now}-{i}", f"s{i % SOURCES}", f"t{i % STREETS}", now - HOUR, now - i, 1.0)
        for i in range(n)
    ]
    loop.put(desk, list(items), 1, now)


def main() -> None:
    """Print what was measured."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("directory", type=Path, nargs="?")
    given.add_argument("--events", type=int, default=1_000_000)
    given.add_argument("--days", type=int, default=60)
    options = given.parse_args()
    if options.directory is None:
        with tempfile.TemporaryDirectory() as folder:
            options.directory = Path(folder)
            return measure(options)
    return measure(options)


def measure(options: argparse.Namespace) -> None:
    """The city, made if need be, asked again and again."""
    if not (options.directory / "city.toml").exists():
        timed("make the city", lambda: make(options.directory, options.events, options.days))
    desk = open_desk(options.directory, {})
    now = max(NOW, desk.store.db.execute("SELECT MAX(minute) FROM arrival").fetchone()[0] * 60_000_000) + 30_000_000
    timed("sums of what sources told, once", lambda: told.fold(desk.store, most=1 << 30))
    timed("the city, as the page asks first", lambda: views.city(desk, now, can_write=True), 2)
    timed("a signal's increments, of ten", lambda: desk.columns("s0", now))
    timed("the others'", lambda: [desk.columns(f"s{n}", now) for n in range(10)])
    timed("what a source told of a signal, of twenty", lambda: desk.told_by("from0", "s0", now))
    timed("a first beat, kernels compiled or not", lambda: loop.tick(desk, now, strict=True))
    for what, later in (("30 s later", 0.5), ("5 minutes later", 5), ("an hour later", 60), ("a day later", 1440)):
        then = now + int(later * 60_000_000)
        come(desk, then)
        timed(f"a beat {what}", lambda then=then: loop.tick(desk, then, strict=True))
        timed("  again", lambda then=then: loop.tick(desk, then + 1_000_000, strict=True))
    ask(desk, now + 1440 * 60_000_000 + 30_000_000)
    desk.store.close()


def ask(desk: Desk, now: int) -> None:
    """What the page and /metrics ask."""
    for what, work in (
        ("city", lambda: views.city(desk, now, can_write=True)),
        ("health", lambda: views.health(desk, now)),
        ("sources", lambda: views.sources(desk, now)),
        ("completeness", lambda: views.completeness(desk, None, None, now)),
        ("completeness of a signal", lambda: views.completeness(desk, "s0", None, now)),
        ("alerts", lambda: views.alerts(desk, None, None, None, 50, now)),
        ("map", lambda: views.area_map(desk, "s0", "street", None, now)),
        ("series", lambda: views.series(desk, "s0", "t1", None, None, None, now)),
        ("events in all", lambda: totals.events(desk.store)),
        ("outlook", lambda: views.outlook(desk, None, now)),
    ):
        timed(f"{what}, first", work)
        timed(f"{what}, next", work, 3)
    past, date = views.plain.iso(now - 20 * DAY), views.plain.iso(now - 20 * DAY)[:10]
    for what, work in (
        ("map as of a date, 20 days ago", lambda: views.area_map(desk, "s0", "street", date, now)),
        ("completeness as of that date", lambda: views.completeness(desk, None, date, now)),
        ("map as of an hour, 20 days ago", lambda: views.area_map(desk, "s0", "street", past, now)),
        ("completeness as of that hour", lambda: views.completeness(desk, None, past, now)),
    ):
        timed(f"{what}, first", work)
        timed(f"{what}, next", work)


if __name__ == "__main__":
    main()
