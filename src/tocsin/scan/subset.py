"""Fast subset scan: irregular clusters, the best subset of places around each place. Pure.

For an expectation-based statistic the best subset of a neighbourhood is among the places sorted by count / baseline
(linear-time subset scanning), so N prefixes stand for 2^N subsets. Neill (2012), JRSS B 74:337.
"""

from typing import NamedTuple

import numpy as np

from tocsin.errors import MethodError
from tocsin.scan.periods import Windows
from tocsin.scan.zones import Zones
from tocsin.types import Floats, Ints


class Subset(NamedTuple):
    """The best subset: locations (by priority), intervals (inclusive), count, baseline, C ln(C/B) + B − C."""

    members: Ints
    first: int
    last: int
    observed: float
    expected: float
    llr: float


def best_subset(counts: Floats, baseline: Floats, zones: Zones, windows: Windows, nearest: int = 20) -> Subset:
    """The highest scoring subset of any place's `nearest` neighbours in any window; counts, baseline (L, T)."""
    if counts.shape != baseline.shape:
        raise MethodError(f"counts {counts.shape} and baseline {baseline.shape} must have one shape")
    best = Subset(np.zeros(0, np.int64), 0, 0, 0.0, 0.0, 0.0)
    for first, last in zip(windows.first.tolist(), windows.last.tolist(), strict=True):
        n, b = counts[:, first : last + 1].sum(axis=1), baseline[:, first : last + 1].sum(axis=1)
        for z in range(len(zones.centre)):
            members = zones.members[zones.begin[z] : zones.begin[z + 1]][:nearest].astype(np.int64)
            ratio = np.divide(n[members], b[members], out=np.full(len(members), -1.0), where=b[members] > 0)
            by = members[np.argsort(-ratio, kind="stable")][: int((ratio > 0).sum())]
            C, B = np.cumsum(n[by]), np.cumsum(b[by])
            score = np.where(C > B, C * np.log(np.maximum(C, 1e-300) / B) + B - C, 0.0)
            if len(by) and score.max() > best.llr:
                k = int(score.argmax())
                best = Subset(by[: k + 1], first, last, float(C[k]), float(B[k]), float(score[k]))
    return best
