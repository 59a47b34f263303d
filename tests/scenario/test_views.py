"""What people ask of a curve, at its edges."""

import pytest

from city import make_city
from tocsin import views
from tocsin.errors import InputError

NOW = 1_409_600_000_000_000


def test_the_first_day_of_all_is_a_day(tmp_path):
    """1970-01-01 is minute 0, and still a date that was asked for."""
    desk = make_city(tmp_path)
    found = views.series(desk, "cases", "111", "1969-12-01", "1970-01-01", None, NOW)
    assert (found["first"], found["last"]) == ("1969-12-01", "1970-01-01")
    found = views.series(desk, "cases", "111", "1970-01-01", "1970-01-03", None, NOW)
    assert found["times"] == ["1970-01-01", "1970-01-02", "1970-01-03"]


def test_a_curve_ends_with_what_was_known(tmp_path):
    desk = make_city(tmp_path)
    found = views.series(desk, "cases", "111", "2014-08-01", "2030-01-01", "2014-08-20", NOW)
    assert found["last"] == "2014-08-20"
    with pytest.raises(InputError, match="from"):
        views.series(desk, "cases", "111", "2014-09-01", "2014-08-01", None, NOW)
