"""The scans on the beat: from counts as of a moment to clusters that keep their names from day to day. I/O."""

import hashlib
from typing import NamedTuple

import numpy as np

from tocsin.calendar import DAY, Step
from tocsin.config import ScanTable, SignalTable
from tocsin.desk import Desk, can_expect
from tocsin.judge import judge
from tocsin.outlook.picture import last_news, picture, view
from tocsin.scan import Found, Result, Settings, Stream, Study, Zones, course, follow, neighbours, scan
from tocsin.scan.expected import dispersion
from tocsin.scan.periods import intervals
from tocsin.store.clusters import last_run, read_clusters
from tocsin.types import Cluster, Floats, Instant, Minute, ScanRun

FAINTER = 0.1  # a cluster that was told is followed down to this share of the recurrence interval it began at
BEFORE = 56  # days before the longest window by which the counts' spread around what is expected is judged
KEPT = 64  # other such tables asked for since, after which a table of neighbours is let go
COURSE = 60  # days of a cluster's curve, or so many before its own that it can be seen to rise
LEAD = 14
RARE = 0.5  # cases in the whole study that a place without any may yet expect


class Located(NamedTuple):
    """What a beat's scans say: the clusters that stand, what is new to write, and (part, message) of what broke."""

    standing: list[Cluster]
    runs: list[ScanRun]
    told: list[Cluster]
    faults: list[tuple[str, str]]


def locate(desk: Desk, now: Instant, *, strict: bool = False) -> Located:
    """Run the scans that are due, on what was known at `now`; those that are not due still say what they said.

    A scan of a signal is due when what it looks at is not what it looked at last, and its last run was on an earlier
    day or `every` ago. The last run is read from the store as of `now`: a replay scans when live did.
    """
    found = Located([], [], [], [])
    for table in desk.settings.scans:
        for signal in desk.settings.scanned(table):
            try:
                _one(desk, table, signal, now, found)
            except Exception as e:
                if strict:
                    raise
                found.faults.append((f"scan {table.name} of {signal.name}", f"{type(e).__name__}: {e}"))
    return found


def loud(table: ScanTable, clusters: list[Cluster]) -> list[Cluster]:
    """Those that speak for an alert."""
    return [c for c in clusters if c.change != "ended" and c.recurrence_days >= table.recurrence_days]


def _one(desk: Desk, table: ScanTable, signal: SignalTable, now: Instant, found: Located) -> None:
    last = last_run(desk.store, table.name, signal.name, now)
    every = Step.parse(table.every).minutes * 60_000_000
    soon = last is not None and desk.day(last.at) == desk.day(now) and now - last.at < every
    study = None if soon else study_of(desk, table, signal, now)
    digest = "" if study is None else _digest(desk, table, study)
    if last is not None and (study is None or digest == last.digest):
        stand = loud(table, read_clusters(desk.store, table.name, signal.name, last.at, last.at))
        found.standing.extend(c for c in stand if all(m in desk.tree for m in c.members))  # the areas may be new ones
        return
    if study is None:
        return
    result = _scanned(desk, table, signal, study, now)
    told = [_drawn(desk, table, signal, study, c) for c in _followed(desk, table, signal, result, now)]
    best = result.clusters[0].p if result.clusters else float("nan")
    found.runs.append(ScanRun(now, table.name, signal.name, digest, best))
    found.told.extend(told)
    found.standing.extend(loud(table, told))


def counted(desk: Desk, signal: str, level: str, as_of: Instant, first: Minute, last: Minute) -> Floats:
    """Cases of a signal by area of a level and day from first to last (civil minutes, both in), as known at `as_of`.

    (A, days); NaN = nobody spoke of any step of that day. These are cases that were seen: what a nowcast adds to them
    is no evidence of where they are. See `reported_share` for how it is used.
    """
    cube = desk.cube(signal, level, as_of, first, last + DAY - 1)
    days = cube.values[0].reshape(len(cube.areas), -1, DAY // desk.step(signal).minutes)
    return np.where(np.isnan(days).all(axis=2), np.nan, np.nansum(days, axis=2))


def reported_share(desk: Desk, table: SignalTable, level: str, as_of: Instant, first: Minute, last: Minute) -> Floats:
    """The share of each day's cases that is reported by now, all areas together (days,): 1 but for a nowcast's days.

    What is expected of a day times this share is what is expected of its reports so far: a Poisson count thinned is
    a Poisson count, so that reports are held against reports. The day's share is the same for all areas.
    """
    share = np.ones((last - first) // DAY + 1)
    found = picture(desk, table.name, last_news(desk, table, as_of)) if table.judge == "nowcast" else None
    if found is None or not found.open:
        return share
    whole = view(desk, found, level)
    a_day = DAY // desk.step(table.name).minutes
    at = (whole.times.astype(np.int64)[-found.open :] - first) // DAY
    inside = (at >= 0) & (at < len(share))
    known, likely = np.zeros(len(share)), np.zeros(len(share))
    np.add.at(known, at[inside], whole.reported[:, -found.open :].sum(axis=0)[inside])
    np.add.at(likely, at[inside], whole.draws.sum(axis=0).mean(axis=1)[inside])
    full = np.bincount(at[inside], minlength=len(share)) == a_day  # a day half open is nearly told
    return np.where(full & (likely > 0), np.minimum(known / np.maximum(likely, 1e-9), 1.0), share)


def study_of(desk: Desk, table: ScanTable, signal: SignalTable, now: Instant) -> Study | None:
    """What a scan looks at, as known at `now`; None where there is nothing to look at yet."""
    level = desk.scan_level(table)
    end = desk.today(now) // DAY * DAY - table.lag_days * DAY
    days = counted(desk, signal.name, level, now, end - (table.study_days - 1) * DAY, end)
    if not np.nansum(days):
        return None
    silent = days.shape[1] - 1 - int(np.flatnonzero(~np.isnan(days).all(axis=0))[-1])
    if silent:  # no cluster lives on in days that nobody spoke of
        end -= silent * DAY
        days = counted(desk, signal.name, level, now, end - (table.study_days - 1) * DAY, end)
    places = desk.tree.at(level)
    by = np.argsort(np.array([a.code.encode() for a in places]), kind="stable")
    days = days[by]
    known = ~np.isnan(days)  # what was not reported is neither counted nor expected
    held, spread = None, float("inf")
    share = reported_share(desk, signal, level, now, end - (days.shape[1] - 1) * DAY, end)
    if table.model == "poisson":
        held = np.array([places[i].population for i in by])[:, None] * known * share
        held *= np.nansum(days) / held.sum()
    if table.model in ("ebp", "ebnb"):
        most = min(table.max_days + BEFORE, days.shape[1])
        usual = np.maximum(np.nansum(days, axis=1), RARE) / np.maximum(known.sum(axis=1), 1)
        expected = _expected(desk, table, signal, level, now, end, most)[by]
        held = np.where(np.isnan(expected), usual[:, None], np.maximum(expected, usual[:, None] / 2))
        days, known = days[:, -most:], known[:, -most:]
        held = np.where(known, held * share[-most:], 0.0)
        if table.model == "ebnb":
            spread = dispersion(np.nan_to_num(days).astype(np.int64), held, most - table.max_days)
    first = end // DAY - days.shape[1] + 1
    edges = intervals(first, end // DAY, "day", table.aggregate_days)
    at = edges[:-1] - first
    cases = np.add.reduceat(np.nan_to_num(days).astype(np.int64), at, axis=1)
    held = None if held is None else np.add.reduceat(held, at, axis=1)
    points = np.array([(places[i].latitude, places[i].longitude) for i in by])
    stream = Stream(cases, held, (), spread)
    return Study(tuple(places[i].code for i in by), points, True, edges, (stream,))


def _expected(
    desk: Desk, table: ScanTable, signal: SignalTable, level: str, now: Instant, end: Minute, most: int
) -> Floats:
    """What the signal's detector expected of each of the last `most` days (A, most)."""
    a_day = DAY // desk.step(signal.name).minutes
    able = [d.name for d in desk.detectors[signal.name] if can_expect(d, desk.step(signal.name))]
    judged = judge(desk, signal, level, now, most * a_day, None, end + DAY - 1)
    expected = judged.alarms[table.baseline or able[0]].expected
    return np.asarray(expected.reshape(len(expected), most, a_day).sum(axis=2))


def _settings(table: ScanTable, seed: int = 0) -> Settings:
    return Settings(
        model=table.model,
        prospective=True,
        max_size=table.max_size,
        max_distance=table.max_km,
        step=table.aggregate_days,
        min_window=table.min_days,
        max_window=table.max_days,
        min_cases=table.min_cases,
        criterion=table.criterion,
        weekly=table.weekday and table.model == "permutation" and table.aggregate_days == 1,
        replicates=table.replicates,
        seed=seed,
        p_value="default",  # ends early where nothing is found; beyond the replicates' reach, Gumbel's tail
    )


def _scanned(desk: Desk, table: ScanTable, signal: SignalTable, study: Study, now: Instant) -> Result:
    """All chance comes from the seed, the scan, the signal and the study's last day."""
    words = f"{table.seed or desk.settings.city.seed}\n{table.name}\n{signal.name}\n{int(study.edges[-1])}"
    seed = int.from_bytes(hashlib.sha256(words.encode()).digest()[:4])
    return scan(study, _settings(table, seed), _table(desk, table, study))


def _table(desk: Desk, table: ScanTable, study: Study) -> Zones:
    """The sorted neighbours: made once for all signals and days that look at the same places."""
    of = ("neighbours", study.ids, study.points.tobytes(), table.max_km)
    return desk.remember(of, KEPT, lambda: neighbours(study, _settings(table)))


def _drawn(desk: Desk, table: ScanTable, signal: SignalTable, study: Study, c: Cluster) -> Cluster:
    """A cluster that stands, with its curve and the share of its cases that is reported by now."""
    if c.change == "ended":
        return c
    end = int(study.edges[-1])
    curve = course(study, _settings(table), c.members, min(end - COURSE, c.start_day - LEAD))
    days = range(c.start_day, end)
    share = reported_share(desk, signal, desk.scan_level(table), c.at, c.start, c.end)
    known = {day: u for day, _, u in curve if day in days}
    by_now = sum(known.values())
    in_all = sum(u / max(share[day - c.start_day : day - c.start_day + table.aggregate_days].mean(), 1e-9)
                 for day, u in known.items())  # fmt: skip
    curve = tuple((day, n, round(u, 4)) for day, n, u in curve)
    return c._replace(course=curve, reported=by_now / in_all if in_all > 0 else 1.0)


def _digest(desk: Desk, table: ScanTable, study: Study) -> str:
    """All that a run depends on."""
    stream = study.streams[0]
    said = repr((table, desk.settings.city.seed, study.ids, stream.dispersion)).encode()
    arrays = (study.points, study.edges, stream.cases, stream.at_risk)
    parts = [said, *(np.ascontiguousarray(a).tobytes() for a in arrays if a is not None)]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()[:16]


def _followed(desk: Desk, table: ScanTable, signal: SignalTable, result: Result, now: Instant) -> list[Cluster]:
    """The clusters worth telling, each with its name and what became of it; those that have ended since the last run.

    What was told within the days after which an episode is quiet is remembered: a cluster that faints for a day and
    comes back has not become another.
    """
    since = now - desk.settings.alerts.quiet_days * DAY * 60_000_000
    said: dict[str, Cluster] = {}
    ended: set[str] = set()
    for c in read_clusters(desk.store, table.name, signal.name, since, now - 1):
        ended.discard(c.id)
        if c.change == "ended":
            ended.add(c.id)
        else:
            said[c.id] = c
    before = tuple(said.values())
    least = table.recurrence_days
    today = tuple(
        c
        for c in (_cluster(f, table, signal, now) for f in result.clusters)
        if c.recurrence_days >= least * (FAINTER if before else 1)
    )
    told = []
    for it in follow(before, today):
        if it.change == "new" and it.cluster.recurrence_days >= least:
            told.append(it.cluster)
        elif it.change == "ended" and it.cluster.id not in ended:
            told.append(it.cluster._replace(change="ended", at=now))
        elif it.change not in ("new", "ended"):
            told.append(it.cluster._replace(id=before[it.before].id, change=it.change))
    return told


def _cluster(f: Found, table: ScanTable, signal: SignalTable, now: Instant) -> Cluster:
    name = f"{table.name}\n{signal.name}\n{f.center}\n{f.start}\n{f.end}"
    return Cluster(
        hashlib.sha256(name.encode()).hexdigest()[:12], table.name, signal.name, now, "new",
        f.center, f.place[0], f.place[1], f.radius, f.members, f.start_day * DAY, f.end_day * DAY,
        f.observed, f.expected, f.relative_risk, f.llr, f.p, f.recurrence_days, f.by_member,
    )  # fmt: skip
