"""Why a cluster is an alert, in a sentence people read before the map, in Chinese and English. Pure."""

import math
from collections.abc import Sequence

from tocsin.calendar import day_of
from tocsin.types import Area, Cluster, Signal, Title

LONG = 36_500.0  # days: what is rarer than once in a hundred years is not told apart
ALL_IN = 0.995  # from this share on, nothing is said of reports still to come


def gathered(cluster: Cluster, signal: Signal, center: Area, others: Sequence[Title] = ()) -> Title:
    """How many areas around which, when, how many cases against how many expected, and how rare that is by chance.

    others: detectors that say within the cluster that something is unusual.
    """
    n, c = len(cluster.members), cluster
    first, last = day_of(c.start), day_of(c.end)
    km = f"{c.radius_km:.0f}" if c.radius_km >= 10 else f"{c.radius_km:.1f}"
    zh = f"以{center.title.zh}为中心的 {n} 个区域（半径 {km} 公里）" if n > 1 else center.title.zh
    en = f"in {n} areas around {center.title.en} (within {km} km)" if n > 1 else f"in {center.title.en}"
    zh += f"{signal.title.zh}聚集：{first.month}月{first.day}日至{last.month}月{last.day}日 {c.observed:.0f} 例"
    en = f"{signal.title.en} cluster {en}: {c.observed:.0f} from {first:%-d %b} to {last:%-d %b}"
    usual, ratio = _few(c.expected), _times(c.observed, c.expected)
    zh += f"，预期约 {usual} 例{f'（{ratio}倍）' if ratio else ''}"
    en += f", about {usual} expected{f' ({ratio}×)' if ratio else ''}"
    if math.isfinite(c.relative_risk):
        zh += f"，相对危险度 {c.relative_risk:.1f}"
        en += f", relative risk {c.relative_risk:.1f}"
    if c.recurrence_days > LONG:
        zh += "。若属偶然，百年难得一遇（重现间隔超过 100 年）"
        en += ". By chance, less than once in 100 years"
    elif math.isfinite(c.recurrence_days):
        zh += f"。若属偶然，平均 {c.recurrence_days:,.0f} 天才出现一次（重现间隔）"
        en += f". By chance, once in {c.recurrence_days:,.0f} days (recurrence interval)"
    if others:
        zh += f"；{'、'.join(o.zh for o in others)}在其中亦判为异常"
        en += f"; {', '.join(o.en for o in others)} {'agrees' if len(others) == 1 else 'agree'} within it"
    if c.reported < ALL_IN:
        zh += f"。报告尚未到齐：这些天的病例约有 {c.reported:.0%} 已报告，观察数与预期数均只计目前已报告的部分"
        en += f". Reports still come in, about {c.reported:.0%} of these days' cases so far: both counts are of those"
    return Title(zh + "。", en + ".")


def _few(x: float) -> str:
    return f"{x:.0f}" if x >= 10 else f"{x:.1f}" if x >= 0.1 else "<0.1"


def _times(observed: float, expected: float) -> str:
    if expected < 0.5:  # a ratio to next to nothing tells nothing
        return ""
    ratio = observed / expected
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"
