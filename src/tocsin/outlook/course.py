"""Where a signal is going: R, growth and doubling time from nowcast draws, local and imported cases apart. I/O."""

from dataclasses import dataclass

import numpy as np

from tocsin.calendar import DAY
from tocsin.config import IntervalTable, SignalTable
from tocsin.desk import Desk
from tocsin.errors import ConfigError, MethodError
from tocsin.estimate import aggregate, interval, renewal
from tocsin.outlook.picture import View, picture, table_of, view
from tocsin.types import Floats, Instant, Times, Title

PAST = 180  # steps looked at
DRAWS = 300
KEPT = 12
WEEKS, PATHS, EACH = 30, 20, 15  # of weekly counts: looked at, possible pasts, draws of R from each


@dataclass(frozen=True)
class Course:
    """One signal over the areas of a level (A), T steps, M draws: local (A, T, M) and imported cases (A, T, M).

    found: R of local cases, None where `why` says what forbids it. weights (K,): the interval, by steps;
    all 0 where it lies within a step.
    """

    areas: tuple[str, ...]
    times: Times
    local: Floats
    imported: Floats
    weights: Floats
    found: renewal.Renewal | None
    why: Title | None = None


def course(desk: Desk, signal: str, level: str, as_of: Instant, area: str | None = None) -> Course:
    """R and growth of a signal's local cases at a level (of one area, if named) as of a moment."""
    table = table_of(desk, signal)
    size = len(desk.columns(signal, as_of).step) + (
        len(desk.columns(table.imports, as_of).step) if table.imports else 0
    )
    key = ("course", signal, level, as_of, area, size)
    return desk.remember(key, KEPT, lambda: _course(desk, table, level, as_of, area))


def interval_of(table: SignalTable) -> tuple[float, float, str] | None:
    """Mean and sd in days of a signal's serial interval, and where they stand; None where none is set. ConfigError."""
    if isinstance(table.interval, IntervalTable):
        return table.interval.mean, table.interval.sd, "city.toml"
    if not table.interval:
        return None
    for known in interval.INTERVALS:
        if known.disease == table.interval:
            return known.mean, known.sd, known.cite
    there = ", ".join(i.disease for i in interval.INTERVALS)
    raise ConfigError(f"signals.{table.name}.interval: {table.interval!r} is not known; write mean and sd, or: {there}")


def local_and_imported(desk: Desk, table: SignalTable, level: str, as_of: Instant) -> tuple[View, View]:
    """Local and imported cases at a level, on the same steps."""
    own = picture(desk, table.name, as_of)
    if not table.imports:
        return view(desk, own, level, imported=False), view(desk, own, level, imported=True)
    here, there = view(desk, own, level), view(desk, picture(desk, table.imports, as_of), level)
    return here, aligned(there, here)


def aligned(there: View, here: View) -> View:
    """One view on the steps of another, 0 where it says nothing."""
    at = np.searchsorted(there.times, here.times)
    inside = (at < len(there.times)) & (there.times[np.minimum(at, len(there.times) - 1)] == here.times)
    full = there.history(len(there.times))
    draws = np.zeros((len(there.areas), len(here.times), full.shape[2]))
    draws[:, inside] = full[:, at[inside]]
    reported = np.zeros((len(there.areas), len(here.times)))
    reported[:, inside] = there.reported[:, at[inside]]
    return View(here.areas, here.times, reported, draws)


def _course(desk: Desk, table: SignalTable, level: str, as_of: Instant, area: str | None) -> Course:
    here, there = local_and_imported(desk, table, level, as_of)
    steps = min(PAST, len(here.times))
    rows = [here.areas.index(area)] if area is not None else list(range(len(here.areas)))
    areas, times = tuple(here.areas[i] for i in rows), here.times[-steps:]
    local, imported = (v.history(steps)[rows][:, :, :DRAWS] for v in (here, there))
    weights, why = _weights(desk, table, steps)
    if why is None and steps < 14:
        why = Title(f"只有 {steps} 期数据，不足以估计 Rt", f"a series of {steps} counts is too short for R")
    if why is not None:
        return Course(areas, times, local, imported, weights, None, why)
    abroad = imported.mean(axis=2)
    try:
        if not weights.any():
            return Course(areas, times, local, imported, weights, _within_weeks(table, local, abroad))
        found = renewal.estimate(local, weights, abroad, rng=np.random.default_rng(0), pooled=len(rows) > 1)
    except MethodError as e:
        return Course(areas, times, local, imported, weights, None, Title(str(e), str(e)))
    return Course(areas, times, local, imported, weights, found)


def _within_weeks(table: SignalTable, local: Floats, imported: Floats) -> renewal.Renewal:
    """R of weekly counts whose interval is shorter than a week: days are rebuilt inside each week (`aggregate`)."""
    said, steps = interval_of(table), min(WEEKS, local.shape[1])
    assert said is not None, table.name
    weights = interval.discretised(said[0], said[1], 7 * steps)
    log_r = np.full((*local.shape[:2], PATHS * EACH), np.nan)
    rng = np.random.default_rng(0)
    for a in np.flatnonzero(local[:, -steps:].any(axis=(1, 2))).tolist():
        paths = local[a, -steps:, :: local.shape[2] // PATHS][:, :PATHS].T
        log_r[a, -steps:] = aggregate.posterior_draws(paths, weights, imported[a, -steps:], rng, each=EACH)
    if np.isnan(log_r).all():
        raise MethodError("too few cases for R by weeks")
    return renewal.Renewal(log_r, weights, 7)


def _weights(desk: Desk, table: SignalTable, steps: int) -> tuple[Floats, Title | None]:
    """The interval by steps, and what forbids one; all 0 where it is shorter than a week's step."""
    said, length = interval_of(table), desk.step(table.name).minutes / DAY
    none = np.zeros(2)
    if said is None:
        return none, Title(
            f"city.toml 没有给 {table.name} 设代间隔（interval）", f"no interval is set for {table.name} in city.toml"
        )
    mean, sd = said[0] / length, said[1] / length
    if length == 7 and mean <= 1 < said[0]:
        return none, None
    if mean <= 1:
        return none, Title(
            f"代间隔 {said[0]:g} 天不长于上报周期 {table.step}，Rt 需要更短的周期",
            f"the interval of {said[0]:g} days is no longer than a step of {table.step}: R needs shorter steps",
        )
    return interval.discretised(mean, sd, max(steps, 2)), None
