"""Outbreaks that people have marked, left out of baselines but never of what is judged. Pure.

To a baseline a marked step is a missing one. A judged step, and what is judged with it (the week of a weekly sum, the
weeks in which limit54 counts cases), keeps its counts. So most steps are judged in one run with all marks missing, and
those that lie in a marked period, or just behind one, each in a run of its own: of the series concerned, or, where the
detector pools, of the whole panel, for these are then judged as part of it.
"""

import numpy as np

from tocsin.detect.contract import FIELDS, Detector
from tocsin.types import Alarms, Bools, Panel


def judged_steps(detector: Detector, step: int) -> int:
    """How many of the last steps are judged, rather than compared with: 1, or those of a sum or of limit54's count."""
    given, steps = detector.allowed(), max(detector.window // step, 1)
    limit54 = given.get("limit54")
    return max(steps, int(limit54[1])) if isinstance(limit54, list | tuple) else steps


def run(detector: Detector, panel: Panel, start: int, marked: Bools) -> Alarms:
    """As detector.run, with the marked cells (N, T) missing from every baseline."""
    if not marked.any():
        return detector.run(panel, start)
    width, steps = judged_steps(detector, panel.step), panel.y.shape[1]
    hidden = np.where(marked, np.nan, panel.y)
    alarms = detector.run(panel._replace(y=hidden), start)
    told = {f: getattr(alarms, f).copy() for f in FIELDS}
    for t in range(start, steps):
        own = slice(max(t - width + 1, 0), t + 1)
        rows = np.flatnonzero(marked[:, own].any(axis=1))
        if not len(rows):
            continue
        seen = np.arange(len(panel.y)) if detector.pools else rows
        y, at = hidden[seen, : t + 1].copy(), np.searchsorted(seen, rows)
        y[at, own] = panel.y[rows, own]
        single = detector.run(
            Panel(
                y, panel.exposure[seen, : t + 1], panel.time[: t + 1], panel.step, panel.kind, panel.holiday[: t + 1]
            ),
            _begun(detector, start, t),
        )
        for f in FIELDS:
            told[f][rows, t - start] = getattr(single, f)[at, -1]
    return Alarms(**told)


def _begun(detector: Detector, start: int, t: int) -> int:
    """Where a run of its own begins: a method without memory's end began adding up at `start`."""
    return start if detector.allowed().get("memory_years", 0) is None or detector.allowed().get("compat") else t
