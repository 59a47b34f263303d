"""Why one step of one series is an alarm or is not: every detector's baseline, and what would suppress it. I/O."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tocsin.alert.reason import NAMES
from tocsin.config import AlertRules, SignalTable
from tocsin.desk import Desk
from tocsin.detect import Detector
from tocsin.detect.sentences import number as short
from tocsin.detect.sentences import sentences
from tocsin.detect.units import Unit, unit
from tocsin.detect.why import COPIES, Why, largest_quiet, why
from tocsin.errors import NotFound
from tocsin.judge import Believed, Judged, cube_asked, flagged, judge_cube, row_judged
from tocsin.outlook.counts import Counts, counts
from tocsin.types import Bools, Cube, Floats, Instant, Panel, Title
from tocsin.views.plain import area_of, civil, civils, iso, minute_of_date, moment_of, number, ranged, table_of, titled


def explain(
    desk: Desk, signal: str, area: str, time: str, detector: str | None, as_of: str | None, now: Instant
) -> dict[str, Any]:
    """Why `signal` in `area` is judged as it is at the step that holds `time`, as known at a moment.

    detector: one of the signal's, or of its fallback, by name; None: all of its own, and the fallback that spoke.
    """
    table, place, at = table_of(desk, signal), area_of(desk, area), moment_of(desk, as_of, now)
    step, wanted = desk.step(signal), minute_of_date(time, "time")
    if wanted is None or wanted > desk.today(at):
        raise NotFound(f"time {time!r} is after what was known at {iso(at)}; name an earlier step")
    cube, found = cube_asked(desk, table, place.level, at, 1, area, step.floor(wanted))
    row, marked, panel = found or 0, desk.marked(signal, cube), desk.panel(signal, cube)
    by = counts(desk, table, place.level, cube)
    judged = row_judged(judge_cube(desk, table, cube, 1, marked, by), row)
    own, all_ = desk.detectors[signal], [*desk.detectors[signal], *desk.fallbacks[signal]]
    shown = [d for d in all_ if d.name == detector] if detector else judged.detectors
    if not shown and detector:
        raise NotFound(f"no detector {detector!r} for {signal}; there are: {', '.join(d.name for d in all_) or 'none'}")
    rules = desk.settings.alerts
    cut = rules.p if rules.fdr is None else np.nan  # by a share, the limit lies in all that a beat judges
    last, observed = panel.y.shape[1] - 1, float(panel.y[row, -1])

    final = by.final(row, last)
    certain = cube if final is None or not own else replace(cube, values=by.judged(own[0], panel).y[None])
    pooled = any(d.pools for d in all_)
    asked, at_once = _asked(desk, table, certain, marked, None if not pooled else row, cut, at), 1 if pooled else COPIES
    heard = bool(judged.detectors) and not np.isnan(observed)
    loud = bool(heard and flagged(table, judged, Believed(judged.p <= cut, cut, np.full_like(judged.p, np.nan)), at))
    quiet = largest_quiet(asked, observed, table.kind, at_once) if heard else np.nan
    p, words = float(judged.p[0, 0]), unit(step.minutes)
    return {
        "signal": signal,
        "area": area,
        "as_of": iso(at),
        "time": civil(int(cube.times[-1].astype(np.int64)), step.minutes),
        "observed": number(observed),
        "estimated": None if final is None else ranged(final),
        "p": number(p),
        "speaks": loud if loud or rules.fdr is None else None,
        "quiet": number(quiet),
        "text": [
            titled(t)
            for t in [
                *_nowcast(observed, final, words),
                *_together(own, judged.detectors, p, rules, loud, quiet, final is not None, words),
            ]
        ],
        "detectors": [told_of(_word(d, by, panel, judged, row, marked), title_of(d), d not in own) for d in shown],
    }


def _word(d: Detector, by: Counts, panel: Panel, judged: Judged, row: int, marked: Bools) -> Why:
    """A detector's word on what it was asked about; of a nowcast, p is that of all there may have been."""
    last = panel.y.shape[1] - 1
    own = by.final(row, last) is not None and d.name in judged.alarms
    said = why(d, by.judged(d, panel) if own else panel, row, last, marked=marked)
    if not own:
        return said
    return replace(said, p=float(judged.alarms[d.name].p[0, -1]), alarm=bool(judged.alarming[d.name][0, -1]))


def _asked(
    desk: Desk, table: SignalTable, cube: Cube, marked: Bools, row: int | None, cut: float, at: Instant
) -> Callable[[Floats], Bools]:
    """Which values (K,) of the last step would open or feed an alert; row: whose step, where a detector pools the cube.

    The values of one area alone are those of copies of it, judged at once. Copies would mislead a detector that pools:
    of it each value is asked by itself, in the cube of all areas.
    """

    def speak(of: Judged) -> list[str]:
        return [f.area for f, _ in flagged(table, of, Believed(of.p <= cut, cut, np.full_like(of.p, np.nan)), at)]

    def of_copies(values: Floats) -> Bools:
        n = len(values)
        tried = np.repeat(cube.values, n, axis=1)
        tried[0, :, -1] = values
        copies = replace(
            cube, areas=tuple(map(str, range(n))), values=tried, exposure=np.repeat(cube.exposure, n, axis=1)
        )
        spoken = speak(judge_cube(desk, table, copies, 1, np.repeat(marked, n, axis=0)))
        return np.isin(np.arange(n), [int(a) for a in spoken])

    def of_all(values: Floats) -> Bools:
        assert row is not None
        told = []
        for value in values:
            tried = cube.values.copy()
            tried[0, row, -1] = value
            judged = judge_cube(desk, table, replace(cube, values=tried), 1, marked)
            told.append(bool(speak(row_judged(judged, row))))
        return np.array(told, dtype=np.bool_)

    return of_copies if row is None else of_all


def told_of(w: Why, title: Title, fallback: bool) -> dict[str, Any]:
    """One detector's judgement as the wire has it."""
    return {
        "name": w.detector.name,
        "title": titled(title),
        "fallback": fallback,
        "alarm": w.alarm,
        "silent": w.silent,
        "observed": number(w.compared),
        **{f: number(getattr(w, f)) for f in ("expected", "upper", "score", "p")},
        "window": w.window,
        "quiet": number(w.quiet),
        "dispersion": number(w.basis.phi),
        "trend": w.basis.trend,
        "trend_p": number(w.basis.trend_p),
        "trend_per_year": number(w.basis.trend_per_year),
        "has": w.has,
        "needs": w.needs,
        "baseline": [
            {"time": at, "value": number(float(value)), "weight": _weight(float(weight)), "left_out": bool(out)}
            for at, value, weight, out in zip(
                civils(w.times, w.step), w.values, w.basis.weight, w.left_out, strict=True
            )
        ],
        "recent": civils(w.recent, w.step),
        "text": [titled(t) for t in sentences(w, title)],
    }


def title_of(detector: Detector) -> Title:
    """A detector as people know it."""
    return NAMES.get(detector.name, Title(detector.name, detector.name))


def _weight(x: float) -> float | None:
    return None if np.isnan(x) else float(f"{x:.3g}")


def _nowcast(reported: float, final: Floats | None, u: Unit) -> list[Title]:
    """That the step was judged on what it will have been."""
    if final is None:
        return []
    low, middle, high = (f"{x:.0f}" for x in final)
    told = short(reported)
    return [
        Title(
            f"报告尚未到齐：{u.this}已报告 {told} 例，预计最终 {middle} 例（95% 区间 {low}–{high}）。"
            "各方法按可能的最终数判断：p 为其平均，预期值、界值与得分按中位数计；"
            "已报告数不足四分之一的，按已报告数判断。",
            f"Reports still come in: {told} reported of this {u.en} so far, about {middle} in the end (95% interval "
            f"{low} to {high}). The methods judged what there may be in the end: p is an average over that, expected, "
            "threshold and score are those of the median; where less than a quarter is in, what is reported is judged.",
        )
    ]


def _together(
    own: list[Detector], asked: Sequence[Detector], p: float, rules: AlertRules, loud: bool, quiet: float,
    guessed: bool, u: Unit,
) -> list[Title]:  # fmt: skip
    """What all detectors make of it in one, who stands in for the silent, and what would have opened no alert."""
    said = []
    stand_ins = [title_of(d) for d in asked if d not in own]
    if stand_ins:
        zh, en = "、".join(t.zh for t in stand_ins), " and ".join(t.en for t in stand_ins)
        said.append(
            Title(
                f"本信号设定的方法在此都不能判断，由后备方法{zh}代为判断。",
                f"None of the signal's own methods can judge here; the fallback {en} speaks for them.",
            )
        )
    if not np.isnan(p) and rules.fdr is not None:
        said.append(
            Title(
                f"各方法合并 p = {p:.2g}；本市按错误发现率不超过 {rules.fdr:.0%} 预警，界限取决于当次研判的全部结果。",
                f"All methods together: p = {p:.2g}; the city goes by a false discovery rate of {rules.fdr:.0%}, so "
                "the limit depends on all that a beat judges.",
            )
        )
    elif not np.isnan(p):
        said.append(
            Title(
                f"各方法合并 p = {p:.2g}，{'达到' if p <= rules.p else '未达到'}预警界限 {rules.p:g}。",
                f"All methods together: p = {p:.2g}, {'at or under' if p <= rules.p else 'over'} the limit of "
                f"{rules.p:g}.",
            )
        )
    if np.isfinite(quiet) and (rules.fdr is None or loud):
        of = short(quiet)
        if guessed:
            zh = f"若最终数已确知且不超过 {of}，{u.this}不会产生预警。"
            en = f"Were the final count known, {of} or less would raise no alert from this {u.en}."
        elif loud:
            zh = f"若{u.this}不超过 {of}，就不会产生预警。"
            en = f"At {of} or less there would be no alert from this {u.en}."
        else:
            zh, en = f"{u.this}超过 {of} 才会产生预警。", f"It would take more than {of} for an alert."
        said.append(Title(zh, en))
    return said
