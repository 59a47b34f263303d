"""Moments, steps and numbers as the wire writes them, and the names people may ask for. Pure."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np

from tocsin.calendar import DAY, parse_as_of
from tocsin.config import SignalTable
from tocsin.desk import Desk
from tocsin.errors import InputError, NotFound
from tocsin.types import Area, Floats, Instant, Minute, Times, Title

_EPOCH = datetime(1970, 1, 1)


def iso(at: Instant) -> str:
    """A moment in UTC, to the second: 2026-03-02T10:00:00Z."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ")


def civil(minute: Minute, step: int) -> str:
    """A step's name: its date, or date and time where steps are shorter than a day."""
    text = (_EPOCH + timedelta(minutes=minute)).isoformat(timespec="minutes")
    return text[:10] if step >= DAY else text


def civils(times: Times, step: int) -> list[str]:
    """Steps' names."""
    return [civil(t, step) for t in times.astype("datetime64[m]").astype("int64").tolist()]


def number(x: float) -> float | None:
    """A JSON number: null for what is not known."""
    return x if math.isfinite(x) else None


def numbers(values: Floats) -> list[float | None]:
    """JSON numbers of one axis, to nine digits: more is noise on a screen."""
    return [float(f"{x:.9g}") if math.isfinite(x) else None for x in values.tolist()]


def ranged(three: Floats) -> dict[str, float | None]:
    """A median and its 95 % interval, from (low, middle, high)."""
    low, middle, high = numbers(np.asarray(three))
    return {"low": low, "middle": middle, "high": high}


def titled(title: Title) -> dict[str, str]:
    """Both languages."""
    return {"zh": title.zh, "en": title.en}


def table_of(desk: Desk, signal: str) -> SignalTable:
    """The signal's table; NotFound lists the signals."""
    for s in desk.settings.spoken:
        if s.name == signal:
            return s
    raise NotFound(f"no signal {signal!r}; there are: {', '.join(s.name for s in desk.settings.signals)}")


def area_of(desk: Desk, code: str) -> Area:
    """The area of a code; NotFound says where to look."""
    if code not in desk.tree:
        raise NotFound(f"no area {code!r}; /api/v1/areas and the city's areas file list them")
    return desk.tree[code]


def moment_of(desk: Desk, as_of: str | None, now: Instant) -> Instant:
    """The as-of moment people wrote, or now."""
    if not as_of:
        return now
    try:
        return parse_as_of(as_of, desk.tz)
    except (ValueError, OverflowError) as e:
        raise InputError(f"as_of {as_of!r}: write a date (2026-03-02) or a date and time (2026-03-02T08:00)") from e


def minute_of_date(text: str | None, name: str) -> Minute | None:
    """The civil minute of a date or date-time people wrote."""
    if not text:
        return None
    try:
        return int((datetime.fromisoformat(text).replace(tzinfo=None) - _EPOCH) / timedelta(minutes=1))
    except ValueError as e:
        raise InputError(f"{name} {text!r}: write a date such as 2026-03-02") from e
