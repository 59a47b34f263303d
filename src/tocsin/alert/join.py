"""Clusters among the cells that speak: a cluster and all alarms within it are one voice. Pure."""

import math
from collections.abc import Collection, Mapping, Sequence

from tocsin.calendar import DAY
from tocsin.types import Cluster, Evidence, Flag, Instant, Minute

Spoken = list[tuple[Flag, list[Evidence]]]


def detector(scan: str) -> str:
    """The name under which a scan's word stands among the evidence."""
    return f"scan:{scan}"


def joined(
    spoken: Spoken,
    clusters: Sequence[Cluster],
    inside: Mapping[str, Collection[str]],
    area: Mapping[str, str],
    steps: Mapping[str, int],
    now: Instant,
) -> Spoken:
    """The flags with those of clusters: a flag within a cluster, of its signal and its days, becomes the cluster's.

    A flag that lies in several goes to the first, in the order of p. inside: cluster → the areas within it; area:
    cluster → the area it is told of; steps: signal → the length of its steps in minutes.
    """
    ordered = sorted(clusters, key=lambda c: (c.p, c.id))
    within: dict[str, Spoken] = {c.id: [] for c in ordered}
    left: Spoken = []
    for flag, evidence in spoken:
        home = next((c for c in ordered if _holds(c, flag, inside[c.id])), None)
        (left if home is None else within[home.id]).append((flag, evidence))
    for c in ordered:
        left += [_moved(flag, evidence, c, area[c.id]) for flag, evidence in within[c.id]]
        left.append(_own(c, area[c.id], steps[c.signal], max((f.step for f, _ in within[c.id]), default=c.end), now))
    return left


def _holds(c: Cluster, flag: Flag, inside: Collection[str]) -> bool:
    return c.signal == flag.signal and flag.area in inside and flag.step >= c.start


def _moved(flag: Flag, evidence: list[Evidence], c: Cluster, area: str) -> tuple[Flag, list[Evidence]]:
    where = "" if flag.area == area else flag.area
    return flag._replace(area=area, cluster=c.id, members=c.members), [e._replace(area=where) for e in evidence]


def _own(c: Cluster, area: str, minutes: int, newest: Minute, now: Instant) -> tuple[Flag, list[Evidence]]:
    """The cluster's own flag, the last to be read: what an alert says of its counts is what the cluster says."""
    name = detector(c.scan)
    step, window = max(c.end, newest), (c.end + DAY - c.start) // minutes
    flag = Flag(c.signal, area, step, c.p, c.observed, c.expected, window, False, (name,))
    flag = flag._replace(cluster=c.id, members=c.members)
    return flag, [Evidence("", now, name, c.end, c.observed, c.expected, math.nan, math.nan, c.p)]
