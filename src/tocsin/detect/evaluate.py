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
from tocsin.types import Bools, Floats, Ints

BOOTSTRAPS = 400


class Measure(NamedTuple):
    """An estimate and its 95 % interval."""

    value: float
    low: float
    high: float


class Truth(NamedTuple):
    """What is known of N series over H tested steps: see scenarios.Drawn."""

    cases: Floats
    size: Ints
    past: Bools
    scenario: Ints

    def of(self, rows: Bools) -> "Truth":
        """That of some of the series (N,)."""
        return Truth(self.cases[rows], self.size[rows], self.past[rows], self.scenario[rows])


class Judged(NamedTuple):
    """What a detector made of the series, both (N, H): score has -inf for what it could not tell."""

    alarming: Bools
    score: Floats

    def of(self, rows: Bools) -> "Judged":
        """That of some of the series (N,)."""
        return Judged(self.alarming[rows], self.score[rows])


@dataclass(frozen=True, slots=True)
class Performance:
    """One detector on one draw; skipped says why there is nothing.

    fpr: alarmed share of the steps of series without an outbreak. pod, pod_first: share of outbreaks with an alarm
    between their first and last case, and at the step of their first. sensitivity, specificity, ppv, npv, f1: of single
    steps in series with an outbreak. timeliness: (first alarm - start) / duration, 1 for a missed outbreak, mean.
    pod_at: pod with the score's threshold moved to where fpr is `level`: methods side by side at equal false alarms.
    Where many scores are one, no threshold may have that fpr: it is on the straight line between the two next to it.
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


def judged(detector: Detector, drawn: Drawn) -> Judged:
    """What the detector says of the tested steps; MethodError if it cannot take them."""
    alarms = detector.run(drawn.panel, drawn.start)
    return Judged(detector.alarming(alarms), np.where(np.isnan(alarms.score), -np.inf, alarms.score))


def truth(drawn: Drawn) -> Truth:
    """What is known of the drawn series."""
    return Truth(drawn.cases, drawn.size, drawn.past, drawn.scenario)


class Limits(NamedTuple):
    """Thresholds on the score for R false-alarm rates, `score` (R,), and what share (R,) of the steps that lie on them
    are alarms beside all that lie over: two operating points and the straight line between them."""

    score: Floats
    share: Floats


def limits(found: Judged, known: Truth, rates: Floats) -> Limits:
    """The thresholds at which these shares (R,) of the steps of series without an outbreak are alarms; inf if none."""
    null = np.sort(found.score[known.size == 0], axis=None)
    if not null.size:
        return Limits(np.full(len(rates), np.inf), np.zeros(len(rates)))
    alarms = np.floor(rates * null.size + 1e-9).astype(np.int64)
    score = null[np.maximum(null.size - 1 - alarms, 0)]  # over it lie as many as may, if no others are on it
    over = 1 - np.searchsorted(null, score, side="right") / null.size
    on = 1 - np.searchsorted(null, score, side="left") / null.size - over
    return Limits(score, np.clip((rates - over) / on, 0.0, 1.0))


def curve(found: Judged, known: Truth, rates: Floats) -> Floats:
    """The share of outbreaks found (R,) at false-alarm rates (R,): the score's threshold moved from end to end."""
    has = known.cases.max(axis=1, initial=0) > 0
    highest = np.where(during(known.cases), found.score, -np.inf).max(axis=1, initial=-np.inf)[has]
    if not has.any():
        return rates * np.nan
    score, share = limits(found, known, rates)
    over, on = highest > score[:, None], highest == score[:, None]
    return np.asarray(over.mean(axis=1) + share * on.mean(axis=1))


def measured(
    name: str, found: Judged, known: Truth, rng: np.random.Generator, level: float, limit: Limits | None = None
) -> Performance:
    """The performance of a detector from what it said; limit: that of pod_at (R = 1), else found from these series."""
    (score,), (share,) = limits(found, known, np.array([level])) if limit is None else limit
    stats = _statistics(found.alarming, known)
    over, least = (
        _statistics(np.asarray(told), known)["found"] for told in (found.score > score, found.score >= score)
    )
    stats["found_at"] = over + share * (least - over)
    n = len(known.size)
    picked = rng.integers(0, n, (BOOTSTRAPS, n))
    weight = np.stack([np.bincount(p, minlength=n) for p in picked]).astype(np.float64)
    sums = {k: np.concatenate([[v.sum()], weight @ v]) for k, v in stats.items()}
    ratios: dict[str, Any] = {k: _measure(v) for k, v in _ratios(sums).items()}
    return Performance(name, **ratios)


def _performance(detector: Detector, drawn: Drawn, rng: np.random.Generator, level: float) -> Performance:
    try:
        found = judged(detector, drawn)
    except MethodError as why:
        return Performance(detector.name, skipped=str(why))
    return measured(detector.name, found, truth(drawn), rng, level)


def during(cases: Floats) -> Bools:
    """The steps (N, H) from the first to the last case of an outbreak."""
    ill = cases > 0
    begun = np.logical_or.accumulate(ill, axis=1)
    to_come = np.logical_or.accumulate(ill[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(begun & to_come)


def _statistics(alarming: Bools, known: Truth) -> dict[str, Floats]:
    """What each series gives to the sums (N,)."""
    n, steps = alarming.shape
    inside = during(known.cases)
    has: Bools = np.max(inside, axis=1, initial=False)
    first, length = np.argmax(inside, axis=1), np.maximum(inside.sum(axis=1), 1)
    hit: Bools = np.logical_and(alarming, inside)
    found: Bools = np.max(hit, axis=1, initial=False)
    late = np.where(found, (np.argmax(hit, axis=1) - first) / length, 1.0)
    null = known.size == 0
    calm = ~inside & has[:, None]
    return {
        "null_alarms": (alarming & null[:, None]).sum(axis=1).astype(np.float64),
        "null_steps": np.where(null, float(steps), 0.0),
        "outbreaks": has.astype(np.float64),
        "found": found.astype(np.float64),
        "found_first": alarming[np.arange(n), first] * has.astype(np.float64),
        "late": late * has,
        "tp": hit.sum(axis=1).astype(np.float64),
        "fn": (inside & ~alarming).sum(axis=1).astype(np.float64),
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
