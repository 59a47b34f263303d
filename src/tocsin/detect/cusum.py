"""CUSUM: what each count has over the usual, less an allowance, adds up until it reaches a limit. Pure.

Rossi G, Lampugnani L, Marchi M (1999), Statistics in Medicine 18(16): 2111-2122 (the transform for Poisson counts);
Pierce DA, Schafer DW (1986), JASA 81(396): 977-986 (Anscombe residuals).
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy.special import hyp2f1

from tocsin.detect import runs
from tocsin.detect.contract import require
from tocsin.types import Alarms, Floats, Panel

Transform = Literal["standard", "rossi", "anscombe", "anscombe2nd", "pearsonNegBin", "anscombeNegBin", "none"]
ALPHA = 0.1  # of a negative binomial, variance = mean + alpha · mean², where none is given


def cusum(
    panel: Panel,
    start: int,
    *,
    k: float = 1.04,
    h: float = 2.26,
    m: float | str | None = None,
    trans: Transform = "standard",
    alpha: float | None = None,
    reset: bool = False,
    memory_years: float | None = 0.5,
    train_years: float = 3.0,
    compat: str = "",
) -> Alarms:
    """S = max(0, S + z - k), z the transformed count; score = S / h, an alarm when it reaches 1; p is not claimed.

    m: the in-control mean: None, the training steps' mean; "glm", a Poisson model of them with one harmonic; or a
    number. reset: S begins anew after each alarm. upper: the count that makes S reach h. How runs begin: runs.py;
    compat="surveillance" begins one at `start`, and takes upper of anscombe2nd, anscombeNegBin and none from there.
    """
    require(h > 0, f"cusum: h is {h}; it is more than 0")
    require(compat in {"", "surveillance"}, f'cusum: compat is {compat!r}; write "surveillance" or leave it out')
    z, count = _transform(trans, ALPHA if alpha is None else float(alpha), bool(compat))
    shape = (len(panel.y), panel.y.shape[1] - start)
    expected, upper, score = (np.full(shape, np.nan) for _ in range(3))
    for run in runs.runs(panel, start, None if compat else memory_years, train_years):
        y = panel.y[:, run.began : run.last]
        mean = _mean(panel, run, m, bool(compat))
        with np.errstate(all="ignore"):
            before, after = _sums(z(y, mean), k, h, reset, lost=bool(compat))
            bound = count(h + k - before, h - after, mean)
        if compat:
            bound = np.where(np.isnan(bound), 0.0, bound)
        heard, to = slice(run.first - run.began, None), slice(run.first - start, run.last - start)
        expected[:, to], upper[:, to], score[:, to] = mean[:, heard], bound[:, heard], after[:, heard] / h
    return Alarms(expected, upper, score, np.full(shape, np.nan))


def needs_cusum(step: int, memory_years: float | None = 0.5, train_years: float = 3.0, compat: str = "") -> int:
    """What its runs need."""
    return runs.needs(step, None if compat else memory_years, train_years)


def _mean(panel: Panel, run: runs.Run, m: float | str | None, compat: bool) -> Floats:
    """The in-control mean (N, last - began)."""
    training, shape = panel.y[:, run.trained : run.began], (len(panel.y), run.last - run.began)
    if m == "glm":
        return runs.in_control(panel, run, harmonics=1, trend=False, alpha=np.zeros(len(panel.y)))[0]
    require(m is None or (isinstance(m, int | float) and m > 0), f'cusum: m is {m!r}; write null, "glm" or a number')
    if m is not None:
        return np.full(shape, float(m))
    if compat and np.isnan(training).any():
        training = np.where(np.isnan(training).any(axis=1, keepdims=True), np.nan, training)
    known = np.maximum((~np.isnan(training)).sum(axis=1), 1)
    mean = np.where(np.isnan(training).all(axis=1), np.nan, np.nansum(training, axis=1) / known)
    if not compat:
        mean = np.maximum(mean, 1 / (known + 1))  # no case so far does not make the first one infinitely many
    return np.repeat(mean[:, None], shape[1], axis=1)


def _sums(z: Floats, k: float, h: float, reset: bool, lost: bool) -> tuple[Floats, Floats]:
    """S before and after each step (N, T); a missing step, or one that cannot be scaled, leaves S as it was.

    lost: R's S is missing from such a step on.
    """
    before, after = np.empty_like(z), np.empty_like(z)
    s = np.zeros(len(z))
    for t in range(z.shape[1]):
        before[:, t] = s
        s = np.maximum(0.0, s + (z[:, t] if lost else np.where(np.isnan(z[:, t]), k, z[:, t])) - k)
        after[:, t] = np.where(np.isnan(z[:, t]), np.nan, s)
        if reset:
            s = np.where(s >= h, 0.0, s)
    return before, after


Z = Callable[[Floats, Floats], Floats]
Count = Callable[[Floats, Floats, Floats], Floats]


def _transform(trans: str, a: float, compat: bool) -> tuple[Z, Count]:
    """z(y, mean), and the count to which a z that is still wanted belongs: count(wanted z, left after, mean)."""

    def variance(m: Floats) -> Floats:
        return m + a * m * m

    def anscombe(y: Floats, m: Floats) -> Floats:
        return np.asarray(1.5 * (_primitive(y, a, compat) - _primitive(m, a, compat)) / variance(m) ** (1 / 6))

    def root(x: Floats) -> Floats:
        return np.asarray(np.maximum(x, 0) ** 1.5)

    sign = 1 if compat else -1  # R takes the second-order term back with the wrong sign

    def rossi(m: Floats, square: Floats) -> Floats:
        y = np.sqrt(square) - np.sqrt(m)  # the root of the count; R squares it when it is negative, too
        return np.where(square >= 0, y**2 if compat else np.maximum(y, 0) ** 2, 0.0)

    def left(wanted: Floats, after: Floats, m: Floats) -> Floats:
        return np.maximum(0.0, after if compat else wanted)

    table: dict[str, tuple[Z, Count]] = {
        "standard": (
            lambda y, m: (y - m) / np.sqrt(m),
            lambda z, _, m: np.maximum(0.0, np.ceil(m + z * np.sqrt(m))),
        ),
        "rossi": (
            lambda y, m: (y - 3 * m + 2 * np.sqrt(y * m)) / (2 * np.sqrt(m)),
            lambda z, _, m: rossi(m, 4 * m + 2 * np.sqrt(m) * z),
        ),
        "anscombe": (
            lambda y, m: 1.5 * (y ** (2 / 3) - m ** (2 / 3)) / m ** (1 / 6),
            lambda z, _, m: root(m ** (2 / 3) + 2 / 3 * m ** (1 / 6) * z),
        ),
        "anscombe2nd": (
            lambda y, m: 1.5 * (y ** (2 / 3) - (m ** (2 / 3) - m ** (-1 / 3) / 9)) / m ** (1 / 6),
            lambda z, _, m: root(m ** (2 / 3) - m ** (sign / 3) / 9 + 2 / 3 * m ** (1 / 6) * z),
        ),
        "pearsonNegBin": (
            lambda y, m: (y - m) / np.sqrt(variance(m)),
            lambda z, _, m: np.maximum(0.0, m + z * np.sqrt(variance(m))),
        ),
        "anscombeNegBin": (anscombe, left),
        "none": (lambda y, m: y, left),
    }
    require(trans in table, f"cusum: trans is {trans!r}; it is one of {', '.join(table)}")
    return table[trans]


def _primitive(x: Floats, a: float, table: bool) -> Floats:
    """x^(2/3) · 2F1(1/3, 2/3; 5/3; -a x).

    table: surveillance has a table of the function: by hundredths of a x up to 10, of which it takes the nearest, and
    by whole numbers up to 100, between which it interpolates.
    """
    z = a * x
    if not table:
        return np.asarray(x ** (2 / 3) * hyp2f1(1 / 3, 2 / 3, 5 / 3, -z))
    below, above = _tabled(np.floor(z)), _tabled(np.ceil(z))
    between = below + (z - np.floor(z)) * (above - below)
    value = np.where(z > 100, np.nan, np.where(z > 10, between, _tabled(np.round(z, 2))))
    return np.asarray(x ** (2 / 3) * value)


def _tabled(z: Floats) -> Floats:
    """2F1(1/3, 2/3; 5/3; -z) as that table has it, which was worked out with numbers of ten digits throughout."""
    return np.asarray(np.round(hyp2f1(0.3333333333, 0.6666666667, 1.666666667, -z), 10))
