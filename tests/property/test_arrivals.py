"""What a source usually sends: what is learnt, what is called late, silent or half, and how seldom by mistake."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.cube.arrivals import Heard, by_day, judged, lower_tail

DAY = 1440
MONDAY = 20_000 // 7 * 7 + 4  # 1970-01-05 was a Monday, day 4
NONE = np.empty(0, dtype=np.int64)


def heard(rows) -> Heard:
    table = np.array(sorted(rows), dtype=np.int64).reshape(-1, 2)
    return Heard(table[:, 0], table[:, 1])


def daily(days, hour=8.0, events=100, seed=1, spread=30.0):
    """One delivery on each of these days (counted from a Monday), about that hour."""
    rng = np.random.default_rng(seed)
    return [((MONDAY + d) * DAY + int(hour * 60 + rng.uniform(0, spread)), int(rng.poisson(events))) for d in days]


def at(day, hour=12.0) -> int:
    return (MONDAY + day) * DAY + int(hour * 60)


def kinds(rows, now, off=NONE, every=0):
    return [w.kind for w in judged(heard(rows), now, off, every)]


WEEKDAYS = [d for d in range(70) if d % 7 < 5]


def test_a_daily_feed_is_late_by_noon_and_silent_two_days_on():
    rows = daily(range(60))
    assert kinds(rows, at(60, 7)) == []  # it comes after eight
    assert kinds(rows, at(60, 12)) == ["late"]
    assert kinds(rows, at(62, 23)) == ["silent"]
    assert kinds([*rows, *daily([60])], at(60, 12)) == []


def test_a_feed_that_rests_at_weekends_is_not_late_on_sunday():
    rows = daily(WEEKDAYS[:40])  # eight weeks; the last day is a Friday
    assert kinds(rows, at(54, 12)) == []
    assert kinds(rows, at(55, 23)) == []
    assert kinds(rows, at(56, 7)) == []
    assert kinds(rows, at(56, 12)) == ["late"]  # Monday noon


def test_a_feed_that_never_rests_and_goes_silent_at_a_weekend_is_late_on_saturday():
    rows = daily(range(54))  # … Thursday 53 is a Friday
    assert kinds(rows, at(54, 12)) == ["late"]
    assert kinds(rows, at(56, 12)) == ["silent"]


def test_a_holiday_is_a_day_off_for_those_who_rest():
    rows = daily(WEEKDAYS[:41])  # a Monday is the last
    off = np.array([at(57, 0)], dtype=np.int64)
    assert kinds(rows, at(57, 15), off) == []
    assert kinds(rows, at(57, 15)) == ["late"]


def test_a_weekly_feed_is_late_on_its_day():
    rows = daily(range(1, 71, 7))  # Tuesdays
    assert kinds(rows, at(70, 12)) == []
    assert kinds(rows, at(71, 7)) == []
    assert kinds(rows, at(71, 20)) == ["late"]


def test_an_hourly_feed_is_late_within_hours():
    rows = [(at(d, h) + 5, 10) for d in range(60) for h in range(24)]
    rows = [r for r in rows if r[0] < at(59, 10)]
    assert kinds(rows, at(59, 10.5)) == []
    assert kinds(rows, at(59, 14)) == ["late"]
    assert kinds(rows, at(60, 22)) == ["silent"]


def test_half_for_two_days_is_half_and_a_third_less_is_not():
    rows = daily(range(58))
    for share, expected in ((0.5, ["half"]), (0.7, []), (1.0, [])):
        less = [*rows, *daily([58, 59], events=int(100 * share), seed=2)]
        assert kinds(less, at(60, 1)) == expected
    (word,) = judged(heard([*rows, *daily([58, 59], events=50, seed=2)]), at(60, 1), NONE)
    assert word.day == at(59, 0)
    assert word.expected == pytest.approx(200, rel=0.1)
    assert word.p < 1e-6


def test_quiet_sundays_are_no_half():
    rows = [r for d in range(70) for r in daily([d], events=30 if d % 7 == 6 else 100, seed=d)]
    for d in range(50, 70):
        assert kinds([r for r in rows if r[0] < at(d, 0)], at(d, 1)) == []


def test_doubles_and_a_backlog_raise_nothing():
    rows = daily(range(60))
    assert kinds([(m, 2 * n) if m > at(58, 0) else (m, n) for m, n in rows], at(60, 1)) == []
    repeated = [*rows, *((m + 60, 0) for m, _ in rows)]  # all of it again: duplicates are heard and add nothing
    assert kinds(repeated, at(60, 1)) == []
    back = [r for r in rows if not at(50, 0) <= r[0] < at(53, 0)] + [(at(53, 7), 300)]  # three days at once
    for d in range(54, 60):
        assert kinds([r for r in back if r[0] < at(d, 0)], at(d, 1)) == []


def test_a_feed_that_sends_all_at_a_minute_to_midnight():
    rng = np.random.default_rng(4)
    rows = [(at(d, 24) - 1 + int(rng.integers(0, 3)), 100) for d in range(60)]  # 23:59 or just after midnight
    for d in range(40, 60):
        for hour in (0.0, 0.5, 12.0, 23.9):
            assert kinds([r for r in rows if r[0] <= at(d, hour)], at(d, hour)) == [], (d, hour)
    assert "late" in kinds(rows, at(61, 12))


def test_who_comes_early_is_not_late():
    rows = [*daily(range(60)), *daily([60], hour=5.0)]
    for hour in (6, 12, 20, 24):
        assert kinds(rows, at(60, hour)) == []


def test_a_new_source_is_judged_by_what_is_stated_alone():
    rows = daily(range(3))
    assert kinds(rows, at(6)) == []
    assert kinds(rows, at(3, 12), every=DAY) == []
    assert kinds(rows, at(4, 12), every=DAY) == ["late"]
    assert kinds(rows, at(6, 12), every=DAY) == ["silent"]
    assert kinds([], at(6), every=DAY) == []


def test_what_has_been_silent_for_eight_weeks_is_no_news():
    rows = daily(range(60))
    assert kinds(rows, at(110)) == ["silent"]
    assert kinds(rows, at(117)) == []


def test_an_outage_in_the_past_does_not_deafen():
    rows = daily([d for d in range(60) if not 30 <= d < 32])
    assert kinds(rows, at(60, 12)) == ["late"]


def test_nothing_of_the_future_is_looked_at():
    rows = daily(range(60))
    for now in (at(40, 7), at(40, 12), at(55, 1)):
        known = [r for r in rows if r[0] <= now]
        assert judged(heard(rows), now, NONE) == judged(heard(known), now, NONE)


def test_days_are_told_one_by_one():
    rows = daily([d for d in range(60) if d not in (50, 51)])
    told = by_day(heard(rows), MONDAY + 48, MONDAY + 53, NONE)
    assert told == ["ok", "ok", "late", "silent", "ok", "ok"]
    assert by_day(heard([]), MONDAY, MONDAY + 1, NONE) == ["", ""]


@settings(max_examples=30, deadline=None)
@given(st.floats(1, 500), st.floats(0, 0.5))
def test_the_lower_tail_is_a_distribution(mean, extra):
    p = [lower_tail(float(y), mean, extra) for y in range(0, 3000, 50)]
    assert all(0 <= x <= 1 + 1e-12 for x in p)
    assert all(b >= a - 1e-12 for a, b in pairwise(p))


@pytest.mark.parametrize("rate", [0.9, 3.0, 24.0, 240.0])
@pytest.mark.parametrize("batch", [1, 20])
def test_a_stationary_source_is_seldom_called_unwell(rate, batch):
    """Poisson arrivals, batches of Poisson size: at most one wrong day in a hundred, with four looks a day."""
    wrong = days = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        n = rng.poisson(rate * 120)
        minutes = np.sort(rng.integers(at(0, 0), at(120, 0), n))
        rows = heard(np.column_stack([minutes, rng.poisson(batch, n)]).tolist())
        for d in range(60, 120):
            days += 1
            wrong += any(judged(rows, at(d, h), NONE) for h in (0, 7, 13, 20))
    assert wrong <= days / 100


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 100 * DAY), st.integers(0, 1000)), max_size=60), st.integers(0, 130 * DAY))
def test_any_history_is_read(rows, now):
    base = MONDAY * DAY
    for word in judged(heard([(base + m, n) for m, n in rows]), base + now, NONE, DAY):
        assert word.day <= base + now
        assert np.isnan(word.p) or 0 <= word.p <= 1
