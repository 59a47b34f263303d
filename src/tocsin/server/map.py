"""GET /map: one signal over all areas of a level. I/O."""

from typing import Any

from msgspec import UNSET, UnsetType

from tocsin import views
from tocsin.server.route import Ask, AsOf, given
from tocsin.server.site import Site


class MapAsk(Ask, frozen=True):
    """What to shade."""

    signal: str
    level: str
    as_of: AsOf | UnsetType = UNSET


def get(site: Site, ask: MapAsk) -> Any:
    """One signal's last step in every area of a level."""
    return views.area_map(site.desk, ask.signal, ask.level, given(ask.as_of), site.clock())
