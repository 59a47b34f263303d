"""Imported against local: how much comes from outside, whether it spreads here, and whether it is over. Pure.

Shapes: N series, T steps, K interval lags (0 …), O origins, D destinations. "Imported" cases were infected elsewhere;
they infect here like local ones unless `relative` says otherwise (quarantine: below 1).
"""

import numpy as np
from scipy.special import betaincinv, pdtr, pdtrik, xlogy

from tocsin.errors import MethodError
from tocsin.estimate import rt
from tocsin.types import Floats, Ints

LEVELS = np.array([0.025, 0.5, 0.975])
CHAIN = 0.95  # how sure one has to be of local transmission for the "first local chain"


def share(local: Floats, imported: Floats, window: int, levels: Floats = LEVELS) -> Floats:
    """Share of cases imported over the last `window` steps, quantiles (N, T, Q) of a Beta(½ + imported, ½ + local).

    NaN where there was no case: of nothing there is no share.
    """
    own, abroad = (np.nan_to_num(np.atleast_2d(x)) for x in (local, imported))
    here, there = (_trailing(x, window) for x in (own, abroad))
    found = np.array(betaincinv(there[..., None] + 0.5, here[..., None] + 0.5, levels), dtype=np.float64)
    found[(there <= 0) & (here <= 0)] = np.nan
    return found


def expected(travellers: Floats, incidence: Floats, infected_steps: int) -> Floats:
    """Expected infected arrivals (D, T) from travellers (O, D, T) per step and incidence abroad (O, T) per person.

    A traveller is infected with the probability that an infection began in the last `infected_steps` steps where they
    come from: Σ_o M_odt Σ_j i_o,t−j. Nobody is taken to travel less for being ill: lower the table if they do.
    """
    if travellers.ndim != 3 or travellers.shape[0] != incidence.shape[0] or travellers.shape[2] != incidence.shape[1]:
        raise MethodError(f"travellers {travellers.shape} and incidence {incidence.shape}: need (O, D, T) and (O, T)")
    infected = np.minimum(_trailing(incidence, infected_steps), 1.0)
    return np.asarray(np.einsum("odt,ot->dt", travellers, infected))


def by_chance(expected: Floats, levels: Floats = LEVELS) -> Floats:
    """Quantiles (…, Q) of how many come where `expected` (…) are to be expected: Poisson, the expectation as given."""
    mean = np.asarray(expected, dtype=np.float64)[..., None]
    at = np.ceil(np.nan_to_num(pdtrik(levels, mean)))  # NaN where 0 is already likely enough
    under = np.maximum(at - 1, 0)
    return np.where(np.isnan(mean), np.nan, np.where(pdtr(under, mean) >= levels, under, at))


def since_last(draws: Floats, levels: Floats = LEVELS) -> Floats:
    """Steps since the last case, quantiles (N, Q) over possible pasts (N, T, M): 0 on its step; NaN: perhaps never."""
    seen = draws > 0
    back = np.where(seen.any(axis=1), seen[:, ::-1].argmax(axis=1), np.inf)
    found = np.quantile(back, levels, axis=-1, method="inverted_cdf").T
    return np.where(np.isfinite(found), found, np.nan)


def by_import(local: Floats, imported: Floats, weights: Floats, relative: float = 1.0) -> Floats:
    """Probability (N, T) that a local case of each step was infected by an imported one; NaN where none could infect.

    The share of imported cases in Λ_t (the ancestry of Wallinga & Teunis 2004). Step 1 counts as imported.
    """
    own, total = rt.split(local, imported)
    from_local = rt.infectivity(own, weights)
    from_abroad = relative * rt.infectivity(total - own, weights)
    both = from_local + from_abroad
    return np.divide(from_abroad, both, out=np.full_like(both, np.nan), where=both > 0)


def imports_explain(local: Floats, imported: Floats, weights: Floats, window: int, relative: float = 1.0) -> Floats:
    """Probability (N, T) that every local case of the last `window` steps was infected by an imported case.

    Its complement is the probability of at least one local chain (local to local). A case that nobody known could have
    infected has a hidden local infector: probability 0.
    """
    own, _ = rt.split(local, imported)
    chance = by_import(local, imported, weights, relative)
    log_chance = xlogy(own, np.nan_to_num(chance))  # 0 where there is no local case
    lost = _trailing(np.isneginf(log_chance).astype(np.float64), window) > 0
    summed = _trailing(np.where(np.isneginf(log_chance), 0, log_chance), window)
    return np.where(lost, 0.0, np.exp(summed))


def first_chain(local: Floats, imported: Floats, weights: Floats, window: int, sure: float = CHAIN) -> Ints:
    """Step number (N,), from 1, at which a local chain first was `sure`; 0 if never. Uses no later step."""
    chain = 1 - imports_explain(local, imported, weights, window) >= sure
    return np.where(chain.any(axis=1), chain.argmax(axis=1) + 1, 0)


def over(
    local: Floats,
    weights: Floats,
    imported: Floats | None = None,
    *,
    r_mean: float = 1.0,
    r_sd: float = 0.5,
    dispersion: float = np.inf,
) -> Floats:
    """Probability (N, T) that no further local case will come from those known by each step, if no new import arrives.

    Nishiura, Miyamatsu & Mizumoto 2016 (Emerg Infect Dis 22:146-148) with R ~ Gamma(mean, sd) while unchecked: each
    case has Σ_k>age w_k of its offspring to come; offspring are negative binomial with `dispersion` k (∞ = Poisson), so
    P(none) = Π_i (1 + R f_i / k)^(−k), averaged over R. Cases with onset not yet reported are not seen: feed a nowcast.
    """
    if not (r_mean > 0 and r_sd > 0 and dispersion > 0):
        raise MethodError("the end of an outbreak needs r_mean, r_sd and dispersion above 0")
    _, total = rt.split(local, imported)
    steps = total.shape[1]
    tail = np.zeros(steps)
    ahead = weights[::-1].cumsum()[::-1] / weights.sum()  # Σ_{j ≥ k} w_j
    tail[: min(steps, weights.size - 1)] = ahead[1 : steps + 1]
    node, weight = np.polynomial.laguerre.laggauss(40)
    shape, scale = (r_mean / r_sd) ** 2, r_sd**2 / r_mean
    mass = weight * node ** (shape - 1)
    mass /= mass.sum()
    out = np.zeros_like(total)
    for r, m in zip(node * scale, mass, strict=True):
        none = -r * tail if np.isinf(dispersion) else -dispersion * np.log1p(r * tail / dispersion)
        log_none = np.stack([np.convolve(row, none)[:steps] for row in total])
        out += m * np.exp(log_none)
    return np.where(np.cumsum(total, axis=1) > 0, out, np.nan)


def _trailing(values: Floats, window: int) -> Floats:
    """Sums of values (…, T) over the last `window` steps, fewer at the start."""
    if window < 1:
        raise MethodError(f"window {window}: must be 1 step or more")
    whole = np.cumsum(values, axis=-1)
    out: Floats = whole.copy()
    out[..., window:] -= whole[..., :-window]
    return np.maximum(out, 0) if (values >= 0).all() else out
