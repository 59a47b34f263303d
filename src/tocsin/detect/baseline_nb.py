"""Our own: each step against a negative binomial around a baseline of level, trend, season, weekday and days off. Pure.

What it owes: harmonics, Serfling (1963); quasi-likelihood, weighing down past outbreaks, Farrington et al. (1996) and
Noufaily et al. (2013). What is ours: one batched fit a month for all series, a weak prior on every effect so that it
works from four weeks of history up, and a predictive distribution that knows how little it knows.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

from tocsin.calendar import DAY
from tocsin.detect import baseline, contract, predictive
from tocsin.detect.contract import require, steps_per_year
from tocsin.types import Alarms, Bools, Floats, Ints, Panel

BLOCK_DAYS = 28  # one fit serves so long
LEAST_DAYS = 28  # of history, to speak at all
LEAST_STEPS = 8
ROWS = 256  # series fitted at once


class _Control(NamedTuple):
    years: float
    harmonics: int
    trend: bool
    alpha: float
    threshold: float
    gap_weeks: float
    population_offset: bool
    log: bool
    leave_out: Sequence[Sequence[str]]


def baseline_nb(
    panel: Panel,
    start: int,
    *,
    years: float = 7.0,
    harmonics: int = 2,
    trend: bool = True,
    alpha: float = 0.01,
    weights_threshold: float = 2.58,
    gap_weeks: float = 2.0,
    population_offset: bool = False,
    log: bool = False,
    leave_out: Sequence[Sequence[str]] = (),
) -> Alarms:
    """upper: where p, the predictive's mid-p, passes alpha. Readings: Student's t, of their logs if `log`.

    The baseline is fitted to `years` years up to the last 28-day mark and `gap_weeks` before it; past steps over
    weights_threshold deviations count less. population_offset: rates by the panel's exposure. leave_out: [from, to]
    dates of known outbreaks, both included. With less than a year of history the last quarter alone is the baseline.
    """
    control = _Control(years, harmonics, trend, alpha, weights_threshold, gap_weeks, population_offset, log, leave_out)
    _check(control, panel)
    shape = (len(panel.y), panel.y.shape[1] - start)
    out = np.full((4, *shape), np.nan)
    y, offset = _scaled(panel, control)
    usable = y.copy()
    usable[:, _left_out(panel, leave_out)] = np.nan
    for first, last, until in _blocks(panel, start, control):
        for begin, some in _of_an_age(panel, y, until, years):
            rows = np.r_[begin:until, first:last]
            of = baseline.design(panel.time[rows], panel.holiday[rows], panel.step, until - begin, harmonics, trend)
            fitted = baseline.fit(
                usable[some, begin:until], offset[some, begin:until], of, panel.kind, weights_threshold
            )
            ahead = of.X[until - begin :]
            known = (~np.isnan(usable[some, begin:until])).sum(axis=1)
            judge = _counts if panel.kind == "count" else _readings
            told = judge(y[some, first:last], offset[some, first:last], fitted, ahead, known, control)
            out[:, some, first - start : last - start] = np.where(known[:, None] >= _least(panel.step), told, np.nan)
    return Alarms(*out)


def needs_baseline_nb(step: int, years: float = 7.0, gap_weeks: float = 2.0) -> int:
    """The years, the gap and a block; MethodError for steps shorter than a day."""
    require(step >= DAY, "baseline_nb: steps are days, weeks or months; choose ears_c2 for shorter ones")
    return round(years * steps_per_year(step)) + _gap(step, gap_weeks) + 2 * _block(step)


def _check(c: _Control, panel: Panel) -> None:
    require(0 < c.years <= 20, f"baseline_nb: years is {c.years}; it is over 0 and at most 20")
    require(0 <= c.harmonics <= 6, f"baseline_nb: harmonics is {c.harmonics}; it lies between 0 and 6")
    require(0 < c.alpha < 0.5, f"baseline_nb: alpha is {c.alpha}; it lies between 0 and 0.5")
    require(c.threshold > 0, f"baseline_nb: weights_threshold is {c.threshold}; it is more than 0")
    require(0 <= c.gap_weeks <= 52, f"baseline_nb: gap_weeks is {c.gap_weeks}; it lies between 0 and 52")
    require(not c.log or panel.kind == "measure", "baseline_nb: log is for readings; counts are modelled as they are")


def _block(step: int) -> int:
    return max(BLOCK_DAYS * DAY // step, 1)


def _gap(step: int, weeks: float) -> int:
    return round(weeks * 7 * DAY / step)


def _least(step: int) -> int:
    return max(LEAST_DAYS * DAY // step, LEAST_STEPS)


def _of_an_age(panel: Panel, y: Floats, until: int, years: float) -> Iterator[tuple[int, Ints]]:
    """Where a baseline begins, and series (at most ROWS) for which it does; none for which there is too little.

    It begins `years` before. What a series can tell goes by its own record, not by how far back the panel reaches:
    with less than two years there is no trend, with less than one no season, and the last quarter is the baseline.
    """
    year, known = steps_per_year(panel.step), ~np.isnan(y[:, :until])
    oldest = max(until - round(years * year), 0)
    age = np.where(known.any(axis=1), until - np.maximum(known.argmax(axis=1), oldest), 0)
    quarter = max(baseline.LOCAL_WEEKS * baseline.WEEK // panel.step, _least(panel.step))
    for least, most, reach in ((2 * year, np.inf, until), (year, 2 * year, 2 * year - 1), (1, year, quarter)):
        begin = max(oldest, until - reach)
        mine = np.flatnonzero((age >= least) & (age < most))
        if until - begin >= _least(panel.step):
            yield from ((begin, mine[i : i + ROWS]) for i in range(0, len(mine), ROWS))


def _blocks(panel: Panel, start: int, c: _Control) -> list[tuple[int, int, int]]:
    """Steps [first, last) that one fit serves, and where its baseline ends; marks stand at the same civil times."""
    steps, size = panel.y.shape[1], _block(panel.step)
    if start >= steps:
        return []
    offset = int(panel.time[0].astype("datetime64[m]").astype(np.int64)) // panel.step
    marks = range((offset + start) // size, (offset + steps - 1) // size + 1)
    found = []
    for mark in marks:
        lower = mark * size - offset
        first, last, until = max(lower, start), min(lower + size, steps), lower - _gap(panel.step, c.gap_weeks)
        least = _least(panel.step)
        if until < least:  # a young series: up to the very step, once there is enough
            found += [(t, t + 1, t) for t in range(max(first, least), last)]
        else:
            found.append((first, last, until))
    return found


def _scaled(panel: Panel, c: _Control) -> tuple[Floats, Floats]:
    """What is fitted, and log exposures (0 where none are asked for)."""
    y = panel.y
    if c.log:
        with np.errstate(divide="ignore", invalid="ignore"):
            y = np.where(y > 0, np.log(y), np.nan)
    if not c.population_offset:
        return y, np.zeros_like(y)
    sound = panel.exposure > 0
    return np.where(sound, y, np.nan), np.log(np.where(sound, panel.exposure, 1.0))


def _left_out(panel: Panel, periods: Sequence[Sequence[str]]) -> Bools:
    """Steps (T,) that begin in one of the periods."""
    days, out = panel.time.astype("datetime64[D]"), np.zeros(len(panel.time), dtype=np.bool_)
    for period in periods:
        require(len(period) == 2, f"baseline_nb: leave_out has {period!r}; write [from, to], two dates")
        out |= (days >= np.datetime64(period[0], "D")) & (days <= np.datetime64(period[1], "D"))
    return out


def _counts(y: Floats, offset: Floats, f: baseline.Fit, ahead: Floats, known: Floats, c: _Control) -> Floats:
    """expected, upper, score and p (4, N, H) of counts."""
    mean = np.exp(np.clip(f.effects @ ahead.T + offset, -30, 40))
    # The variance of the mean over dispersion and mean: its log's variance times the mean.
    unsure = mean * np.einsum("hp,npq,hq->nh", ahead, f.covariance, ahead, optimize=True)
    ratio = np.broadcast_to(f.dispersion[:, None], mean.shape)
    n = np.broadcast_to((f.freedom + 1)[:, None], mean.shape)
    told = mean, *predictive.granted(mean, ratio, n), unsure
    p = predictive.averaged(y, *told)
    flat = [np.ascontiguousarray(x).reshape(-1) for x in told]
    upper = predictive.averaged_bound(c.alpha, *flat).reshape(mean.shape)
    p = np.where(np.isnan(y), np.nan, p)
    return np.stack([mean, upper, contract.score(y, mean, upper), p])


def _readings(y: Floats, offset: Floats, f: baseline.Fit, ahead: Floats, known: Floats, c: _Control) -> Floats:
    """expected, upper, score and p (4, N, H) of readings, or of their logs."""
    mean = f.effects @ ahead.T
    unsure = np.einsum("hp,npq,hq->nh", ahead, f.covariance, ahead, optimize=True)
    sd, freedom = np.sqrt(f.dispersion[:, None] * (1 + unsure)), f.freedom[:, None]
    upper = mean + special.stdtrit(freedom, 1 - c.alpha) * sd
    settled = predictive.settled(sd, mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(settled > 0, special.stdtr(freedom, (mean - y) / sd), np.nan)
    score = np.where(settled > 0, contract.score(y, mean, upper), np.where(np.isnan(y), np.nan, 0.0))
    if c.log:
        mean, upper = np.exp(mean), np.exp(upper)
    return np.stack([mean, upper, score, p])
