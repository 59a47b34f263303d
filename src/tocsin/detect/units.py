"""Spans of time as people say them: 7 days, 4 weeks, 30 steps of 5 minutes, in Chinese and English. Pure."""

from typing import NamedTuple

from tocsin.calendar import DAY
from tocsin.types import Title

HOUR = 60


class Unit(NamedTuple):
    """A step's words: a bare one (after a number), this one, each one, and the English singular and plural."""

    zh: str
    this: str
    each: str
    en: str
    plural: str


_KNOWN = {
    1: Unit("分钟", "该分钟", "每分钟", "minute", "minutes"),
    HOUR: Unit("小时", "该小时", "每小时", "hour", "hours"),
    DAY: Unit("天", "该日", "每天", "day", "days"),
    7 * DAY: Unit("周", "该周", "每周", "week", "weeks"),
}


def unit(minutes: int) -> Unit:
    """The words of a step of so many minutes."""
    if minutes in _KNOWN:
        return _KNOWN[minutes]
    size = next(size for size in (7 * DAY, DAY, HOUR, 1) if minutes % size == 0)
    of = f"{minutes // size} {_KNOWN[size].plural}"
    return Unit(f"个 {minutes // size} {_KNOWN[size].zh}时段", "该时段", "每个时段", f"step of {of}", f"steps of {of}")


def span(n: int, minutes: int) -> Title:
    """`n` steps of so many minutes."""
    of = unit(minutes)
    return Title(f"{n} {of.zh}", f"{n:,} {of.en if n == 1 else of.plural}")
