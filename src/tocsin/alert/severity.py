"""How grave an alert looks, and which come first: a table and an order, both open to the city. Pure."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from tocsin.alert.episode import speakers
from tocsin.types import Alert

Severity = Literal["red", "orange", "yellow", "blue"]  # 红橙黄蓝


class Row(NamedTuple):
    """At least this strong, with at least so many more cases than expected."""

    severity: Severity
    strength: float
    excess: float


TABLE = (  # the first row that holds
    Row("red", 8.0, 10.0),
    Row("orange", 6.0, 5.0),
    Row("yellow", 4.0, 2.0),
    Row("blue", 0.0, -math.inf),
)
RULE_STRENGTH = 4.0  # what a rule such as "any case of plague" weighs before the signal's own weight
STEADY = 30.0  # beyond 10⁻³⁰, smaller is no stronger


def strength(alert: Alert, weight: float) -> float:
    """Orders of magnitude of the p-value (or of the rule), times the signal's weight."""
    claimed = 0.0 if math.isnan(alert.p) else min(-math.log10(max(alert.p, 1e-300)), STEADY)
    return max(claimed, RULE_STRENGTH if alert.rule else 0.0) * weight


def severity(alert: Alert, weight: float, counted: bool) -> Severity:
    """The first row of the table that holds; a measurement's excess has units and is not asked."""
    force = strength(alert, weight)
    excess = alert.observed - (0.0 if math.isnan(alert.expected) else alert.expected)
    return next(r.severity for r in TABLE if force >= r.strength and (not counted or excess >= r.excess))


def ranked(
    alerts: Iterable[Alert], weights: Mapping[str, float], counts: Collection[str], parents: Mapping[str, Sequence[str]]
) -> list[Alert]:
    """Alerts in the order in which a person should see them.

    Active before quiet; what still waits for a person before what is in hand; gravest, then strongest first. An alert
    of a larger area that a smaller one explains (half its excess or more, same signal) comes after those that explain
    it. `parents` gives each area's ancestors, `counts` the signals that are counts.
    """
    found = list(alerts)
    told = explained(found, parents)
    colours = {r.severity: i for i, r in enumerate(TABLE)}
    waiting = {"new": 0, "acknowledged": 1, "verifying": 1, "confirmed": 1, "responding": 1, "excluded": 2, "closed": 3}
    active = {"open": 0, "growing": 0, "quiet": 1, "ended": 2}

    def order(a: Alert) -> tuple[int, int, bool, int, float, str]:
        weight = weights[a.signal]
        colour = colours[severity(a, weight, a.signal in counts)]
        return active[a.phase], waiting[a.state], a.id in told, colour, -strength(a, weight), a.id

    return sorted(found, key=order)


def explained(alerts: Sequence[Alert], parents: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Alerts that alerts of smaller areas within, or of a cluster around, explain: id → ids of those.

    A cluster of several areas explains alarms of its areas, and counts as smaller than any area that holds one of them.
    Where clusters are told as one, the alert that speaks of them explains those that spoke of one of them before.
    """
    excess = {a.id: a.observed - (0.0 if math.isnan(a.expected) else a.expected) for a in alerts}
    active = [a for a in alerts if a.phase != "ended"]
    above: dict[tuple[str, str], list[Alert]] = {}
    for a in active:
        over = {p for m in a.members for p in parents.get(m, ())} if len(a.members) > 1 else parents.get(a.area, ())
        for parent in over:
            above.setdefault((a.signal, parent), []).append(a)
    clusters = [a for a in active if len(a.members) > 1]
    loud = speakers(a for a in active if a.phase != "quiet")
    found = {a.id: [b.id] for a in active if a.cluster and (b := loud.get((a.signal, a.cluster), a)) is not a}
    for a in (a for a in active if len(a.members) <= 1 and a.id not in found):
        places = {a.area, *parents.get(a.area, ())}
        if around := [c.id for c in clusters if c.phase != "quiet" and c.signal == a.signal and places & {*c.members}]:
            found[a.id] = around
            continue
        inner = above.get((a.signal, a.area), [])
        if inner and max(excess[i.id] for i in inner) >= excess[a.id] / 2:
            found[a.id] = [i.id for i in inner]
    return found
