"""Elsewhere: who comes to the city from where, what goes on there, and who of them comes home ill. Pure.

Shapes: O origins, 51 streets, K months, T days of the city.
"""

from typing import NamedTuple

import numpy as np

from tocsin.sim.chance import stream
from tocsin.sim.days import Days
from tocsin.sim.people import People
from tocsin.types import Floats, Ints, Times

INFECTED = 14  # days from infection to onset at most: who comes home in between falls ill here


class Origin(NamedTuple):
    """A made-up country: travellers a day; new dengue infections a day per 100,000, and its season there."""

    name: str
    travellers: float
    incidence: float
    peak: int  # day of the year with most infections
    season: float  # log of the peak over the middle


ORIGINS = (
    Origin("Coral Isles", 480, 1.1, 260, 0.7),
    Origin("Mangrove Coast", 360, 1.5, 300, 0.6),
    Origin("Monsoon Delta", 270, 1.0, 220, 0.9),
    Origin("Southern Highlands", 150, 1.2, 60, 0.8),  # south of the equator
)


class Abroad(NamedTuple):
    """travellers (O, 51) a day; months (K,), their first days; incidence (O, K) a day per 100,000 from then on."""

    travellers: Floats
    months: Times
    incidence: Floats


def abroad(seed: int, folk: People, days: Days) -> Abroad:
    """The tables as they are written, rounded: what is drawn from them is drawn from what a reader sees."""
    rng = stream(seed, "abroad")
    share = folk.population / folk.population.sum()
    pull = rng.gamma(8, 1 / 8, (len(ORIGINS), len(share)))  # people of one street like to go to one country
    travellers = np.array([[o.travellers] for o in ORIGINS]) * share * pull
    month = days.date[[0, -1]].astype("datetime64[M]")
    months = np.arange(month[0] - 2, month[1] + 1).astype("datetime64[D]")
    of_year = (months - months.astype("datetime64[Y]")).astype(np.int64) + 15
    wave = [o.incidence * np.exp(o.season * np.cos(2 * np.pi * (of_year - o.peak) / 365.25)) for o in ORIGINS]
    return Abroad(travellers.round(1), months, (np.array(wave) * rng.lognormal(0, 0.2, (len(wave), 1))).round(2))


def imported(seed: int, far: Abroad, days: Days) -> Ints:
    """(51, T) cases of dengue who were infected abroad: Poisson about travellers × infections of the last 14 days."""
    when = np.arange(days.date[0] - (INFECTED - 1), days.date[-1] + 1)
    rate = far.incidence[:, np.searchsorted(far.months, when, side="right") - 1] / 1e5
    recent = np.lib.stride_tricks.sliding_window_view(rate, INFECTED, axis=1).sum(axis=2)
    return np.asarray(stream(seed, "imported").poisson(far.travellers.T @ recent))
