"""The growth rate of counts alone, where no serial interval is known: one window against the one before. Pure."""

import numpy as np

from tocsin.errors import MethodError
from tocsin.types import Floats


def rate(draws: Floats, window: int, rng: np.random.Generator) -> Floats:
    """Growth rate per step (N, M) from count draws (N, T, M): log of the last `window` steps over the ones before.

    The rates behind two counts a and b are taken as Gamma(a + ½) and Gamma(b + ½) (Jeffreys' prior of a Poisson rate),
    so that few cases leave it open. Days beyond Poisson chance are not known here: it is a little too sure of those.
    """
    if draws.ndim != 3 or draws.shape[1] < 2 * window:
        raise MethodError(f"counts {draws.shape}: need (series, steps, draws) and two windows of {window} steps")
    newest = draws[:, -window:].sum(axis=1)
    before = draws[:, -2 * window : -window].sum(axis=1)
    now, then = rng.gamma(np.maximum(newest, 0) + 0.5), rng.gamma(np.maximum(before, 0) + 0.5)
    return np.asarray(np.log(now / then) / window)
