"""What a judgement rests on: the steps each method compares a step with, what each of them counts, and the fit. Pure.

One function a method, of a panel of one series (of all, for a method that pools them) that ends with the judged step. A
method of another package has none; it is then said to rest on all the history it asks for.
"""

from collections.abc import Callable, Mapping
from math import nan
from typing import Any, NamedTuple

import numpy as np

from tocsin.detect import (
    baseline,
    baseline_nb,
    cdc,
    cidars,
    ears,
    farrington,
    farrington_flexible,
    rammie,
    reference,
    runs,
)
from tocsin.detect.contract import Detector, steps_per_year
from tocsin.types import Floats, Ints, Panel

YOUNG = "less than two years"  # beside those of judgement.TRENDS


class Basis(NamedTuple):
    """Steps as positions in the panel, ascending, and what a fit says of itself.

    row (R,) baseline steps; weight (R,) what each counted, 1 in the mean or at most, 0 where the count is missing, NaN
    where the method does not tell. recent (K,): steps that are neither baseline nor judged alone but part of the
    statistic: the rest of a sum, a run that adds up. phi: variance over mean (readings: variance). trend: "kept" or
    why it was left out, "" for methods without; trend_per_year: factor, or units a year of readings. cases, needed,
    within: limit54 wants `needed` cases within so many steps and saw `cases`. reason: the
    method's own for its silence. least: the steps of history it speaks from, where that is fewer than it asks for.
    areas: the series of which the same steps are part of the fit, the judged one among them.
    """

    row: Ints
    weight: Floats
    recent: Ints
    phi: float = nan
    trend: str = ""
    trend_p: float = nan
    trend_per_year: float = nan
    cases: float = nan
    needed: int = 0
    within: int = 0
    reason: str = ""
    least: int = 0
    areas: int = 1


def basis(detector: Detector, panel: Panel, start: int, series: int = 0) -> Basis:
    """The basis of the last step of a series, where judging began at step `start`; one alone unless detectors pool."""
    assert len(panel.y) == 1 or detector.pools, panel.y.shape
    of, t = BASES.get(detector.name), panel.y.shape[1] - 1
    if detector.name in POOLED:
        return POOLED[detector.name](panel, series, detector.allowed())
    if of is None:
        row, areas = np.arange(max(t - detector.history(panel.step), 0), t), len(panel.y)
        weight = np.where(np.isnan(panel.y[series, row]), 0.0, nan)
        return Basis(row, weight, np.zeros(0, np.int64), areas=areas)
    return of(panel, start, detector.allowed())


Settings = Mapping[str, Any]
Of = Callable[[Panel, int, Settings], Basis]


def _plain(panel: Panel, row: Ints, recent: Ints | None = None, **more: Any) -> Basis:
    """Steps that all count alike, those that are missing not at all; what lies before the panel is left out."""
    row = np.unique(row[row >= 0]).astype(np.int64)
    recent = np.zeros(0, np.int64) if recent is None else np.unique(recent[recent >= 0]).astype(np.int64)
    return Basis(row, np.where(np.isnan(panel.y[0, row]), 0.0, 1.0), recent, **more)


def _last(panel: Panel) -> int:
    return int(panel.y.shape[1]) - 1


def _c1(panel: Panel, _: int, s: Settings) -> Basis:
    return _plain(panel, _last(panel) - np.arange(1, s["baseline"] + 1))


def _c2(panel: Panel, _: int, s: Settings) -> Basis:
    return _plain(panel, _last(panel) - ears.GAP - np.arange(1, s["baseline"] + 1))


def _c3(panel: Panel, _: int, s: Settings) -> Basis:
    t = _last(panel)  # the two steps before have baselines of their own, which reach two steps further back
    return _plain(panel, t - ears.GAP - np.arange(1, s["baseline"] + 3), t - np.arange(1, 3))


def _reference(panel: Panel, _: int, s: Settings) -> Basis:
    return _plain(panel, _last(panel) - np.array(reference.lags(panel.step, s["b"], s["w"], s["act_y"])))


def _cdc(panel: Panel, _: int, s: Settings) -> Basis:
    back, width = cdc._blocks(panel.step, s["b"], s["m"])
    ends = _last(panel) - np.array(back)
    return _plain(panel, (ends[:, None] - np.arange(width)).ravel(), _last(panel) - np.arange(1, width))


def _moving_percentile(panel: Panel, _: int, s: Settings) -> Basis:
    t = _last(panel)
    width, ends = cidars._blocks(panel, t, s["years"], s["weeks"])
    rows = ends[:, 0][:, None] - np.arange(width)
    rows = rows[(rows >= 0).all(axis=1)]
    whole = ~np.isnan(panel.y[0, rows]).any(axis=1)  # a block with a day missing is left out
    row, at = np.unique(rows, return_inverse=True)
    weight = np.zeros(len(row))
    np.maximum.at(weight, at.ravel(), np.repeat(whole.astype(np.float64), width))
    return Basis(row.astype(np.int64), weight, np.arange(max(t - width + 1, 0), t))


def _fixed(panel: Panel, _: int, s: Settings) -> Basis:
    return _plain(panel, np.zeros(0, np.int64))


def _ewma(panel: Panel, _: int, s: Settings) -> Basis:
    t, guard = _last(panel), s["guard"]
    return _plain(panel, t - guard - np.arange(1, s["baseline"] + 1), t - np.arange(1, guard + 1))


def _regression(panel: Panel, _: int, s: Settings) -> Basis:
    return _plain(panel, _last(panel) - s["guard"] - np.arange(1, s["baseline"] + 1))


def _run(panel: Panel, start: int, s: Settings, trained: bool, train_years: float) -> Basis:
    """Steps a run was trained on, and those that it has added up since."""
    memory, t = None if s["compat"] else s["memory_years"], _last(panel)
    of = next((r for r in runs.runs(panel, start, memory, train_years) if r.first <= t < r.last), None)
    if of is None:
        return _plain(panel, np.zeros(0, np.int64))
    return _plain(panel, np.arange(of.trained if trained else of.began, of.began), np.arange(of.began, t))


def _cusum(panel: Panel, start: int, s: Settings) -> Basis:
    return _run(panel, start, s, s["m"] is None or s["m"] == "glm", s["train_years"])


def _glr(panel: Panel, start: int, s: Settings) -> Basis:
    return _run(
        panel,
        start,
        s,
        s["mu0"] is None or isinstance(s["mu0"], Mapping) or s.get("alpha", 0) is None,
        s["train_years"],
    )


def _outbreak_p(panel: Panel, start: int, s: Settings) -> Basis:
    """Its run is its baseline: the constant mean and the rise are told from the same steps."""
    if s["compat"] or s["memory_years"] is None:
        return _plain(panel, np.arange(_last(panel)))
    return _plain(panel, _run(panel, start, s, False, 1.0).recent)


def _farrington(panel: Panel, _: int, s: Settings, of: Any = farrington) -> Basis:
    t = _last(panel)
    e = of.explain(panel, 0, t, **s)
    within = int(s["limit54"][1])
    return Basis(
        e.row, e.weight if len(e.weight) else np.zeros(len(e.row)), np.arange(max(t - within + 1, 0), t), e.phi,
        e.trend if np.isfinite(e.phi) else "", e.trend_p, e.trend_per_year, e.cases, e.needed, within, e.reason,
    )  # fmt: skip


def _farrington_flexible(panel: Panel, start: int, s: Settings) -> Basis:
    return _farrington(panel, start, s, farrington_flexible)


def _baseline_nb(panel: Panel, _: int, s: Settings) -> Basis:
    control = baseline_nb._Control(
        s["years"], s["harmonics"], s["trend"], s["alpha"], s["weights_threshold"], s["gap_weeks"],
        s["population_offset"], s["log"], s["leave_out"],
    )  # fmt: skip
    least = baseline_nb._least(panel.step)
    t, nothing = _last(panel), _plain(panel, np.zeros(0, np.int64), least=least)
    blocks = baseline_nb._blocks(panel, t, control)
    if not blocks:
        return nothing
    until = blocks[0][2]
    y, offset = baseline_nb._scaled(panel, control)
    usable = np.where(baseline_nb._left_out(panel, control.leave_out), nan, y)
    begin = next((b for b, _ in baseline_nb._of_an_age(panel, y, until, control.years)), until)
    row = np.arange(begin, until)
    known = int((~np.isnan(usable[0, row])).sum())
    if until - begin < least or known < least:
        return _plain(panel._replace(y=usable), row, least=least)
    rows = np.r_[row, t]
    of = baseline.design(panel.time[rows], panel.holiday[rows], panel.step, len(row), control.harmonics, control.trend)
    fit = baseline.fit(usable[:, row], offset[:, row], of, panel.kind, control.threshold)
    kept = control.trend and until - begin >= 2 * steps_per_year(panel.step)
    trend = "kept" if kept else YOUNG if control.trend else "not asked for"
    effect = float(fit.effects[0, 1]) if kept else 0.0
    growth = effect if panel.kind == "measure" and not control.log else float(np.exp(effect))
    return Basis(row, fit.weights[0], nothing.recent, float(fit.dispersion[0]), trend, nan, growth, least=least)


def _serfling(panel: Panel, start: int, s: Settings) -> Basis:
    whole = {"trend": True, "gap_weeks": 0.0, "population_offset": False, "log": False, "leave_out": (), **s}
    return _baseline_nb(panel._replace(kind="measure"), start, whole)


def _rammie(panel: Panel, series: int, s: Settings) -> Basis:
    e = rammie.explain(panel, series, **s)
    recent, least = np.arange(e.recent, _last(panel)), rammie._least(panel.step)
    if e.fit is None:
        return Basis(e.row, np.where(np.isnan(panel.y[series, e.row]), 0.0, 1.0), recent, least=least)
    kept = s["trend"] and len(e.row) >= 2 * steps_per_year(panel.step)
    trend = "kept" if kept else YOUNG if s["trend"] else "not asked for"
    growth = float(np.exp(e.fit.effects[1])) if kept else 1.0
    return Basis(
        e.row, e.fit.weights[series], recent, float(e.fit.dispersion[series]), trend, nan, growth, least=least,
        areas=len(panel.y),
    )  # fmt: skip


BASES: dict[str, Of] = {
    "baseline_nb": _baseline_nb,
    "bayes": _reference,
    "cdc": _cdc,
    "cusum": _cusum,
    "ears_c1": _c1,
    "ears_c2": _c2,
    "ears_c3": _c3,
    "ewma": _ewma,
    "farrington": _farrington,
    "farrington_flexible": _farrington_flexible,
    "fixed_value": _fixed,
    "glr_nb": _glr,
    "glr_poisson": _glr,
    "moving_percentile": _moving_percentile,
    "outbreak_p": _outbreak_p,
    "regression": _regression,
    "regression_ewma_switch": _ewma,
    "rki": _reference,
    "serfling": _serfling,
}
POOLED: dict[str, Of] = {"rammie": _rammie}  # of a panel of all series: which one is asked about, instead of the start
