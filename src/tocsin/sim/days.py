"""The simulated city's calendar: days off, school days and seasons, from a table of lunar dates. Pure.

The length of each holiday is simplified and working weekends that make up for it are left out: it is plausible, not the
calendar of any one year.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from tocsin.errors import ConfigError
from tocsin.types import Bools, Floats, Ints, Times

# year: Spring Festival, Dragon Boat, Mid-Autumn (month, day)
LUNAR = {
    2019: ((2, 5), (6, 7), (9, 13)),
    2020: ((1, 25), (6, 25), (10, 1)),
    2021: ((2, 12), (6, 14), (9, 21)),
    2022: ((2, 1), (6, 3), (9, 10)),
    2023: ((1, 22), (6, 22), (9, 29)),
    2024: ((2, 10), (6, 10), (9, 17)),
    2025: ((1, 29), (5, 31), (10, 6)),
    2026: ((2, 17), (6, 19), (9, 25)),
    2027: ((2, 6), (6, 9), (9, 15)),
    2028: ((1, 26), (5, 28), (10, 3)),
    2029: ((2, 13), (6, 16), (9, 22)),
    2030: ((2, 3), (6, 5), (9, 12)),
    2031: ((1, 23), (6, 24), (10, 1)),
    2032: ((2, 11), (6, 12), (9, 19)),
    2033: ((1, 31), (6, 1), (9, 8)),
    2034: ((2, 19), (6, 20), (9, 27)),
    2035: ((2, 8), (6, 10), (9, 16)),
}
FIXED = (((1, 1), 1), ((4, 4), 3), ((5, 1), 5), ((10, 1), 7))  # (month, day), days: New Year, Qingming, May, October
SPRING_BREAK = (-16, 19)  # winter holiday of schools, days around Spring Festival
SUMMER_BREAK = ((7, 5), (8, 31))


@dataclass(frozen=True)
class Days:
    """T days: date datetime64[D], weekday 0 = Monday, of_year 0…365, holiday, school (children are there)."""

    date: Times
    weekday: Ints
    of_year: Ints
    holiday: Bools
    school: Bools

    def wave(self, peak: int, size: float) -> Floats:
        """(T,): a yearly factor, 1 on (geometric) average, exp(size) on day `peak` of the year."""
        return np.asarray(np.exp(size * np.cos(2 * np.pi * (self.of_year - peak) / 365.25)))


def days(first: date, last: date) -> Days:
    """All days from first to last. ConfigError outside the years of the table."""
    for year in (first.year, last.year):
        if year not in LUNAR:
            raise ConfigError(
                f"the simulated calendar knows the years {min(LUNAR)} to {max(LUNAR)}, not {year}: "
                "choose another --end or fewer --years"
            )
    when = np.arange(np.datetime64(first), np.datetime64(last) + 1, dtype="datetime64[D]")
    weekday = (when.astype(np.int64) + 3) % 7
    off = np.isin(when, np.array(holidays(first, last), dtype="datetime64[D]"))
    break_ = np.zeros(len(when), dtype=bool)
    for year in range(first.year, last.year + 1):
        spring = np.datetime64(date(year, *LUNAR[year][0]))
        break_ |= (when >= spring + SPRING_BREAK[0]) & (when <= spring + SPRING_BREAK[1])
        break_ |= (when >= np.datetime64(date(year, *SUMMER_BREAK[0]))) & (
            when <= np.datetime64(date(year, *SUMMER_BREAK[1]))
        )
    of_year = (when - when.astype("datetime64[Y]")).astype(np.int64)
    return Days(when, weekday, of_year, off, (weekday < 5) & ~off & ~break_)


def holidays(first: date, last: date) -> list[date]:
    """Public holidays from first to last, in order."""
    found = set()
    for year in range(first.year, last.year + 1):
        spring, boat, autumn = LUNAR[year]
        for (month, day), length in (*FIXED, (spring, 8), (boat, 3), (autumn, 1)):
            found |= {date(year, month, day) + timedelta(days=k) for k in range(length)}
    return sorted(d for d in found if first <= d <= last)
