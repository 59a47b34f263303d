"""Which outbreaks are planted when: two a quarter, and a full last ninety days with two of them going on. Pure."""

import numpy as np

from tocsin.sim.chance import stream
from tocsin.sim.days import Days
from tocsin.sim.outbreaks import KINDS, Outbreak, Stage

QUARTER, BURN_IN = 91, 70
# days before the end, kind; waterborne and ili_wave are still going on at the end
LAST = (
    (84, "city_wave"),
    (66, "dengue"),
    (47, "point_source"),
    (31, "school_rash"),
    (17, "ili_wave"),
    (3, "waterborne"),
)
_INSTEAD = {"dengue": "ili_wave", "school_rash": "point_source"}
_TURNS = ("point_source", "ili_wave", "school_rash", "dengue", "point_source", "city_wave", "school_rash", "waterborne")


def planned(seed: int, days: Days) -> list[tuple[int, str]]:
    """(day index, kind) in order of time. Out of its season a kind gives its place to another."""
    rng = stream(seed, "plan")
    end = len(days.date) - 1
    found = [(end - before, kind) for before, kind in LAST if end - before >= BURN_IN]
    last = end - 95
    turns = [str(k) for k in rng.permutation(_TURNS)]
    while last - QUARTER >= BURN_IN:
        halves = rng.integers(0, QUARTER // 2, 2) + np.array([1, QUARTER // 2 + 1])
        found += [(last - int(back), turns.pop()) for back in halves]
        turns = turns or [str(k) for k in rng.permutation(_TURNS)]
        last -= QUARTER
    return sorted((start, kind if _in_season(kind, start, days) else _INSTEAD[kind]) for start, kind in found)


def planted(seed: int, stage: Stage) -> list[Outbreak]:
    """The outbreaks of a seed, in order of their start."""
    plan = planned(seed, stage.days)
    return [KINDS[kind](stage, stream(seed, f"outbreak {i}"), start) for i, (start, kind) in enumerate(plan)]


def _in_season(kind: str, start: int, days: Days) -> bool:
    """Mosquitoes need May to October; a school outbreak needs a school that is open."""
    if kind == "dengue":
        return 120 <= int(days.of_year[start]) <= 290
    if kind == "school_rash":
        return bool(days.school[start : start + 21].sum() >= 10)
    return True
