"""Where a sequential method begins: a sum that runs on is begun afresh at fixed times, so that none is kept. Pure.

A method that adds up evidence from step to step would, live, need to keep its sum between ticks. Instead its runs begin
at civil times that depend on nothing but `memory`: time is cut into blocks of `memory` steps, and what is said in a
block comes of a run that began with the block before it, so it remembers between one and two memories' worth.
"""

from typing import NamedTuple

import numpy as np

from tocsin.calendar import DAY
from tocsin.detect import loglinear
from tocsin.detect.contract import require, steps_per_year
from tocsin.types import Floats, Panel

LEAST = 8  # steps of history that an in-control mean is taken from, at least


class Run(NamedTuple):
    """One run: trained on steps [trained, began), begun at `began`, heard on steps [first, last)."""

    trained: int
    began: int
    first: int
    last: int


def runs(panel: Panel, start: int, memory_years: float | None, train_years: float) -> list[Run]:
    """The runs that say something of steps `start … T-1`.

    memory_years=None: one run that begins at `start`, trained on all before it, as the methods were published.
    """
    steps = panel.y.shape[1]
    if memory_years is None:
        return [Run(0, start, start, steps)]
    memory, train = lengths(panel.step, memory_years, train_years)
    # The step's number since 1970, so that blocks begin at the same civil time whatever the panel begins with.
    offset = int(panel.time[0].astype("datetime64[m]").astype(np.int64)) // panel.step if steps else 0
    found = []
    for block in range((offset + start) // memory, (offset + steps - 1) // memory + 1):
        lower, upper = block * memory - offset, (block + 1) * memory - offset
        began = max(lower - memory, min(LEAST, steps))
        first, last = max(lower, start, began), min(upper, steps)
        if first < last:
            found.append(Run(max(began - train, 0), began, first, last))
    return found


def lengths(step: int, memory_years: float, train_years: float) -> tuple[int, int]:
    """Both in steps, at least LEAST each; MethodError for lengths that are none."""
    require(0 < memory_years <= 10, f"memory_years is {memory_years}; it is over 0 and at most 10, or null: no end")
    require(0 < train_years <= 20, f"train_years is {train_years}; it lies over 0 and is at most 20")
    year = steps_per_year(step)
    return max(round(memory_years * year), LEAST), max(round(train_years * year), LEAST)


def needs(step: int, memory_years: float | None, train_years: float) -> int:
    """Two memories and what the in-control mean is taken from; with no end to memory, no more than LEAST."""
    require(step <= 31 * DAY, "steps are at most a month")
    if memory_years is None:
        return LEAST
    memory, train = lengths(step, memory_years, train_years)
    return 2 * memory + train


def in_control(
    panel: Panel, run: Run, *, harmonics: int, trend: bool, alpha: Floats | None, bounded: bool = True
) -> tuple[Floats, Floats]:
    """The means (N, last - began) a run expects while nothing happens, and alpha (N,), from its training steps.

    bounded: leave out a trend and a season that the training steps are too short to tell, two years and one.
    """
    year, known = steps_per_year(panel.step), run.began - run.trained
    if bounded:
        harmonics, trend = (harmonics if known >= year else 0), trend and known >= 2 * year
    X = loglinear.seasonal(np.arange(1, run.last - run.trained + 1), year, harmonics, trend)
    if known < X.shape[1]:
        nothing = np.full((len(panel.y), run.last - run.began), np.nan)
        return nothing, np.zeros(len(panel.y))
    return loglinear.predict(panel.y[:, run.trained : run.began], X[:known], X[known:], alpha, bounded)
