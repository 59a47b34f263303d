"""How good were they: the weighted interval score, coverage and bias of predictive quantiles. Pure."""

import numpy as np

from tocsin.types import Bools, Floats


def wis(quantiles: Floats, levels: Floats, observed: Floats) -> Floats:
    """Weighted interval score (…) of quantiles (…, Q) at levels (Q,) against what was observed (…).

    Bracher, Ray, Gneiting & Reich 2021, PLOS Comput Biol 17:e1008618, eq. 3: twice the mean quantile loss, which for
    one quantile alone (the median) is the absolute error.
    """
    miss = observed[..., None] - quantiles
    score: Floats = 2 * np.maximum(levels * miss, (levels - 1) * miss).mean(axis=-1)
    return score


def covered(quantiles: Floats, levels: Floats, observed: Floats, share: float) -> Bools:
    """Whether the central interval of `share`, ends in, holds the observed values (…)."""
    low = int(np.argmin(np.abs(levels - (1 - share) / 2)))
    high = int(np.argmin(np.abs(levels - (1 + share) / 2)))
    inside: Bools = (quantiles[..., low] <= observed) & (observed <= quantiles[..., high])
    return inside


def bias(quantiles: Floats, levels: Floats, observed: Floats) -> Floats:
    """From −1 (all quantiles too low) over 0 to 1 (all too high): 1 − 2·(mean of P below and P not above observed)."""
    below = (quantiles < observed[..., None]).mean(axis=-1)
    not_above = (quantiles <= observed[..., None]).mean(axis=-1)
    return np.asarray(1 - (below + not_above))
