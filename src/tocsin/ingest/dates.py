"""Dates as people and machines write them, as instants, or what is wrong with them. Pure."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tocsin.calendar import instant, moment
from tocsin.ingest.values import half_width
from tocsin.types import Instant

DAY = 86_400_000_000  # microseconds
FIRST = datetime(1900, 1, 1, tzinfo=UTC)
EXPECTED = "2014-09-01, 2014/9/1, 20140901, 2014年9月1日, or one of these with a time (2014-09-01T08:30)"

_WRITTEN = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
    r"(?:[T\s]*(\d{1,2})[:时時](\d{1,2})(?:[:分](\d{1,2}(?:\.\d+)?)?秒?)?\s*(?:(Z|[+-]\d{2}:?\d{2})\7?)?)?",
    re.ASCII,
)  # some programs write the zone twice
_COMPACT = re.compile(r"(\d{8})(\d{2})(?:(\d{2})(?:(\d{2})(\.\d+)?)?)?\s*(?:(Z|[+-]\d{2}:?\d{2})\6?)?", re.ASCII)  # HL7
_SECONDS = re.compile(r"\d{1,10}(?:\.\d+)?", re.ASCII)
_MILLISECONDS = re.compile(r"\d{11,13}", re.ASCII)
EPOCH = "epoch"  # instead of a strptime format: seconds since 1970, or milliseconds from eleven digits on
_DAYS = re.compile(r"\d{5}(?:\.\d+)?", re.ASCII)
EXCEL = "excel"  # … days since 1899-12-30, as a spreadsheet keeps a date (45931 is 2025-10-01)
_DAY_ZERO = datetime(1899, 12, 30)
_TIMED = re.compile(r"%[HIMSXcfpsT]")


_NUMBERED = (
    "is a day as a spreadsheet counts it ({day}). Give the column a date format before it is saved, or let the mapping "
    'read it: {{ column = …, format = "{excel}" }}'
)


class When(NamedTuple):
    """The instants a text may mean, from `start` to `last` (a date is its whole day); or a rule's name and why."""

    start: Instant = 0
    last: Instant = 0
    code: str = ""
    why: str = ""


class Dates:
    """Reads dates of one field. `tz` is where naive ones are, `received` bounds them from above."""

    def __init__(self, tz: ZoneInfo, formats: Sequence[str], received: Instant) -> None:
        self.tz, self.formats = tz, formats
        self.first, self.end = instant(FIRST, tz), received + DAY
        self.latest = (moment(received, tz) + timedelta(days=1)).date().isoformat()
        self.read = lru_cache(maxsize=1 << 16)(self._read)

    def _read(self, cleaned: str) -> When:
        try:
            found = self._parse(half_width(cleaned))
            start = instant(found, self.tz)
        except (ValueError, OverflowError) as e:
            if day_number(half_width(cleaned)) and EXCEL not in self.formats:
                return When(code="bad-date", why=_NUMBERED.format(day=excel(half_width(cleaned)).date(), excel=EXCEL))
            shown = f"one of the formats {', '.join(self.formats)}" if self.formats else EXPECTED
            reason = f" ({e})" if "month" in str(e) or "day" in str(e) else ""
            return When(code="bad-date", why=f"is not a date that is understood{reason}; expected {shown}")
        if start < self.first:
            why = "is before 1900; such dates are empty or wrong cells of a spreadsheet: write the true date"
            return When(code="date-out-of-range", why=why)
        if start > self.end:
            why = f"lies in the future (after {self.latest}); are day and month or two columns swapped?"
            return When(code="date-out-of-range", why=why)
        naive_midnight = found.tzinfo is None and found.time() == time.min
        return When(start, start + DAY - 1 if naive_midnight else start)

    def _parse(self, plain: str) -> datetime:
        if not self.formats:
            return _usual(plain)
        for form in self.formats:
            if form == EPOCH and (_SECONDS.fullmatch(plain) or _MILLISECONDS.fullmatch(plain)):
                return datetime.fromtimestamp(float(plain) / (1000 if _MILLISECONDS.fullmatch(plain) else 1), UTC)
            if form == EXCEL and _DAYS.fullmatch(plain):
                return excel(plain)
            try:
                found = datetime.strptime(plain, form)
            except ValueError:
                continue
            return found if _TIMED.search(form) else datetime.combine(found, time.min)
        return datetime.combine(date.fromisoformat(plain), time.min)  # date cells of a sheet come as ISO text


def day_number(plain: str) -> bool:
    """Whether a text may be a day of the years 2000 to 2099 as a spreadsheet counts it."""
    return bool(_DAYS.fullmatch(plain)) and 36526 <= float(plain) < 73051


def excel(plain: str) -> datetime:
    """The moment of a day number, to the second; ValueError beyond what can be one."""
    return _DAY_ZERO + timedelta(seconds=round(float(plain) * 86400))


def _usual(plain: str) -> datetime:
    """ISO 8601, YYYY/M/D, YYYY.M.D, YYYYMMDD, Chinese; ValueError otherwise."""
    written = _WRITTEN.fullmatch(plain)
    if written:
        year, month, day, hour, minute, second, offset = written.groups()
        seconds = timedelta(seconds=float(second or 0))
        found = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0)) + seconds
        if seconds >= timedelta(seconds=60):
            raise ValueError("second must be in 0..59")
        if offset:
            return found.replace(tzinfo=datetime.strptime(offset, "%z").tzinfo)
        return found
    compact = _COMPACT.fullmatch(plain)
    if compact:
        day, hour, minute, second, fraction, offset = compact.groups()
        found = datetime.strptime(day + hour + (minute or "00") + (second or "00"), "%Y%m%d%H%M%S")
        found += timedelta(seconds=float(fraction or 0))
        return found.replace(tzinfo=datetime.strptime(offset, "%z").tzinfo) if offset else found
    if len(plain) < 8:
        raise ValueError("too short")
    return datetime.fromisoformat(plain)
