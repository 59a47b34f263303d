"""The instantaneous reproduction number of Cori et al. 2013: a gamma posterior per window, imports apart. Pure.

Shapes: N series, T steps, W windows, Q levels. Windows are pairs of step numbers as people write them: the first step
is 1 and both ends are in. Cases infected elsewhere infect here but were not infected here (Thompson et al. 2019,
Epidemics 29:100356), and nobody knows who infected the cases of step 1: they count as imported.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

from tocsin.errors import MethodError
from tocsin.estimate.interval import mean_sd
from tocsin.types import Floats, Ints

LEVELS = np.array([0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975])


@dataclass(frozen=True, slots=True)
class Rt:
    """Posterior of R by windows (W, 2): mean, sd (N, W), quantiles (N, W, Q) at levels (Q,); NaN = no claim."""

    windows: Ints
    mean: Floats
    sd: Floats
    levels: Floats
    quantiles: Floats


def sliding(steps: int, length: int = 7) -> Ints:
    """All windows of `length` steps that begin at step 2 or later, (W, 2)."""
    if not 1 <= length < steps:
        raise MethodError(f"a window of {length} steps does not fit: choose 1 to {steps - 1} for {steps} steps of data")
    start = np.arange(2, steps - length + 2)
    return np.stack([start, start + length - 1], axis=1)


def split(local: Floats, imported: Floats | None = None) -> tuple[Floats, Floats]:
    """Local and all cases (N, T): NaN counts as 0, and step 1 as imported. MethodError for negative or odd shapes."""
    local = np.atleast_2d(np.asarray(local, dtype=np.float64))
    abroad = np.zeros_like(local) if imported is None else np.atleast_2d(np.asarray(imported, dtype=np.float64))
    if np.isinf(local).any() or np.isinf(abroad).any():
        raise MethodError("infinitely many cases: correct the counts before estimating R")
    local, abroad = np.nan_to_num(local), np.nan_to_num(abroad)
    if abroad.shape != local.shape:
        raise MethodError(f"local {local.shape} and imported {abroad.shape} cases must have one shape (series, steps)")
    if (local < 0).any() or (abroad < 0).any():
        raise MethodError("case counts below 0: net out corrections before estimating R")
    total = local + abroad
    local[:, 0] = 0
    return local, total


def infectivity(total: Floats, weights: Floats) -> Floats:
    """Λ_t = Σ_s w_s I_{t−s}, (N, T), for all cases (N, T) and weights (K,) of lags 0 …; NaN in step 1."""
    from scipy.linalg import toeplitz  # slow to load, as is scipy.sparse: only where R is asked for

    steps = total.shape[-1]
    column = np.zeros(steps)
    column[: weights.size] = weights[:steps]
    lam: Floats = total @ toeplitz(column, np.zeros(steps)).T
    lam[:, 0] = np.nan
    return lam


def window_sums(values: Floats, windows: Ints) -> Floats:
    """Sums of values (N, T) over each window, (N, W)."""
    from scipy.sparse import csr_array

    lengths = windows[:, 1] - windows[:, 0] + 1
    ends = np.concatenate([[0], np.cumsum(lengths)])
    columns = np.arange(ends[-1]) - np.repeat(ends[:-1] - windows[:, 0] + 1, lengths)
    member = csr_array((np.ones(ends[-1]), columns, ends), shape=(len(windows), values.shape[1]))
    return np.ascontiguousarray((member @ values.T).T)


def checked_windows(windows: Ints, steps: int) -> Ints:
    """The windows as int64 (W, 2); MethodError unless 2 ≤ t_start ≤ t_end ≤ T."""
    windows = np.atleast_2d(np.asarray(windows, dtype=np.int64))
    bad = (windows[:, 0] < 2) | (windows[:, 1] < windows[:, 0]) | (windows[:, 1] > steps)
    if bad.any():
        start, end = windows[bad][0]
        raise MethodError(f"window {start} to {end}: windows start at step 2 or later and end by step {steps}")
    return windows


def posterior(
    local: Floats,
    weights: Floats,
    imported: Floats | None,
    windows: Ints,
    prior_mean: float,
    prior_sd: float,
) -> tuple[Floats, Floats]:
    """Shape and scale (N, W) of the gamma posterior; NaN while a window ends no later than the mean interval."""
    own, total = split(local, imported)
    windows = checked_windows(windows, own.shape[1])
    if not (0 < prior_mean < np.inf and 0 < prior_sd < np.inf):
        raise MethodError(f"prior mean {prior_mean}, sd {prior_sd}: both must be above 0 and finite")
    lam = infectivity(total, weights)
    lam[:, 0] = 0  # no window holds step 1
    shape = (prior_mean / prior_sd) ** 2 + window_sums(own, windows)
    scale = 1 / (prior_mean / prior_sd**2 + window_sums(lam, windows))
    early = windows[:, 1] <= mean_sd(weights)[0]
    shape[:, early] = np.nan
    scale[:, early] = np.nan
    return shape, scale


def gamma_quantiles(shape: Floats, scale: Floats, levels: Floats) -> Floats:
    """Exact gamma quantiles (…, Q). Shapes repeat (prior + whole cases), so each is inverted once."""
    unique, back = np.unique(shape, return_inverse=True)
    unit = gammaincinv(unique[:, None], levels)
    return unit[back.reshape(shape.shape)] * scale[..., None]


def estimate(
    local: Floats,
    weights: Floats,
    imported: Floats | None = None,
    windows: Ints | None = None,
    *,
    prior_mean: float = 5.0,
    prior_sd: float = 5.0,
    levels: Floats = LEVELS,
) -> Rt:
    """R by window from local (N, T) and imported (N, T) cases and interval weights (K,) of lags 0 …

    Cori et al. 2013, eq. 3 and web appendix 1: shape a + Σ local cases, scale 1/(1/b + Σ Λ), with the gamma prior's
    a = (mean/sd)², b = sd²/mean. One-dimensional cases are one series. Raises MethodError on unusable input.
    """
    steps = np.atleast_2d(local).shape[1]
    windows = sliding(steps) if windows is None else checked_windows(windows, steps)
    shape, scale = posterior(local, weights, imported, windows, prior_mean, prior_sd)
    quantiles = gamma_quantiles(shape, scale, levels)
    return Rt(windows, shape * scale, np.sqrt(shape) * scale, levels, quantiles)


def too_early(
    local: Floats, first_window: Ints, prior_mean: float = 5.0, prior_sd: float = 5.0, cv: float = 0.3
) -> bool:
    """Whether one series (T,) has too few cases in its first window for a coefficient of variation of `cv`."""
    start, end = first_window
    return bool(np.nansum(local[start - 1 : end]) < np.ceil(1 / cv**2 - (prior_mean / prior_sd) ** 2))
