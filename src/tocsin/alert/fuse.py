"""Several detectors' p-values of one cell to one. Pure."""

import numpy as np

from tocsin.types import Floats


def simes(p: Floats) -> Floats:
    """Simes' combination over the first axis: (D, …) to (…); NaN = no claim and does not vote, all NaN stays NaN.

    min over k of D·p(k)/k, p(k) the k-th smallest of the D that claim (Simes 1986, Biometrika 73:751). It keeps its
    level when the p-values depend on each other positively (Sarkar 1998, Ann Stat 26:494), as those of detectors that
    read the same count do; two that agree are not punished for being two, as Bonferroni would.
    """
    ordered = np.sort(p, axis=0)  # NaN last
    votes = np.sum(~np.isnan(p), axis=0)
    rank = np.arange(1, len(p) + 1).reshape(-1, *[1] * (p.ndim - 1))
    return np.asarray(np.fmin.reduce(ordered * votes / rank, axis=0, initial=np.nan))
