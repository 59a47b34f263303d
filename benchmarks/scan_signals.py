"""Many signals over the same places in one run beside as many runs of their own: CPU seconds, 999 replicates.

    python benchmarks/scan_signals.py [--places N] [--signals N] [--cases N] [--threads N]

A made-up city: places at random, a year of daily cases of every signal, permutation model, prospective, windows of 2 to
30 days and up to half of the cases: New York's daily practice. Kernels are compiled before the clock starts.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from tocsin.scan import Settings, Stream, Study, neighbours, scan, scan_signals

DAYS = 365


def city(places: int, signals: int, cases: int) -> dict[str, Study]:
    """A study for each signal, all over the same places."""
    chance = np.random.default_rng(1)
    points = np.column_stack([31 + chance.uniform(0, 0.5, places), 121 + chance.uniform(0, 0.5, places)])
    names = tuple(f"{i:05d}" for i in range(places))
    people = chance.gamma(2, 1, places)
    share = np.outer(people / people.sum(), np.full(DAYS, 1 / DAYS)).ravel()
    counted = [chance.multinomial(cases, share).reshape(places, DAYS) for _ in range(signals)]
    return {str(i): Study(names, points, True, np.arange(DAYS + 1), (Stream(c),)) for i, c in enumerate(counted)}


def main() -> None:
    """One line a way: all signals in one run, each on its own, and the table of neighbours alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--places", type=int, default=2000)
    parser.add_argument("--signals", type=int, default=40)
    parser.add_argument("--cases", type=int, default=450)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    studies = city(options.places, options.signals, options.cases)
    settings = Settings(model="permutation", prospective=True, min_window=2, max_window=30, threads=options.threads)
    first = next(iter(studies.values()))
    scan(first, replace(settings, replicates=1), neighbours(first, settings))
    for name, way in (
        ("one run", lambda: scan_signals(studies, settings)),
        ("runs of their own", lambda: [scan(s, settings) for s in studies.values()]),
        ("the table of neighbours", lambda: neighbours(first, settings)),
    ):
        wall, used = time.perf_counter(), time.process_time()
        way()
        used, wall = time.process_time() - used, time.perf_counter() - wall
        print(f"{options.signals} signals, {options.places} places, {name:24s} {used:7.2f} s CPU {wall:7.2f} s wall")


if __name__ == "__main__":
    main()
