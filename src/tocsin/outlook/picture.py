"""What a count signal will have been: nowcast draws by place that add up from the smallest area to the city. I/O.

Draws are made once, at the finest level at which the signal is judged; every coarser level is their sum, draw by draw,
so that districts add up to the city to the last case. A place without a case in all the time looked at is taken to have
none to come.
"""

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from tocsin.calendar import DAY, instant
from tocsin.config import SignalTable
from tocsin.desk import Desk
from tocsin.errors import InputError, MethodError, NotFound
from tocsin.estimate import nowcast
from tocsin.outlook.triangle import MOST_DELAYS, MOST_STEPS, Rows, Triangle, triangle
from tocsin.store import notes
from tocsin.types import Bools, Floats, Instant, Ints, Minute, Times, Title

DRAWS = 500
PAUSES, ENOUGH, OVER = 90, 30, 1.25  # a source's pauses: days looked at, how many tell, how much longer is silence
KEPT = 12  # pictures kept in memory: as-of sliders come back
_EPOCH = datetime(1970, 1, 1)
HOUR = 3600 * 1_000_000  # zones change their clocks at whole hours
NOTHING = Title("还没有任何报告", "nothing was reported yet")
AT_ONCE = Title(
    "已知的数据都是一次到齐的，无从得知迟报规律",
    "all that is known came at once: nothing tells how late reports come",
)


@dataclass(frozen=True)
class Picture:
    """One count signal as of a moment. Strata (N,) are places of the area tree, each for local or imported cases.

    times (T,), newest last: the step of the last report. known (N, T) as reported. draws (N, H, M) of the last H steps.
    seen: the moment up to which reports are there (a feed may be silent). why: what forbids a nowcast, None if nothing.
    """

    signal: str
    base: str
    seen: Instant
    times: Times
    places: Ints
    imported: Bools
    known: Floats
    draws: Floats
    why: Title | None = None

    @property
    def open(self) -> int:
        """H, how many of the newest steps still gain cases."""
        return int(self.draws.shape[1])


class Told(NamedTuple):
    """What is known of reports at a moment: up to when, the newest step, the triangle, or why there is none."""

    seen: Instant
    newest: Minute
    triangle: Triangle | None
    why: Title | None


@dataclass(frozen=True)
class View:
    """A picture summed to the areas of one level: reported (A, T) and draws (A, H, M), imported cases in or apart."""

    areas: tuple[str, ...]
    times: Times
    reported: Floats
    draws: Floats

    def history(self, steps: int) -> Floats:
        """Draws (A, steps, M) of the newest steps: as reported where complete."""
        steps = min(steps, self.reported.shape[1])
        full = np.repeat(self.reported[:, -steps:, None], self.draws.shape[2], axis=2)
        near = min(steps, self.draws.shape[1])
        full[:, steps - near :] = self.draws[:, self.draws.shape[1] - near :]
        return full

    def quantiles(self, levels: Floats) -> Floats:
        """Of the open steps, (A, H, Q)."""
        return np.moveaxis(np.quantile(self.draws, levels, axis=-1), 0, -1)


def picture(desk: Desk, signal: str, as_of: Instant) -> Picture:
    """The nowcast of a count signal as of a moment; the same moment gives the same draws. NotFound, MethodError."""
    table = table_of(desk, signal)
    rows = desk.columns(signal, as_of)
    key = ("picture", signal, as_of, len(rows.step))
    return desk.remember(key, KEPT, lambda: _picture(desk, table, as_of))


def view(desk: Desk, found: Picture, level: str, imported: bool | None = None) -> View:
    """Sums over the areas of a level; imported True or False: these cases alone. InputError under the finest level."""
    levels = list(desk.tree.levels)
    if level not in levels:
        raise NotFound(f"no level {level!r}; there are: {', '.join(levels)}")
    if levels.index(level) > levels.index(found.base):
        upto = ", ".join(levels[: levels.index(found.base) + 1])
        raise InputError(f"{found.signal} is nowcast at {upto}; add {level!r} to its levels to go finer")
    areas = desk.tree.at(level)
    to = desk.tree.rollup(level)[found.places]
    keep = to >= 0
    if imported is not None:
        keep &= found.imported == imported
    reported = np.zeros((len(areas), len(found.times)))
    draws = np.zeros((len(areas), *found.draws.shape[1:]))
    np.add.at(reported, to[keep], found.known[keep])
    np.add.at(draws, to[keep], found.draws[keep])
    return View(tuple(a.code for a in areas), found.times, reported, draws)


def table_of(desk: Desk, signal: str) -> SignalTable:
    """The table of a count signal by days or weeks; NotFound, MethodError say what there is."""
    for s in desk.settings.signals:
        if s.name == signal:
            if s.kind != "count" or desk.step(signal).minutes not in MOST_DELAYS:
                raise MethodError(f"{signal} is a {s.kind} by {s.step}; only counts by days or weeks are nowcast")
            return s
    raise NotFound(f"no signal {signal!r}; there are: {', '.join(s.name for s in desk.settings.signals)}")


def base_of(desk: Desk, table: SignalTable) -> str:
    """The finest level at which a signal is judged."""
    return max(desk.levels(table), key=desk.tree.levels.index)


def heard_until(desk: Desk, table: SignalTable, as_of: Instant) -> Instant:
    """`as_of`, or the last moment a silent source was heard: nothing is known of what happened after.

    Silent: for two of its cadences, or, if its own past says so earlier, for longer than nearly all its pauses so far.
    Else a day of which no word has come yet is read as a day of few cases, and R falls.
    """
    ears, every = desk.ears(table.name, as_of)
    now = desk.today(as_of)
    if not every or not len(ears):
        return as_of
    longest = max(every, desk.step(table.name).minutes)
    recent = ears[np.searchsorted(ears, now - PAUSES * DAY) :]
    limit, pauses = 2.0 * longest, np.diff(np.unique(recent))
    if len(pauses) >= ENOUGH:
        limit = min(limit, max(longest, OVER * float(np.quantile(pauses, 0.99))))
    if now - int(ears[-1]) <= limit:
        return as_of
    return as_of - (now - int(ears[-1])) * 60_000_000


def last_news(desk: Desk, table: SignalTable, now: Instant) -> Instant:
    """When a signal's nowcast last had reason to change: its last report, or this step's first beat if that is later.

    A beat that judges as of then says again what the beat before it said, until something is reported.
    """
    step = desk.step(table.name)
    begin = _EPOCH + timedelta(minutes=step.floor(desk.today(now)))
    first = notes.first_tick(desk.store, instant(begin, desk.tz), now)
    told = desk.columns(table.name, now).report_time
    return max(now if first is None else first, int(told[told <= now].max(initial=0)))


def told(desk: Desk, table: SignalTable, as_of: Instant) -> Told:
    """The reporting triangle of a signal as known at a moment."""
    step, seen = desk.step(table.name), heard_until(desk, table, as_of)
    columns = desk.columns(table.name, seen)
    now = desk.today(seen)
    newest = step.floor(now)
    known = columns.report_time <= seen
    if not known.any():
        return Told(seen, newest, None, NOTHING)
    near = known & (columns.step > newest - MOST_STEPS[step.minutes] * step.minutes) & (columns.step <= newest)
    base = base_of(desk, table)
    to = desk.tree.rollup(base)
    here = np.array([desk.tree.index[a.code] for a in desk.tree.at(base)], dtype=np.int64)
    place = np.where(to >= 0, here[to], np.arange(len(to)))[columns.area[near]]
    cases = columns.value[near] * columns.n[near]
    reported = civil_minutes(desk, columns.report_time[near])
    rows = Rows(place, columns.step[near], reported, cases, columns.imported[near])
    first = desk.today(int(columns.report_time.min()))
    found = triangle(rows, newest, now, step.floor(first), step.minutes)
    why = None if found else AT_ONCE
    return Told(seen, newest, found, why)


def _picture(desk: Desk, table: SignalTable, as_of: Instant) -> Picture:
    step, base = desk.step(table.name), base_of(desk, table)
    seen, newest, found, why = told(desk, table, as_of)
    if found is None:
        return _nothing(table.name, base, seen, newest, why)
    day, known = found.begin // DAY, found.counts.sum(axis=2)
    # The same reports on the same step meet the same chance, or alerts would move with the clock.
    chance = [
        desk.settings.city.seed,
        zlib.crc32(table.name.encode()),
        newest // step.minutes,
        zlib.crc32(known.tobytes()),
    ]
    said = nowcast.nowcast(
        found.counts,
        np.random.default_rng(chance),
        weekday=(day + 3) % 7 if step.minutes == DAY else None,
        step_days=step.minutes / DAY,
        draws=DRAWS,
    )
    times = step.range(found.begin, newest)
    open_ = min(said.draws.shape[1], len(times))
    draws = np.rint(np.maximum(said.draws[:, :open_][:, ::-1], 0))
    return Picture(table.name, base, seen, times, found.places, found.imported, known, draws)


def _nothing(signal: str, base: str, seen: Instant, newest: Minute, why: Title | None) -> Picture:
    none = np.zeros(0, dtype=np.int64)
    times = np.array([newest]).astype("datetime64[m]")
    return Picture(signal, base, seen, times, none, none > 0, np.zeros((0, 1)), np.zeros((0, 0, DRAWS)), why)


def civil_minutes(desk: Desk, at: Ints) -> Ints:
    """Civil minutes of moments (M,)."""
    hour, back = np.unique(at // HOUR, return_inverse=True)
    begin = np.array([desk.today(h * HOUR) for h in hour.tolist()], dtype=np.int64)
    return begin[back] + at % HOUR // 60_000_000
