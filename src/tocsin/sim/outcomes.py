"""What becomes of the ill: who is admitted or dies, and how many days later. Pure."""

from typing import NamedTuple

import numpy as np

from tocsin.types import Ints, Title


class Outcome(NamedTuple):
    """A share of one signal's cases, gamma-distributed days (mean, sd) later: another signal, under the word sent."""

    signal: str
    of: str
    title: Title
    word: str
    share: float
    mean: float
    sd: float


OUTCOMES = (
    Outcome("adm.ili", "ed.ili", Title("流感样病例住院", "ILI admissions"), "流感样病例住院", 0.035, 3, 2),
    Outcome("death.ili", "ed.ili", Title("流感样病例死亡", "ILI deaths"), "流感样病例死亡", 0.002, 12, 6),
    Outcome("adm.dengue", "lab.dengue", Title("登革热住院", "Dengue admissions"), "登革热住院", 0.3, 4, 2),
)


def drawn(rng: np.random.Generator, what: Outcome, day: Ints) -> tuple[Ints, Ints]:
    """Of cases on days (n,): the positions of those who come to it, in order of time, and the days on which they do."""
    who = np.flatnonzero(rng.uniform(size=len(day)) < what.share)
    wait = np.round(rng.gamma((what.mean / what.sd) ** 2, what.sd**2 / what.mean, len(who))).astype(np.int64)
    order = np.argsort(day[who] + wait, kind="stable")
    return who[order], (day[who] + wait)[order]
