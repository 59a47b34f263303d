"""Why a detector says what it says of one step: what it rests on, and what would have kept it quiet. Pure.

Works with any detector: the largest quiet count is found by asking the detector itself, many counts at once, or, of one
that pools, whose every answer takes a whole panel, one after another.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf, nan

import numpy as np

from tocsin.detect.basis import Basis, basis
from tocsin.detect.contract import Detector
from tocsin.detect.left_out import judged_steps, run
from tocsin.types import Alarms, Bools, Floats, Panel, Times

COPIES = 64  # counts tried at once
MOST = 2.0**50  # beyond this no count is looked for
ROUNDS = 64  # of halving, at most: a whole number of MOST is found in fifty, by COPIES in nine


@dataclass(frozen=True, slots=True)
class Why:
    """One detector's word on one step of one series.

    time, observed: of the step itself; compared: what expected and upper are compared with (a sum over `window` steps,
    or the same). alarm: its own threshold is passed. basis: what it rests on; times and values (R,) of its baseline
    steps, left_out (R,): marked as outbreak and so not used; recent: times of basis.recent. has, needs: steps of
    history there are, and that it asks for. quiet: the largest value of this step that raises no alarm, -inf if every
    value does, inf if none does. silent: why it says nothing, a key of SILENT, "" where it speaks.
    """

    detector: Detector
    step: int
    kind: str
    time: np.datetime64
    observed: float
    compared: float
    window: int
    expected: float
    upper: float
    score: float
    p: float
    alarm: bool
    basis: Basis
    times: Times
    values: Floats
    left_out: Bools
    recent: Times
    has: int
    needs: int
    quiet: float
    silent: str


SILENT = (
    "not reported", "part not reported", "too little history", "outbreak left out", "baseline not reported", "method",
)  # fmt: skip


def why(detector: Detector, panel: Panel, series: int, step: int, start: int | None = None,
        marked: Bools | None = None) -> Why:  # fmt: skip
    """Why `detector` says what it says of position `step` of series `series`; nothing after the step is looked at.

    start: where judging began, for methods that add up from there; by default at the step. marked (N, T): outbreaks
    that people marked, left out of baselines.
    """
    start, end = (step if start is None else start), step + 1
    assert start <= step < panel.y.shape[1], (start, step, panel.y.shape)
    # One that pools is asked of the panel it judges the series in.
    rows, i = (slice(None), series) if detector.pools else (slice(series, series + 1), 0)
    seen = panel._replace(
        y=panel.y[rows, :end], exposure=panel.exposure[rows, :end], time=panel.time[:end], holiday=panel.holiday[:end]
    )
    out = np.zeros(seen.y.shape, dtype=np.bool_) if marked is None else marked[rows, :end].copy()
    alarms = run(detector, seen, start, out)
    used = out.copy()
    used[:, end - judged_steps(detector, panel.step) :] = False
    hidden = seen._replace(y=np.where(used, nan, seen.y))
    rests = basis(detector, hidden, start, i)
    y, cell = seen.y[i], {f: float(getattr(alarms, f)[i, -1]) for f in ("expected", "upper", "score", "p")}
    known = np.flatnonzero(~np.isnan(y))
    has = step - int(known[0]) if len(known) else 0
    quiet = nan
    if not np.isnan(cell["score"]):
        at_once, alarming = (1, _alone) if detector.pools else (COPIES, _alarming)
        quiet = largest_quiet(lambda v: alarming(detector, seen, start, out, i, v), float(y[-1]), panel.kind, at_once)
    found = Why(
        detector, panel.step, panel.kind, panel.time[step], float(y[-1]),
        float(detector.observed(seen.y, panel.step)[i, -1]), max(detector.window // panel.step, 1),
        **cell, alarm=bool(detector.alarming(alarms)[i, -1]), basis=rests, times=panel.time[rests.row],
        values=y[rests.row], left_out=used[i, rests.row], recent=panel.time[rests.recent], has=has,
        needs=rests.least or detector.history(panel.step), quiet=quiet, silent="",
    )  # fmt: skip
    return found if not np.isnan(cell["score"]) else _silenced(found)


def largest_quiet(alarming: Callable[[Floats], Bools], near: float, kind: str, at_once: int = COPIES) -> float:
    """The largest value under the least alarming one; -inf if every value alarms, inf if none does.

    `alarming` takes values (K,), at most about `at_once`, and says which would be alarms; it is taken to be true from
    some value on. Counts: whole numbers, exact; readings: to one part in 10⁹ of their distance from `near`.
    """
    if kind == "count":
        tried = np.r_[0.0, 2.0 ** np.arange(0, 51)]
    else:
        scale = max(abs(near), 1.0)
        reach = scale * 2.0 ** np.arange(-20, 21)
        tried = np.r_[near - reach[::-1], near, near + reach]
    low, high = _between(alarming, tried) if at_once >= COPIES else _bisected(alarming, tried)
    for _ in range(ROUNDS):
        if not (np.isfinite(low) and np.isfinite(high)) or high - low <= (1 if kind == "count" else 1e-9 * abs(high)):
            break
        between = np.linspace(low, high, at_once + 2)
        tried = np.unique(np.r_[low, np.floor(between[1:-1]), high]) if kind == "count" else between
        found = _between(alarming, tried[1:-1])
        low, high = max(low, found[0]), min(high, found[1])
    return low if np.isfinite(high) else inf


def _between(alarming: Callable[[Floats], Bools], tried: Floats) -> tuple[float, float]:
    """The last quiet value under the least alarming one, and that one; -inf and inf where there is none."""
    loud = np.flatnonzero(alarming(tried))
    first = int(loud[0]) if len(loud) else len(tried)
    return (float(tried[first - 1]) if first else -inf), (float(tried[first]) if len(loud) else inf)


def _bisected(alarming: Callable[[Floats], Bools], tried: Floats) -> tuple[float, float]:
    """The same, asking of one value at a time."""
    first, end = 0, len(tried)
    while first < end:
        middle = (first + end) // 2
        if alarming(tried[middle : middle + 1])[0]:
            end = middle
        else:
            first = middle + 1
    return (float(tried[first - 1]) if first else -inf), (float(tried[first]) if first < len(tried) else inf)


def with_last(panel: Panel, values: Floats) -> Panel:
    """Copies of a panel of one series, one for each of the last step's `values` (K,)."""
    y = np.repeat(panel.y, len(values), axis=0)
    y[:, -1] = values
    return panel._replace(y=y, exposure=np.repeat(panel.exposure, len(values), axis=0))


def _alarming(detector: Detector, panel: Panel, start: int, marked: Bools, _: int, values: Floats) -> Bools:
    """Which values (K,) of the last step are alarms, of a panel of one series."""
    copies: Alarms = run(detector, with_last(panel, values), start, np.repeat(marked, len(values), axis=0))
    return detector.alarming(copies)[:, -1]


def _alone(detector: Detector, panel: Panel, start: int, marked: Bools, i: int, values: Floats) -> Bools:
    """The same of series i of a panel whose other series stay as they are."""
    found = []
    for value in values:
        y = panel.y.copy()
        y[i, -1] = value
        found.append(bool(detector.alarming(run(detector, panel._replace(y=y), start, marked))[i, -1]))
    return np.array(found, dtype=np.bool_)


def _silenced(found: Why) -> Why:
    gaps = found.basis.weight == 0
    if np.isnan(found.observed):
        said = "not reported"
    elif found.has < found.needs or "history" in found.basis.reason:
        said = "too little history"
    elif np.isnan(found.compared):
        said = "part not reported"
    elif found.left_out.any():
        said = "outbreak left out"
    elif gaps.any() and not found.basis.reason:
        said = "baseline not reported"
    else:
        said = "method"
    return replace(found, silent=said)
