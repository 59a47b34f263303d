"""How fast R and nowcasts are, and how good nowcasts were as of past days. Prints one line a figure.

    python benchmarks/estimate.py            speed (and R EpiEstim beside it, where installed)
    python benchmarks/estimate.py --scores   WIS and coverage on the public triangles under $TOCSIN_SHARED, some minutes

CPU seconds of one process; run it with OMP_NUM_THREADS=1 for one core.
"""

import argparse
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from tocsin.estimate import interval, nowcast, renewal, rt, scores

SHARED = Path(os.environ.get("TOCSIN_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data" / "nowcast"
R_CODE = """
suppressMessages(library(EpiEstim)); set.seed(1)
x <- data.frame(dates=as.Date("2026-01-01")+0:364, I=rpois(365, 50))
t <- system.time(for (i in 1:20) suppressWarnings(suppressMessages(
  estimate_R(x, method="parametric_si", config=make_config(list(mean_si=3.6, std_si=1.6))))))
cat(t[["user.self"]] / 20)
"""


def timed(what: str, run: Callable[[], object], limit: float | None = None) -> None:
    """Run once to compile, then once on the clock."""
    run()
    start = time.process_time()
    run()
    took = time.process_time() - start
    print(f"{what:62s} {took:8.3f} s CPU" + ("" if limit is None else f"   (bar: {limit:g} s)"))


def epidemics(series: int, steps: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    level = 40 * np.exp(np.sin(np.arange(steps) / 30) + rng.normal(0, 0.7, (series, 1)))
    return rng.poisson(level).astype(np.float64)


def triangles(strata: int, steps: int = 200, size: int = 41) -> np.ndarray:
    rng = np.random.default_rng(0)
    share = 0.2 * 0.8 ** np.arange(size)
    rate = 30 * np.exp(np.sin(np.arange(steps) / 30) + rng.normal(0, 0.7, (strata, 1)))
    counts = rng.poisson(rate[..., None] * share / share.sum()).astype(np.float64)
    counts[:, np.add.outer(np.arange(steps), np.arange(size)) >= steps] = np.nan
    return counts


def speed() -> None:
    weights = interval.discretised(3.6, 1.6, 365)
    many = epidemics(10_000, 365)
    timed("rt: 10,000 series × 365 days, mean, sd, 7 exact quantiles", lambda: rt.estimate(many, weights), 15)
    fractions = many[:2000] + 0.37
    fractions += np.random.default_rng(1).random(fractions.shape)
    timed("rt: 2,000 series × 365 days, no two sums alike", lambda: rt.estimate(fractions, weights))
    timed("rt: 1 series × 365 days", lambda: rt.estimate(many[:1], weights))
    if shutil.which("Rscript"):
        done = subprocess.run(["Rscript", "-e", R_CODE], capture_output=True, text=True, check=False)
        shown = f"{float(done.stdout):8.3f} s CPU" if done.returncode == 0 else "not installed"
        print(f"{'EpiEstim in R: 1 series × 365 days':62s} {shown}")
    timed("renewal: 200 series × 365 days × 500 draws", lambda: renewal.estimate(many[:200], weights, draws=500))
    table = triangles(200)
    rng = np.random.default_rng(2)
    timed("nowcast: 200 strata × 41 ages × 500 draws", lambda: nowcast.nowcast(table, rng, weekday=0, draws=500), 1)
    timed("nowcast: 1 stratum × 41 ages × 1,000 draws", lambda: nowcast.nowcast(table[:1], rng, weekday=0))


def as_of(counts: np.ndarray, step: int) -> np.ndarray:
    seen = counts[:, : step + 1].copy()
    seen[:, np.add.outer(np.arange(step + 1), np.arange(counts.shape[2])) > step] = np.nan
    return seen


def replay(name: str, counts: np.ndarray, steps: range, window: int, ages: int, weekday: int | None) -> None:
    """WIS, coverage and bias as of each step, and the WIS of taking what was reported as final."""
    total = np.cumsum(np.concatenate([np.zeros((len(counts), 1)), counts.sum(axis=2)], axis=1), axis=1)
    rows = []
    for step in steps:
        seen = as_of(counts, step)
        found = nowcast.nowcast(
            seen, np.random.default_rng(1), weekday=weekday, step_days=7.0 if weekday is None else 1.0, draws=1000
        )
        quantiles = np.quantile(nowcast.windowed(found, seen, window)[:, :ages], nowcast.LEVELS, axis=-1)
        quantiles = np.moveaxis(quantiles, 0, -1)
        ends = step - np.arange(quantiles.shape[1])
        truth = total[:, ends + 1] - total[:, ends + 1 - window]
        known = np.cumsum(np.concatenate([np.zeros((len(seen), 1)), np.nansum(seen, axis=2)], axis=1), axis=1)
        raw = np.abs(known[:, ends + 1] - known[:, ends + 1 - window] - truth)
        judged = (
            scores.wis(quantiles, nowcast.LEVELS, truth),
            scores.covered(quantiles, nowcast.LEVELS, truth, 0.5),
            scores.covered(quantiles, nowcast.LEVELS, truth, 0.95),
            scores.bias(quantiles, nowcast.LEVELS, truth),
            raw,
        )
        rows.append([float(part.mean()) for part in judged])
    wis, half, most, bias, raw_wis = np.mean(rows, axis=0)
    print(
        f"{name:44s} dates {len(rows):4d}  WIS {wis:9.3f}  as reported {raw_wis:9.3f}  ratio {wis / raw_wis:.3f}  "
        f"cov50 {half:.3f}  cov95 {most:.3f}  bias {bias:+.2f}"
    )


def quality() -> None:
    table = pl.read_parquet(SHARED / "de_covid_hosp" / "triangle_DE_ages.parquet")
    first, ages = table["reference_date"].min(), sorted(table["age_group"].unique())
    counts = np.zeros((len(ages), (table["reference_date"].max() - first).days + 1, 41))
    day = (table["reference_date"] - first).dt.total_days().to_numpy()
    counts[[ages.index(a) for a in table["age_group"]], day, table["delay"].to_numpy()] = table["count"].to_numpy()
    steps = range(90, counts.shape[1] - 41, 3)
    replay("German COVID-19 hospitalisations, 7-day sums", counts[:1], steps, 7, 29, first.weekday())
    replay("the same by age", counts[1:], steps, 7, 29, first.weekday())
    replay("the same by age, single days", counts[1:], steps, 1, 29, first.weekday())
    table = pl.read_csv(SHARED / "linelists" / "dengue_triangle.csv", try_parse_dates=True).filter(
        pl.col("delay") <= 10
    )
    first = table["onset_week"].min()
    counts = np.zeros((1, (table["onset_week"].max() - first).days // 7 + 1, 11))
    week = ((table["onset_week"] - first).dt.total_days() // 7).to_numpy()
    counts[0, week, table["delay"].to_numpy()] = table["n"].to_numpy()
    replay("dengue, Puerto Rico, weeks", counts, range(100, counts.shape[1] - 11), 1, 11, None)
    table = pl.read_parquet(SHARED / "respinow" / "triangles.parquet").filter(pl.col("delay") <= 4, location="DE")
    for source in ("icosari/sari", "survstat/influenza"):
        part = table.filter(source=source, age_group="00+")
        first = part["date"].min()
        counts = np.zeros((1, (part["date"].max() - first).days // 7 + 1, 5))
        week = ((part["date"] - first).dt.total_days() // 7).to_numpy()
        np.add.at(counts[0], (week, np.maximum(part["delay"].to_numpy(), 0)), part["count"].to_numpy())
        replay(f"RESPINOW {source}, Germany, weeks", counts, range(40, counts.shape[1] - 4), 1, 4, None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", action="store_true")
    quality() if parser.parse_args().scores else speed()
