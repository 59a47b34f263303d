"""RKI: the reference weeks' mean, with a Poisson confidence limit while it is small and two deviations after. Pure.

Altmann D (2003), The surveillance system of the Robert Koch Institute, Germany; limits: Crow EL, Gardner RS (1959),
Biometrika 46(3/4): 441-453, table 1.
"""

import numpy as np

from tocsin.detect import contract, predictive, reference
from tocsin.types import Alarms, Panel

# Upper 95 % limits of a Poisson mean after 0, 1, … 20 cases.
_LIMITS = """
3.285 5.323 6.686 8.102 9.598 11.177 12.817 13.765 14.921 16.768 17.633 19.05 20.335 21.364 22.945 23.762 25.4 26.306
27.735 28.966 30.017
"""
CROW_GARDNER = np.array(_LIMITS.split(), dtype=np.float64)


def rki(panel: Panel, start: int, *, b: int = 2, w: int = 4, act_y: bool = False) -> Alarms:
    """upper: Crow and Gardner's limit for floor(mean) while the mean is at most 20, else mean + 2 sd.

    Both of the reference counts that were reported.

    Literature's RKI 1 is b=0, w=6, act_y=True; RKI 2 b=1, w=6, act_y=True; RKI 3 b=2, w=4, act_y=False.
    """
    y = panel.y[:, start:]
    window = reference.before(panel.y, start, reference.lags(panel.step, b, w, act_y))
    _, mean, sd = predictive.moments(window)
    last = len(CROW_GARDNER) - 1
    small = CROW_GARDNER[np.clip(np.nan_to_num(mean), 0, last).astype(np.int64)]
    upper = np.where(mean <= last, small, mean + 2 * sd)
    return Alarms(mean, upper, contract.score(y, mean, upper), predictive.p_value(y, window, panel.kind))


def needs_rki(step: int, b: int = 2, w: int = 4, act_y: bool = False) -> int:
    """Back to the first reference step."""
    return max(reference.lags(step, b, w, act_y))
