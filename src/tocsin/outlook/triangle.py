"""The reporting triangle that increments already hold: counts by place, reference step and delay, as of a moment. Pure.

Shapes: N strata (one place of the area tree, local or imported cases), T reference steps, D + 1 delays.
Delays are counted back from the as-of moment in whole steps: a report of the last 24 hours has delay 0 for today. So at
ten in the morning the newest diagonal is as full as the older ones were at ten in the morning.
"""

from typing import NamedTuple

import numpy as np

from tocsin.calendar import DAY
from tocsin.types import Bools, Floats, Ints

MOST_DELAYS = {DAY: 60, 7 * DAY: 20}  # by minutes of a step
MOST_STEPS = {DAY: 300, 7 * DAY: 156}  # what is learnt from
USUALLY = 0.995  # the longest delay looked at: so many of the cases are in by then


class Rows(NamedTuple):
    """Increments known by the as-of moment, all (M,): place, reference step and report in civil minutes, cases."""

    place: Ints
    step: Ints
    reported: Ints
    cases: Floats
    imported: Bools


class Triangle(NamedTuple):
    """counts (N, T, D + 1), 0 where not yet due; places (N,) and imported (N,) of the strata; `begin`, the first step.

    Reports later than D are counted under D, so that sums over delays are the counts as known.
    """

    counts: Floats
    places: Ints
    imported: Bools
    begin: int


def triangle(rows: Rows, newest: int, now: int, first_report: int, minutes: int) -> Triangle | None:
    """The triangle up to step `newest` as of civil minute `now`; None where nothing tells of delays.

    Steps before `first_report` (civil minute) came as history, all at once, and tell nothing: they are left out.
    """
    back = (newest - rows.step) // minutes
    since = (newest - first_report) // minutes  # steps since the first report
    steps = min(since, MOST_STEPS[minutes] - 1, int(back.max(initial=0))) + 1
    inside = (back >= 0) & (back < steps)
    if steps < 2 or not inside.any():
        return None
    place, imported, cases, back = rows.place[inside], rows.imported[inside], rows.cases[inside], back[inside]
    delay = np.maximum(back - (now - rows.reported[inside]) // minutes, 0)
    size = min(_longest(delay, back, cases, MOST_DELAYS[minutes], steps), steps - 1)
    keys, stratum = np.unique(place * 2 + imported, return_inverse=True)
    counts = np.zeros((len(keys), steps, size + 1))
    np.add.at(counts, (stratum, steps - 1 - back, np.minimum(delay, size)), cases)
    alive = np.abs(counts).sum(axis=(1, 2)) > 0
    return Triangle(counts[alive], keys[alive] // 2, keys[alive] % 2 == 1, newest - (steps - 1) * minutes)


def _longest(delay: Ints, back: Ints, cases: Floats, most: int, steps: int) -> int:
    """The delay by which USUALLY all is in, judged by steps old enough to tell; 1 to `most`."""
    old = back >= min(most, steps // 2)
    if not old.any():
        return 1
    weight = np.bincount(delay[old], weights=np.abs(cases[old]))
    share = np.cumsum(weight) / max(float(weight.sum()), 1e-9)
    return int(np.clip(np.searchsorted(share, USUALLY), 1, most))
