"""An open city: its settings, areas, store and detectors, and its counts as of any moment. I/O."""

import gzip
import hashlib
import math
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import date
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from tocsin import config
from tocsin.areas import AreaTree, parse_areas, tree
from tocsin.calendar import DAY, Step, civil_minute, day_of, minute_of, zone
from tocsin.config import ScanTable, Settings, SignalTable, SourceTable
from tocsin.cube.arrivals import HISTORY
from tocsin.cube.complete import by_parts, by_sources, due, spoke
from tocsin.cube.cube import Columns, counts, covered, known
from tocsin.detect import Detector, detector
from tocsin.ears import Ears
from tocsin.errors import ConfigError, MethodError, StoreError
from tocsin.feeds import Volume, feed_cube, feed_of, told_between, volume
from tocsin.held import Held
from tocsin.ingest.syndromes import read_terms
from tocsin.store import open_store
from tocsin.store.db import Store
from tocsin.store.increments import steps_in_store, zone_in_store
from tocsin.types import Bools, Cube, Event, Floats, Instant, Ints, Minute, Panel, Times

FILE = "city.toml"
MINUTE, HOUR, US = 60_000_000, 3_600_000_000, 86_400_000_000
T = TypeVar("T")


class Desk:
    """A city directory, open. Threads may share it: what it has read it keeps, and reads on as the store grows."""

    def __init__(
        self, directory: Path, settings: Settings, areas: AreaTree, store: Store, geojson: Path | None
    ) -> None:
        self.directory, self.settings, self.tree, self.store, self.geojson = directory, settings, areas, store, geojson
        self.heard = Ears(store)
        # What is costly to make and pure, by kind and by all that it depends on.
        self._kept: dict[Hashable, dict[Hashable, Any]] = {}
        self._keeping = threading.Lock()
        self._held = Held(store, areas.index, self.tz, self._kept.clear)
        # Signals that city.toml no longer names live on in the store: their events may yet be corrected or moved.
        self.stored_as = steps_in_store(store) | {s.name: (s.kind, s.step) for s in settings.signals}
        steps = {name: step for name, (_, step) in self.stored_as.items()}
        self._steps = {n: Step.parse(s) for n, s in ({s.name: s.step for s in settings.spoken} | steps).items()}
        self.watched: Any = None  # what was last said of the feeds, and of when; see quality.py
        self._minute = lru_cache(maxsize=1 << 16)(self._civil)

    @cached_property
    def tz(self) -> ZoneInfo:
        """The city's zone."""
        return zone(self.settings.city.zone)

    @cached_property
    def holidays(self) -> Ints:
        """Civil minutes at which days off begin, ascending."""
        return np.array(sorted(minute_of(d) for d in self.settings.holidays), dtype=np.int64)

    @cached_property
    def vocabulary(self) -> str:
        """Digest of what mappings map to: signals, zone, areas."""
        signals = [(s.name, s.kind) for s in self.settings.signals]
        areas = [(a.code, a.parent, a.title) for a in self.tree.areas]
        return hashlib.sha256(repr((self.settings.city.zone, signals, areas)).encode()).hexdigest()

    @cached_property
    def detectors(self) -> dict[str, list[Detector]]:
        """The configured detectors of every signal; ConfigError names the signal."""
        found = {}
        for s in self.settings.spoken:
            try:
                found[s.name] = [_detector(d) for d in s.detectors]
                for d in found[s.name]:
                    d.history(self._steps[s.name].minutes)  # says so if it cannot use such steps
                    if s.kind not in d.kinds:
                        raise MethodError(f"{d.name} judges {' and '.join(d.kinds)} signals, not a {s.kind}")
            except MethodError as e:
                raise ConfigError(f"{self.directory / FILE}: signals.{s.name}.detectors: {e}") from e
            if len({d.name for d in found[s.name]}) < len(s.detectors):
                raise ConfigError(f"{self.directory / FILE}: signals.{s.name}.detectors: a method stands twice")
        return found

    @cached_property
    def fallbacks(self) -> dict[str, list[Detector]]:
        """Who speaks for a signal while all of its detectors are silent, first to last; ConfigError as above."""
        found = {}
        for s in self.settings.spoken:
            try:
                chain = [_detector(d) for d in s.fallback]
                for d in chain:
                    d.history(self._steps[s.name].minutes)
            except MethodError as e:
                raise ConfigError(f"{self.directory / FILE}: signals.{s.name}.fallback: {e}") from e
            own = {d.name for d in self.detectors[s.name]}
            found[s.name] = [d for d in chain if s.kind in d.kinds and d.name not in own]
        return found

    def scan_level(self, scan: ScanTable) -> str:
        """Which areas a scan looks at."""
        return scan.level or self.settings.city.levels[-1]

    def step(self, signal: str) -> Step:
        """The step of a signal."""
        return self._steps[signal]

    def step_of(self, event: Event) -> Minute:
        """The civil minute at which the step of an event begins."""
        return self._steps[event.signal].floor(self._minute(event.reference_time))

    def leads(self) -> bool:
        """Whether this process is the one that runs the beat."""
        return self.store.lead()

    def together(self) -> AbstractContextManager[Any]:
        """Writes inside share one transaction, durable when it ends."""
        return self.store.transaction()

    def levels(self, signal: SignalTable) -> list[str]:
        """Where a signal is judged."""
        return signal.levels or self.settings.city.levels

    def today(self, as_of: Instant) -> Minute:
        """The civil minute of a moment."""
        return self._minute(as_of)

    def day(self, at: Instant) -> date:
        """The civil date of a moment."""
        return day_of(self._minute(at))

    def columns(self, signal: str, as_of: Instant) -> Columns:
        """The increments of a signal: whoever takes those known by `as_of`, or later, has all that were."""
        return self._held.of(signal, as_of)

    def cube(self, signal: str, level: str, as_of: Instant, first: Minute | None, last: Minute | None) -> Cube:
        """Counts of one signal by area of a level and step, as known at `as_of`; first and last None: all there is."""
        if (source := feed_of(self.settings, signal)) is not None:
            return feed_cube(self.heard, source, self.tree, self.tz, level, as_of, first, last)
        table, step, rows = self.settings.signal(signal), self._steps[signal], self.columns(signal, as_of)
        told = rows.step[rows.report_time <= as_of]
        begin = int(told.min()) if len(told) else step.floor(self._minute(as_of))
        end = self._minute(as_of) if last is None else last
        times = step.range(begin if first is None else first, end)
        areas = self.tree.at(level)
        part = known(rows, as_of, *_span(times))
        values, _ = counts(part, self.tree.rollup(level), len(areas), times, step.minutes, table.kind)
        if table.kind == "count" and table.absent == "zero" and len(times):
            everywhere = np.bincount((part.step - _span(times)[0]) // step.minutes, part.value * part.n, len(times))
            ears, every = self.ears(signal, as_of, int(times[0].astype(np.int64)))
            spoken = covered(times, step.minutes, begin, ears, every, everywhere.astype(np.float64)) & (len(told) > 0)
            spoken &= times.astype(np.int64) <= self._minute(as_of)
            values = np.where(np.isnan(values) & spoken, 0.0, values)
        limit, stated = self.settings.alerts.complete, [bool(s.every) for s in self.sources_of(signal)]
        several = table.absent == "missing" or (len(stated) > 1 and any(stated))
        if table.kind == "count" and several and len(times) and limit:
            values[self.complete(signal, level, as_of, times) < limit] = np.nan
        population = np.array([a.population for a in areas], dtype=np.float64)
        exposure = np.broadcast_to(population[None, :, None], (1, len(areas), len(times)))
        return Cube((signal,), tuple(a.code for a in areas), times, as_of, values[None], exposure)

    def complete(self, signal: str, level: str, as_of: Instant, times: Times) -> Floats:
        """How much of what usually comes has spoken for each area and step (A, T), 0 to 1; NaN: nobody is asked."""
        table, step = self.settings.signal(signal), self._steps[signal]
        to, sources, here = self.tree.rollup(level), self.sources_of(signal), self._minute(as_of)
        areas = len(self.tree.at(level))
        if table.kind == "count" and table.absent == "missing":
            whole, every = np.arange(len(self.tree.areas)), max([config.every_minutes(s.every) for s in sources] or [0])
            part = known(self.columns(signal, as_of), as_of, *_span(times))
            own, _ = counts(part, whole, len(whole), times, step.minutes, table.kind)
            return by_parts(own, to, areas, times, step.minutes, due(times, step.minutes, every, here))
        if not sources or not len(times):
            return np.full((areas, len(times)), np.nan)
        found, first = [self.told_by(s.name, signal, as_of) for s in sources], int(times[0].astype(np.int64))
        ears = [self._ears_of(s.name, as_of, first) for s in sources]
        said = [spoke(times, step.minutes, e, config.every_minutes(s.every), v.steps, here)
                for s, e, v in zip(sources, ears, found, strict=True)]  # fmt: skip
        volumes = np.stack([np.bincount(to[to >= 0], v.by_area[to >= 0], areas) for v in found]).astype(np.float64)
        return by_sources(volumes, np.stack(said))

    def told_by(self, source: str, signal: str, as_of: Instant) -> Volume:
        """What a source told of a signal in the eight weeks to the last full hour by `as_of`."""
        until = as_of // HOUR * HOUR
        since = until - HISTORY * 24 * HOUR
        cuts = sorted({since, -(-since // US) * US, until // US * US, until + 1})  # what is between stays for a day
        return volume(self._told(source, signal, *ends) for ends in pairwise(cuts))

    def _told(self, source: str, signal: str, since: Instant, until: Instant) -> Volume:
        """What a source told of a signal, in all, from `since` until before `until`; kept while no more of it comes."""
        n = int(self.heard.between(source, since // MINUTE, (until - 1) // MINUTE)[1].sum())
        args = (self.store, source, signal, self.tree, self._steps[signal], self._minute, since, until)
        return self.remember(("told", source, signal, since, until, n), 2048, lambda: told_between(*args))

    def panel(self, signal: str, cube: Cube) -> Panel:
        """The cube's areas as detectors see them."""
        days = cube.times.astype("datetime64[D]").astype("datetime64[m]").astype(np.int64)
        kind, minutes = self.settings.signal(signal).kind, self._steps[signal].minutes
        off = np.isin(days, self.holidays) & (minutes <= DAY)
        return Panel(cube.values[0], cube.exposure[0], cube.times, minutes, kind, off)

    def marked(self, signal: str, cube: Cube) -> Bools:
        """Which cells (A, T) of a cube of one signal lie in an outbreak that city.toml marks."""
        found = np.zeros(cube.values.shape[1:], dtype=np.bool_)
        begin = cube.times.astype("datetime64[m]").astype(np.int64)
        for o in self.settings.outbreaks:
            if o.signal in ("", signal):
                inside = [any(a.code == o.area for a in self.tree.path(code)) for code in cube.areas]
                during = (begin <= minute_of(o.last) + DAY - 1) & (
                    begin + self._steps[signal].minutes > minute_of(o.first)
                )
                found |= np.array(inside, dtype=np.bool_)[:, None] & during
        return found

    def sources_of(self, signal: str) -> list[SourceTable]:
        """The sources whose mapping can speak of a signal."""
        return [s for s in self.settings.sources if s.mapping and signal in _spoken(s)]

    def ears(self, signal: str, as_of: Instant, since: Minute | None = None) -> tuple[Ints, int]:
        """When the signal's sources were heard (civil minutes by `as_of`, ascending) and their cadence in minutes.

        With `since`: the first time of each source, and all from then on."""
        sources = self.sources_of(signal)
        cadences = [config.every_minutes(s.every) for s in sources]
        if not cadences or not all(cadences):
            return np.empty(0, dtype=np.int64), 0
        return np.sort(np.concatenate([self._ears_of(s.name, as_of, since) for s in sources])), max(cadences)

    def _ears_of(self, source: str, as_of: Instant, since: Minute | None) -> Ints:
        """When one source was heard (civil minutes by `as_of`, ascending): the first time, and all from `since` on."""
        ears, now = self.heard.of(source), as_of // MINUTE
        offset = self._minute(as_of) - now  # the zone's, now: an hour off in the other half of the year
        ears = ears[: np.searchsorted(ears, now, side="right")]
        skipped = 0 if since is None else int(np.searchsorted(ears, since - offset))
        return (np.r_[ears[0], ears[skipped:]] if skipped else ears) + offset

    def remember(self, key: tuple[Hashable, ...], most: int, make: Callable[[], T]) -> T:
        """What `make` gives, kept until `most` other things of its kind, `key[0]`, have been asked for since."""
        with self._keeping:
            kept = self._kept.setdefault(key[0], {})
            if key in kept:
                kept[key] = kept.pop(key)
                found: T = kept[key]
                return found
        made = make()
        with self._keeping:
            kept[key] = made
            while len(kept) > most:
                del kept[next(iter(kept))]
        return made

    def _civil(self, at: Instant) -> Minute:
        return civil_minute(at, self.tz)


def open_desk(directory: Path, env: Mapping[str, str], *, agree: bool = True) -> Desk:
    """Open a city directory; ConfigError or StoreError say what is wrong and what to do.

    `agree`: refuse a store that was counted by other settings.
    """
    file = directory / FILE
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError as e:
        raise ConfigError(f"no {FILE} in {directory}; `tocsin init DIR` makes a city, --city DIR names one") from e
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{file}: {e}; it must be a readable UTF-8 file") from e
    settings = _with_terms(config.parse(text, str(file)), directory, env)
    where = config.expand(settings.areas.file, directory, env)
    areas = tree(parse_areas(_bytes(where, "areas.file"), settings.areas.columns, str(where)), settings.city.levels)
    mapped = config.expand(settings.areas.geojson, directory, env) if settings.areas.geojson else None
    if mapped is not None:
        areas = areas.drawn(_bytes(mapped, "areas.geojson"), settings.areas.geojson_key, str(mapped))
    store = open_store(directory, config.store_url(settings, env), settings.store.schema)
    desk = Desk(directory, settings, areas, store, mapped)
    if agree:
        _agree(desk)
    assert desk.fallbacks is not None  # a mistake in a detector shows when the city is opened, not at night
    for i, outbreak in enumerate(settings.outbreaks):
        if outbreak.area not in areas:
            raise ConfigError(f"{file}: outbreaks[{i}].area: no area {outbreak.area!r} in {where}")
    for i, scan in enumerate(settings.scans):
        for key, problem in _scan_problems(desk, scan):
            raise ConfigError(f"{file}: scans[{i}].{key}: {problem}")
    return desk


def _with_terms(settings: Settings, directory: Path, env: Mapping[str, str]) -> Settings:
    """The settings with the terms of the sources' own syndrome files in them."""
    sources = []
    for s in settings.sources:
        if s.mapping and s.mapping.classify and s.mapping.classify.file:
            table = s.mapping.classify
            key = f"sources.{s.name}.mapping.classify.file"
            where = config.expand(table.file, directory, env)
            try:
                terms = [*table.terms, *read_terms(_bytes(where, key).decode("utf-8-sig"), str(where))]
            except UnicodeDecodeError as e:
                raise ConfigError(f"{FILE}: {key}: {where} is not UTF-8 text ({e}); save it as UTF-8") from e
            table = msgspec.structs.replace(table, terms=terms)
            s = msgspec.structs.replace(s, mapping=msgspec.structs.replace(s.mapping, classify=table))  # noqa: PLW2901
        sources.append(s)
    return msgspec.structs.replace(settings, sources=sources)


def _scan_problems(desk: Desk, scan: ScanTable) -> Iterator[tuple[str, str]]:
    """(key, what a scan needs and the city has not)."""
    level = desk.scan_level(scan)
    places = desk.tree.at(level)
    lost = [a.code for a in places if not (math.isfinite(a.longitude) and math.isfinite(a.latitude))]
    if lost or not places:
        yield "level", f"areas of level {level!r} need longitude and latitude; without: {', '.join(lost[:5]) or 'all'}"
    empty = [a.code for a in places if not a.population > 0]
    if scan.model == "poisson" and empty:
        yield "model", f"poisson needs every area's population; without: {', '.join(empty[:5])}"
    if scan.model in ("ebp", "ebnb"):
        for signal in desk.settings.scanned(scan):
            able = [d.name for d in desk.detectors[signal.name] if can_expect(d, desk.step(signal.name))]
            if not able or (scan.baseline and scan.baseline not in able):
                there = ", ".join(able) or "none; configure one, such as baseline_nb"
                yield "baseline", f"needs a detector of {signal.name} that says what to expect of single steps: {there}"


def can_expect(of: Detector, step: Step) -> bool:
    """Whether a detector's expected counts are of single steps, and no rule's."""
    return not of.rule and of.window <= step.minutes


def _agree(desk: Desk) -> None:
    """StoreError if the counts in the store were made by another step, kind or zone than city.toml now says."""
    advice = f"put it back, or count the events anew: `tocsin rebuild --city {desk.directory}`"
    for name, stored in steps_in_store(desk.store).items():
        if desk.stored_as[name] != stored:
            was, now = (f"{kind} by {step}" for kind, step in (stored, desk.stored_as[name]))
            raise StoreError(f"{name} was stored as {was}, {FILE} now says {now}; {advice}")
    zone_then, zone_now = zone_in_store(desk.store, desk.settings.city.zone), desk.settings.city.zone
    if zone_then != zone_now:
        raise StoreError(f"days were stored by the clock of {zone_then}, {FILE} now says {zone_now}; {advice}")


def _bytes(path: Path, key: str) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, gzip.BadGzipFile) as e:
        raise ConfigError(f"{FILE}: {key}: cannot read {path}: {e}; set TOCSIN_SHARED or mend the path") from e


def _span(times: Times) -> tuple[int, int]:
    whole = times.astype(np.int64)
    return (int(whole[0]), int(whole[-1])) if len(whole) else (0, -1)


def _spoken(source: SourceTable) -> set[str]:
    assert source.mapping is not None
    by = source.mapping.signal
    named = {by} if isinstance(by, str) else {*by.map.values(), str(by.value or "")}
    classified = source.mapping.classify.signals.values() if source.mapping.classify else ()
    return named | set(source.mapping.values.values()) | set(classified)


def _detector(table: str | dict[str, Any]) -> Detector:
    if isinstance(table, str):
        return detector(table)
    return detector(table["method"], **{k: v for k, v in table.items() if k != "method"})
