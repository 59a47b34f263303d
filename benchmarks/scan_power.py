"""How soon a daily prospective scan tells a planted cluster, and how much of it: power, day, overlap, by model.

    python benchmarks/scan_power.py [--studies N] [--replicates R]

100 places at random, 120 days, thirty cases a day in all or three, reported after 0, 1, 2 … days (geometric, 1.5 in the
mean). From day 1 on the five nearest places of a random one have so many times the risk. A scan every evening for
ten days sees what is reported by then; it tells if chance shows its best cluster once in a year or less often and the
cluster shares a place with the planted one. `ebp` holds reports against what is usual, `ebp, nowcast` against that
times the share of each day that is reported by then (here the true share), as the beat does for a signal with
`judge = "nowcast"`. Overlap, on the evening it is told: places shared / places in either.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from tocsin.scan import Settings, Stream, Study, neighbours, scan

PLACES, BEFORE, AFTER = 100, 110, 10
STAYS = 0.6  # share of the unreported that is still unreported a day later
RARE = 365.0  # days
MODELS = ("permutation", "poisson", "ebp", "ebp, nowcast")


class World(NamedTuple):
    """One made-up city: where, how many live there, cases (places, days, delay), and which places are planted."""

    points: np.ndarray
    people: np.ndarray
    cases: np.ndarray
    planted: frozenset[str]


def world(rng: np.random.Generator, a_day: float, risk: float) -> World:
    """Cases by place, day and delay; the risk of five places raised from day BEFORE on."""
    points, people = rng.uniform(0, 10, (PLACES, 2)), rng.gamma(2, 1, PLACES)
    ill = np.argsort(((points - points[rng.integers(PLACES)]) ** 2).sum(axis=1))[:5]
    mean = np.repeat(people[:, None] * (a_day / people.sum()), BEFORE + AFTER, axis=1)
    mean[ill, BEFORE:] *= risk
    delays = (1 - STAYS) * STAYS ** np.arange(AFTER + 30)
    cases = rng.poisson(mean[:, :, None] * delays)
    return World(points, people, cases, frozenset(name(i) for i in ill))


def name(place: int) -> str:
    """Names in byte order."""
    return f"{place:03d}"


def seen(of: World, day: int) -> tuple[np.ndarray, np.ndarray]:
    """What is reported by the evening of a day (places, days), and the share of each day's cases that is."""
    days = np.arange(day + 1)
    known = np.stack([of.cases[:, t, : day - t + 1].sum(axis=1) for t in days], axis=1)
    return known, 1 - STAYS ** (day - days + 1.0)


def study(of: World, model: str, day: int) -> Study:
    """What a scan of a model looks at on the evening of a day."""
    known, share = seen(of, day)
    held = None
    if model == "poisson":
        held = np.outer(of.people, np.ones(day + 1))
        held *= known.sum() / held.sum()
    if model.startswith("ebp"):
        usual = of.cases[:, : BEFORE - 30].sum(axis=(1, 2)) / (BEFORE - 30)
        smooth = (usual.sum() * of.people / of.people.sum() + usual) / 2  # few cases: half its own, half its people's
        held = np.outer(smooth, share if model == "ebp, nowcast" else np.ones(day + 1))
    names = tuple(name(i) for i in range(PLACES))
    return Study(names, of.points, False, np.arange(day + 2), (Stream(known, held),))


def told(of: World, model: str, asked: Settings) -> tuple[int, float]:
    """The first evening (1 … AFTER) on which the planted cluster is told, and the overlap then; 0, nan: never."""
    table = None
    for after in range(AFTER):
        made = study(of, model, BEFORE + after)
        table = neighbours(made, asked) if table is None else table
        best = scan(made, replace(asked, model=model.removesuffix(", nowcast"), seed=after), table).clusters[:1]
        for c in best:
            places = set(c.members)
            if c.recurrence_days >= RARE and places & of.planted:
                return after + 1, len(places & of.planted) / len(places | of.planted)
    return 0, float("nan")


def quiet(of: World, model: str, asked: Settings) -> bool:
    """Whether a scan of the last evening tells anything where nothing is planted."""
    best = scan(study(of, model, BEFORE + AFTER - 1), replace(asked, model=model.removesuffix(", nowcast"))).clusters[
        :1
    ]
    return any(c.recurrence_days >= 20 for c in best)


def line(found: Sequence[tuple[int, float]]) -> str:
    """Power by the third, seventh and tenth evening, the middle day, the mean overlap."""
    days = np.array([d for d, _ in found])
    by = "  ".join(f"{np.mean((days > 0) & (days <= d)):6.0%}" for d in (3, 7, 10))
    first = f"{np.median(days[days > 0]):.0f}" if (days > 0).any() else "-"
    overlap = np.array([o for _, o in found])
    shown = f"{np.nanmean(overlap):.2f}" if (days > 0).any() else "-"
    return f"{by}  {first:>10s}  {shown:>7s}"


def main() -> None:
    """A line a model and planted risk; and how often null days are told at p ≤ 0.05."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=100)
    parser.add_argument("--replicates", type=int, default=999)
    options = parser.parse_args()
    asked = Settings(model="permutation", prospective=True, min_window=2, max_window=14, p_value="default")
    asked = replace(asked, replicates=options.replicates, min_cases=2, threads=2)
    print("cases/day  risk  model           by day 3  by 7   by 10  middle day  overlap", flush=True)
    for a_day, risk in ((30.0, 1.0), (30.0, 2.0), (30.0, 4.0), (3.0, 8.0)):
        for model in MODELS:
            rng = np.random.default_rng(20240229)
            worlds = [world(rng, a_day, risk) for _ in range(options.studies * (3 if risk == 1 else 1))]
            said = f"{a_day:9.0f}  {risk:4g}  {model:14s}"
            if risk == 1:
                share = np.mean([quiet(of, model, replace(asked, seed=i)) for i, of in enumerate(worlds)])
                print(f"{said}  once in 20 days or rarer: {share:.1%} of {len(worlds)} null days", flush=True)
            else:
                print(f"{said}  {line([told(of, model, asked) for of in worlds])}", flush=True)


if __name__ == "__main__":
    main()
