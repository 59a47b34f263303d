"""GET /completeness: what feeds did day by day, and how much of each count had come. I/O."""

from typing import Any

from msgspec import UNSET, UnsetType

from tocsin import views
from tocsin.server.route import Ask, AsOf, given
from tocsin.server.site import Site


class CompletenessAsk(Ask, frozen=True):
    """Of which signal, in the areas of which level (the finest at which it is judged), as of when."""

    signal: str | UnsetType = UNSET
    level: str | UnsetType = UNSET
    as_of: AsOf | UnsetType = UNSET


def get(site: Site, ask: CompletenessAsk) -> Any:
    """The last thirty days: every feed as expected, late, silent or half; every count's share that had come."""
    return views.completeness(site.desk, given(ask.signal), given(ask.as_of), site.clock(), given(ask.level))
