"""CPU time of a detector per (series, step), beside R surveillance on the same counts in the same run. I/O.

python benchmarks/detect.py                  the table of ratios; R's column is empty where R is not installed
python benchmarks/detect.py --city 1000000   one new week of so many series of ten years: a process that reads them from
                                             a file, judges and writes alarms, timed from its start to its end
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tocsin.detect import DETECTORS, detector, panel
from tocsin.types import Floats

YEARS, CHUNK = 10, 20_000
NOUFAILY = {
    "no_periods": 10,
    "past_weeks_not_included": 26,
    "p_threshold_trend": 1,
    "threshold_method": "nb_plugin",
    "alpha": 0.005,
}
R_NOUFAILY = (
    "farringtonFlexible(s, list(range=range, b=5, w=3, noPeriods=10, pastWeeksNotIncluded=26, pThresholdTrend=1, "
    "thresholdMethod='nbPlugin', alpha=0.005))"
)
R_BAYES = "bayes(s, list(range=range, b=0, w=6, actY=TRUE))"
# name, our detector, its parameters, R's call on `s` and `range` ("": the same as above), series and weeks R is given
ROWS = [
    ("farringtonFlexible, Noufaily", "farrington_flexible", NOUFAILY, R_NOUFAILY, 4, 52),
    ("  the same, compat", "farrington_flexible", {**NOUFAILY, "compat": "surveillance"}, "", 0, 0),
    (
        "farringtonFlexible, R's defaults",
        "farrington_flexible",
        {"compat": "surveillance"},
        "farringtonFlexible(s, list(range=range))",
        4,
        52,
    ),
    ("farrington", "farrington", {}, "farrington(s, list(range=range, b=5, w=3, alpha=0.05))", 4, 52),
    ("earsC, C1", "ears_c1", {}, "earsC(s, list(range=range, method='C1'))", 20, 52),
    ("bayes 1", "bayes", {"b": 0, "w": 6, "act_y": True}, R_BAYES, 20, 52),
]
R = """
suppressMessages(library(surveillance))
y <- as.matrix(read.csv("counts.csv", header=FALSE)); range <- (nrow(y)-{weeks}+1):nrow(y)
sts <- lapply(seq_len({series}), function(i) new("sts", observed=y[,i,drop=FALSE], freq=52, start=c(2010,1),
  epoch=as.numeric(as.Date("2010-01-04") + 7*(seq_len(nrow(y))-1)), epochAsDate=TRUE))
before <- proc.time(); for (s in sts) suppressWarnings({call}); used <- proc.time() - before
cat(used[["user.self"]] + used[["sys.self"]])
"""


def counts(series: int, seed: int = 0) -> Floats:
    """Weekly counts with trend, season and a variance of one and a half times the mean, means from 1 to 20."""
    rng = np.random.default_rng(seed)
    t = np.arange(52 * YEARS)
    season = rng.uniform(0, 0.8, (series, 1)) * np.cos(2 * np.pi * t / 52)
    mean = np.exp(rng.uniform(0, 3, (series, 1)) + rng.uniform(-0.002, 0.002, (series, 1)) * t + season)
    return rng.negative_binomial(mean / 0.5, 1 / 1.5).astype(np.float64)


def ours(name: str, parameters: dict[str, object], y: Floats, weeks: int) -> float:
    """Microseconds of CPU per fit, the best of three."""
    run, seen = detector(name, **parameters).run, panel(y, first="2010-01-04", step="1w")
    run(panel(y[:1], first="2010-01-04", step="1w"), y.shape[1] - 1)  # compiled, or read from the cache
    used = []
    for _ in range(3):
        begin = time.process_time()
        run(seen, y.shape[1] - weeks)
        used.append(time.process_time() - begin)
    return min(used) / (len(y) * weeks) * 1e6


def theirs(call: str, y: Floats, series: int, weeks: int) -> float:
    """The same of R, NaN where Rscript or the package is not installed."""
    if not call or shutil.which("Rscript") is None:
        return np.nan
    with tempfile.TemporaryDirectory() as folder:
        np.savetxt(Path(folder) / "counts.csv", y[:series].T, fmt="%d", delimiter=",")
        script = R.format(weeks=weeks, series=series, call=call)
        done = subprocess.run(["Rscript", "-e", script], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"R: {done.stderr.strip()}")
        return np.nan
    return float(done.stdout) / (series * weeks) * 1e6


def table() -> None:
    y = counts(2000)
    last = np.nan
    print(f"{'':34}{'R µs':>10}{'µs, 52 weeks':>14}{'ratio':>8}{'µs, 1 week':>12}{'ratio':>8}")
    for label, name, parameters, call, series, weeks in ROWS:
        if name not in DETECTORS:
            continue
        last = theirs(call, y, series, weeks) if call else last
        many, one = ours(name, parameters, y, 52), ours(name, parameters, y, 1)
        print(f"{label:34}{last:10.0f}{many:14.2f}{last / many:8.0f}{one:12.2f}{last / one:8.0f}")


def city(series: int) -> None:
    """Write so many series to a file, let a process of its own judge their newest week, and say what that took."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "counts.u16"
        with file.open("wb") as out:
            for begin in range(0, series, CHUNK):
                out.write(counts(min(CHUNK, series - begin), seed=begin).astype(np.uint16).tobytes())
        then = time.perf_counter()
        done = subprocess.run(
            [sys.executable, __file__, "--stream", str(file)], check=True, capture_output=True, text=True
        )
        wall = time.perf_counter() - then
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{series} series of {YEARS} years, one week: {wall:.1f} s wall, {used.ru_utime + used.ru_stime:.1f} s CPU,")
    print(f"{done.stdout.strip()} alarms, peak memory {used.ru_maxrss / 2**20:.2f} GiB, the whole process")


def stream(file: Path) -> None:
    """Judge the newest week of the series in a file, a chunk at a time on each of two threads; a line an alarm."""
    weeks, run = 52 * YEARS, detector("farrington_flexible").run
    chunks = range(0, file.stat().st_size // (2 * weeks), CHUNK)

    def judged(begin: int) -> str:
        y = np.fromfile(file, np.uint16, CHUNK * weeks, offset=2 * begin * weeks).reshape(-1, weeks)
        found = run(panel(y, first="2010-01-04", step="1w"), weeks - 1)
        alarming = np.flatnonzero(found.score[:, 0] > 1)
        return "".join(f"{begin + i},{y[i, -1]},{found.upper[i, 0]},{found.p[i, 0]}\n" for i in alarming)

    lines = 0
    with ThreadPoolExecutor(2) as threads, file.with_suffix(".csv").open("w") as out:
        for text in threads.map(judged, chunks):
            lines += text.count("\n")
            out.write(text)
    print(lines)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--city", type=int, metavar="SERIES", help="time one new week of so many series instead")
    options.add_argument("--stream", type=Path, metavar="FILE", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.stream:
        stream(asked.stream)
    elif asked.city:
        city(asked.city)
    else:
        table()
