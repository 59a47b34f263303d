"""Log-linear models of counts by iteratively reweighted least squares, many series at once on one design. Pure.

Fits follow the steps of the usual implementations (McCullagh and Nelder 1989; for the negative binomial with unknown
size, alternating as in Venables and Ripley 2002, section 7.4), stopping rules included, so that their numbers agree.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, polygamma

from tocsin.types import Floats

TOLERANCE = 1e-8
STEPS = 25


def seasonal(t: NDArray[np.integer], year: float, harmonics: int, trend: bool) -> Floats:
    """The design (T, p) at times t in steps: intercept, trend, then a cosine and a sine a harmonic."""
    angle = 2 * np.pi * t / year
    waves = [wave(s * angle) for s in range(1, harmonics + 1) for wave in (np.cos, np.sin)]
    return np.stack([np.ones(len(t)), *([t.astype(np.float64)] if trend else []), *waves], axis=1)


def predict(
    y: Floats, X: Floats, ahead: Floats, alpha: Floats | None = None, bounded: bool = True
) -> tuple[Floats, Floats]:
    """Fit y (N, T), NaN left out, on X (T, p) and predict the means (N, H) at `ahead` (H, p); also alpha (N,).

    alpha: variance = mean + alpha · mean²; zeros: Poisson; None: estimated, and 0 where counts vary less than Poisson's
    if bounded (else as far as the iteration gets). NaN where a fit does not converge.
    """
    # On an orthonormal basis the normal equations stay well conditioned however long the series.
    basis, r = np.linalg.qr(X)
    ahead = np.linalg.solve(r.T, ahead.T).T
    with np.errstate(all="ignore"):
        if alpha is None:
            coefficients, size = _alternate(y, basis, bounded)
            alpha = 1 / size
        else:
            coefficients, _ = _fit(y, basis, 1 / alpha, _first(y, alpha))
        return np.exp(coefficients @ ahead.T), alpha


def _first(y: Floats, alpha: Floats) -> Floats:
    return np.where(alpha[:, None] > 0, y + (y == 0) / 6, y + 0.1)


def _fit(y: Floats, X: Floats, size: Floats, mu: Floats) -> tuple[Floats, Floats]:
    """Coefficients (N, p) and fitted means (N, T) with known sizes (N,), inf for Poisson."""
    found, mu = np.full((len(y), X.shape[1]), np.nan), mu.copy()
    deviance, going = _deviance(y, mu, size), np.arange(len(y))
    for _ in range(STEPS):
        some, m = y[going], mu[going]
        seen = ~np.isnan(some)
        w = np.where(seen, m / (1 + m / size[going, None]), 0.0)
        z = np.where(seen, np.log(m) + (some - m) / m, 0.0)
        found[going] = _solve(np.einsum("nt,tp,tq->npq", w, X, X, optimize=True), (w * z) @ X)
        mu[going] = np.exp(found[going] @ X.T)
        now = _deviance(some, mu[going], size[going])
        moving = ~(np.abs(now - deviance[going]) / (np.abs(now) + 0.1) < TOLERANCE)
        deviance[going] = now
        going = going[moving]
        if not len(going):
            break
    found[going] = np.nan
    return found, mu


def _solve(A: Floats, b: Floats) -> Floats:
    """Solve each system; NaN for the singular."""
    sound = np.isfinite(A).all(axis=(1, 2)) & (np.linalg.matrix_rank(np.nan_to_num(A), hermitian=True) == A.shape[1])
    safe = np.where(sound[:, None, None], A, np.eye(A.shape[1]))
    return np.where(sound[:, None], np.linalg.solve(safe, b[:, :, None])[:, :, 0], np.nan)


def _deviance(y: Floats, mu: Floats, size: Floats) -> Floats:
    k = size[:, None]
    poisson = np.where(y > 0, y * np.log(y / mu), 0.0) - (y - mu)
    negative = y * np.log(np.maximum(y, 1) / mu) - (y + k) * np.log((y + k) / (mu + k))
    return np.asarray(2 * np.nansum(np.where(np.isinf(k), poisson, negative), axis=1))


def _alternate(y: Floats, X: Floats, bounded: bool) -> tuple[Floats, Floats]:
    """Coefficients (N, p) and size (N,): the means given the size, then the size given the means, until both rest."""
    found, mu = _fit(y, X, np.full(len(y), np.inf), _first(y, np.zeros(len(y))))
    over = np.nansum((y - mu) ** 2 - y, axis=1) > 0  # else the likelihood only grows with the size
    going = np.flatnonzero(over | (not bounded))
    size = np.full(len(y), np.inf)
    size[going] = _size(y[going], mu[going])
    scale = np.sqrt(2 * np.maximum(1, (~np.isnan(y)).sum(axis=1) - X.shape[1]))
    likelihood = _likelihood(y, mu, size)
    for _ in range(STEPS):
        if not len(going):
            break
        some = y[going]
        found[going], fitted = _fit(some, X, size[going], mu[going])
        resized = _size(some, mu[going])
        moved, size[going], mu[going] = size[going] - resized, resized, fitted
        now = _likelihood(some, fitted, resized)
        moving = np.abs(likelihood[going] - now) / scale[going] + np.abs(moved) > TOLERANCE
        likelihood[going] = now
        going = going[moving]
    return found, np.where(size > 0, size, np.nan)


def _size(y: Floats, mu: Floats) -> Floats:
    """The size with the greatest likelihood given the means, by Newton's steps."""
    size = (~np.isnan(y)).sum(axis=1) / np.nansum((y / mu - 1) ** 2, axis=1)
    going = np.arange(len(y))
    for _ in range(STEPS - 1):
        size[going] = np.abs(size[going])
        k, some, m = size[going, None], y[going], mu[going]
        score = digamma(k + some) - digamma(k) + np.log(k) + 1 - np.log(k + m) - (some + k) / (m + k)
        bend = polygamma(1, k) - polygamma(1, k + some) - 1 / k + 2 / (m + k) - (some + k) / (m + k) ** 2
        step = np.nansum(score, axis=1) / np.nansum(bend, axis=1)
        size[going] += step
        going = going[np.abs(step) > np.finfo(np.float64).eps ** 0.25]
        if not len(going):
            break
    return np.asarray(size)


def _likelihood(y: Floats, mu: Floats, size: Floats) -> Floats:
    k = size[:, None]
    each = gammaln(k + y) - gammaln(k) - gammaln(y + 1) + k * np.log(k) + y * np.log(mu + (y == 0))
    return np.asarray(np.nansum(each - (k + y) * np.log(k + mu), axis=1))
