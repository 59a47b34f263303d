"""What the server says of feeds and of how complete counts are. Pure."""

from typing import Literal

from tocsin.server.said import Moment, Number, Numbers, Said, Step, Title


class FeedDays(Said, frozen=True):
    """What one feed did on each day: ok, late, silent, half; filled: told later; "": nothing is known or expected."""

    name: str
    title: Title
    states: list[Literal["ok", "late", "silent", "half", "filled", ""]]
    events: list[int]  # new events heard on the day
    alert: str | None  # the one that is not over


class SignalDays(Said, frozen=True):
    """How much of a count had come for each day: a share by usual volume, null where nobody is asked (yet)."""

    name: str
    title: Title
    complete: Numbers


class AreaShare(Said, frozen=True):
    """The mean share of the last seven days in one area."""

    code: str
    complete: Number


class Completeness(Said, frozen=True):
    """Feeds and counts by day, oldest first; `areas` only where one signal was asked for."""

    as_of: Moment
    limit: float  # counts under this share are missing
    days: list[Step]
    sources: list[FeedDays]
    signals: list[SignalDays]
    areas: list[AreaShare]
