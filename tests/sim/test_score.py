"""Scores worked out by hand, and what must hold for any alerts."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.areas import tree
from tocsin.errors import ConfigError, InputError
from tocsin.sim.score import Planted, Raised, parse_truth, score
from tocsin.types import Area, Title

CITY = tree(
    [
        Area("9", "", "city", Title("市", "city")),
        *(Area(f"9{d}", "9", "district", Title(f"{d}", f"{d}")) for d in "12"),
        *(Area(f"9{d}{s}", f"9{d}", "street", Title(f"{d}{s}", f"{d}{s}")) for d in "12" for s in "12"),
    ],
    ["city", "district", "street"],
)
FIRST, LAST = date(2026, 1, 1), date(2026, 1, 28)
MEAL = Planted("O1", "point_source", ("ed.gi", "lab.noro"), ("911",), date(2026, 1, 5), date(2026, 1, 8), 40)
WAVE = Planted("O2", "city_wave", ("ed.ili",), ("9",), date(2026, 1, 10), date(2026, 1, 28), 900)


def raised(signal: str, area: str, day: int, last: int = 0) -> Raised:
    return Raised(signal, area, date(2026, 1, day), date(2026, 1, last or day))


def test_by_hand() -> None:
    alerts = [
        raised("lab.noro", "91", 8),  # the district of the street: finds the meal, after 3 days
        raised("ed.gi", "911", 7),  # finds it a day earlier
        raised("ed.gi", "912", 7),  # the street beside it: false
        raised("ed.ili", "922", 20),  # a street of the city: finds the wave, after 10 days
        raised("ed.ili", "9", 9),  # a day too early: false
    ]
    found = score(alerts, [MEAL, WAVE], CITY, FIRST, LAST)
    assert [o.delay_days for o in found.outcomes] == [2, 10]
    assert [o.alerts for o in found.outcomes] == [2, 1]
    assert found.sensitivity == 1.0
    assert found.median_delay_days == 6.0
    assert set(found.false) == {alerts[2], alerts[4]}
    assert found.false_per_week == pytest.approx(2 / 4)
    assert found.ppv == pytest.approx(3 / 5)


@pytest.mark.parametrize(("day", "finds"), [(4, False), (5, True), (15, True), (16, False)])
def test_it_counts_from_the_start_to_seven_days_after_the_end(day: int, finds: bool) -> None:
    found = score([raised("ed.gi", "911", day)], [MEAL], CITY, FIRST, LAST)
    assert (found.detected == 1) is finds
    assert (len(found.false) == 0) is finds


def test_another_signal_or_another_district_finds_nothing() -> None:
    alerts = [raised("ed.ili", "911", 6), raised("ed.gi", "92", 6)]
    assert score(alerts, [MEAL], CITY, FIRST, LAST).detected == 0


def test_an_alert_that_was_open_before_finds_nothing_but_is_told() -> None:
    (outcome,) = score([raised("ed.gi", "9", 2, 7)], [MEAL], CITY, FIRST, LAST).outcomes
    assert outcome.first is None
    assert outcome.running


def test_an_outbreak_from_before_the_period_is_not_counted_and_its_alerts_are_not_false() -> None:
    found = score([raised("ed.gi", "911", 9)], [MEAL], CITY, date(2026, 1, 7), LAST)
    assert found.outcomes == ()
    assert found.false == ()


def test_nothing_planted_and_nothing_raised_are_no_numbers() -> None:
    found = score([], [], CITY, FIRST, LAST)
    assert found.sensitivity != found.sensitivity
    assert found.ppv != found.ppv
    assert found.median_delay_days != found.median_delay_days
    assert found.false_per_week == 0


def test_what_cannot_be_scored_is_said() -> None:
    with pytest.raises(ConfigError, match="names area '777'"):
        score([], [MEAL._replace(areas=("777",))], CITY, FIRST, LAST)
    with pytest.raises(InputError, match="before it begins"):
        score([], [], CITY, LAST, FIRST)
    with pytest.raises(InputError, match="line 2"):
        parse_truth("id,kind,signals,areas,start,end,size\nO1,x,a,b,yesterday,2026-01-01,3\n")


ALERTS = st.lists(
    st.builds(
        lambda s, a, d, n: Raised(s, a, FIRST + timedelta(days=d), FIRST + timedelta(days=d + n)),
        st.sampled_from(["ed.gi", "ed.ili", "lab.noro"]),
        st.sampled_from([a.code for a in CITY.areas]),
        st.integers(0, 27),
        st.integers(0, 9),
    ),
    max_size=12,
    unique=True,
)


@given(ALERTS)
def test_order_does_not_matter_and_more_alerts_never_find_less(alerts: list[Raised]) -> None:
    full = score(alerts, [MEAL, WAVE], CITY, FIRST, LAST)
    assert full == score(alerts[::-1], [MEAL, WAVE], CITY, FIRST, LAST)
    fewer = score(alerts[1:], [MEAL, WAVE], CITY, FIRST, LAST)
    assert fewer.detected <= full.detected
    assert full.alerts == len(alerts)
    assert set(full.false) <= set(alerts)
    assert all(o.delay_days is None or o.delay_days >= 0 for o in full.outcomes)
