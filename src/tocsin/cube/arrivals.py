"""What a source usually sends, learnt from when it was heard, and what is unusual about now: late, silent, half. Pure.

Silence is measured in *waking* time: minutes of days on which the source usually speaks. A feed that rests at weekends
is then a feed that speaks every day, and one question is left: has it ever been quiet so long at this time of day?
See docs/methods/completeness.md.
"""

from typing import Literal, NamedTuple

import numpy as np
from scipy import special

from tocsin.calendar import DAY
from tocsin.types import Bools, Floats, Ints, Minute

Kind = Literal["late", "silent", "half"]
HISTORY = 56  # days that are learnt from, up to the last hearing
LEAST = 7  # waking days that must be known before habits are believed
MARGIN = 3.0  # how many times the spread of usual silences lies between the longest usual one and a late one
GRACE = (30.0, 720.0)  # minutes that a late source has been late at least; between these, as its first hour varies
HALF, HALF_P = 0.65, 0.001  # at most this share of the usual, and so improbable
FEW = 10.0  # events of two days under which nothing is said of half


class Heard(NamedTuple):
    """When a source was heard: civil minutes, ascending, and how many new events came in each; both (M,)."""

    minute: Ints
    events: Ints


class Word(NamedTuple):
    """What is unusual: of which day (civil minute), how many events came of how many usual, and p or NaN."""

    kind: Kind
    day: Minute
    observed: float
    expected: float
    p: float


class _Habits(NamedTuple):
    """first: the first day known. wakes (D,): on which days from `first` on it usually speaks; counts (D,): events."""

    first: int  # days since 1970-01-01
    wakes: Bools
    counts: Floats
    spoke: Bools  # (D,): heard at all, a repeated delivery is enough
    kinds: Ints  # (D,): day of the week, 0 = Monday; 7 = a day off


def judged(heard: Heard, now: Minute, off: Ints, every: int = 0) -> list[Word]:
    """What is unusual at civil minute `now`; nothing of what came later is looked at. off: days off, civil minutes.

    every: the cadence in minutes that is stated for the source, used while its habits are not known; 0 = none. A source
    that has not been heard for `HISTORY` days is no news: nothing is said of it.
    """
    seen = int(np.searchsorted(heard.minute, now, side="right"))
    heard = Heard(heard.minute[:seen], heard.events[:seen])
    if not seen or now - heard.minute[-1] > HISTORY * DAY:
        return []
    habits = _habits(heard, now, off)
    words = []
    if (kind := _silence(heard, habits, now, every)) is not None:
        day = (now - 1) // DAY  # midnight ends a day
        words.append(Word(kind, day * DAY, _of_day(heard, day), usual_events(habits, day), float("nan")))
    if (half := _half(habits, now)) is not None:
        words.append(half)
    return words


def by_day(heard: Heard, first: int, last: int, off: Ints, every: int = 0) -> list[str]:
    """What each day from first to last (days since 1970) was at its end: ok, late, silent, half; "": unknown."""
    found: list[str] = []
    for day in range(first, last + 1):
        end = (day + 1) * DAY - 1
        seen = int(np.searchsorted(heard.minute, end, side="right"))
        words = [w for w in judged(heard, end + 1, off, every) if w.kind != "half" or w.day == day * DAY]
        spoke = bool(seen) and heard.minute[seen - 1] >= day * DAY
        found.append(words[0].kind if words else "ok" if spoke else "")
    return found


def usual_events(habits: _Habits, day: int) -> float:
    """How many new events a day of this kind usually brings; NaN where no such day is known."""
    base = habits.wakes & habits.spoke
    base[day - habits.first :] = False
    if base.sum() < LEAST:
        return float("nan")
    level, factor = _level(habits, base)
    return float(level * factor[habits.kinds[day - habits.first]])


def _habits(heard: Heard, now: Minute, off: Ints) -> _Habits:
    last = int(heard.minute[-1]) // DAY
    first = max(int(heard.minute[0]) // DAY, last - HISTORY)
    days = np.arange(first, now // DAY + 1)
    at = heard.minute // DAY - first
    inside = at >= 0
    counts = np.bincount(at[inside], heard.events[inside], len(days)).astype(np.float64)
    spoke = np.bincount(at[inside], minlength=len(days)) > 0
    kinds = np.where(np.isin(days * DAY, off), 7, (days + 3) % 7)  # 1970-01-01 was a Thursday
    whole = days <= last  # the silence that may be one is no habit
    if last == now // DAY:
        whole[-1] = bool(spoke[-1])
    active = np.zeros(8, dtype=np.bool_)
    overall = spoke[whole].mean() >= 0.5
    for kind in range(8):
        those = spoke[whole & (kinds == kind)]
        unknown = active[6] if kind == 7 else overall  # a day off of which little is known is like a Sunday
        active[kind] = those.mean() >= 0.5 if len(those) >= 2 else unknown
    return _Habits(first, active[kinds], counts, spoke, kinds)


def _silence(heard: Heard, habits: _Habits, now: Minute, every: int) -> Literal["late", "silent"] | None:
    """Whether the silence at `now` is longer than any the source usually keeps at this time of day."""
    start = habits.first * DAY
    slept = np.r_[0, np.cumsum(habits.wakes)] * DAY
    inside = heard.minute >= start

    def waking(minute: Ints) -> Ints:
        day = minute // DAY - habits.first
        return np.asarray(slept[day] + habits.wakes[day] * (minute % DAY))

    ears = np.maximum.accumulate(waking(heard.minute[inside]))
    at = int(waking(np.array([now]))[0])
    quiet = at - int(ears[-1])
    limit, known = _limit(ears, at)
    if known < LEAST:
        plain = now - int(heard.minute[-1])
        return None if not every or plain <= 1.5 * every else "late" if plain <= 3 * every else "silent"
    starts = np.unique(ears // DAY, return_index=True)[1]
    hours = (ears % DAY)[starts]
    grace = float(np.clip(MARGIN * np.ptp(np.quantile(hours, [0.5, 0.95])), *GRACE))
    before, _ = _limit(ears, at - int(grace))
    if quiet <= limit or quiet - grace <= before or not _fewer(ears, at):
        return None
    return "silent" if quiet > max(3 * limit, limit + DAY) else "late"


def _limit(ears: Ints, at: int) -> tuple[float, int]:
    """The longest silence that is usual at this time of a waking day, and from how many days that is known."""
    newest = max(-(-(at - int(ears[-1])) // DAY), 1)  # the silence that may be too long is not among the usual ones
    points = at - DAY * np.arange(newest, newest + HISTORY)
    points = points[points >= ears[0]]
    if not len(points):
        return float("inf"), 0
    before = points - ears[np.searchsorted(ears, points, side="right") - 1]
    middle, most = np.quantile(before, [0.5, 0.95])
    return float(most + max(MARGIN * (most - middle), GRACE[0])), len(points)


def _fewer(ears: Ints, at: int) -> bool:
    """Whether it was heard less often in the waking day to now than it usually is: who came early is not late."""
    points = at - DAY * np.arange(0, HISTORY + 1)
    points = points[(points == at) | ((points > ears[0] + DAY) & (points <= ears[-1]))]
    often = np.searchsorted(ears, points, side="right") - np.searchsorted(ears, points - DAY, side="right")
    return len(points) < 2 or bool(often[0] < np.median(often[1:]))


def _half(habits: _Habits, now: Minute) -> Word | None:
    """Whether the last two whole waking days, on both of which it spoke, brought far fewer events than usual."""
    days = np.flatnonzero(habits.wakes[: now // DAY - habits.first])
    if len(days) < LEAST + 2 or not habits.spoke[days[-2:]].all():
        return None
    base = habits.wakes & habits.spoke
    base[days[-2] :] = False
    if base.sum() < LEAST:
        return None
    level, factor = _level(habits, base)
    observed = float(habits.counts[days[-2:]].sum())
    expected = float(level * factor[habits.kinds[days[-2:]]].sum())
    if expected < FEW or observed > HALF * expected:
        return None
    past = habits.counts[base] / factor[habits.kinds[base]]
    low, middle, high = np.quantile(past, [0.1, 0.5, 0.9])
    spread = max(1.4826 * float(np.median(np.abs(past - middle))), (high - low) / 2.563) / max(level, 1e-9)
    # Days vary together, so two of them vary as one does; what chance alone gives is counted by lower_tail.
    extra = max(spread**2 - 2 / expected, 0.0) + spread**2 * 1.57 / len(past)
    p = lower_tail(observed, expected, extra)
    if p > HALF_P:
        return None
    return Word("half", int(days[-1] + habits.first) * DAY, observed, expected, p)


def _level(habits: _Habits, base: Bools) -> tuple[float, Floats]:
    """The median of the newest month's days, and each kind of day's share of it (8,), drawn towards 1 where few."""
    middle = max(float(np.median(habits.counts[base])), 1e-9)
    factor = np.ones(8)
    for kind in range(8):
        those = habits.counts[base & (habits.kinds == kind)]
        if len(those):
            few = float(len(those) < 4)  # of four such days their median is believed as it is
            factor[kind] = (np.median(those) / middle * len(those) + few) / (len(those) + few)
    if not (base & (habits.kinds == 7)).any():
        factor[7] = factor.min()  # no day off is known yet: as little as on the weakest day of the week
    newest = np.flatnonzero(base)[-28:]
    factor = np.maximum(factor, 0.01)
    return float(np.median(habits.counts[newest] / factor[habits.kinds[newest]])), factor


def lower_tail(observed: float, mean: float, extra: float) -> float:
    """P(Y ≤ observed) of a negative-binomial count: variance mean + mean²·extra; extra = 0 is Poisson.

    The regularised incomplete beta function I_q(k, y + 1) with k = 1 / extra and q = k / (k + mean); of a Poisson
    count Q(y + 1, mean), the regularised incomplete gamma function (Abramowitz and Stegun 1964, 26.5.24 and 26.4.21).
    """
    if extra <= 1e-9:
        return float(special.gammaincc(observed + 1, mean))
    k = 1 / extra
    return float(special.betainc(k, observed + 1, k / (k + mean)))


def _of_day(heard: Heard, day: int) -> float:
    return float(heard.events[heard.minute // DAY == day].sum())
