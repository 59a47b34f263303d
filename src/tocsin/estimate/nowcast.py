"""How many there will have been: chain ladder and local trend, the spread learnt from past errors. Pure.

Shapes: S strata, T reference steps, D + 1 delays, A past as-of steps, H = D + 1 ages of a reference step (0 = newest),
M draws. Three moves, none of them iterative:

1. Each step's final count is judged twice: by what is known of it, divided by the share usually known by then
   (`delay.factors`), and by the trend of the steps before. A Kalman filter on log incidence with Poisson counts weighs
   them (local linear trend; West & Harrison 1997, ch. 14): early counts with few cases lean on the trend.
2. The same is done as of each past step, with what was known then. Where the truth is known by now, the errors tell how
   wrong nowcasts of that age are: variance G + σ²G², G the cases still to come (quasi-Poisson plus common error).
3. Draws: a log-normal shock of that σ, correlated over neighbouring ages and over strata as the errors were, times a
   Poisson. With net corrections in the data, which may go down, a normal of the same variance instead.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tocsin.estimate import delay, replay, spread
from tocsin.types import Floats, Ints

LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])
PAST = 84  # as-of steps replayed
LEVEL_VARIANCE = 1e-4  # of log incidence, of a day; a longer step's level may move all one way: times its days squared
SLOPE_VARIANCES = (1e-4, 1e-3, 1e-5, 1e-6)  # of its daily growth, per day: what did best in the past, else the first
LEAN = 3.0  # the most by which what strata say is to come is scaled to what their sum says
TOGETHER = (0.0, 0.5, 1.0)  # how far that goes, on the logarithm: what did best in the past
JUDGES = 8  # strata, the fullest ones, by which that is chosen


@dataclass(frozen=True, slots=True)
class Nowcast:
    """known, mean, sigma (S, H) and draws (S, H, M) of final counts by age; `past` the replayed means (S, A, H)."""

    known: Floats
    mean: Floats
    sigma: Floats
    draws: Floats
    past: Floats

    def quantiles(self, levels: Floats = LEVELS) -> Floats:
        """Quantiles of the draws, (S, H, Q)."""
        return np.moveaxis(np.quantile(self.draws, levels, axis=-1), 0, -1)


def nowcast(
    triangle: Floats,
    rng: np.random.Generator,
    *,
    weekday: int | None = None,
    step_days: float = 1.0,
    draws: int = 1000,
) -> Nowcast:
    """Nowcast the last D + 1 steps of a triangle (S, T, D + 1) or (T, D + 1), as of its last step.

    Cells not yet due (t + d ≥ T) are not looked at. `weekday` of the first step (Monday 0) for daily steps, else None.
    Raises MethodError if a due cell is missing.
    """
    counts = delay.checked(triangle)
    strata = _trended(counts, weekday, step_days)
    if len(counts) > 1:
        strata = _reconciled(counts, strata, _trended(counts.sum(axis=0, keepdims=True), weekday, step_days))
    known, mean, gross, _ = strata
    error, weight = spread.errors(counts, known, mean, gross)
    sigma = spread.sigma(error, gross, weight, counts.shape[1], strata.strayed)
    linked = spread.links(error, gross, sigma, weight)
    signed = bool((counts < 0).any())
    drawn = spread.draw(known[:, -1], mean[:, -1], gross[:, -1], sigma, linked, signed, draws, rng)
    return Nowcast(known[:, -1], mean[:, -1], sigma, drawn, mean)


class _Trended(NamedTuple):
    """As of each replayed step: what was known, mean final counts, cases in motion; all (S, A, H).

    strayed (H,): the variance that single deliveries tell of, see `spread.stray`.
    """

    known: Floats
    mean: Floats
    gross: Floats
    strayed: Floats


def _trended(counts: Floats, weekday: int | None, step_days: float) -> _Trended:
    """Chain ladder and local trend of each stratum by itself, as stiff as did best in the past."""
    keep = min(PAST, counts.shape[1])
    day, period = (0, 1) if weekday is None else (weekday, 7)
    factor = delay.factors(counts, weekday=weekday, keep=keep, step_days=step_days)
    down = replay.corrections(counts, keep, delay.memory(step_days)[0])
    known, share, motion = replay.ladder(counts, factor, down, day)
    noise = spread.share_noise(counts, known, known / share)
    strayed = spread.stray(known, share, motion, factor, counts.shape[1] - keep + day)
    final = counts.sum(axis=2)

    def run(slope: float, rows: Ints) -> tuple[Floats, Floats]:
        variance = np.array([LEVEL_VARIANCE * step_days**2, slope * step_days**3])
        return replay.with_trend(final[rows], known[rows], share[rows], motion[rows], noise, variance, day, period)

    fullest = np.argsort(-final.sum(axis=1), kind="stable")[:JUDGES]
    top = known[fullest]
    slope = min(SLOPE_VARIANCES, key=lambda s: _loss(counts[fullest], _Trended(top, *run(s, fullest), strayed)))
    return _Trended(known, *run(slope, np.arange(len(counts))), strayed)


def _reconciled(counts: Floats, strata: _Trended, pool: _Trended) -> _Trended:
    """Strata whose cases to come add up to what their sum says: it sees a turn long before any one of them does.

    Drawn towards what they say themselves by one case, by a factor of LEAN at most, and not at all or half-way where
    that did better in the past.
    """
    to_come = strata.mean - strata.known
    own = np.maximum(to_come, 0).sum(axis=0)
    together = np.maximum(pool.mean - pool.known, 0)[0]
    whole = np.log(np.clip((together + 1) / (own + 1), 1 / LEAN, LEAN))

    def drawn(part: float) -> _Trended:
        factor = np.exp(part * whole)
        mean = strata.known + np.where(to_come > 0, to_come * factor, to_come)
        return strata._replace(mean=mean, gross=strata.gross * factor)

    def lost(found: _Trended) -> float:
        """Of the strata, and of their sum in the same measure: who asks for the city asks for the sum."""
        known, mean, gross = (part.sum(axis=0, keepdims=True) for part in (found.known, found.mean, found.gross))
        summed = _Trended(known, mean, gross, found.strayed)
        of_sum = _loss(counts.sum(axis=0, keepdims=True), summed)
        return _loss(counts, found) / float(np.sqrt(len(counts))) + of_sum

    return min((drawn(part) for part in TOGETHER), key=lost)


def _loss(counts: Floats, found: _Trended) -> float:
    """How wrong replayed nowcasts were: absolute errors, in standard deviations of what was known."""
    error, weight = spread.errors(counts, *found[:3])
    return float((weight * np.abs(error) / np.sqrt(np.maximum(np.nan_to_num(found.known), 1))).sum())


def history(found: Nowcast, triangle: Floats) -> Floats:
    """Draws (S, T, M) of the whole series, oldest step first: as reported where complete, nowcast where not.

    What `renewal.estimate` takes, so that R knows how much is still to come.
    """
    counts = delay.checked(triangle)
    full = np.repeat(counts.sum(axis=2)[:, :, None], found.draws.shape[2], axis=2)
    full[:, counts.shape[1] - counts.shape[2] :] = found.draws[:, ::-1]
    return full


def windowed(found: Nowcast, triangle: Floats, window: int) -> Floats:
    """Draws (S, H, M) of sums over `window` steps ending at each age; steps older than D are as reported."""
    older = delay.checked(triangle).sum(axis=2)[:, ::-1][:, found.draws.shape[1] :][:, : window - 1]
    draws = found.draws.shape[2]
    near = np.concatenate([found.draws, np.broadcast_to(older[:, :, None], (*older.shape, draws))], axis=1)
    summed = np.cumsum(np.concatenate([np.zeros_like(near[:, :1]), near], axis=1), axis=1)
    out: Floats = summed[:, window:] - summed[:, :-window]
    return out
