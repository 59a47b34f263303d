"""GET /series: one signal in one area, with what every detector thinks of it. I/O."""

from datetime import date
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from tocsin import views
from tocsin.server.route import AsOf, Ask, given
from tocsin.server.site import Site


class SeriesAsk(Ask, frozen=True):
    """`from` and `to` are civil dates, both included; absent: all there is."""

    signal: str
    area: str
    first: date | UnsetType = msgspec.field(default=UNSET, name="from")
    last: date | UnsetType = msgspec.field(default=UNSET, name="to")
    as_of: AsOf | UnsetType = UNSET


def get(site: Site, ask: SeriesAsk) -> Any:
    """One signal in one area: values, expectations, thresholds, alarms."""
    return views.series(site.desk, ask.signal, ask.area, given(ask.first), given(ask.last), site.as_of(given(ask.as_of)))
