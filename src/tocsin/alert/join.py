"""Clusters among the cells that speak: a cluster and all alarms within it are one voice. Pure."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from tocsin.alert.reason import NAMES
from tocsin.calendar import DAY
from tocsin.types import Cluster, Evidence, Flag, Instant, Minute, Title

Spoken = list[tuple[Flag, list[Evidence]]]
SHARED = 0.5  # of the smaller one's areas: from here two scans' clusters are the same
WHOLE = 0.5  # of a cluster's excess: a finer scan's cluster that holds so much of it is what it is about


class Where(NamedTuple):
    """Of a cluster: the area it is told of, all areas within it, the depth in the tree of the areas it was found in."""

    area: str
    inside: Collection[str]
    depth: int


class Voice(NamedTuple):
    """Clusters that several scans of one signal found of the same thing: the one that names it, and the others."""

    leader: Cluster
    kin: tuple[Cluster, ...]


def detector(scan: str) -> str:
    """The name under which a scan's word stands among the evidence."""
    return f"scan:{scan}"


def named(name: str) -> Title:
    """What people call a detector or a scan that stands behind an alert."""
    if not name.startswith("scan:"):
        return NAMES.get(name, Title(name, name))
    return Title(f"{name[5:]} 扫描", f"the scan “{name[5:]}”")


def voices(clusters: Sequence[Cluster], where: Mapping[str, Where]) -> list[Voice]:
    """Clusters that are one: of one signal, by different scans, in days that touch. Finest first.

    A finer one (of equally fine ones, the rarer) names a coarser one if it has, in areas of that, at least half of what
    that has more than expected. If it has less, but they share half of the smaller one's areas, it is a hot spot of the
    coarser one and belongs to it.
    """
    found: list[Voice] = []
    for c in sorted(clusters, key=lambda c: (-where[c.id].depth, c.p, c.id)):
        near = [v for v in found if _touch(v.leader, c)]
        most = [v for v in near if _within(v.leader, where[c.id].inside) >= WHOLE * (c.observed - c.expected)]
        same = [v for v in near if _shared(where[v.leader.id].inside, where[c.id].inside) >= SHARED]
        if most:
            found[found.index(most[0])] = Voice(most[0].leader, (*most[0].kin, c))
        else:
            found = [v for v in found if v not in same]
            found.append(Voice(c, tuple(one for v in same for one in (v.leader, *v.kin))))
    return found


def joined(
    spoken: Spoken, clusters: Sequence[Cluster], where: Mapping[str, Where], steps: Mapping[str, int], now: Instant
) -> Spoken:
    """The flags with those of clusters: a flag within a cluster, of its signal and its days, becomes the cluster's.

    A flag that lies in several goes to the first, in the order of p. Clusters that are one (see `voices`) speak as the
    one that names them; each stays among the evidence. steps: signal → the length of its steps in minutes.
    """
    found = voices(clusters, where)
    voice = {c.id: i for i, v in enumerate(found) for c in (v.leader, *v.kin)}
    ordered = sorted(clusters, key=lambda c: (c.p, c.id))
    within: list[Spoken] = [[] for _ in found]
    left: Spoken = []
    for flag, evidence in spoken:
        home = next((c for c in ordered if _holds(c, flag, where[c.id].inside)), None)
        (left if home is None else within[voice[home.id]]).append((flag, evidence))
    for v, flags in zip(reversed(found), reversed(within), strict=True):  # the finest is the last to be heard
        area, minutes = where[v.leader.id].area, steps[v.leader.signal]
        flags += [_own(c, where[c.id].area, minutes, c.end, now) for c in v.kin]
        newest = max((f.step for f, _ in flags), default=v.leader.end)
        kin = tuple(sorted(c.id for c in v.kin))
        told = [_moved(flag, evidence, v.leader, area) for flag, evidence in flags]
        told.append(_own(v.leader, area, minutes, newest, now))
        left += [(flag._replace(kin=kin), evidence) for flag, evidence in told]
    return left


def _touch(a: Cluster, b: Cluster) -> bool:
    return a.signal == b.signal and a.scan != b.scan and a.end >= b.start - DAY and b.end >= a.start - DAY


def _shared(a: Collection[str], b: Collection[str]) -> float:
    return len({*a} & {*b}) / min(len(a), len(b))


def _within(c: Cluster, areas: Collection[str]) -> float:
    """How many cases more than expected a cluster has in some areas."""
    return sum(n - u for code, (n, u) in zip(c.members, c.by_member, strict=True) if code in areas)


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
