"""GET /series: one signal in one area, with what every detector thinks of it. I/O."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from tocsin import views
from tocsin.server.route import Ask, AsOf, Day, given
from tocsin.server.site import Site


class SeriesAsk(Ask, frozen=True):
    """`from` and `to` are civil dates, both included; absent: all there is."""

    signal: str
    area: str
    first: Day | UnsetType = msgspec.field(default=UNSET, name="from")
    last: Day | UnsetType = msgspec.field(default=UNSET, name="to")
    as_of: AsOf | UnsetType = UNSET


def get(site: Site, ask: SeriesAsk) -> Any:
    """One signal in one area: values, expectations, thresholds, alarms."""
    first, last, as_of = given(ask.first), given(ask.last), given(ask.as_of)
    return views.series(site.desk, ask.signal, ask.area, first, last, as_of, site.clock())
