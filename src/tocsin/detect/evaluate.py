"""How well a detector detects: false alarms, outbreaks found, and how soon, on series whose truth is known. Pure.

The measures are those of Noufaily et al. (2013) and Bédubourg and Le Strat (2017). Every one is a ratio of sums over
series, so one bootstrap of the series gives all their intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tocsin.detect.contract import Detector
from tocsin.detect.scenarios import Drawn
from tocsin.errors import MethodError
from tocsin.types import Bools, Floats

BOOTSTRAPS = 400


class Measure(NamedTuple):
    """An estimate and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Performance:
    """One detector on one draw; skipped says why there is nothing.

    fpr: alarmed share of the steps of series without an outbreak. pod, pod_first: share of outbreaks with an alarm
    between their first and last case, and at the step of their first. sensitivity, specificity, ppv, npv, f1: of single
    steps in series with an outbreak. timeliness: (first alarm - start) / duration, 1 for a missed outbreak, mean.
    pod_at: pod with the score's threshold moved to where fpr is `level`: methods side by side at equal false alarms.
    """

    name: str
    skipped: str = ""
    fpr: Measure | None = None
    pod: Measure | None = None
    pod_first: Measure | None = None
    sensitivity: Measure | None = None
    specificity: Measure | None = None
    ppv: Measure | None = None
    npv: Measure | None = None
    f1: Measure | None = None
    timeliness: Measure | None = None
    pod_at: Measure | None = None


MEASURES = ("fpr", "pod", "pod_first", "sensitivity", "specificity", "ppv", "npv", "f1", "timeliness", "pod_at")


def evaluate(
    detectors: Sequence[Detector], drawn: Drawn, rng: np.random.Generator, level: float = 0.01
) -> list[Performance]:
    """The performance of each detector on the same series; one that cannot take their step is skipped, saying why."""
    return [_performance(d, drawn, rng, level) for d in detectors]


def table(found: Sequence[Performance]) -> str:
    """The performances as a Markdown table: value, and half the width of its interval."""
    rows = [f"| method | {' | '.join(MEASURES)} |", "|---" * (len(MEASURES) + 1) + "|"]
    for p in found:
        cells = [p.skipped] + [""] * (len(MEASURES) - 1) if p.skipped else [_cell(getattr(p, m)) for m in MEASURES]
        rows.append(f"| {p.name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _cell(m: Measure) -> str:
    return "–" if np.isnan(m.value) else f"{m.value:.4f} ± {(m.high - m.low) / 2:.4f}"


def _performance(detector: Detector, drawn: Drawn, rng: np.random.Generator, level: float) -> Performance:
    try:
        alarms = detector.run(drawn.panel, drawn.start)
    except MethodError as why:
        return Performance(detector.name, skipped=str(why))
    alarming = detector.alarming(alarms)
    null = drawn.size == 0
    score = np.where(np.isnan(alarms.score), -np.inf, alarms.score)
    limit = np.quantile(score[null], 1 - level, method="higher") if null.any() else np.inf
    stats = _statistics(alarming, drawn)
    stats["found_at"] = _statistics(np.asarray(score > limit), drawn)["found"]
    picked = rng.integers(0, len(null), (BOOTSTRAPS, len(null)))
    weight = np.stack([np.bincount(p, minlength=len(null)) for p in picked]).astype(np.float64)
    sums = {k: np.concatenate([[v.sum()], weight @ v]) for k, v in stats.items()}
    measured: dict[str, Any] = {k: _measure(v) for k, v in _ratios(sums).items()}
    return Performance(detector.name, **measured)


def _statistics(alarming: Bools, drawn: Drawn) -> dict[str, Floats]:
    """What each series gives to the sums (N,)."""
    n, steps = alarming.shape
    ill: Bools = np.greater(drawn.cases, 0)
    has: Bools = np.max(ill, axis=1, initial=False)
    first = np.argmax(ill, axis=1)
    last = steps - 1 - np.argmax(ill[:, ::-1], axis=1)
    at = np.arange(steps)
    during = np.asarray((at >= first[:, None]) & (at <= last[:, None]) & has[:, None])
    hit: Bools = np.logical_and(alarming, during)
    found: Bools = np.max(hit, axis=1, initial=False)
    late = np.where(found, (np.argmax(hit, axis=1) - first) / (last - first + 1), 1.0)
    null = drawn.size == 0
    calm = ~during & has[:, None]
    return {
        "null_alarms": (alarming & null[:, None]).sum(axis=1).astype(np.float64),
        "null_steps": np.where(null, float(steps), 0.0),
        "outbreaks": has.astype(np.float64),
        "found": found.astype(np.float64),
        "found_first": alarming[np.arange(n), first] * has.astype(np.float64),
        "late": late * has,
        "tp": hit.sum(axis=1).astype(np.float64),
        "fn": (during & ~alarming).sum(axis=1).astype(np.float64),
        "fp": (calm & alarming).sum(axis=1).astype(np.float64),
        "tn": (calm & ~alarming).sum(axis=1).astype(np.float64),
    }


def _ratios(s: dict[str, Floats]) -> dict[str, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "fpr": s["null_alarms"] / s["null_steps"],
            "pod": s["found"] / s["outbreaks"],
            "pod_first": s["found_first"] / s["outbreaks"],
            "sensitivity": s["tp"] / (s["tp"] + s["fn"]),
            "specificity": s["tn"] / (s["tn"] + s["fp"]),
            "ppv": s["tp"] / (s["tp"] + s["fp"]),
            "npv": s["tn"] / (s["tn"] + s["fn"]),
            "f1": 2 * s["tp"] / (2 * s["tp"] + s["fp"] + s["fn"]),
            "timeliness": s["late"] / s["outbreaks"],
            "pod_at": s["found_at"] / s["outbreaks"],
        }


def _measure(values: Floats) -> Measure:
    """The first is the estimate, the others its bootstraps."""
    known = values[1:][~np.isnan(values[1:])]
    if np.isnan(values[0]) or not known.size:
        return Measure(np.nan, np.nan, np.nan)
    low, high = np.quantile(known, (0.025, 0.975))
    return Measure(float(values[0]), float(low), float(high))
