"""The cohort (case) reproduction number of Wallinga & Teunis 2004: whom did the cases of a window infect? Pure.

Each case of step t had one infector; the infector fell ill in step s with probability I_s w_{t−s} / Σ_u I_u w_{t−u}
(Am J Epidemiol 160:509-516, eq. 2). The cases that a window's cases infected are then a sum of independent binomials,
so spread and quantiles are computed, not drawn. Windows near the end are too low: those they infect are yet to come.
"""

import numpy as np
from scipy.special import ndtri

from tocsin.estimate.rt import LEVELS, Rt, checked_windows, sliding, split
from tocsin.types import Floats, Ints

MOST = 1 << 16  # values of a sum that are told apart: an sd of 3,000 cases


def estimate(
    local: Floats,
    weights: Floats,
    imported: Floats | None = None,
    windows: Ints | None = None,
    *,
    levels: Floats = LEVELS,
) -> list[Rt]:
    """Cohort R by window for each series of local and imported cases (N, T), interval weights (K,) of lags 0 …

    One `Rt` a series, for each keeps its own windows (see `kept`). Raises MethodError on unusable input.
    """
    from scipy.linalg import toeplitz  # slow to load

    _, total = split(local, imported)
    steps = total.shape[1]
    windows = sliding(steps) if windows is None else checked_windows(windows, steps)
    column = np.zeros(steps)
    column[: weights.size] = weights[:steps]
    share = toeplitz(column, np.zeros(steps))  # [t, s]: weight of lag t − s
    return [_one(series, share, kept(series, windows), levels) for series in total]


def kept(total: Floats, windows: Ints) -> Ints:
    """The windows EpiEstim answers for one series (T,), (W', 2).

    Windows without cases have no R. Its further rule drops windows whose start is below the *number* of the first
    window that has a case before it; kept as it is, for equality.
    """
    so_far = np.concatenate([[0.0], np.cumsum(total)])
    windows = windows[so_far[windows[:, 1]] > so_far[windows[:, 0] - 1]]
    earlier = np.flatnonzero(so_far[windows[:, 0] - 1] > 0)
    first = earlier[0] + 1 if earlier.size else len(windows) + 1
    return windows[windows[:, 0] >= first]


def _one(total: Floats, share: Floats, windows: Ints, levels: Floats) -> Rt:
    lam = share @ total
    per_case = np.divide(share, lam[:, None], out=np.zeros_like(share), where=lam[:, None] > 0)
    mean, sd = np.empty(len(windows)), np.empty(len(windows))
    quantiles = np.empty((len(windows), len(levels)))
    for i, (start, end) in enumerate(windows):
        inside = slice(start - 1, end)
        chance = np.clip(per_case[:, inside] @ total[inside], 0, 1)  # (T,) that a case of step t was infected there
        cases = total[inside].sum()
        mean[i] = total @ chance / cases
        sd[i] = np.sqrt(total @ (chance * (1 - chance))) / cases
        quantiles[i] = binomial_sum_quantiles(total, chance, levels) / cases
    return Rt(windows, mean[None], sd[None], levels, quantiles[None])


def binomial_sum_quantiles(n: Floats, p: Floats, levels: Floats) -> Floats:
    """Quantiles (Q,) of Σ Binomial(n_t, p_t), exact: its pmf by Fourier inversion of the characteristic function.

    The pmf is recovered modulo a period wider than 20 standard deviations, so the work grows with the spread and not
    with the counts; where even that is too wide to hold, the sum is as good as normal. Counts that are not whole are
    rounded.
    """
    n = np.round(n)
    mean, sd = float(n @ p), float(np.sqrt(n @ (p * (1 - p))))
    low = max(0, int(mean - 10 * sd) - 5)
    period = int(20 * sd) + 12
    if period > MOST:
        return np.asarray(np.rint(mean + sd * ndtri(np.asarray(levels))))
    angle = 2 * np.pi * np.arange(period) / period
    used = (n > 0) & (p > 0)
    log_cf = n[used] @ np.log1p(p[used, None] * np.expm1(1j * angle)) if used.any() else np.zeros(period)
    pmf = np.fft.fft(np.exp(log_cf - 1j * angle * low)).real / period
    cdf = np.cumsum(np.maximum(pmf, 0))
    return np.asarray(low + np.searchsorted(cdf, np.asarray(levels) * cdf[-1] * (1 - 1e-12)), dtype=np.float64)
