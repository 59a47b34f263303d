"""When a source's hours have changed, and when they have not: around midnight, at weekends, on days off, by chance."""

import numpy as np
import pytest

from tocsin.calendar import DAY
from tocsin.cube.arrivals import Heard
from tocsin.cube.hours import apart, mean_hour, moved

NONE = np.empty(0, dtype=np.int64)
START = 20_000  # a Tuesday


def heard(hours_of_day: list[list[float]], events: int = 10) -> Heard:
    """Day by day, the hours at which it was heard."""
    minutes = [(START + d) * DAY + int(h * 60) for d, hours in enumerate(hours_of_day) for h in sorted(hours)]
    return Heard(np.array(minutes, dtype=np.int64), np.full(len(minutes), events))


def at(day: int) -> int:
    return (START + day) * DAY + 60


def test_the_distance_is_that_of_moving_the_hours_around_the_clock():
    one = np.eye(24)
    assert apart(one[[8]], one[8]).tolist() == [0]
    assert apart(one[[20]], one[8]).tolist() == [12]
    assert apart(one[[23]], one[1]).tolist() == [2]  # through midnight
    assert apart(np.full((1, 24), 1 / 24), one[5]) == pytest.approx([6])
    assert mean_hour(one[23] + one[0]) % 24 == pytest.approx(0)
    assert np.isnan(mean_hour(np.ones(24)))


@pytest.mark.parametrize("night", [20.0, 1.0, 14.5])
def test_two_days_at_other_hours_are_told_for_a_week(night):
    told = heard([[8.0]] * 40 + [[night]] * 20)
    found = [moved(told, at(d), NONE) is not None for d in range(35, 58)]
    first = found.index(True) + 35
    assert first == 42  # the 40th and the 41st day are over
    assert sum(found) in range(6, 10)
    assert all(found[first - 35 : first - 35 + sum(found)])  # without a pause


def test_one_day_a_weekend_or_a_day_off_is_no_change():
    once = heard([[8.0]] * 40 + [[21.0], [8.0], [21.0], [8.0]])
    weekends = heard([[8.0] if d % 7 < 5 else [20.0] for d in range(60)])
    assert not any(moved(once, at(d), NONE) for d in range(30, 44))
    assert not any(moved(weekends, at(d), NONE) for d in range(30, 60))
    off = np.arange(40, 45) + START
    assert not any(moved(heard([[8.0]] * 40 + [[20.0]] * 5), at(d), off * DAY) for d in range(38, 45))


def test_around_midnight_is_one_hour():
    rng = np.random.default_rng(4)
    minutes = np.sort((START + np.arange(60)) * DAY + rng.integers(-40, 40, 60))
    assert not any(moved(Heard(minutes, np.full(60, 9)), at(d), NONE) for d in range(30, 60))


def test_little_is_known_and_repeats_bring_nothing():
    assert moved(heard([[8.0]] * 12 + [[20.0]] * 3), at(14), NONE) is None
    assert moved(heard([[8.0]] * 40 + [[20.0]] * 3, events=0), at(42), NONE) is None
    assert moved(Heard(NONE, NONE), at(0), NONE) is None


def test_sources_that_keep_their_hours_are_not_called_changed():
    """Batches that jitter by hours, a few records at any time of day, streams by day: on at most one day in 500."""
    rng = np.random.default_rng(11)
    called = days = 0
    for k in range(60):
        kind, rate = k % 3, rng.uniform(0.5, 30)
        table = []
        for _ in range(90):
            if kind == 0:
                table.append([float(np.clip(9 + rng.normal(0, 2), 0, 23.9))])
            elif kind == 1:
                table.append(rng.uniform(0, 24, rng.poisson(rate)).tolist())
            else:
                table.append((rng.beta(2, 2, rng.poisson(rate)) * 14 + 6).tolist())
        told = heard(table, 1)
        called += sum(moved(told, at(d), NONE) is not None for d in range(40, 90))
        days += 50
    assert called <= days / 500
