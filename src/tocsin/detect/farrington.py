"""Farrington's method as first published: this week against the same weeks of the years before. Pure.

Farrington, Andrews, Beale, Catchpole (1996), J R Stat Soc A 159: 547-563. See docs/methods/farrington.md.
"""

from collections.abc import Sequence
from math import inf

from tocsin.detect import bounds
from tocsin.detect.farrington_flexible import needs_farrington_flexible
from tocsin.detect.judgement import Control, Judgement, judge
from tocsin.types import Alarms, Panel

needs_farrington = needs_farrington_flexible


def explained(
    panel: Panel,
    start: int,
    b: int = 5,
    w: int = 3,
    reweight: bool = True,
    alpha: float = 0.05,
    trend: bool = True,
    limit54: Sequence[int] = (5, 4),
    power_transform: str = "2/3",
    population_offset: bool = False,
    freq: int | None = None,
    compat: str = "",
) -> Judgement:
    """As `farrington`, with everything the alarms rest on."""
    r = compat == "surveillance"
    control = Control(
        b=b,
        w=w,
        no_periods=1,
        threshold=1.0 if reweight else inf,
        past=w,
        trend=trend,
        p_threshold_trend=0.05,
        method="delta",
        power=bounds.POWERS[power_transform],
        limit54=(int(limit54[0]), int(limit54[1])),
        tail=alpha / 2,
        offset=population_offset,
        freq=freq,
        as_r=r,
        even=True,
        dispersion="phi",
        trend_dispersion="pearson" if r else "phi",
        iterations=25 if r else 50,
    )
    return judge(panel, start, control)
