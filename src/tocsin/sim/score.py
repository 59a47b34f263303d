"""Alerts against the truth: what was found, how soon, and how often the alarm was false. Pure.

An outbreak is *detected* by an alert of one of its signals, in one of its areas or in an area above or below it, that
opens between its start and seven days after its end. An alert that had opened before and runs on into the outbreak
finds nothing, for nobody was told anything new: such an outbreak counts as missed, marked `running`. An alert that
detects no outbreak is false. Measures: sensitivity = detected / planted; delay = opening − start in days; positive
predictive value = alerts that detect some outbreak / all alerts; false alerts a week.
"""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import NamedTuple

from tocsin.areas import AreaTree
from tocsin.errors import ConfigError, InputError

GRACE_DAYS = 7


class Planted(NamedTuple):
    """One row of truth.csv."""

    id: str
    kind: str
    signals: tuple[str, ...]
    areas: tuple[str, ...]
    start: date
    end: date
    size: int


class Raised(NamedTuple):
    """One alert: its signal and area, the day it opened and the last day of its episode."""

    signal: str
    area: str
    opened: date
    last: date


class Outcome(NamedTuple):
    """What became of one outbreak: the first alert that detects it and its delay in days, or None."""

    outbreak: Planted
    first: Raised | None
    delay_days: int | None
    alerts: int  # how many detect it
    running: bool  # missed, but an alert was already open there


@dataclass(frozen=True)
class Score:
    """The score of one period; a share of nothing is NaN."""

    first: date
    last: date
    outcomes: tuple[Outcome, ...]
    alerts: int
    false: tuple[Raised, ...]

    @property
    def detected(self) -> int:
        return sum(o.first is not None for o in self.outcomes)

    @property
    def sensitivity(self) -> float:
        return self.detected / len(self.outcomes) if self.outcomes else math.nan

    @property
    def ppv(self) -> float:
        return 1 - len(self.false) / self.alerts if self.alerts else math.nan

    @property
    def median_delay_days(self) -> float:
        found = [o.delay_days for o in self.outcomes if o.delay_days is not None]
        return float(median(found)) if found else math.nan

    @property
    def false_per_week(self) -> float:
        return len(self.false) * 7 / ((self.last - self.first).days + 1)


def score(alerts: Sequence[Raised], truth: Sequence[Planted], tree: AreaTree, first: date, last: date) -> Score:
    """The score of the alerts opened from `first` to `last`, the days that were judged.

    Outbreaks that start in these days are counted as planted. One that started earlier is not, but an alert that finds
    its rest is not false. ConfigError for an area of the truth that the tree does not know.
    """
    if last < first:
        raise InputError(f"the period ends on {last}, before it begins on {first}")
    around = {o.id: _around(o, tree) for o in truth}
    counted = [
        a for a in sorted(alerts, key=lambda a: (a.opened, a.signal, a.area, a.last)) if first <= a.opened <= last
    ]
    hits = {o.id: [a for a in counted if _hit(a, o, around[o.id])] for o in truth}
    true = {a for found in hits.values() for a in found}
    outcomes = []
    for o in sorted((o for o in truth if first <= o.start <= last), key=lambda o: (o.start, o.id)):
        found = hits[o.id]
        running = not found and any(
            a.signal in o.signals and a.area in around[o.id] and a.opened < o.start <= a.last for a in alerts
        )
        delay = (found[0].opened - o.start).days if found else None
        outcomes.append(Outcome(o, found[0] if found else None, delay, len(found), running))
    return Score(first, last, tuple(outcomes), len(counted), tuple(a for a in counted if a not in true))


def parse_truth(text: str, file: str = "truth.csv") -> list[Planted]:
    """The rows of a truth file; InputError names the line that cannot be read."""
    found = []
    for line, row in enumerate(csv.DictReader(io.StringIO(text)), 2):
        try:
            start, end = date.fromisoformat(row["start"]), date.fromisoformat(row["end"])
            signals, areas = tuple(row["signals"].split()), tuple(row["areas"].split())
            found.append(Planted(row["id"], row["kind"], signals, areas, start, end, int(row["size"])))
        except (KeyError, ValueError, AttributeError, TypeError) as e:
            raise InputError(
                f"{file}: line {line}: {e!r}: it needs id, kind, signals, areas, start, end (dates) and size"
            ) from e
    return found


def _hit(a: Raised, o: Planted, around: set[str]) -> bool:
    in_time = o.start <= a.opened <= o.end + timedelta(days=GRACE_DAYS)
    return in_time and a.signal in o.signals and a.area in around


def _around(o: Planted, tree: AreaTree) -> set[str]:
    """The codes of an outbreak's areas, of all above and of all below them."""
    unknown = [a for a in o.areas if a not in tree]
    if unknown:
        raise ConfigError(f"truth: {o.id} names area {unknown[0]!r}, which is not in the city's areas file")
    above = {p.code for a in o.areas for p in tree.path(a)}
    inside = set(o.areas)
    return above | {a.code for a in tree.areas if not inside.isdisjoint(p.code for p in tree.path(a.code))}
