"""Planted outbreaks: what each kind does to which signals, where and when. Pure.

Spread by renewal: today's infections are the mixing matrix times R(t) times past infections weighted by the generation
interval (Cori et al. 2013, eq. 1, with several places); cases are Poisson about a share of them.
"""

from dataclasses import dataclass, field

import numpy as np

from tocsin.sim.days import Days
from tocsin.sim.geography import STREETS, Ground
from tocsin.sim.people import People
from tocsin.types import Floats, Ints

CITY = -1  # in `areas`: the whole city


@dataclass
class Outbreak:
    """What was planted: added cases by signal (51, T); of these `travellers` were infected elsewhere.

    `lift` (T,) is what is added to the log of the wastewater concentration; `absent` (51, T) to the pupils absent.
    """

    kind: str
    start: int  # day index of the first exposure or infection
    cases: dict[str, Ints]
    travellers: Ints | None = None  # (51, T) imported cases of lab.dengue
    absent: Ints | None = None
    lift: Floats | None = None
    areas: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Stage:
    """What all kinds of outbreaks need to know."""

    ground: Ground
    people: People
    days: Days

    @property
    def length(self) -> int:
        return len(self.days.date)

    def near(self, street: int, n: int) -> list[int]:
        """A street and up to n of its neighbours, those of its own district first."""
        beside = np.flatnonzero(self.ground.neighbours[street])
        abroad = self.ground.district[beside] != self.ground.district[street]
        return [street, *beside[np.argsort(abroad, kind="stable")][:n].tolist()]

    def place(self, rng: np.random.Generator, street: int | list[int], day: Ints) -> Ints:
        """(51, T) one case for each day given, in the street or one of the streets; days beyond the end are lost."""
        grid = np.zeros((STREETS, self.length), dtype=np.int64)
        where = rng.choice(np.atleast_1d(street), len(day))
        kept = (day >= 0) & (day < self.length)
        np.add.at(grid, (where[kept], day[kept]), 1)
        return grid

    def away(self, ill: Ints, share: float, rng: np.random.Generator, span: int = 3) -> Ints:
        """(51, T) pupils absent: a share of the ill, each for `span` days, counted on school days."""
        who = rng.binomial(ill, min(share, 1.0))
        total = sum(np.pad(who, ((0, 0), (k, 0)))[:, : self.length] for k in range(span))
        return np.asarray(total * self.days.school)


def point_source(stage: Stage, rng: np.random.Generator, start: int) -> Outbreak:
    """One meal in one street: incubation log-normal, median 1.4 days."""
    street, n = int(rng.integers(STREETS)), int(rng.integers(25, 60))
    onset = start + np.floor(rng.lognormal(np.log(1.4), 0.45, n)).astype(np.int64)
    tested = onset[rng.uniform(size=n) < 0.2] + 1
    calls = onset[rng.uniform(size=n) < 0.12]
    placed = {"ed.gi": stage.place(rng, street, onset), "lab.noro": stage.place(rng, street, tested)}
    return Outbreak("point_source", start, placed | {"hotline.12345": stage.place(rng, street, calls)}, areas=[street])


def waterborne(stage: Stage, rng: np.random.Generator, start: int) -> Outbreak:
    """A water main shared by a street and its neighbours, foul at once, then less each day until it is clean."""
    streets, n = stage.near(int(rng.integers(STREETS)), 3), int(rng.integers(520, 640))
    exposed = start + np.floor(rng.exponential(2.0, n).clip(0, 8)).astype(np.int64)
    onset = exposed + np.floor(rng.lognormal(np.log(1.4), 0.45, n)).astype(np.int64)
    tested = onset[rng.uniform(size=n) < 0.12] + 1
    calls = onset[rng.uniform(size=n) < 0.15]
    ill = stage.place(rng, streets, onset)
    placed = {"ed.gi": ill, "lab.noro": stage.place(rng, streets, tested)}
    placed["hotline.12345"] = stage.place(rng, streets, calls)
    return Outbreak("waterborne", start, placed, absent=stage.away(ill, 0.4, rng), areas=streets)


def school_rash(stage: Stage, rng: np.random.Generator, start: int) -> Outbreak:
    """Hand, foot and mouth disease: one child, then most of a class, then their friends, five days apart."""
    street = int(rng.integers(STREETS))
    onset = [start + 5 * g + np.round(rng.normal(0, 0.8, rng.poisson(n) + 1)) for g, n in enumerate((1, 24, 12))]
    day = np.maximum(np.concatenate(onset), start).astype(np.int64)
    ill = stage.place(rng, street, day)
    return Outbreak("school_rash", start, {"ed.fever_rash": ill}, absent=stage.away(ill, 0.9, rng), areas=[street])


def dengue(stage: Stage, rng: np.random.Generator, start: int) -> Outbreak:
    """A traveller comes home ill; then local generations by mosquito, about 14 days apart, in and near the street."""
    street = int(rng.integers(STREETS))
    near = stage.near(street, 2)
    arrived = stage.place(rng, street, np.full(1, start))
    onset = [
        start + 14 * (g + 1) + np.round(rng.normal(0, 3, rng.poisson(n) + 2)).astype(np.int64)
        for g, n in enumerate((4, 10, 9))
    ]
    return Outbreak(
        "dengue",
        start,
        {"lab.dengue": stage.place(rng, [street, *near], np.concatenate(onset))},
        travellers=arrived,
        areas=near,
    )


def ili_wave(stage: Stage, rng: np.random.Generator, start: int) -> Outbreak:
    """A respiratory virus that spreads from one street along commuting until people take care (R falls)."""
    street, size = int(rng.integers(STREETS)), int(rng.integers(900, 1500))
    span = 49
    weights = np.array([0.1, 0.3, 0.3, 0.2, 0.1])  # generation interval, days 1 … 5
    ill = np.zeros((STREETS, span + 5))
    ill[street, 5] = 1.0
    for t in range(1, span):
        spread = 0.6 + 1.9 / (1 + np.exp((t - 17) / 2.5))
        past = ill[:, t : t + 5] @ weights[::-1]
        ill[:, t + 5] += spread * (stage.people.mixing.T @ past)
    expected = np.zeros((STREETS, stage.length))
    shown = min(span, stage.length - start)
    expected[:, start : start + shown] = (ill[:, 5:] * size / ill.sum())[:, :shown]
    cases = rng.poisson(expected)
    most = np.argsort(-cases.sum(axis=1), kind="stable")
    held = np.cumsum(cases.sum(axis=1)[most])
    touched = most[: int(np.searchsorted(held, 0.8 * held[-1])) + 1].tolist()  # the streets with 80 % of the cases
    return Outbreak("ili_wave", start, {"ed.ili": cases}, absent=stage.away(cases, 0.5, rng), areas=touched)


def city_wave(stage: Stage, rng: np.random.Generator, start: int) -> Outbreak:
    """A slow wave over the whole city, seen in the sewage nine days before the emergency departments."""
    t = np.arange(stage.length) - start
    width = 15.0
    bump = np.exp(-0.5 * ((t - 48) / width) ** 2) * (t >= 9)
    share = stage.people.population / stage.people.population.sum()
    cases = rng.poisson(rng.uniform(55, 80) * share[:, None] * bump)
    calls = rng.poisson(7 * share[:, None] * bump)
    lift = np.log(rng.uniform(7, 10)) * np.exp(-0.5 * ((t - 39) / width) ** 2) * (t >= 0)
    found = {"ed.ili": cases, "hotline.12345": calls}
    return Outbreak("city_wave", start, found, absent=stage.away(cases, 0.3, rng), lift=lift, areas=[CITY])


KINDS = {f.__name__: f for f in (city_wave, dengue, ili_wave, point_source, school_rash, waterborne)}
