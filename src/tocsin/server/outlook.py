"""GET /nowcast, /outlook, /boards, /scenario: what is really going on, and what if. I/O."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from tocsin import views
from tocsin.outlook.whatif import Asked
from tocsin.server.route import Ask, AsOf, Name, given
from tocsin.server.site import Site

Share = Annotated[float, Meta(ge=0, le=1)]
Days = Annotated[int, Meta(ge=1, le=180)]


class NowcastAsk(Ask, frozen=True):
    """A count signal in one area."""

    signal: Name
    area: Name
    as_of: AsOf | UnsetType = UNSET


class OutlookAsk(Ask, frozen=True):
    """The whole city."""

    as_of: AsOf | UnsetType = UNSET


class BoardsAsk(Ask, frozen=True):
    """A signal's disease over the areas of a level."""

    signal: Name
    level: Name
    as_of: AsOf | UnsetType = UNSET


class ScenarioAsk(Ask, frozen=True):
    """Measures in `areas` (codes, commas between; none: all) for `lasting` days from day `start` (0: tomorrow)."""

    signal: Name
    level: Name
    as_of: AsOf | UnsetType = UNSET
    days: Days = 42
    areas: str = ""
    start: Annotated[int, Meta(ge=0, le=180)] = 0
    lasting: Days = 42
    contacts: Annotated[float, Meta(ge=0, le=3, description="Contacts relative to now")] = 1.0
    travel: Annotated[Share, Meta(description="Share of trips between areas that is left")] = 1.0
    vaccinated: Annotated[Share, Meta(description="Share of the susceptible made immune per day")] = 0.0
    isolated: Annotated[Share, Meta(description="Share of cases isolated …")] = 0.0
    isolated_after: Annotated[int, Meta(ge=0, le=60, description="… so many days after infection")] = 2
    admitted: Annotated[Share, Meta(description="Share of cases that need a bed …")] = 0.02
    stay_days: Annotated[float, Meta(ge=0.5, le=90, description="… for so many days")] = 7.0
    seed: Annotated[int, Meta(ge=0, le=2**31)] = 1


def nowcast(site: Site, ask: NowcastAsk) -> Any:
    """Reported, nowcast, R and growth of a signal in an area, with their intervals, as of a moment."""
    return views.nowcast(site.desk, ask.signal, ask.area, given(ask.as_of), site.clock())


def outlook(site: Site, ask: OutlookAsk) -> Any:
    """The whole city: the last week of every signal that is nowcast or has an interval, its R and growth."""
    return views.outlook(site.desk, given(ask.as_of), site.clock())


def boards(site: Site, ask: BoardsAsk) -> Any:
    """Imported against local: does it come from outside, and does it spread here, by area."""
    return views.boards(site.desk, ask.signal, ask.level, given(ask.as_of), site.clock())


def scenario(site: Site, ask: ScenarioAsk) -> Any:
    """What if: the next days without and with measures. The same seed gives the same answer."""
    asked = Asked(
        ask.days, tuple(a for a in ask.areas.split(",") if a), ask.start, ask.lasting, ask.contacts, ask.travel,
        ask.vaccinated, ask.isolated, ask.isolated_after, ask.admitted, ask.stay_days, ask.seed,
    )  # fmt: skip
    return views.what_if(site.desk, ask.signal, ask.level, asked, given(ask.as_of), site.clock())
