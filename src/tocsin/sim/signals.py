"""What is usual: the expected counts of every signal by street and day, and the chance around them. Pure."""

from typing import NamedTuple

import numpy as np

from tocsin.sim.chance import stream
from tocsin.sim.days import Days
from tocsin.sim.people import People
from tocsin.types import Floats, Ints


class Usual(NamedTuple):
    """One signal of single cases in usual times."""

    mean: float  # cases a day in the whole city
    peak: int  # day of the year with most cases
    season: float  # log of the peak over the middle
    weekday: tuple[float, ...]  # Monday … Sunday
    holiday: float  # factor on days off


_ED = (1.12, 1.02, 0.98, 0.97, 0.99, 0.96, 0.96)
_LAB = (1.25, 1.15, 1.10, 1.10, 1.05, 0.75, 0.60)
_CALLS = (1.20, 1.10, 1.05, 1.05, 1.05, 0.80, 0.75)

CASES = {
    "ed.ili": Usual(105, 15, 0.55, _ED, 0.90),
    "ed.gi": Usual(52, 355, 0.20, _ED, 0.92),
    "ed.fever_rash": Usual(8, 150, 0.45, _ED, 0.92),
    "lab.noro": Usual(5, 350, 0.60, _LAB, 0.6),
    "hotline.12345": Usual(27, 200, 0.10, _CALLS, 0.75),
}


def usual(seed: int, people: People, days: Days) -> dict[str, Ints]:
    """signal → (51, T) cases: Poisson about population × season × weekday × day off × street × a shared day."""
    share = people.population / people.population.sum()
    found = {}
    for name, u in CASES.items():
        rng = stream(seed, name)
        street = rng.gamma(20, 1 / 20, len(share))
        day = rng.gamma(400, 1 / 400, len(days.date))  # a good or bad day for all: 5 %
        shape = days.wave(u.peak, u.season) * np.array(u.weekday)[days.weekday]
        shape = shape * np.where(days.holiday, u.holiday, 1.0) * day
        found[name] = rng.poisson(u.mean * (street * share)[:, None] * shape)
    return found


def absence(seed: int, people: People, days: Days) -> Ints:
    """(51, T) pupils absent in usual times, −1 where there is no school: a share of 0.3 to 0.5 %, more in winter."""
    rng = stream(seed, "school.absence")
    rate = 0.0035 * rng.gamma(40, 1 / 40, len(people.pupils))[:, None] * days.wave(10, 0.3)
    rate = rate * np.array([1.12, 1.0, 0.97, 0.98, 1.05, 1.0, 1.0])[days.weekday]
    rate = rate * rng.gamma(600, 1 / 600, len(days.date))
    absent = rng.binomial(people.pupils.astype(np.int64)[:, None], rate)
    return np.where(days.school, absent, -1)


def wastewater(seed: int, plants: int, days: Days, lift: Floats) -> tuple[Ints, Ints, Floats]:
    """(plant, day, copies per litre) of weekly samples, each plant on its own weekday; log-normal, sd 0.25.

    `lift` (T,) is the log of what outbreaks add to the usual concentration.
    """
    rng = stream(seed, "ww.sars2")
    level = np.log(rng.lognormal(np.log(2.2e4), 0.3, plants))
    plant, day = np.nonzero(np.arange(plants)[:, None] % 4 == days.weekday)
    mean = level[plant] + np.log(days.wave(15, 0.15))[day] + lift[day]
    return plant, day, np.exp(mean + rng.normal(0, 0.25, len(day)))


def air(seed: int, stations: int, days: Days) -> Floats:
    """(stations, T) PM2.5 in µg/m³: log of an AR(1) that stations share, worse in winter, plus their own noise."""
    rng = stream(seed, "air.pm25")
    push = rng.normal(0, 0.42 * np.sqrt(1 - 0.7**2), len(days.date))
    weather = np.zeros(len(push))
    for t in range(1, len(push)):
        weather[t] = 0.7 * weather[t - 1] + push[t]
    here = np.log(rng.lognormal(np.log(29), 0.1, stations))[:, None]
    return np.asarray(np.exp(here + weather + np.log(days.wave(5, 0.35)) + rng.normal(0, 0.08, (stations, len(push)))))
