"""What if: a signal's infections over the next days under measures, from its current nowcast and R. I/O."""

from typing import NamedTuple

import numpy as np

from tocsin.calendar import DAY
from tocsin.desk import Desk
from tocsin.errors import InputError, MethodError
from tocsin.estimate import mixing as commuting
from tocsin.estimate import scenario
from tocsin.outlook import travel
from tocsin.outlook.course import course
from tocsin.outlook.picture import table_of
from tocsin.types import Floats, Instant, Minute

DRAWS = 200
PAST = 90  # steps: what still infects
STAY_SD = 0.6  # of a stay in hospital, relative to its mean
LEVELS = np.array([0.025, 0.25, 0.5, 0.75, 0.975])


class Asked(NamedTuple):
    """The sliders. Shares from 0 to 1; days from the first day ahead; `areas` (codes), () for all of them."""

    days: int = 42
    areas: tuple[str, ...] = ()
    start: int = 0
    lasting: int = 42
    contacts: float = 1.0  # relative to now
    travel: float = 1.0  # share of trips between areas that is left
    vaccinated: float = 0.0  # share of the susceptible made immune per day
    isolated: float = 0.0  # share of cases isolated …
    isolated_after: int = 2  # … so many days after their own infection
    admitted: float = 0.02  # share of cases that need a bed …
    stay_days: float = 7.0  # … for so many days
    seed: int = 1


class Fan(NamedTuple):
    """The city's daily cases and beds, quantiles (H, Q), and what all areas have in the end, (A, Q)."""

    cases: Floats
    total: Floats  # (Q,)
    beds: Floats
    beds_peak: Floats  # (Q,)
    by_area: Floats


class WhatIf(NamedTuple):
    """The same chance without and with the measures; days gained (Q,) on what would be reached half-way without."""

    areas: tuple[str, ...]
    first: Minute
    levels: Floats
    without: Fan
    measured: Fan
    gained: Floats
    averted: Floats  # (Q,) cases
    mixed: bool  # whether a commuting table ties the areas together


class Start(NamedTuple):
    """What runs begin with: areas (A), the last day, past infections (A, L, M), R (A, M), the interval, who meets whom.

    imports (A,): imported cases a day of the last four weeks. mixed: whether a commuting table ties the areas together.
    """

    areas: tuple[str, ...]
    last: Minute
    past: Floats
    r: Floats
    weights: Floats
    mixing: Floats
    mixed: bool
    population: Floats
    imports: Floats


def start(desk: Desk, signal: str, level: str, as_of: Instant) -> Start:
    """Where a signal stands as of a moment. MethodError if R is not known."""
    step = desk.step(table_of(desk, signal).name)
    found, whole = course(desk, signal, level, as_of), course(desk, signal, desk.tree.levels[0], as_of)
    if found.found is None or whole.found is None or step.minutes != DAY:
        why = found.why or whole.why
        raise MethodError(f"no what-if for {signal}: {why.en if why else 'its step is not a day'}")
    past = (found.local + found.imported)[:, -PAST:, :DRAWS]
    log_r = found.found.log_r[:, -1, :DRAWS]
    r = np.exp(np.where(np.isnan(log_r), np.nan_to_num(whole.found.log_r[:, -1, :DRAWS]), log_r))
    mixing, mixed = travel.mixing(desk, found.areas)
    population = np.array([desk.tree[a].population for a in found.areas])
    return Start(
        found.areas, int(found.times[-1].astype(np.int64)), past, commuting.restated(r, past, found.weights, mixing),
        found.weights, mixing, mixed, np.where(population > 0, population, 1e9),
        found.imported[:, -28:].mean(axis=(1, 2)),
    )  # fmt: skip


def whatif(desk: Desk, signal: str, level: str, as_of: Instant, asked: Asked) -> WhatIf:
    """Run the city on from what is known as of a moment. MethodError if R is not known; InputError."""
    here = start(desk, signal, level, as_of)
    unknown = sorted(set(asked.areas) - set(here.areas))
    if unknown:
        raise InputError(f"areas: {unknown[0]!r} is not at level {level}")
    where = np.isin(here.areas, asked.areas) if asked.areas else np.ones(len(here.areas), dtype=bool)
    measure = scenario.Measure(
        where, asked.start, asked.start + asked.lasting, asked.contacts, asked.travel, asked.vaccinated, asked.isolated,
        asked.isolated_after,
    )  # fmt: skip

    def run(measures: tuple[scenario.Measure, ...]) -> Floats:
        rng = np.random.default_rng(asked.seed)
        # Each run has imports of its own: one chance for all of them would pass for certainty.
        size = len(here.areas), asked.days, here.past.shape[2]
        chance = rng.poisson(here.imports[:, None, None], size).astype(np.float64)
        return scenario.simulate(
            here.past, here.r, here.weights, here.mixing, here.population, asked.days, rng, measures=measures,
            arrivals=chance,
        ).infections  # fmt: skip

    without, measured = run(()), run((measure,))
    total = without.sum(axis=0), measured.sum(axis=0)
    half = float(np.median(total[0].cumsum(axis=0), axis=1)[asked.days // 2])
    gained = scenario.days_gained(total[0].cumsum(axis=0), total[1].cumsum(axis=0), max(half, 1.0))
    before = here.past.sum(axis=0)
    return WhatIf(
        here.areas, here.last + DAY, LEVELS, _fan(without, before, asked), _fan(measured, before, asked),
        _quantiles(gained), _quantiles(total[0].sum(axis=0) - total[1].sum(axis=0)), here.mixed,
    )  # fmt: skip


def _fan(infections: Floats, before: Floats, asked: Asked) -> Fan:
    """Quantiles of infections (A, H, M) to come, after those `before` (L, M), of whom some still lie in beds."""
    city = infections.sum(axis=0)
    days = np.arange(len(before) + asked.days)
    stay = 1 / (1 + (days / asked.stay_days) ** (1 / STAY_SD * 1.5))  # 1 on the first day, a half after the mean stay
    expected = scenario.beds(np.concatenate([before, city]), asked.admitted, np.ones(1), stay)[len(before) :]
    beds = scenario.by_chance(expected, np.random.default_rng([asked.seed, 2]))
    return Fan(
        _quantiles(city), _quantiles(city.sum(axis=0)), _quantiles(beds), _quantiles(beds.max(axis=0)),
        _quantiles(infections.sum(axis=1)),
    )  # fmt: skip


def _quantiles(draws: Floats) -> Floats:
    return np.asarray(np.moveaxis(np.quantile(draws, LEVELS, axis=-1), 0, -1))
