"""A city's nowcasts judged by what came: as of the end of each past step, as a beat would have made them. I/O."""

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from tocsin.calendar import DAY, day_of, end_of_day
from tocsin.desk import Desk
from tocsin.errors import MethodError
from tocsin.estimate import judged, nowcast
from tocsin.outlook.picture import picture, table_of, told, view
from tocsin.types import Floats, Instant, Minute


class Judging(NamedTuple):
    """What is asked: a signal at a level, sums over `window` steps, judged by what is known at `truth` (a moment)."""

    signal: str
    level: str
    window: int
    truth: Instant
    newest: Minute  # the newest step whose truth has all come
    oldest: Minute  # the first step as of which enough was known
    open: int  # how many of the newest steps still gained cases at `truth`


def judging(desk: Desk, signal: str, level: str, window: int, as_of: Instant) -> Judging:
    """What can be judged of a signal as of a moment. MethodError where nothing can."""
    table, step = table_of(desk, signal), desk.step(signal)
    known = desk.columns(signal, as_of).report_time
    known = known[known <= as_of]
    if not len(known):
        raise MethodError(f"{signal}: nothing was reported yet")
    truth = min(as_of, int(known.max()))
    found = picture(desk, signal, truth)
    if not found.open:
        raise MethodError(f"{signal}: no nowcast to judge: {found.why.en if found.why else 'it has no open step'}")
    view(desk, found, level)  # says so if the level is too fine
    last, late = int(found.times[-1].astype(np.int64)), found.open * step.minutes
    first = step.floor(desk.today(int(known.min()))) + (max(2 * found.open, window + 1)) * step.minutes
    return Judging(table.name, level, window, truth, last - late, first, found.open)


def dates(desk: Desk, asked: Judging, every: int, first: date | None, last: date | None) -> list[date]:
    """The as-of dates, each the last day of a step; MethodError if there is none."""
    length = desk.step(asked.signal).minutes
    steps = range(asked.oldest, asked.newest + 1, length)
    ends = [day_of(m) + timedelta(days=length // DAY - 1) for m in steps]
    found = [d for d in ends if (first or date.min) <= d <= (last or date.max)][::every]
    if not found:
        where = f"from {ends[0]} to {ends[-1]}" if ends else "none at all"
        raise MethodError(f"{asked.signal}: no as-of date to judge; there are {where}: change --from or --to")
    return found


def judge(desk: Desk, asked: Judging, day: date) -> judged.Judged | None:
    """What would have been said at the end of a day, against what came; None if nothing would have been said.

    Strata are the areas of the level, in its order; ages are as many as were open then.
    """
    at, length = end_of_day(day, desk.tz), desk.step(asked.signal).minutes
    found = picture(desk, asked.signal, at)
    ages = min(found.open, len(found.times) - asked.window + 1)
    if ages < 1:
        return None
    whole = view(desk, found, asked.level)
    newest, span = int(found.times[-1].astype(np.int64)), ages + asked.window - 1
    came = desk.cube(asked.signal, asked.level, asked.truth, newest - (span - 1) * length, newest).values[0]
    sides = [np.nan_to_num(came), whole.reported[:, -span:], _ladder(desk, asked, at)[:, -span:]]
    truth, reported, ladder = (_windows(side, asked.window)[:, ::-1] for side in sides)
    draws = _windows(whole.history(span), asked.window)[:, ::-1]
    quantiles = np.moveaxis(np.quantile(draws, nowcast.LEVELS, axis=-1), 0, -1)
    return judged.Judged(newest // length, truth, reported, ladder, quantiles)


def _ladder(desk: Desk, asked: Judging, at: Instant) -> Floats:
    """Final counts (A, T) by the plain chain ladder of each area."""
    found = told(desk, table_of(desk, asked.signal), at).triangle
    assert found is not None, asked
    to = desk.tree.rollup(asked.level)[found.places]
    counts = np.zeros((len(desk.tree.at(asked.level)), *found.counts.shape[1:]))
    np.add.at(counts, to[to >= 0], found.counts[to >= 0])
    return judged.chain_ladder(counts)


def _windows(steps: Floats, window: int) -> Floats:
    """Sums (A, T − window + 1, …) over windows of steps (A, T, …)."""
    total = np.cumsum(np.concatenate([np.zeros_like(steps[:, :1]), steps], axis=1), axis=1)
    return np.asarray(total[:, window:] - total[:, :-window])
