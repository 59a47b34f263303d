"""Many signals over the same places: one neighbour table, and the false discoveries among them bounded. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tocsin.scan.prepare import neighbours
from tocsin.scan.run import Result, scan
from tocsin.scan.settings import Settings
from tocsin.scan.study import Study


class Signalled(NamedTuple):
    """One signal's clusters, and q: the share of false alarms if this and all smaller q are acted on (NaN: no p)."""

    result: Result
    q: float


def scan_signals(studies: Mapping[str, Study], settings: Settings) -> dict[str, Signalled]:
    """Scan each signal; q of each signal's best cluster by Benjamini & Hochberg (1995), JRSS B 57:289.

    Places are sorted once for all studies that have the same ones.
    """
    tables = {}
    results = {}
    for name, study in studies.items():
        places = (study.ids, study.points.tobytes(), study.earth)
        if places not in tables:
            tables[places] = neighbours(study, settings)
        results[name] = scan(study, settings, tables[places])
    q = false_discoveries({name: r.clusters[0].p for name, r in results.items() if r.clusters})
    return {name: Signalled(r, q.get(name, float("nan"))) for name, r in results.items()}


def false_discoveries(p: Mapping[str, float]) -> dict[str, float]:
    """q of every signal that has a p; Benjamini & Hochberg (1995)."""
    ranked = sorted((name for name in p if np.isfinite(p[name])), key=lambda name: p[name])
    q: dict[str, float] = {}
    least = 1.0
    for i in range(len(ranked), 0, -1):
        least = min(least, p[ranked[i - 1]] * len(ranked) / i)
        q[ranked[i - 1]] = least
    return q
