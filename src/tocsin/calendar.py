"""Steps, weeks, and the moments people mean when they write a date. Pure.

A step is named by the civil minute at which it begins in the city's zone. Weeks begin on Monday (ISO 8601) or on Sunday
(MMWR, CDC's epidemiological week). Minutes repeated when clocks go back fall into one and the same step.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from tocsin.errors import ConfigError
from tocsin.types import Instant, Minute, Times

DAY = 1440  # minutes
_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
_MONDAY = -3 * DAY  # 1969-12-29
_SUNDAY = -4 * DAY  # 1969-12-28
_STEP = re.compile(r"^(\d+)(min|h|d|w)(-mmwr)?$")


@dataclass(frozen=True, slots=True)
class Step:
    """A step's length and the civil minute from which steps are counted."""

    minutes: int
    origin: Minute = 0

    @classmethod
    def parse(cls, text: str) -> "Step":
        """Read "5min", "1h", "1d", "1w" or "1w-mmwr"; ConfigError for lengths that do not fill a day or a week."""
        found = _STEP.match(text)
        if not found:
            raise ConfigError(f"step {text!r}: write 5min … 12h, 1d, 1w (ISO weeks) or 1w-mmwr (weeks from Sunday)")
        minutes = int(found[1]) * {"min": 1, "h": 60, "d": DAY, "w": 7 * DAY}[found[2]]
        if not (minutes in (DAY, 7 * DAY) or (5 <= minutes < DAY and DAY % minutes == 0)):
            raise ConfigError(f"step {text!r}: 5 minutes to 12 hours that divide a day, or exactly 1d or 1w")
        if minutes != 7 * DAY and found[3]:
            raise ConfigError(f"step {text!r}: -mmwr goes with weeks only; write 1w-mmwr")
        return cls(minutes, {7 * DAY: _SUNDAY if found[3] else _MONDAY}.get(minutes, 0))

    def floor(self, minute: Minute) -> Minute:
        """The start of the step that holds a civil minute."""
        return (minute - self.origin) // self.minutes * self.minutes + self.origin

    def range(self, first: Minute, last: Minute) -> Times:
        """All step starts from the step of `first` to the step of `last`, as datetime64[m]."""
        return np.arange(self.floor(first), self.floor(last) + 1, self.minutes).astype("datetime64[m]")


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The named IANA zone; ConfigError if there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as e:
        raise ConfigError(f"time zone {name!r} is not known; write an IANA name such as Asia/Shanghai") from e


def instant(moment: datetime, tz: ZoneInfo) -> Instant:
    """Microseconds since the epoch; a naive moment is taken in `tz`."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=tz)
    return (aware - _EPOCH_UTC) // timedelta(microseconds=1)


def moment(at: Instant, tz: ZoneInfo) -> datetime:
    """The aware local datetime of an instant."""
    return (_EPOCH_UTC + timedelta(microseconds=at)).astimezone(tz)


def civil_minute(at: Instant, tz: ZoneInfo) -> Minute:
    """The wall-clock minute of an instant, counted from 1970-01-01T00:00 on the same wall."""
    return (moment(at, tz).replace(tzinfo=None) - _EPOCH) // timedelta(minutes=1)


def minute_of(day: date) -> Minute:
    """The civil minute at which a date begins."""
    return (day - date(1970, 1, 1)).days * DAY


def day_of(minute: Minute) -> date:
    """The civil date of a civil minute."""
    return date(1970, 1, 1) + timedelta(days=minute // DAY)


def end_of_day(day: date, tz: ZoneInfo) -> Instant:
    """The last instant of a local day: "as of 2014-09-01" means all that was reported by its end."""
    return instant(datetime.combine(day + timedelta(days=1), datetime.min.time()), tz) - 1


def parse_as_of(text: str, tz: ZoneInfo) -> Instant:
    """An as-of moment: a date (its end) or an ISO date-time (naive: in `tz`). ValueError if neither."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return end_of_day(date.fromisoformat(text), tz)
    return instant(datetime.fromisoformat(text), tz)
