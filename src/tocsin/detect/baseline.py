"""A baseline of level, trend, season, day of week and days off, fitted to many series at once. Pure.

Poisson quasi-likelihood with a weak prior on every effect, so that a short or empty record gives a plain answer instead
of none; past steps that stand out are weighed down (Farrington et al. 1996, Noufaily et al. 2013).
"""

from typing import NamedTuple

import numpy as np

from tocsin.calendar import DAY
from tocsin.detect import baseline_lanes
from tocsin.detect.contract import steps_per_year
from tocsin.types import Bools, Floats, Ints, Kind, Times

WEEK = 7 * DAY
LOCAL_WEEKS = 13  # with less than a year there is no season: the last quarter is the baseline
SD_TREND, SD_SEASON, SD_WEEKDAY, SD_HOLIDAY = 0.3, 1.0, 0.5, 0.5  # of log effects, the trend's a year


class Design(NamedTuple):
    """Columns (T, p) for baseline and tested steps alike, and each column's prior precision (p,), 0 for the level.

    at: where the seven columns of the weekday begin, -1 if there are none; day (T,) which of them is a step's own.
    """

    X: Floats
    precision: Floats
    at: int
    day: Ints


class Fit(NamedTuple):
    """Of N series: effects (N, p), covariance (N, p, p) per unit of dispersion, dispersion (N,), weights (N, T)."""

    effects: Floats
    covariance: Floats
    dispersion: Floats
    freedom: Floats
    weights: Floats


def design(time: Times, holiday: Bools, step: int, known: int, harmonics: int, trend: bool) -> Design:
    """The columns for steps at `time`, the first `known` of them baseline; what they are too few to tell is left out.

    Trend: two years. Harmonics: one from a year on, all from two. Day of week: daily steps, four weeks.
    """
    year, days = steps_per_year(step), time.astype("datetime64[D]").astype(np.int64)
    at = (days - (days[known - 1] if known else 0)) / 365.25
    columns, sd = [np.ones(len(time))], [np.inf]
    if trend and known >= 2 * year:
        columns.append(at)
        sd.append(SD_TREND)
    for k in range(1, (0 if known < year else 1 if known < 2 * year else harmonics) + 1):
        columns += [np.cos(2 * np.pi * k * at), np.sin(2 * np.pi * k * at)]
        sd += [SD_SEASON, SD_SEASON]
    at_weekday, weekday = -1, np.zeros(len(time), np.int64)
    if step == DAY and known >= 28:
        at_weekday, weekday = len(columns), (days + 3) % 7
        columns += [(weekday == d) - 1 / 7 for d in range(7)]
        sd += [SD_WEEKDAY] * 7
    if step == DAY and holiday.any():
        columns.append(holiday.astype(np.float64))
        sd.append(SD_HOLIDAY)
    return Design(np.stack(columns, axis=1), 1 / np.square(sd), at_weekday, weekday)


def fit(y: Floats, offset: Floats, of: Design, kind: Kind, threshold: float) -> Fit:
    """Fit y (N, T), NaN left out, with log exposures `offset` (N, T), weighing down what is over `threshold` sds.

    Each series stops by itself when its weights rest, so that none depends on those it is fitted with.
    """
    (n, rows), p = y.shape, len(of.precision)
    if kind == "measure":
        return _normal(y, of, threshold)
    found = Fit(np.zeros((n, p)), np.zeros((n, p, p)), np.ones(n), np.ones(n), np.zeros((n, rows)))
    dense = np.delete(of.X[:rows], np.s_[of.at : of.at + 7] if of.at >= 0 else [], axis=1)
    shares = np.ascontiguousarray(offset) if offset.any() else np.zeros((1, 1))
    baseline_lanes.fit_all(
        np.ascontiguousarray(y), shares, np.ascontiguousarray(dense), of.day[:rows], of.at, of.precision, threshold,
        *found,
    )  # fmt: skip
    return found


def _normal(y: Floats, of: Design, threshold: float) -> Fit:
    """The same for readings, by weighted least squares."""
    X, seen = of.X[: y.shape[1]], ~np.isnan(y)
    precision = of.precision / 16  # a log effect of 1: four deviations of readings
    target, weights, going = np.where(seen, y, 0.0), seen.astype(np.float64), np.arange(len(y))
    effects, covariance = _least_squares(target, X, precision, weights)
    dispersion, freedom = _dispersion(target, effects @ X.T, weights, covariance, precision)
    for _ in range(baseline_lanes.ROUNDS):
        with np.errstate(divide="ignore", invalid="ignore"):
            apart = (y[going] - effects[going] @ X.T) / np.sqrt(dispersion[going, None])
            again = np.where(seen[going], np.where(apart > threshold, (threshold / apart) ** 2, 1.0), 0.0)
        moving = np.abs(again - weights[going]).max(axis=1, initial=0) >= baseline_lanes.RESTED
        going, again = going[moving], again[moving]
        if not len(going):
            break
        weights[going] = again
        effects[going], covariance[going] = _least_squares(target[going], X, precision, again)
        fitted = effects[going] @ X.T
        dispersion[going], freedom[going] = _dispersion(target[going], fitted, again, covariance[going], precision)
    return Fit(effects, covariance, dispersion, freedom, weights)


def _least_squares(y: Floats, X: Floats, precision: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Effects (N, p) and their covariance per unit of variance."""
    total = np.maximum(weights.sum(axis=1), 1)
    centre = (weights * y).sum(axis=1) / total
    A = np.einsum("nt,tp,tq->npq", weights, X, X, optimize=True)
    k = np.arange(X.shape[1])
    A[:, k, k] += precision + 1e-9 * (1 + A[:, k, k])  # a touch more for what cannot be told apart
    effects = np.linalg.solve(A, ((weights * (y - centre[:, None])) @ X)[:, :, None])[:, :, 0]
    effects[:, 0] += centre
    return effects, np.asarray(np.linalg.inv(A), dtype=np.float64)


def _dispersion(
    y: Floats, fitted: Floats, weights: Floats, covariance: Floats, precision: Floats
) -> tuple[Floats, Floats]:
    """The variance of readings, and the degrees of freedom it was told from."""
    # Effects that the prior holds back cost less than one degree of freedom each: the trace of the smoother.
    used = len(precision) - np.einsum("npp,p->n", covariance, precision)
    freedom = np.maximum(weights.sum(axis=1) - used, 1.0)
    return (weights * (y - fitted) ** 2).sum(axis=1) / freedom, freedom
