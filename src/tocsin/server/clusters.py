"""GET /clusters: what the scans say. I/O."""

from typing import Any

from msgspec import UNSET, UnsetType

from tocsin import views
from tocsin.server.route import Ask, AsOf, given
from tocsin.server.site import Site


class ClustersAsk(Ask, frozen=True):
    """Of which signal, as of when."""

    signal: str | UnsetType = UNSET
    as_of: AsOf | UnsetType = UNSET


def get(site: Site, ask: ClustersAsk) -> Any:
    """The clusters of every scan's newest run, rarest first."""
    return views.clusters(site.desk, given(ask.signal), given(ask.as_of), site.clock())
