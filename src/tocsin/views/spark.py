"""The small curve beside an alert. I/O."""

from typing import Any

import numpy as np

from tocsin.calendar import DAY
from tocsin.config import SignalTable
from tocsin.desk import Desk
from tocsin.judge import judge
from tocsin.locate import counted
from tocsin.types import Alert, Cluster, Instant, Minute
from tocsin.views.plain import civil, civils, numbers

SPARK_DAYS = 60


def spark(desk: Desk, table: SignalTable, a: Alert, c: Cluster | None, at: Instant) -> dict[str, Any]:
    """The last sixty days around an alert, with a baseline; `c`: the cluster that speaks, whose days are marked.

    Of one area, the first detector's baseline and threshold; of several, what the scan expected.
    """
    window = None if c is None else {"start": civil(c.start, DAY), "end": civil(c.end, DAY)}
    return {**_curve(desk, table, a, c, at), "window": window}


def _curve(desk: Desk, table: SignalTable, a: Alert, c: Cluster | None, at: Instant) -> dict[str, Any]:
    step = desk.step(a.signal)
    end = min(desk.today(at), a.last + 14 * DAY)
    steps = max(SPARK_DAYS * DAY // step.minutes, 12)
    if len(a.members) > 1:
        if c is not None and c.course:
            return _of_cluster(desk, a, c, at, end)
        return _of_many(desk, a, at, end - (min(steps, 400) - 1) * step.minutes, end)
    judged = judge(desk, table, desk.tree[a.area].level, at, min(steps, 400), a.area, end)
    steps = judged.p.shape[1]
    shown = next((n for n in judged.alarms if n not in judged.rules), None) or next(iter(judged.alarms), None)
    blank = np.full(steps, np.nan)
    return {
        "times": civils(judged.cube.times[-steps:], step.minutes),
        "values": numbers(judged.cube.values[0, 0, -steps:]),
        "expected": numbers(judged.alarms[shown].expected[0] if shown else blank),
        "upper": numbers(judged.alarms[shown].upper[0] if shown else blank),
    }


def _of_cluster(desk: Desk, a: Alert, c: Cluster, at: Instant, end: Minute) -> dict[str, Any]:
    """A cluster's areas together, observed against expected, as its scan counted them; later days as counted since.

    A day of which nothing is expected is one that nobody reported.
    """
    days, n, u = (np.array(column, dtype=np.float64) for column in zip(*c.course, strict=True))
    n = np.where((u > 0) | (n > 0), n, np.nan)
    u = np.where(u > 0, u, np.nan)
    if c.end_day - days[-1] == 0 and (c.end_day + 1) * DAY <= end:  # single days, and more have come
        level = desk.tree[a.members[0]].level
        since = counted(desk, a.signal, level, at, (c.end_day + 1) * DAY, end // DAY * DAY)
        rows = np.isin(np.array([area.code for area in desk.tree.at(level)]), a.members)
        days = np.arange(days[0], days[0] + len(days) + since.shape[1])
        n = np.concatenate([n, since[rows].sum(axis=0)])
        u = np.concatenate([u, np.full(since.shape[1], np.nan)])
    return {
        "times": [civil(int(day) * DAY, DAY) for day in days],
        "values": numbers(n),
        "expected": numbers(u),
        "upper": numbers(np.full(len(days), np.nan)),
    }


def _of_many(desk: Desk, a: Alert, at: Instant, first: Minute, last: Minute) -> dict[str, Any]:
    """The counts of a cluster's areas together; no detector has judged that sum."""
    level = desk.tree[a.members[0]].level
    cube = desk.cube(a.signal, level, at, first, last)
    rows = np.isin(np.array(cube.areas), a.members)
    blank = numbers(np.full(len(cube.times), np.nan))
    return {
        "times": civils(cube.times, desk.step(a.signal).minutes),
        "values": numbers(cube.values[0][rows].sum(axis=0)),
        "expected": blank,
        "upper": blank,
    }
