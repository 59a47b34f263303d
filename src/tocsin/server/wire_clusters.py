"""What the server says of scans and their clusters. Pure."""

from typing import Literal

from tocsin import types
from tocsin.server.said import Moment, Number, Said, Step, Title


class Member(Said, frozen=True):
    """One area of a cluster."""

    code: str
    observed: Number
    expected: Number


class Cluster(Said, frozen=True):
    """A scan's areas and days with more cases than chance explains, as one run told it."""

    id: str
    scan: str
    signal: str
    at: Moment
    change: types.Change  # since the run before
    alerting: bool  # at or over the scan's recurrence interval
    center: str
    latitude: Number
    longitude: Number
    radius_km: Number
    members: list[Member]  # in the order they enter the circle
    start: Step
    end: Step
    observed: Number
    expected: Number
    relative_risk: Number
    llr: Number
    p: Number
    recurrence_days: Number
    reported: Number  # share of the cluster's cases reported when it was told; observed and expected are of reports
    alert: str | None  # the alert that names it


class Scan(Said, frozen=True):
    """One scan of one signal: its newest run."""

    scan: str
    signal: str
    signal_title: Title
    model: Literal["permutation", "poisson", "ebp", "ebnb"]
    level: str
    recurrence_days: float  # from here on a cluster speaks for an alert
    ran: Moment | None
    p: Number  # of its best cluster, told or not
    q: Number  # the share of false alarms among the scan's signals if all with a q as small are acted on
    clusters: list[Cluster]


class Clusters(Said, frozen=True):
    """What every scan says."""

    as_of: Moment
    scans: list[Scan]
