"""GET /explain: why one step of one series is an alarm, or is not. I/O."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from tocsin import views
from tocsin.server.route import YEARS, Ask, AsOf, Name, given
from tocsin.server.site import Site

When = Annotated[
    str,
    Meta(
        pattern=YEARS,
        description="The step that holds this date or date-time, by the city's clock.",
        examples=["2026-03-02", "2026-03-02T08:05"],
        extra_json_schema={"anyOf": [{"format": "date"}, {"format": "date-time"}]},
    ),
]


class ExplainAsk(Ask, frozen=True):
    """Which step; `detector` absent: all of the signal's."""

    signal: str
    area: str
    time: When
    detector: Name | UnsetType = UNSET
    as_of: AsOf | UnsetType = UNSET


def get(site: Site, ask: ExplainAsk) -> Any:
    """Why one step is an alarm or is not: baseline steps and weights, trend, dispersion, what would suppress it."""
    return views.explain(site.desk, ask.signal, ask.area, ask.time, given(ask.detector), given(ask.as_of), site.clock())
