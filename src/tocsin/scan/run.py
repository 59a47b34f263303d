"""One scan from study to clusters: prepare, search, choose, simulate, infer. Pure."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from tocsin.errors import MethodError
from tocsin.scan import inference
from tocsin.scan import statistic as st
from tocsin.scan.cylinder import Found as Rows
from tocsin.scan.cylinder import field, search, search_times
from tocsin.scan.periods import Windows, analyses, day_text, interval_days
from tocsin.scan.prepare import Plan, fitted, plan
from tocsin.scan.secondary import MOST, Candidate, apart
from tocsin.scan.settings import Settings
from tocsin.scan.simulate import Progress, maxima, replayed, stopping
from tocsin.scan.study import Study
from tocsin.scan.zones import Zones, along, squeeze
from tocsin.types import Floats, Ints

NEAR = 1e-6  # further below what is reported, a window need not be ranked
FAINT = 0.001  # clusters below are not reported, unless they are the best


@dataclass(frozen=True, slots=True)
class Found:
    """A reported cluster.

    center: the location (or grid point) in the middle; place: its latitude, longitude or x, y …; radius in km or map
    units (of the short half-axis for ellipses; along a network; NaN for lists of neighbours); members in the order they
    enter; start, end: ISO days, inclusive.
    by_stream: (observed, expected, relative risk) of each. by_member: (observed, expected) of each, all streams.
    """

    center: str
    place: tuple[float, ...]
    radius: float
    shape: float
    angle: float
    members: tuple[str, ...]
    start: str
    end: str
    start_day: int
    end_day: int
    high: bool
    observed: float
    expected: float
    relative_risk: float
    llr: float
    rank: int
    p: float
    gumbel_p: float
    extreme_value_p: float
    recurrence_days: float
    by_stream: tuple[tuple[float, float, float], ...]
    by_member: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Result:
    """Clusters, best first; the replicates' maxima (R,) in their order."""

    clusters: tuple[Found, ...]
    maxima: Floats
    locations: int
    cases: tuple[int, ...]
    settings: Settings


def scan(study: Study, settings: Settings, table: Zones | None = None, progress: Progress | None = None) -> Result:
    """Find the clusters of a study. `table`: its neighbour table (`neighbours`), not to be sorted again.

    Raises MethodError where the settings ask for what the data cannot give.
    """
    study = fitted(study, settings)
    if settings.iterations:
        return _iterate(study, settings, progress)
    return _once(study, settings, table, 0, progress)


def _once(study: Study, settings: Settings, table: Zones | None, round_: int, progress: Progress | None) -> Result:
    if not any(s.cases.sum() for s in study.streams):
        return _result(study, settings, [], np.zeros(0))  # no replicates are needed to say so
    ready = plan(study, settings, table)
    with ThreadPoolExecutor(1) as aside:
        searching = aside.submit(_searched, settings, ready)
        best = 0.0
        if stopping(settings) or settings.threads == 1:  # otherwise the replicates need not know it
            best = _best(searching.result())
        simulated = maxima(study, settings, ready, best, round_, progress) if settings.replicates else np.zeros(0)
        found = searching.result()
    best = _best(found)
    used = inference.stop_at(best, simulated, stopping(settings)) if stopping(settings) else len(simulated)
    simulated = simulated[:used]
    most = min(MOST, len(ready.zones.centre) if settings.analysis != "temporal" else study.places)
    least = max(FAINT, inference.faintest(simulated, replayed(settings)) if used else 0.0)
    candidates = _candidates(study, ready, found, min(least, best) - NEAR)
    told = apart(candidates, study.space, settings.criterion, most, least)
    return _result(
        study,
        settings,
        [_describe(c, i == 0, study, settings, ready, simulated) for i, c in enumerate(told)],
        simulated,
    )


def _result(study: Study, settings: Settings, clusters: list[Found], simulated: Floats) -> Result:
    cases = tuple(int(s.cases.sum()) for s in study.streams)
    return Result(tuple(clusters), simulated, len(study.ids), cases, settings)


def _searched(settings: Settings, ready: Plan) -> Rows:
    """The best windows of every centre, before overlaps are looked at."""
    seen = field(ready.kind, ready.n, ready.u, ready.windows, ready.within)
    begin = int(ready.windows.first.min())  # what lies before every window need not be added up
    seen = seen._replace(n=np.ascontiguousarray(seen.n[:, :, begin:]), u=np.ascontiguousarray(seen.u[:, :, begin:]))
    spans = Windows(ready.windows.first - begin, ready.windows.last - begin)
    if settings.analysis == "temporal":
        found = search_times(seen, spans, ready.limits)
    else:
        more = settings.analysis == "space-time" and not settings.prospective
        found = search(seen, ready.zones, ready.penalty, spans, ready.limits, more)
    return found._replace(first=found.first + begin, last=found.last + begin)


def _best(found: Rows) -> float:
    return float(found.llr.max(initial=0.0))


def _candidates(study: Study, ready: Plan, found: Rows, least: float) -> list[Candidate]:
    """The windows of at least `least`, with where they are."""
    space = study.space
    zones = ready.zones
    middles = space if study.centres is None else study.centres
    every = []
    worth = found.llr >= least
    for family, size, first, last, way, llr in zip(*(column[worth] for column in found), strict=True):
        members = zones.members[zones.begin[family] : zones.begin[family] + size]
        centre = int(zones.centre[family])
        if centre < 0:
            where, radius, name = np.zeros(0), 0.0, "All"
        else:
            where = middles[centre]
            if study.neighbours is None:
                radius = _radius(space[members[-1]] - where, zones.shape[family], zones.angle[family])
            else:
                radius = float("nan")  # no circle: clusters overlap by their members only
            name = study.ids[centre] if study.centres is None else str(centre + 1)
        span = int(first), int(last) + 1
        at = centre if study.centres is None else -1
        every.append(
            Candidate(
                int(family),
                members,
                where,
                radius,
                *span,
                int(way),
                float(llr),
                name,
                float(zones.shape[family]),
                float(zones.angle[family]),
                at,
            )
        )
    return every


def _radius(gap: Floats, shape: float, angle: float) -> float:
    flat = gap[None] if shape == 1.0 else squeeze(gap[None], shape, angle)
    return float(np.sqrt((flat**2).sum()))


def _describe(c: Candidate, best: bool, study: Study, settings: Settings, ready: Plan, simulated: Floats) -> Found:
    inside = (slice(None), c.members, slice(c.first, c.stop))
    n, shown = ready.n[inside], ready.shown[inside]
    if ready.kind >= st.EXPECTATION:  # as counted, not as weighed
        n = np.stack([s.cases.astype(np.float64) for s in study.streams])[inside]
        shown = np.stack([ready.u[i] if s.at_risk is None else s.at_risk for i, s in enumerate(study.streams)])[inside]
    streams = [_risk(s, c, study, ready) for s in range(len(n))]
    rank, p, gumbel_p = _p_values(c.llr, best, settings, simulated)
    extreme = inference.extreme_value_p(c.llr, simulated)
    days = float("nan")
    if settings.prospective:
        days = inference.recurrence_days(p, interval_days(settings), analyses(study.edges, settings))
    zone = ready.zones
    z = c.family
    everywhere = zone.centre[z] < 0
    whole = _all_streams(streams, ready.kind, c, study, ready)
    start, end = int(study.edges[c.first]), int(study.edges[c.stop]) - 1
    return Found(
        c.name,
        () if everywhere else tuple(_place(study, int(zone.centre[z])).tolist()),
        _reach(c, study),
        float(zone.shape[z]),
        float(zone.angle[z]),
        tuple(study.ids[m] for m in c.members),
        day_text(start, settings.unit),
        day_text(end, settings.unit),
        start,
        end,
        c.way == st.HIGH,
        *whole,
        c.llr,
        rank,
        p,
        gumbel_p,
        extreme,
        days,
        tuple(streams),
        tuple(zip(n.sum(axis=(0, 2)).tolist(), shown.sum(axis=(0, 2)).tolist(), strict=True)) if n.size else (),
    )


def _reach(c: Candidate, study: Study) -> float:
    """The radius in km or map units; along the network if there is one, NaN for lists without distances."""
    if not len(c.centre):
        return 0.0
    if study.neighbours is None:
        return along(c.radius) if study.earth else c.radius
    return float(study.reach[c.at][len(c.members) - 1]) if study.reach else float("nan")


def _place(study: Study, centre: int) -> Floats:
    return np.asarray((study.points if study.centres is None else study.centres)[centre])


def _risk(s: int, c: Candidate, study: Study, ready: Plan) -> tuple[float, float, float]:
    """Observed, expected and relative risk of one stream."""
    stream = study.streams[s]
    span = slice(c.first, c.stop)
    n, u = ready.n[s][c.members, span].sum(), ready.u[s][c.members, span].sum()
    over = ready.n[s][:, span] if ready.within else ready.n[s]
    held = ready.u[s][:, span] if ready.within else ready.u[s]
    risk = st.relative_risk(ready.kind, float(n), float(u), float(over.sum()), float(held.sum()))
    observed = float(stream.cases[c.members, span].sum())
    if ready.kind >= st.EXPECTATION:
        assert stream.at_risk is not None, "expectation-based scans have expected counts"
        expected = float(stream.at_risk[c.members, span].sum())
        return observed, expected, observed / expected if expected > 0 else float("inf")
    return observed, float(ready.shown[s][c.members, span].sum()), risk


def _all_streams(
    streams: list[tuple[float, float, float]], kind: int, c: Candidate, study: Study, ready: Plan
) -> tuple[float, float, float]:
    """All streams together; their relative risk is that of the sums."""
    if len(streams) == 1:
        return streams[0]
    observed, expected = sum(s[0] for s in streams), sum(s[1] for s in streams)
    N = float(sum(s.cases.sum() for s in study.streams))
    U = float(ready.shown.sum())
    return observed, expected, st.relative_risk(min(kind, st.POISSON), observed, expected, N, U)


def _p_values(llr: float, best: bool, settings: Settings, simulated: Floats) -> tuple[int, float, float]:
    """Rank, the p-value the settings ask for, and the Gumbel one."""
    R = len(simulated)
    if R == 0:
        return 0, float("nan"), float("nan")
    rank = inference.rank(llr, simulated)
    gumbel_p = inference.gumbel_p(llr, inference.gumbel(simulated))
    p = rank / (R + 1)
    if (enough := stopping(settings)) and settings.replicates > R:
        p = enough / R if best else min((rank - 1) / R, 1.0)
    elif settings.p_value == "gumbel" or (settings.p_value == "default" and rank < 10 and _smooth(settings)):
        p = gumbel_p
    return rank, p, gumbel_p


def _smooth(settings: Settings) -> bool:
    """Whether a Gumbel distribution is known to describe the maxima: high rates over places; Abrams et al. (2010)."""
    return settings.rates == "high" and settings.analysis != "temporal"


def _iterate(study: Study, settings: Settings, progress: Progress | None) -> Result:
    """The best cluster, then the best without its places and days, and so on; Zhang, Assunção & Kulldorff (2010)."""
    clusters: list[Found] = []
    every: list[Floats] = []
    result = None
    for round_ in range(settings.iterations):
        result = _once(study, replace(settings, iterations=0), None, round_, progress)
        if not result.clusters:
            break
        top = result.clusters[0]
        clusters.append(top)
        every.append(result.maxima)
        if top.p > settings.iteration_p:
            break
        study = _without(study, top, settings)
    if result is None:
        raise MethodError("an iterative scan needs at least one iteration")
    return _result(study, settings, clusters, np.concatenate([*every, np.zeros(0)]))


def _without(study: Study, cluster: Found, settings: Settings) -> Study:
    """Take a cluster's cases and people out; what is expected elsewhere adds up to the cases that are left."""
    index = {name: i for i, name in enumerate(study.ids)}
    rows: Ints = np.array([index[m] for m in cluster.members])
    first = int(np.searchsorted(study.edges, cluster.start_day))
    stop = int(np.searchsorted(study.edges, cluster.end_day + 1))

    outside = np.ones(study.streams[0].cases.shape, np.int64)
    outside[rows[:, None], np.arange(first, stop)] = 0
    streams = []
    for s in study.streams:
        cases = s.cases * outside
        held = None if s.at_risk is None else s.at_risk * outside
        if held is not None and settings.model == "poisson" and held.sum() > 0:
            held = held * (cases.sum() / held.sum())
        streams.append(replace(s, cases=cases, at_risk=held, strata=tuple(x * outside for x in s.strata)))
    return replace(study, streams=tuple(streams))
