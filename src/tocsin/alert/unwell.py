"""What is wrong with a feed, in a sentence people read, in Chinese and English. Pure."""

import math
from datetime import date

from tocsin.calendar import DAY, day_of
from tocsin.types import Alert, Minute, Title

ORDER = ("silent", "late", "half", "shifted:area", "shifted:delay", "shifted:value", "shifted:hour")  # gravest first
NAMES = {
    "silent": Title("断报", "silent"),
    "late": Title("迟报", "late"),
    "half": Title("数量骤减", "half missing"),
    "shifted:area": Title("地区构成改变", "other areas than usual"),
    "shifted:delay": Title("上报延迟改变", "other delay than usual"),
    "shifted:value": Title("数值量级改变", "other values than usual"),
    "shifted:hour": Title("到达时段改变", "other hours than usual"),
}


def unwell(alert: Alert, source: Title, heard: Minute | None) -> Title:
    """What the gravest word says, then the others by name. heard: the civil minute the source was last heard."""
    said = [n for n in ORDER if n in alert.detectors and not (n == "late" and "silent" in alert.detectors)]
    if not said:
        return source
    zh, en = _sentence(said[0], alert, source, heard)
    if said[1:]:
        zh += f"另有：{'、'.join(NAMES[n].zh for n in said[1:])}。"
        en += f" Also: {', '.join(NAMES[n].en for n in said[1:])}."
    return Title(zh, en)


def _sentence(name: str, a: Alert, source: Title, heard: Minute | None) -> tuple[str, str]:
    day = day_of(a.last)
    zh_day, en_day = _day(day)
    usual = "" if math.isnan(a.expected) else f"{a.expected:.0f}"
    if name in ("silent", "late"):
        zh, en = f"{source.zh}{NAMES[name].zh}", f"{source.en} is {NAMES[name].en}"
        if heard is not None:
            zh_heard, en_heard = _day(day_of(heard))
            clock = f"{heard % DAY // 60:02}:{heard % 60:02}"
            zh += f"：最近一次收到数据为{zh_heard} {clock}"
            en += f": last heard on {en_heard} at {clock}"
        if usual:
            zh += f"，通常每天约 {usual} 条"
            en += f", usually about {usual} records a day"
        return f"{zh}。", f"{en}."
    if name == "half":
        zh_first, en_first = _day(day_of(a.last - (a.window - 1) * DAY))
        zh_span = f"{zh_first}至{zh_day}" if a.window > 1 else zh_day
        en_span = f"from {en_first} to {en_day}" if a.window > 1 else f"on {en_day}"
        return (
            f"{source.zh}{zh_span}只收到 {a.observed:.0f} 条，通常约 {usual} 条，可能有漏报。",
            f"{source.en} sent {a.observed:.0f} records {en_span}, usually about {usual}: some may be missing.",
        )
    if name == "shifted:area":
        return (
            f"{source.zh}{zh_day}的记录有 {a.observed:.0%} 落在与往常不同的地区，请核对地区编码。",
            f"{source.en}: on {en_day} {a.observed:.0%} of the records came from unusual areas. Check its area codes.",
        )
    if name == "shifted:delay":
        return (
            f"{source.zh}{zh_day}的上报延迟中位数为 {a.observed:.0f} 天，通常为 {a.expected:.0f} 天。",
            f"{source.en}: median delay of {a.observed:.0f} days on {en_day}, usually {a.expected:.0f}.",
        )
    if name == "shifted:hour":
        return _hours(a, source, zh_day, en_day)
    return (
        f"{source.zh}{zh_day}的数值平均为 {a.observed:.3g}，通常为 {a.expected:.3g}，请核对计量单位。",
        f"{source.en}: mean value of {a.observed:.3g} on {en_day}, usually {a.expected:.3g}. Check its units.",
    )


def _hours(a: Alert, source: Title, zh_day: str, en_day: str) -> tuple[str, str]:
    now, usual = (None if math.isnan(h) else f"{int(h)}" for h in (a.observed, a.expected))
    zh = f"{source.zh}{zh_day}的数据" + (f"多在 {now} 时前后到达" if now else "全天分散到达")
    en = f"{source.en}: on {en_day} records came " + (f"around {now}:00" if now else "all around the clock")
    zh += f"，通常在 {usual} 时前后" if usual else "，通常全天分散"
    en += f", usually around {usual}:00" if usual else ", usually all around the clock"
    return f"{zh}；请核实对方是否调整了报送安排。", f"{en}. Ask whether its schedule has changed."


def _day(day: date) -> tuple[str, str]:
    return f"{day.month}月{day.day}日", f"{day:%-d %b}"
