"""Moving percentile equals a plain recount of its definition; fixed value is what it says."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.detect import detector, panel
from tocsin.errors import MethodError

FIRST = date(2015, 1, 5)  # a Monday


def recount(counts: dict[date, float], day: date, percentile: float, width: int) -> tuple[float, float]:
    """The seven days up to `day` and their threshold, by walking the calendar; NaN where the definition is silent."""

    def block(end: date) -> float:
        return sum(counts.get(end - timedelta(days=i), np.nan) for i in range(width))

    blocks = []
    for year in range(1, 6):
        try:
            anchor = day.replace(year=day.year - year)
        except ValueError:
            anchor = date(day.year - year, 2, 28)
        blocks.append([block(anchor + timedelta(weeks=w)) for w in range(-2, 3)])
    known = np.array(blocks)
    enough = np.isfinite(known).sum() >= 15 and np.isfinite(known).any(axis=1).sum() >= 3
    threshold = float(np.nanquantile(known, percentile)) if enough else np.nan
    return block(day), threshold


@given(
    seed=st.integers(0, 999), percentile=st.sampled_from([0.5, 0.75, 0.8, 0.95]), gaps=st.sampled_from([0.0, 0.02, 0.2])
)
@settings(max_examples=12, deadline=None)
def test_daily_moving_percentile_is_its_definition(seed, percentile, gaps):
    rng = np.random.default_rng(seed)
    y = rng.poisson(rng.choice([0.1, 1.0, 8.0]), 6 * 366).astype(float)
    y[rng.random(len(y)) < gaps] = np.nan
    counts = {FIRST + timedelta(days=i): v for i, v in enumerate(y)}
    mpm = detector("moving_percentile", percentile=percentile, equality=">")
    reached = detector("moving_percentile", percentile=percentile)
    start = len(y) - 420  # a 29 February is among them
    alarms = mpm.run(panel(y, first="2015-01-05"), start)
    for h in range(0, 420, 7):
        now, threshold = recount(counts, FIRST + timedelta(days=start + h), percentile, 7)
        np.testing.assert_allclose(alarms.upper[0, h], threshold, rtol=1e-12)
        assert mpm.alarming(alarms)[0, h] == (now > threshold)
        assert reached.alarming(alarms)[0, h] == (now >= threshold and now > 0)


def test_the_leap_day_is_compared_with_the_28th():
    y = np.zeros(6 * 366)
    days = [FIRST + timedelta(days=i) for i in range(len(y))]
    for year in range(2015, 2020):
        y[days.index(date(year, 2, 28))] = 10
    leap = days.index(date(2020, 2, 29))
    alarms = detector("mpm", percentile=0.9, weeks=0).run(panel(y[: leap + 1], first="2015-01-05"), leap)
    assert alarms.upper[0, 0] == 10


def test_weekly_steps_are_compared_with_the_nearest_weeks():
    y = np.arange(7 * 53, dtype=float)
    weeks = [FIRST + timedelta(weeks=i) for i in range(len(y))]
    t = 6 * 53
    alarms = detector("moving_percentile", percentile=0.5, weeks=0).run(
        panel(y[: t + 1], first="2015-01-05", step="1w"), t
    )
    same_week = [
        min(range(t), key=lambda i: abs((weeks[i] - weeks[t].replace(year=weeks[t].year - n)).days))
        for n in range(1, 6)
    ]
    assert alarms.upper[0, 0] == np.median(same_week)


def test_percentile_by_months():
    y = np.random.default_rng(1).poisson(30, 6 * 366)
    p = panel(y, first="2015-01-05")
    start = len(y) - 366
    by_month = detector("moving_percentile", percentile={"11-3": 0.6, "4-10": 0.9}).run(p, start).upper[0]
    low, high = (detector("moving_percentile", percentile=q).run(p, start).upper[0] for q in (0.6, 0.9))
    months = p.time[start:].astype("datetime64[M]").astype(int) % 12 + 1
    np.testing.assert_array_equal(by_month, np.where((months >= 11) | (months <= 3), low, high))


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"percentile": 80}, "between 0 and 1"),
        ({"percentile": {"1-6": 0.5}}, "leaves out the months 7, 8"),
        ({"percentile": {"1-12": 0.5, "3": 0.6}}, "month 3 twice"),
        ({"percentile": {"spring": 0.5}}, 'write "11-3"'),
        ({"equality": "="}, 'write ">" or ">="'),
        ({"years": 0}, "at least 1"),
    ],
)
def test_bad_parameters_are_refused_in_words(parameters, says):
    with pytest.raises(MethodError, match=says.replace("(", r"\(")):
        detector("moving_percentile", **parameters).run(panel(np.ones(10)), 5)


def test_moving_percentile_wants_days_or_weeks():
    with pytest.raises(MethodError, match="days or weeks"):
        detector("moving_percentile").history(60)


def test_fixed_value_is_reached_at_once():
    plague = detector("fixed_value", value=3)
    alarms = plague.run(panel([0, 1, 2, 3, 4, np.nan, 0]), 0)
    np.testing.assert_array_equal(plague.alarming(alarms)[0], [False, False, False, True, True, False, False])
    assert plague.rule
    assert plague.history(1440) == 0
    assert np.isnan(alarms.p).all()
