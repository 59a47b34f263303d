"""GET /explain: why one step of one series is an alarm, or is not. I/O."""

from typing import Any

from msgspec import UNSET, UnsetType

from tocsin import views
from tocsin.server.route import Ask, AsOf, Name, given
from tocsin.server.site import Site


class ExplainAsk(Ask, frozen=True):
    """Which step; `detector` absent: all of the signal's."""

    signal: str
    area: str
    time: Name
    detector: Name | UnsetType = UNSET
    as_of: AsOf | UnsetType = UNSET


def get(site: Site, ask: ExplainAsk) -> Any:
    """Why one step is an alarm or is not: baseline steps and weights, trend, dispersion, what would suppress it."""
    return views.explain(site.desk, ask.signal, ask.area, ask.time, given(ask.detector), given(ask.as_of), site.clock())
