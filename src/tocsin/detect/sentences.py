"""A judgement in sentences people read beside the curve, in Chinese and English. Pure."""

from collections.abc import Callable, Mapping
from math import isfinite, isinf, isnan
from typing import Any

import numpy as np
from scipy.special import ndtri

from tocsin.calendar import DAY
from tocsin.detect.units import Unit, span, unit
from tocsin.detect.why import Why
from tocsin.types import Title

TRENDS = {  # the values of judgement.TRENDS and basis.YOUNG that say why a trend was left out
    "not asked for": Title("设置里没有要求", "it was not asked for"),
    "fewer than three years": Title("基线不足三年", "the baseline has fewer than three years"),
    "less than two years": Title("基线不足两年", "the baseline has less than two years"),
    "not significant": Title("趋势不显著", "it is not significant"),
    "it would lead over the largest baseline count": Title(
        "外推会超过基线中的最大值", "it would lead over the largest baseline count"
    ),
    "no convergence with it": Title("带趋势的拟合不收敛", "the fit with it does not converge"),
}
REASONS = {  # the values of judgement.REASONS
    "the count is missing, or the population it is a rate of": Title(
        "当期的数或人口缺失", "the count is missing, or the population it is a rate of"
    ),
    "too few counts in the baseline, or none at this time of the year": Title(
        "基线中的数太少，或一年中的这个时段没有数", "too few counts in the baseline, or none at this time of the year"
    ),
    "the regression did not converge": Title("回归不收敛", "the regression did not converge"),
    "too little history: the oldest baseline window begins before the series": Title(
        "历史太短：最早的基线窗口早于序列的开头",
        "too little history: the oldest baseline window begins before the series",
    ),
}

Settings = Mapping[str, Any]


def _p(alpha: float) -> str:
    return f"{100 * (1 - alpha):.4g}"


# How a method sets its threshold, from its parameters and the words of its step.
RULES: dict[str, Callable[[Settings, Unit], Title]] = {
    "baseline_nb": lambda s, u: Title(
        f"负二项基线（趋势、季节、星期、节假日）预测分布的 {_p(s['alpha'])}% 分位数为阈值",
        f"the threshold is the {_p(s['alpha'])} % quantile of a prediction from level, trend, season, weekday"
        " and days off",
    ),
    "bayes": lambda s, u: Title(
        f"由参照各{u.zh}得出的预测分布的 {_p(s['alpha'])}% 分位数为阈值",
        f"the threshold is the {_p(s['alpha'])} % quantile of what the reference {u.plural} predict",
    ),
    "cdc": lambda s, u: Title(
        "最近 4 周之和与往年同期各 4 周之和的均值和标准差比较",
        "the last 4 weeks' sum is compared with mean and spread of 4-week sums around the same time in earlier years",
    ),
    "cusum": lambda s, u: Title(
        f"超出预期的部分逐期累加（{u.each}减 {s['k']:g}），累计到 {s['h']:g} 即报警",
        f"what exceeds the expected adds up, less {s['k']:g} a {u.en}; an alarm when the sum reaches {s['h']:g}",
    ),
    "ears_c1": lambda s, u: Title(
        f"阈值为紧前 {s['baseline']} {u.zh}的均值加 {_z(s['alpha'])} 个标准差",
        f"the threshold is the mean of the {s['baseline']} {u.plural} just before plus "
        f"{_z(s['alpha'])} standard deviations",
    ),
    "ears_c2": lambda s, u: Title(
        f"隔开最近 2 {u.zh}，阈值为再前 {s['baseline']} {u.zh}的均值加 {_z(s['alpha'])} 个标准差",
        f"leaving the last 2 {u.plural} out, the threshold is the mean of the {s['baseline']} {u.plural} before them "
        f"plus {_z(s['alpha'])} standard deviations",
    ),
    "ears_c3": lambda s, u: Title(
        f"最近几{u.zh}各自超出一个标准差以上的部分相加，与阈值比较",
        f"what the last {u.plural} each had beyond one standard deviation is added up and compared with the threshold",
    ),
    "ewma": lambda s, u: Title(
        f"按 {s['w1']:g} 与 {s['w2']:g} 两种权重做指数平滑，任一超出基线 {_p(s['alpha'])}% 界限即报警",
        f"two smoothed averages (weights {s['w1']:g} and {s['w2']:g}); an alarm when either passes the baseline's "
        f"{_p(s['alpha'])} % limit",
    ),
    "farrington": lambda s, u: Title(
        f"对往年同期 ±{s['w']} {u.zh}拟合对数线性回归，取 {_p(s['alpha'] / 2)}% 上界为阈值",
        f"a log-linear regression on the same time of earlier years ±{s['w']} {u.plural}; the threshold is its "
        f"{_p(s['alpha'] / 2)} % upper bound",
    ),
    "farrington_flexible": lambda s, u: Title(
        f"对往年各时段拟合带季节分段的对数线性回归（同期 ±{s['w']} {u.zh}），"
        f"取 {_p(s['alpha'] or _tail(s))}% 上界为阈值",
        f"a log-linear regression with parts of the year on earlier years (same time ±{s['w']} {u.plural}); "
        f"the threshold is its {_p(s['alpha'] or _tail(s))} % upper bound",
    ),
    "fixed_value": lambda s, u: Title(
        f"达到 {s['value']:g} 即报警，无需基线", f"{s['value']:g} or more is an alarm; no baseline"
    ),
    "glr_nb": lambda s, u: Title(
        f"水平已改变与未改变的似然比达到 {s['c_arl']:g} 即报警",
        f"an alarm when the likelihood ratio of a changed level against an unchanged one reaches {s['c_arl']:g}",
    ),
    "moving_percentile": lambda s, u: Title(
        f"最近 7 天之和与近 {s['years']} 年同期（±{s['weeks']} 周）各 7 天之和的百分位数比较",
        f"the last 7 days' sum is compared with a percentile of such sums around the same date (±{s['weeks']} weeks) "
        f"in the last {s['years']} years",
    ),
    "outbreak_p": lambda s, u: Title(
        f"“只升不降”与“保持不变”的似然比超过 {s['k']:g} 即报警",
        f"an alarm when the likelihood ratio of never-falling means against a constant one is over {s['k']:g}",
    ),
    "rammie": lambda s, u: Title(
        f"各区共用趋势、季节与星期，水平各有其一，取预测分布的 {_p(s['alpha'])}% 分位数为阈值"
        + ("；并按本区近日水平修正" if s["against"] == "spike" else ""),
        "all areas share trend, season and weekdays, each has its level; the threshold is the "
        f"{_p(s['alpha'])} % quantile of what that predicts"
        + (", moved to where the area's last days have been" if s["against"] == "spike" else ""),
    ),
    "regression": lambda s, u: Title(
        f"对前 {s['baseline']} {u.zh}拟合直线与星期效应，取 {_p(s['alpha'])}% 预测上界为阈值",
        f"a line and weekdays fitted to {s['baseline']} {u.plural}; the threshold is the {_p(s['alpha'])} % "
        "prediction bound",
    ),
    "regression_ewma_switch": lambda s, u: Title(
        "回归能解释基线时用回归，否则用指数平滑",
        "the regression where it explains its baseline, else the smoothed averages",
    ),
    "rki": lambda s, u: Title(
        f"参照各{u.zh}均值不高于 20 时取 Poisson 95% 上限，更高时取均值加 2 个标准差",
        "a Poisson 95 % limit while the reference mean is at most 20, else the mean plus 2 standard deviations",
    ),
    "serfling": lambda s, u: Title(
        f"对往年拟合直线与年周期，取 {_p(s['alpha'])}% 预测上界为阈值",
        f"a line and a yearly wave fitted to earlier years; the threshold is the {_p(s['alpha'])} % prediction bound",
    ),
}
RULES["glr_poisson"] = RULES["glr_nb"]


def _tail(s: Settings) -> float:
    return 0.05 if s["compat"] else 0.005


def _z(alpha: float) -> str:
    return f"{float(ndtri(1 - alpha)):.2f}"


def sentences(w: Why, name: Title) -> list[Title]:
    """What happened, by which rule, against which baseline, with which fit, and what would have kept it quiet."""
    said = [_verdict(w, name)]
    rule = RULES.get(w.detector.name)
    if rule:
        of = rule(w.detector.allowed(), unit(w.step))
        said.append(Title(f"规则：{of.zh}。", f"Rule: {of.en}."))
    return [*said, *_baseline(w), *_fit(w), *_kept_quiet(w)]


def _verdict(w: Why, name: Title) -> Title:
    when = day(w.time, w.step)
    if w.silent:
        why = _silence(w)
        if not isnan(w.p):  # a threshold as published needs all of the baseline, the chance of the count does not
            y, expected = number(w.compared), number(w.expected)
            return Title(
                f"{name.zh}，{when}：{_span(w).zh} {y}，预期 {expected}，p = {w.p:.2g}（按已上报的计算）；"
                f"不设阈值：{why.zh}。",
                f"{name.en}, {when}: {_span(w).en}{y}, expected {expected}, p = {w.p:.2g} by what was reported; "
                f"no threshold: {why.en}.",
            )
        return Title(f"{name.zh} 对 {when} 不作判断：{why.zh}。", f"{name.en} says nothing of {when}: {why.en}.")
    zh, en = ("报警", "an alarm") if w.alarm else ("未报警", "no alarm")
    y, expected, upper = number(w.compared), number(w.expected), number(w.upper)
    p_zh, p_en = ("", "") if isnan(w.p) else (f"（p = {w.p:.2g}）", f" (p = {w.p:.2g})")
    return Title(
        f"{name.zh}，{when}：{_span(w).zh} {y}，预期 {expected}，阈值 {upper}，{zh}{p_zh}。",
        f"{name.en}, {when}: {_span(w).en}{y}, expected {expected}, threshold {upper}: {en}{p_en}.",
    )


def _span(w: Why) -> Title:
    if w.window == 1:
        return Title("观测", "")
    of = span(w.window, w.step)
    return Title(f"最近 {of.zh}合计", f"{of.en} sum to ")


def _silence(w: Why) -> Title:
    gone, rows = int((w.basis.weight == 0).sum()), len(w.basis.row)
    u, summed, base = unit(w.step), span(w.window, w.step), span(rows, w.step)
    needs, has, marked = span(w.needs, w.step), span(w.has, w.step), int(w.left_out.sum())
    table = {
        "not reported": Title(f"{u.this}没有上报", "nothing was reported"),
        "part not reported": Title(
            f"{summed.zh}合计中有未上报的{u.zh}", f"a {u.en} of the {w.window} that are summed was not reported"
        ),
        "too little history": Title(
            f"历史太短，需要 {needs.zh}，现有 {has.zh}", f"too little history, it needs {needs.en} and has {w.has:,}"
        ),
        "outbreak left out": Title(
            f"基线 {base.zh}中有 {marked} {u.zh}因标为暴发而未用",
            f"{marked} of the {base.en} of the baseline are left out as a marked outbreak",
        ),
        "baseline not reported": Title(
            f"基线 {base.zh}中有 {gone} {u.zh}没有上报", f"{gone} of the {base.en} of the baseline were not reported"
        ),
        "method": REASONS.get(
            w.basis.reason, Title("此方法在这里得不出阈值", w.basis.reason or "the method finds no threshold here")
        ),
    }
    return table[w.silent]


def _baseline(w: Why) -> list[Title]:
    row, weight = w.basis.row, w.basis.weight
    if not len(row):
        return []
    first, last = day(w.times[0], w.step), day(w.times[-1], w.step)
    u, of = unit(w.step), span(len(row), w.step)
    zh, en = f"基线：{first} 至 {last} 之间的 {of.zh}", f"Baseline: {of.en} from {first} to {last}"
    if w.basis.areas > 1:
        zh += f"，与其余 {w.basis.areas - 1} 个区的同期一并计算"
        en += f", together with those of {w.basis.areas - 1:,} other area{'s' if w.basis.areas > 2 else ''}"
    marked = int(w.left_out.sum())
    gone = int((weight == 0).sum()) - marked
    if gone > 0:
        zh, en = zh + f"，其中 {gone} {u.zh}没有上报", en + f", {gone:,} of them not reported"
    if marked:
        zh, en = zh + f"，{marked} {u.zh}因标为暴发而未用", en + f", {marked:,} left out as a marked outbreak"
    used = np.flatnonzero(weight > 0)
    less = used[weight[used] < 0.995 * float(np.median(weight[used]))] if len(used) else used
    if len(less):
        least = int(less[np.argmin(weight[less])])
        when, share = day(w.times[least], w.step), f"{weight[least]:.2g}"
        zh += f"；{len(less)} {u.zh}因偏高而降权，最低为 {when}（权重 {share}）"
        en += f"; {len(less):,} stand out and weigh less, the least {when} (weight {share})"
    if np.isnan(weight).any():
        zh, en = zh + f"；此方法未说明各{u.zh}的权重", en + "; this method does not tell their weights"
    return [Title(zh + "。", en + ".")]


def _fit(w: Why) -> list[Title]:
    b, zh, en = w.basis, [], []
    if b.trend == "kept":
        much = (
            f"{round(100 * (b.trend_per_year - 1), 1) + 0.0:+.1f}%" if w.kind == "count" else f"{b.trend_per_year:+.3g}"
        )
        zh.append(f"保留趋势（每年 {much}）")
        en.append(f"The trend is kept ({much} a year)")
    elif b.trend:
        of = TRENDS.get(b.trend, Title(b.trend, b.trend))
        zh.append(f"不用趋势：{of.zh}{'' if isnan(b.trend_p) else f'（p = {b.trend_p:.2g}）'}")
        en.append(f"No trend: {of.en}{'' if isnan(b.trend_p) else f' (p = {b.trend_p:.2g})'}")
    if isfinite(b.phi):
        zh.append(f"离散度 {b.phi:.2f}" if w.kind == "count" else f"方差 {b.phi:.3g}")
        en.append(f"dispersion {b.phi:.2f}" if w.kind == "count" else f"variance {b.phi:.3g}")
    if not zh:
        return []
    text = "; ".join(en)
    return [Title("；".join(zh) + "。", text[0].upper() + text[1:] + ".")]


def _kept_quiet(w: Why) -> list[Title]:
    said, b = [], w.basis
    if b.needed and isfinite(b.cases):
        near = span(b.within, w.step)
        zh, en = f"最近 {near.zh}共 {b.cases:g} 例", f"The last {near.en} have {b.cases:g} cases"
        if b.cases < b.needed:
            said.append(
                Title(f"{zh}，不足 {b.needed} 例，按 limit54 不报警。", f"{en}, under {b.needed}: by limit54 no alarm.")
            )
        else:
            said.append(Title(f"{zh}，不少于 limit54 要求的 {b.needed} 例。", f"{en}; limit54 asks for {b.needed}."))
    if isnan(w.quiet):
        return said
    of, u = number(w.quiet), unit(w.step)
    if isinf(w.quiet) and w.quiet > 0:
        en = f"No value of this {u.en}, however high, would be an alarm."
        said.append(Title(f"{u.this}无论多高都不会报警。", en))
    elif isinf(w.quiet):
        said.append(Title(f"{u.this}无论多低都会报警。", f"Whatever the value of this {u.en}, it would be an alarm."))
    elif w.alarm:
        said.append(Title(f"若{u.this}不超过 {of}，就不会报警。", f"At {of} or less there would have been no alarm."))
    else:
        said.append(Title(f"{u.this}超过 {of} 才会报警。", f"It would be an alarm over {of}."))
    return said


def number(x: float) -> str:
    """For people: whole numbers whole, others to three digits; – for what is not known."""
    if not isfinite(x):
        return "–"
    return f"{x:,.0f}" if x == int(x) or abs(x) >= 1000 else f"{x:.3g}"


def day(time: np.datetime64, step: int) -> str:
    """A step's name: its date, or date and time where steps are shorter than a day."""
    return str(np.datetime_as_string(time, unit="D" if step >= DAY else "m"))
