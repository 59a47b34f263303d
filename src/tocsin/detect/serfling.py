"""Serfling: a line and a yearly wave fitted to the years before, and a limit above them; made for influenza. Pure.

Serfling RE (1963), Public Health Reports 78(6): 494-506.
"""

import numpy as np

from tocsin.detect import baseline_nb
from tocsin.types import Alarms, Panel


def serfling(
    panel: Panel,
    start: int,
    *,
    years: float = 5.0,
    alpha: float = 0.025,
    harmonics: int = 1,
    weights_threshold: float = 1.96,
) -> Alarms:
    """upper: the fitted wave plus t(1 - alpha) standard errors of prediction, least squares, counts taken as readings.

    Instead of epidemic weeks left out by hand, past steps over weights_threshold deviations count less. Fits serve four
    weeks each, as in baseline_nb, whose machinery this is. p is not claimed: the normal holds for large counts only.
    """
    told = baseline_nb.baseline_nb(
        panel._replace(kind="measure"),
        start,
        years=years,
        harmonics=harmonics,
        alpha=alpha,
        weights_threshold=weights_threshold,
        gap_weeks=0.0,
    )
    return Alarms(told.expected, told.upper, told.score, np.full_like(told.score, np.nan))


def needs_serfling(step: int, years: float = 5.0) -> int:
    """As baseline_nb, without a gap."""
    return baseline_nb.needs_baseline_nb(step, years, 0.0)
