"""Why an alert is there, in a sentence people read before the curve, in Chinese and English. Pure."""

import math
from collections.abc import Mapping

from tocsin.calendar import DAY, Step, day_of
from tocsin.types import Alert, Area, Signal, Title

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

NAMES = {  # detectors as people know them
    "ears_c1": Title("EARS C1", "EARS C1"),
    "ears_c2": Title("EARS C2", "EARS C2"),
    "ears_c3": Title("EARS C3", "EARS C3"),
    "moving_percentile": Title("移动百分位法", "moving percentile"),
    "fixed_value": Title("固定值", "fixed value"),
    "farrington": Title("Farrington 法", "Farrington"),
    "farrington_flexible": Title("改进 Farrington 法", "improved Farrington"),
    "baseline_nb": Title("负二项基线", "negative-binomial baseline"),
    "rammie": Title("RAMMIE 多水平模型", "RAMMIE multi-level model"),
}


def reason(alert: Alert, signal: Signal, area: Area, names: Mapping[str, Title] = NAMES) -> Title:
    """One sentence each: how many, where, against how many expected, who says so, since when."""
    last, days = day_of(alert.last), (alert.last - alert.opened) // DAY + 1
    span = alert.window * Step.parse(signal.step).minutes // DAY
    zh_when, en_when = f"{last.month}月{last.day}日", f"on {last:%-d %b}"
    if span > 1:
        zh_when, en_when = f"至{zh_when}的 {span} 天", f"in the {span} days to {last:%-d %b}"
    who = [names.get(d, Title(d, d)) for d in alert.detectors]
    zh = f"{area.title.zh} {zh_when}{signal.title.zh} {_amount(alert.observed, signal, 'zh')}"
    en = f"{signal.title.en} in {area.title.en}: {_amount(alert.observed, signal, 'en')} {en_when}"
    if not math.isnan(alert.expected):
        zh += f"，通常约 {_amount(alert.expected, signal, 'zh')}{_times(alert, '（{}倍）')}"
        en += f", about {_amount(alert.expected, signal, 'en')} expected{_times(alert, ' ({}×)')}"
    zh += f"。{'、'.join(w.zh for w in who)}{'一致' if len(who) > 1 else ''}判为异常"
    en += f". {_join([w.en for w in who])} {'agree' if len(who) > 1 else 'says so'}"
    if not math.isnan(alert.p):
        zh += f"（p {_p(alert.p)}）"
        en += f" (p {_p(alert.p)})"
    if alert.estimated is not None:
        e = alert.estimated
        known, low, high = (_amount(x, signal, "en") for x in e)
        zh += f"。报告尚未到齐，按迟报校正后的估计判断：已报告 {known} 例，"
        zh += f"预计最终 {_amount(alert.observed, signal, 'zh')}（95% 区间 {low}–{high}）"
        en += f". Judged on the nowcast, since reports still come in: {known} reported so far"
        en += f", about {_amount(alert.observed, signal, 'en')} in the end (95% interval {low} to {high})"
    if days > 1:
        zh += f"，已持续 {days} 天"
        en += f"; for {days} days now"
    return Title(zh + "。", en + ".")


def _amount(x: float, signal: Signal, language: str) -> str:
    number = f"{x:.0f}" if x >= 10 or x == int(x) else f"{x:.1f}" if x >= 0.1 else "<0.1"
    if signal.kind == "measure":
        return f"{x:.3g} {signal.unit}".strip()
    return f"{number} 例" if language == "zh" else number


def _times(alert: Alert, form: str) -> str:
    if alert.expected < 0.5:  # a ratio to next to nothing tells nothing
        return ""
    ratio = alert.observed / alert.expected
    return form.format(f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}")


def _p(p: float) -> str:
    if p >= 1e-4:
        return f"= {p:.2g}"
    power = math.floor(math.log10(max(p, 1e-300)))  # beyond twelve digits no model is to be believed
    return f"{'<' if power < -12 else '≈'} 10{str(max(power, -12)).translate(_SUPERSCRIPT)}"


def _join(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
