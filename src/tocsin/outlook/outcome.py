"""How severe: outcomes of a signal's cases (admissions, deaths) as a share of those old enough to have one. I/O."""

import zlib
from typing import NamedTuple

import numpy as np

from tocsin.calendar import DAY
from tocsin.config import OutcomeTable
from tocsin.desk import Desk
from tocsin.estimate import severity
from tocsin.outlook.course import aligned
from tocsin.outlook.picture import picture, table_of, view
from tocsin.types import Floats, Instant

DRAWS = 200  # of both nowcasts


class Ratio(NamedTuple):
    """One outcome of one signal in the whole city: shares, each at 2.5, 50 and 97.5 %."""

    outcome: OutcomeTable
    cases: float
    outcomes: float
    crude: tuple[float, float, float]
    adjusted: tuple[float, float, float]
    known: float  # of the cases, the share old enough


def ratios(desk: Desk, signal: str, as_of: Instant) -> list[Ratio]:
    """The ratio of every outcome that city.toml names for a signal, over all the steps looked at."""
    table, top = table_of(desk, signal), desk.tree.levels[0]
    cases = view(desk, picture(desk, signal, as_of), top)
    days = desk.step(signal).minutes / DAY
    found = []
    for o in table.outcomes:
        came = aligned(view(desk, picture(desk, o.signal, as_of), top), cases)
        steps = len(cases.times)
        ill, then = (v.history(steps)[0, :, :DRAWS] for v in (cases, came))
        weights = severity.delay(o.mean / days, o.sd / days, steps)
        rng = np.random.default_rng([desk.settings.city.seed, zlib.crc32(o.signal.encode())])
        crude, adjusted, known = severity.possible(ill, then, weights, rng)
        total, became = float(ill.sum(axis=0).mean()), float(then.sum(axis=0).mean())
        found.append(Ratio(o, total, became, _three(crude), _three(adjusted), known))
    return found


def _three(values: Floats) -> tuple[float, float, float]:
    low, middle, high = (float(x) for x in values)
    return low, middle, high
