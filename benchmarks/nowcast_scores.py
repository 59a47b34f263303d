"""Nowcasts as of past dates of the public triangles under $TOCSIN_SHARED: WIS and coverage, in two halves by date.

    python benchmarks/nowcast_scores.py                 every data set, both halves of its dates
    python benchmarks/nowcast_scores.py --published     date by date beside NobBS (dengue) and three others (STEC)
    python benchmarks/nowcast_scores.py --teams OUT     RESPINOW, the teams' own dates, for score_respinow.py --mine OUT

`cov` counts ends of an interval in, `pit` splits ties by chance: with few cases the first is over what was asked for
even where the second is right.
"""

import argparse
import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from tocsin.estimate import judged, nowcast, scores

SHARED = Path(os.environ.get("TOCSIN_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data" / "nowcast"
LEVELS, NAMES = nowcast.LEVELS, [f"q{level:g}" for level in nowcast.LEVELS]
WHOLE = (pl.col("location") == "DE") & (pl.col("age_group") == "00+")
KINDS = {
    "national": WHOLE,
    "by age": (pl.col("location") == "DE") & (pl.col("age_group") != "00+"),
    "by state": pl.col("location") != "DE",
}


class Data(NamedTuple):
    """A triangle (S, T, D + 1), its first day, and what is asked of it."""

    counts: np.ndarray
    first: date
    weekly: bool
    window: int
    ages: int
    steps: range
    total: bool = False

    def found(self, step: int, draws: int = 500) -> nowcast.Nowcast:
        weekday, days = (None, 7.0) if self.weekly else (self.first.weekday(), 1.0)
        seen, rng = judged.as_of(self.counts, step), np.random.default_rng(1)
        return nowcast.nowcast(seen, rng, weekday=weekday, step_days=days, draws=draws)


def triangle(table: pl.DataFrame, step: str, keys: list[tuple], most: int, days: int) -> tuple[np.ndarray, date]:
    """Counts (S, T, most + 1) of a long table with `delay` and `count`, and its first day."""
    first, last = table[step].min(), table[step].max()
    counts = np.zeros((len(set(keys)), (last - first).days // days + 1, most + 1))
    place = {key: i for i, key in enumerate(sorted(set(keys)))}
    at = (table[step] - first).dt.total_days().to_numpy() // days
    np.add.at(
        counts, ([place[k] for k in keys], at, np.maximum(table["delay"].to_numpy(), 0)), table["count"].to_numpy()
    )
    return counts, first


def german() -> tuple[np.ndarray, date]:
    table = pl.read_parquet(SHARED / "de_covid_hosp" / "triangle_DE_ages.parquet")
    return triangle(table, "reference_date", [(a,) for a in table["age_group"]], 40, 1)


def dengue() -> tuple[np.ndarray, date]:
    table = pl.read_csv(SHARED / "linelists" / "dengue_triangle.csv", try_parse_dates=True).rename({"n": "count"})
    table = table.filter(pl.col("delay") <= 10)
    return triangle(table, "onset_week", [()] * table.height, 10, 7)


def respinow(source: str, kind: str) -> tuple[np.ndarray, date, list[tuple]]:
    table = pl.read_parquet(SHARED / "respinow" / "triangles.parquet")
    table = table.filter(KINDS[kind], pl.col("delay") <= 4, source=source)
    keys = list(table.select("location", "age_group").iter_rows())
    return *triangle(table, "date", keys, 4, 7), sorted(set(keys))


def data_sets() -> Iterator[tuple[str, Data]]:
    counts, first = german()
    steps = counts.shape[1]
    yield "German hospitalisations, 7-day sums", Data(counts[:1], first, False, 7, 29, range(90, steps - 40, 2))
    yield "the same by age", Data(counts[1:], first, False, 7, 29, range(90, steps - 40, 3))
    yield "ages added up", Data(counts[1:], first, False, 7, 29, range(90, steps - 40, 3), total=True)
    yield "by age, single days", Data(counts[1:], first, False, 1, 29, range(90, steps - 40, 5))
    yield "as known after 20 days", Data(counts[:1, :, :21], first, False, 7, 15, range(110, steps - 20, 2))
    yield "by age, as known after 20 days", Data(counts[1:, :, :21], first, False, 7, 15, range(110, steps - 20, 4))
    yield "as known after 13 days", Data(counts[:1, :, :14], first, False, 7, 10, range(110, steps - 13, 2))
    counts, first = dengue()
    yield "dengue, Puerto Rico", Data(counts, first, True, 1, 11, range(100, counts.shape[1] - 10, 2))
    for source, name, kinds in (
        ("icosari/sari", "SARI", {"national": 1, "by age": 1}),
        ("survstat/influenza", "influenza", {"national": 1, "by age": 2, "by state": 3}),
    ):
        for kind, every in kinds.items():
            counts, first, _ = respinow(source, kind)
            begin = 6 if counts.shape[1] < 60 else 40
            yield f"{name}, {kind}", Data(counts, first, True, 1, 4, range(begin, counts.shape[1] - 4, every))


def halves(name: str, data: Data) -> None:
    chance, rows = np.random.default_rng(0), []
    final = np.cumsum(np.concatenate([np.zeros((len(data.counts), 1)), data.counts.sum(axis=2)], axis=1), axis=1)
    for step in data.steps:
        drawn = nowcast.windowed(data.found(step), judged.as_of(data.counts, step), data.window)[:, : data.ages]
        end = step + 1 - np.arange(drawn.shape[1])
        truth = final[:, end] - final[:, np.maximum(end - data.window, 0)]
        if data.total:
            drawn, truth = drawn.sum(axis=0, keepdims=True), truth.sum(axis=0, keepdims=True)
        quantiles = np.moveaxis(np.quantile(drawn, LEVELS, axis=-1), 0, -1)
        below, same = ((drawn < truth[..., None]).mean(axis=-1), (drawn == truth[..., None]).mean(axis=-1))
        pit = np.abs(below + chance.random(truth.shape) * same - 0.5)
        told = [scores.wis(quantiles, LEVELS, truth)]
        told += [scores.covered(quantiles, LEVELS, truth, share) for share in (0.5, 0.95)]
        rows.append([float(x.mean()) for x in (*told, pit <= 0.25, pit <= 0.475)])
    cut = (len(rows) + 1) // 2
    for half, part in (("earlier", rows[:cut]), ("later", rows[cut:])):
        wis, *cover = np.mean(part, axis=0)
        print(f"{name:36s} {half:8s} {len(part):3d} dates  WIS {wis:9.3f}  cov {cover[0]:.2f} {cover[1]:.2f}", end="")
        print(f"  pit {cover[2]:.2f} {cover[3]:.2f}")


def published() -> None:
    counts, first = dengue()
    data = Data(counts, first, True, 1, 11, range(0))
    theirs = pl.read_csv(SHARED / "linelists" / "dengue_nobbs.csv", try_parse_dates=True)
    for (now,), group in theirs.filter(dist="NB").partition_by("now", as_dict=True, maintain_order=True).items():
        step = (now - first).days // 7
        truth = counts[0, step - group["delay"].to_numpy()].sum(axis=1)
        ours = data.found(step, 1000).quantiles()[0, group["delay"].to_numpy()]
        both = [scores.wis(q, LEVELS, truth).mean() for q in (ours, group.select(NAMES).to_numpy())]
        print(f"dengue as of {now}  WIS {both[0]:.3f}  NobBS {both[1]:.3f}")
    cases = pl.read_csv(SHARED / "linelists" / "husO104Hosp.csv", try_parse_dates=True, null_values="NA").drop_nulls()
    theirs = pl.read_csv(SHARED / "linelists" / "husO104Hosp_surveillance_nowcast.csv", try_parse_dates=True)
    cases = cases.with_columns(delay=(pl.col("report") - pl.col("event")).dt.total_days(), count=pl.lit(1))
    for (now,), group in theirs.partition_by("now", as_dict=True, maintain_order=True).items():
        known = cases.filter(pl.col("report") <= now)
        step = (now - known["event"].min()).days
        most = min(int(known["delay"].max()), step - 1)
        counts, first = triangle(known, "event", [()] * known.height, most, 1)
        counts = np.concatenate([counts, np.zeros((1, step + 1 - counts.shape[1], most + 1))], axis=1)
        ours = Data(counts, first, False, 1, most, range(0)).found(step, 1000).quantiles()[0]
        for (method,), part in group.drop_nulls("q0.5").partition_by("method", as_dict=True).items():
            age = np.array([(now - day).days for day in part["event_date"]])
            near = age < len(ours)
            truth = part["final"].to_numpy().astype(float)[near]
            said = (ours[age[near]], part.select(NAMES).to_numpy().astype(float)[near])
            both = [scores.wis(q, LEVELS, truth).mean() for q in said]
            cover = [scores.covered(said[0], LEVELS, truth, share).mean() for share in (0.5, 0.95)]
            print(f"STEC as of {now}  WIS {both[0]:.3f}  cov {cover[0]:.2f} {cover[1]:.2f}  {method} {both[1]:.3f}")


def teams(out: Path) -> None:
    rows, sent = [], pl.read_parquet(SHARED / "respinow" / "submissions.parquet")
    for source in ("icosari/sari", "survstat/influenza"):
        days = sorted(sent.filter(source=source)["forecast_date"].unique())
        for kind in ("national", "by age", "by state") if "flu" in source else ("national", "by age"):
            counts, first, keys = respinow(source, kind)
            data = Data(counts, first, True, 1, 4, range(0))
            for day in days:
                step = (day - first).days // 7
                if 2 <= step < counts.shape[1]:
                    said = data.found(step, 1000).quantiles()[:, :4]
                    rows += [
                        (source, day, *key, first + timedelta(days=7 * (step - age)), -age, *said[s, age])
                        for s, key in enumerate(keys)
                        for age in range(said.shape[1])
                    ]
    names = ["source", "forecast_date", "location", "age_group", "target_end_date", "horizon", *NAMES]
    pl.DataFrame(rows, schema=names, orient="row").write_parquet(out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published", action="store_true")
    parser.add_argument("--teams", type=Path)
    asked = parser.parse_args()
    if asked.published:
        published()
    elif asked.teams:
        teams(asked.teams)
    else:
        for data_name, one in data_sets():
            halves(data_name, one)
