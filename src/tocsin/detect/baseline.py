"""A baseline of level, trend, season, day of week and days off, fitted to many series at once. Pure.

Poisson quasi-likelihood with a weak prior on every effect, so that a short or empty record gives a plain answer instead
of none; past steps that stand out are weighed down (Farrington et al. 1996, Noufaily et al. 2013).
"""

from typing import NamedTuple

import numpy as np

from tocsin.calendar import DAY
from tocsin.detect.contract import steps_per_year
from tocsin.types import Bools, Floats, Kind, Times

WEEK = 7 * DAY
ROUNDS = 4  # of weighing
STEPS = 40  # of Newton, at most
STALE = 0.1  # a step over which the curvature is looked at afresh
LOCAL_WEEKS = 13  # with less than a year there is no season: the last quarter is the baseline
SD_TREND, SD_SEASON, SD_WEEKDAY, SD_HOLIDAY = 0.3, 1.0, 0.5, 0.5  # of log effects, the trend's a year


class Design(NamedTuple):
    """Columns (T, p) for baseline and tested steps alike, and each column's prior precision (p,), 0 for the level."""

    X: Floats
    precision: Floats


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
    if step == DAY and known >= 28:
        weekday = (days + 3) % 7
        columns += [(weekday == d) - 1 / 7 for d in range(7)]
        sd += [SD_WEEKDAY] * 7
    if step == DAY and holiday.any():
        columns.append(holiday.astype(np.float64))
        sd.append(SD_HOLIDAY)
    return Design(np.stack(columns, axis=1), 1 / np.square(sd))


class _Basis(NamedTuple):
    """Columns (T, p), the products of every two of them (T, p (p + 1) / 2), and prior precisions (p,)."""

    X: Floats
    pairs: Floats
    precision: Floats


def fit(y: Floats, offset: Floats, of: Design, kind: Kind, threshold: float) -> Fit:
    """Fit y (N, T), NaN left out, with log exposures `offset` (N, T), weighing down what is over `threshold` sds.

    Each series stops by itself when its weights rest, so that none depends on those it is fitted with.
    """
    X, seen = of.X[: y.shape[1]], ~np.isnan(y)
    # One case spread over the record keeps an empty series from a level of nothing at all.
    spread_case = (1 / np.maximum(seen.sum(axis=1), 1))[:, None] if kind == "count" else 0.0
    target = np.where(seen, y + spread_case, 0.0)
    solve = _poisson if kind == "count" else _normal
    precision = of.precision if kind == "count" else of.precision / 16  # a log effect of 1: four deviations of readings
    i, j = np.triu_indices(X.shape[1])
    basis = _Basis(X, np.ascontiguousarray(X[:, i] * X[:, j]), precision)
    weights, going = seen.astype(np.float64), np.arange(len(y))
    effects, covariance = solve(target, offset, basis, weights, None)
    dispersion, freedom = _dispersion(y, effects @ X.T + offset, weights, covariance, precision, kind)
    for _ in range(ROUNDS):
        with np.errstate(divide="ignore", invalid="ignore"):
            apart = _residual(y[going], effects[going] @ X.T + offset[going], kind) / np.sqrt(dispersion[going, None])
            again = np.where(seen[going], np.where(apart > threshold, (threshold / apart) ** 2, 1.0), 0.0)
        moving = np.abs(again - weights[going]).max(axis=1, initial=0) >= 1e-3
        going, again = going[moving], again[moving]
        if not len(going):
            break
        weights[going], some = again, offset[going]
        effects[going], covariance[going] = solve(target[going], some, basis, again, effects[going])
        eta = effects[going] @ X.T + some
        dispersion[going], freedom[going] = _dispersion(y[going], eta, again, covariance[going], precision, kind)
    return Fit(effects, covariance, dispersion, freedom, weights)


def _poisson(y: Floats, offset: Floats, basis: _Basis, weights: Floats, near: Floats | None) -> tuple[Floats, Floats]:
    """Effects (N, p) and their covariance by short Newton steps, from those of a fit near by if there is one."""
    X, precision = basis.X, basis.precision
    if near is None:
        near = np.zeros((len(y), X.shape[1]))
        exposure = np.einsum("nt,nt->n", weights, np.exp(offset))
        near[:, 0] = np.log(np.einsum("nt,nt->n", weights, y) / np.maximum(exposure, 1e-300) + 1e-300)
    effects, sums = near.copy(), (weights * y) @ X
    A, moved, going = np.zeros((len(y), X.shape[1], X.shape[1])), np.full(len(y), np.inf), np.arange(len(y))
    for _ in range(STEPS):
        mean = weights[going] * np.exp(np.clip(effects[going] @ X.T + offset[going], -30, 40))
        stale = moved[going] > STALE
        A[going[stale]] = _normal_matrix(mean[stale], basis)
        slope = sums[going] - mean @ X - precision * effects[going]
        step = np.clip(np.linalg.solve(A[going], slope[:, :, None])[:, :, 0], -2, 2)
        effects[going] += step
        moved[going] = np.abs(step).max(axis=1)
        going = going[moved[going] >= 1e-6]
        if not len(going):
            break
    return effects, np.asarray(np.linalg.inv(A), dtype=np.float64)


def _normal(y: Floats, offset: Floats, basis: _Basis, weights: Floats, near: Floats | None) -> tuple[Floats, Floats]:
    """The same for readings: weighted least squares."""
    total = np.maximum(weights.sum(axis=1), 1)
    centre = (weights * y).sum(axis=1) / total
    A = _normal_matrix(weights, basis)
    effects = np.linalg.solve(A, ((weights * (y - centre[:, None])) @ basis.X)[:, :, None])[:, :, 0]
    effects[:, 0] += centre
    return effects, np.asarray(np.linalg.inv(A), dtype=np.float64)


def _normal_matrix(inner: Floats, basis: _Basis) -> Floats:
    """X' diag(inner) X and the prior's precision (N, p, p), a touch more for what cannot be told apart."""
    p = basis.X.shape[1]
    i, j = np.triu_indices(p)
    A = np.empty((len(inner), p, p))
    A[:, i, j] = A[:, j, i] = inner @ basis.pairs
    k = np.arange(p)
    A[:, k, k] += basis.precision + 1e-9 * (1 + A[:, k, k])
    return A


def _residual(y: Floats, eta: Floats, kind: Kind) -> Floats:
    """Anscombe's for counts, plain for readings, before scaling."""
    if kind == "measure":
        return y - eta
    mean = np.exp(np.clip(eta, -30, 40))
    return np.asarray(1.5 * (np.cbrt(y) ** 2 - np.cbrt(mean) ** 2) / mean ** (1 / 6))


def _dispersion(
    y: Floats, eta: Floats, weights: Floats, covariance: Floats, precision: Floats, kind: Kind
) -> tuple[Floats, Floats]:
    """Variance over mean (counts, at least 1) or variance (readings), and the degrees of freedom it was told from."""
    mean = np.exp(np.clip(eta, -30, 40)) if kind == "count" else np.ones_like(eta)
    # Effects that the prior holds back cost less than one degree of freedom each: the trace of the smoother.
    used = len(precision) - np.einsum("npp,p->n", covariance, precision)
    freedom = np.maximum(weights.sum(axis=1) - used, 1.0)
    fitted = mean if kind == "count" else eta
    total = np.nansum(weights * np.where(np.isnan(y), 0.0, (y - fitted) ** 2 / mean), axis=1)
    spread = total / freedom
    return (np.maximum(spread, 1.0) if kind == "count" else spread), freedom
