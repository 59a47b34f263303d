"""Why Farrington says what it says of a step: baseline rows, weights, trend, and what held an alarm back. Pure."""

from typing import NamedTuple

import numpy as np

from tocsin.detect import glm
from tocsin.detect.judgement import KEPT, REASONS, TRENDS, Control, judge
from tocsin.detect.windows import recent
from tocsin.types import Floats, Ints, Panel


class Explanation(NamedTuple):
    """One step's judgement, and what it rests on.

    row (R,): steps of the baseline, as positions in the panel; weight (R,): what each counted, 1 in the mean, 0 where
    the count is missing; level (R,): its part of the year, the last being the tested step's own. trend_per_year: factor
    by which the mean grows in a year, 1 when the trend was left out, for the reason in `trend`. needed: the cases
    limit54 wants in the last steps, where there were `cases`. reason: why there is no alarm whatever the score, or "".
    """

    observed: float
    expected: float
    upper: float
    score: float
    p: float
    phi: float
    trend: str
    trend_p: float
    trend_per_year: float
    cases: float
    needed: int
    reason: str
    row: Ints
    weight: Floats
    level: Ints


def explain(panel: Panel, series: int, step: int, control: Control) -> Explanation:
    """What stands behind the alarm, or its absence, at position `step` of series `series`."""
    y, exposure = panel.y[series : series + 1, : step + 1], panel.exposure[series : series + 1, : step + 1]
    seen = panel._replace(y=y, exposure=exposure, time=panel.time[: step + 1], holiday=panel.holiday[: step + 1])
    found = judge(seen, step, control)
    kept = found.trend[0, 0] == KEPT
    rows = int(found.windows.n[0])
    weight = np.zeros(0)
    if found.fits.state[0, 0] == glm.FITTED:
        share = exposure if control.offset else None
        weight = glm.weights(y, share, found.windows, trend=kept, threshold=control.threshold)[:rows]
    a, year = found.alarms, 365 * 1440 / panel.step if control.freq is None else control.freq
    growth = float(np.exp(found.fits.trend[0, 0] * year))
    return Explanation(
        observed=float(y[0, -1]),
        expected=float(a.expected[0, 0]),
        upper=float(a.upper[0, 0]),
        score=float(a.score[0, 0]),
        p=float(a.p[0, 0]),
        phi=float(found.fits.phi[0, 0]),
        trend=TRENDS[found.trend[0, 0]],
        trend_p=float(found.trend_p[0, 0]),
        trend_per_year=growth,
        cases=float(recent(y, step, control.limit54[1])[0][0, 0]),
        needed=control.limit54[0],
        reason=REASONS[found.reason[0, 0]],
        row=found.windows.row[0, :rows].astype(np.int64),
        weight=weight,
        level=found.windows.level[0, :rows].astype(np.int64),
    )
