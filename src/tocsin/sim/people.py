"""The people: how many live where, and where they go by day. Pure."""

from dataclasses import dataclass

import numpy as np

from tocsin.sim.chance import stream
from tocsin.sim.geography import RADIUS, Ground
from tocsin.types import Floats

CITY_POPULATION = 2_600_000
COMMUTERS = 0.35  # share of residents who leave their street on a working day


@dataclass(frozen=True)
class People:
    """population (51,) residents, pupils (51,), commuting (51, 51) people from a street (row) to another (column)."""

    population: Floats
    pupils: Floats
    commuting: Floats

    @property
    def mixing(self) -> Floats:
        """(51, 51): where the contacts of a street's people are; rows sum to 1, most of them at home."""
        away = self.commuting + self.commuting.T
        rows = away / away.sum(axis=1, keepdims=True)
        return np.asarray(0.8 * np.eye(len(rows)) + 0.2 * rows)


def people(ground: Ground, seed: int) -> People:
    """Residents, denser at the centre; commuters by a gravity law, jobs × exp(−distance / 5 km)."""
    rng = stream(seed, "people")
    out = np.hypot(*ground.site.T)
    weight = np.exp(-0.5 * (out / RADIUS) ** 2) * rng.lognormal(0, 0.3, len(out))
    population = np.round(CITY_POPULATION * weight / weight.sum())
    pupils = np.round(population * rng.uniform(0.09, 0.13, len(out)))
    jobs = population * np.exp(-out / 9) * rng.lognormal(0, 0.3, len(out))
    apart = np.hypot(*(ground.site[:, None] - ground.site).transpose(2, 0, 1))
    pull = jobs * np.exp(-apart / 5)
    np.fill_diagonal(pull, 0)
    commuting = np.round(COMMUTERS * population[:, None] * pull / pull.sum(axis=1, keepdims=True))
    return People(population, pupils, commuting)
