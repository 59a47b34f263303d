"""What if: infections by area over the next steps, under measures one chooses. Pure.

Shapes: A areas, L past steps, H steps ahead, M draws, K interval lags (0 …). A renewal process on a network (Fraser
2007, PLoS ONE 2:e758; areas tied by who meets whom, as in Keeling & Rohani 2008, ch. 7):

    I_a,t ~ NegativeBinomial(mean = R_a · S_a,t / N_a · Σ_b m_ab,t √(c_a,t c_b,t) Σ_k w_k,t I_b,t−k ,  size = mean · k)

R is what it is now, S the susceptible, m who infects whom (columns sum to 1: `mixing`), c contacts relative to now, w
the interval, cut short by isolation, k the dispersion of offspring (for R near 1). It is an SEIR model whose generation
interval is w. It answers "what if nothing else changes", and is not a forecast.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tocsin.errors import MethodError
from tocsin.types import Bools, Floats

ASSUMPTIONS = (
    "R stays what it is now, but for the measures and the susceptible used up",
    "Everyone of an area meets alike; no ages, no households",
    "Measures work at once, for as long as they are said to last, and everyone keeps to them as said",
    "No seasons, no new variants, no waning immunity; no imports unless given",
    "Infections and cases are one: what is not reported is not here",
)

MOST = 400.0  # expected: from there on Poisson is as good as normal


@dataclass(frozen=True, slots=True)
class Measure:
    """What is done in some areas (A,) from step `start` up to, not with, `end` (0 = the first step ahead)."""

    areas: Bools
    start: int
    end: int
    contacts: float = 1.0  # contacts relative to now
    travel: float = 1.0  # share of the usual mixing between areas that is left
    vaccinated: float = 0.0  # share of the susceptible made immune per step (doses × efficacy)
    isolated: float = 0.0  # share of cases isolated …
    isolated_after: int = 0  # … so many steps after their own infection


class Outcome(NamedTuple):
    """Infections (A, H, M) and susceptible at the end (A, M)."""

    infections: Floats
    susceptible: Floats


def simulate(
    past: Floats,
    r: Floats,
    weights: Floats,
    mixing: Floats,
    population: Floats,
    steps: int,
    rng: np.random.Generator,
    *,
    susceptible: Floats | None = None,
    measures: tuple[Measure, ...] = (),
    arrivals: Floats | None = None,
    dispersion: float = 0.5,
) -> Outcome:
    """Simulate `steps` ahead from past infections (A, L, M) and R (A, M), each draw by itself.

    mixing (A, A): of those whom a case of area b (column) infects, the share that lives in area a (row); population and
    susceptible (A,), everyone if not given; arrivals: infected who arrive, (A, H), or (A, H, M) where they are chance.
    Runs of one seed share their chance step by step, so that what differs between them is the measures. MethodError on
    shapes or shares that cannot be.
    """
    areas, length, draws = past.shape
    if mixing.shape != (areas, areas) or np.abs(mixing.sum(axis=0) - 1).max() > 1e-6 or (mixing < 0).any():
        raise MethodError(f"mixing {mixing.shape}: one column an area, shares that sum to 1")
    if r.shape != (areas, draws) or population.shape != (areas,) or not (dispersion > 0):
        raise MethodError(f"R {r.shape}, population {population.shape}: need ({areas}, {draws}) and ({areas},)")
    size = min(weights.size, length + steps)
    infections = np.zeros((areas, length + steps, draws))
    infections[:, :length] = past
    come = np.zeros((areas, steps, 1)) if arrivals is None else arrivals
    come = come[:, :, None] if come.ndim == 2 else come
    left = np.repeat((population if susceptible is None else susceptible)[:, None].astype(np.float64), draws, axis=1)
    for h, chance in enumerate(rng.spawn(steps)):
        t = length + h
        meeting, kept, immune = _measured(measures, h, mixing, weights[:size])
        lags = np.arange(1, min(size, t + 1))
        pressure = np.einsum("ak,akm->am", kept[:, lags], infections[:, t - lags])
        mean = r * (left / population[:, None]) * (meeting @ pressure)
        new = chance.poisson(chance.gamma(np.maximum(mean * dispersion, 1e-12), 1 / dispersion))
        new = np.minimum(new, np.floor(left)).astype(np.float64)
        left = (left - new) * (1 - immune[:, None])
        infections[:, t] = new + come[:, h]
    return Outcome(infections[:, length:], left)


def _measured(measures: tuple[Measure, ...], h: int, mixing: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Mixing times contacts (A, A), interval weights by infecting area (A, K) and immunised share (A,) in step h."""
    areas = mixing.shape[0]
    contacts, open_, immune = np.ones(areas), np.ones(areas), np.zeros(areas)
    kept = np.repeat(weights[None], areas, axis=0)
    for m in measures:
        if not m.start <= h < m.end:
            continue
        if not (m.contacts >= 0 and 0 <= m.travel <= 1 and 0 <= m.vaccinated <= 1 and 0 <= m.isolated <= 1):
            raise MethodError(f"{m}: contacts from 0 up, the other shares from 0 to 1")
        contacts[m.areas] *= m.contacts
        open_[m.areas] *= m.travel
        immune[m.areas] = 1 - (1 - immune[m.areas]) * (1 - m.vaccinated)
        late = np.arange(weights.size) > m.isolated_after
        kept[np.ix_(m.areas, late)] *= 1 - m.isolated
    between = mixing * np.sqrt(np.outer(open_, open_))
    np.fill_diagonal(between, 0)
    own = 1 - between.sum(axis=0)  # who does not travel meets people at home
    return (between + np.diag(own)) * np.sqrt(np.outer(contacts, contacts)), kept, immune


def beds(infections: Floats, ratio: float, delay: Floats, stay: Floats) -> Floats:
    """Expected beds in use (…, H, M): `ratio` admitted after `delay` (K,), still there on day j with `stay` (J,).

    `stay` is 1 on the day of admission and falls. Infections before the first step are not counted: put the past in
    front, and take the newer steps.
    """
    use = np.convolve(delay, stay)
    steps = infections.shape[-2]
    matrix = np.zeros((steps, steps))
    for lag in range(min(steps, use.size)):
        matrix += use[lag] * np.eye(steps, k=-lag)
    return np.asarray(ratio * np.einsum("ts,...sm->...tm", matrix, infections))


def by_chance(expected: Floats, rng: np.random.Generator) -> Floats:
    """Whole numbers (…, H, M), Poisson about what is `expected`: beds are taken by people, not by shares of people.

    A path is a unit-rate Poisson process that every draw has for itself, read at each day's expectation: the same seed
    has the same chance, and less expected is never more. Over MOST points, the process goes on as its normal limit.
    """
    rows = np.moveaxis(expected, -2, -1).reshape(-1, expected.shape[-2])  # (…·M, H)
    most = min(float(rows.max(initial=0.0)), MOST)
    points = rng.standard_exponential((int(most + 7 * np.sqrt(most)) + 12, len(rows))).cumsum(axis=0).T
    found = np.stack([np.searchsorted(p, row) for p, row in zip(points, rows, strict=True)]).astype(np.float64)
    if rows.max(initial=0.0) > MOST:
        z = (np.array([np.searchsorted(p, MOST) for p in points]) - MOST) / np.sqrt(MOST)
        far = np.rint(np.maximum(rows + np.sqrt(rows) * z[:, None], 0))
        found = np.where(rows > MOST, far, found)
    return np.moveaxis(found.reshape(*expected.shape[:-2], expected.shape[-1], -1), -1, -2)


def days_gained(without: Floats, with_measures: Floats, level: float) -> Floats:
    """Steps (M,) by which reaching `level` is put off, for totals (H, M) of the same seed; H if it is never reached."""

    def first(total: Floats) -> Floats:
        above = total >= level
        steps: Floats = np.where(above.any(axis=0), above.argmax(axis=0), total.shape[0]).astype(np.float64)
        return steps

    put_off: Floats = first(with_measures) - first(without)
    return put_off
