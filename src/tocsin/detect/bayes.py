"""Bayes: the predictive distribution of a Poisson count after the reference weeks, with Jeffreys' prior. Pure.

Riebler A (2004), Empirischer Vergleich von statistischen Methoden zur Ausbruchserkennung bei Surveillance Daten,
Universität München; Höhle M (2007), Computational Statistics 22(4): 571-582.
"""

import numpy as np

from tocsin.detect import bounds, contract, predictive, reference
from tocsin.detect.contract import require
from tocsin.types import Alarms, Panel


def bayes(panel: Panel, start: int, *, b: int = 0, w: int = 6, act_y: bool = True, alpha: float = 0.05) -> Alarms:
    """upper: the 1 - alpha quantile of a negative binomial of size (sum + 1/2) and probability n / (n + 1).

    sum and n: of the reference counts that were reported (reference.lags). Literature's Bayes 1 is b=0, w=6; Bayes 2
    b=1, w=6; Bayes 3 b=2, w=4, act_y=False; Bayes 4 is 3 with alpha=0.01.
    """
    require(0 < alpha < 1, f"bayes: alpha is {alpha}; it lies between 0 and 1")
    y = panel.y[:, start:]
    window = reference.before(panel.y, start, reference.lags(panel.step, b, w, act_y))
    n, mean, _ = predictive.moments(window)
    with np.errstate(divide="ignore"):  # nothing reported: no mean, and so no bound
        upper = bounds.nbinom_quantile(alpha, (np.nansum(window, axis=0) + 0.5) / n, (n + 1) / n)
    return Alarms(mean, upper, contract.score(y, mean, upper), predictive.p_value(y, window, panel.kind))


def needs_bayes(step: int, b: int = 0, w: int = 6, act_y: bool = True) -> int:
    """Back to the first reference step."""
    return max(reference.lags(step, b, w, act_y))
