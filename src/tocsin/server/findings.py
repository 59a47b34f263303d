"""GET /findings: what is wrong with the input, in sentences. I/O."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from tocsin import views
from tocsin.server.route import Ask, Name, given
from tocsin.server.site import Site


class FindingsAsk(Ask, frozen=True):
    """Of which source, how many, and whether one by one or the newest of each kind."""

    source: Name | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=5000)] = 200
    kinds: bool = False


def get(site: Site, ask: FindingsAsk) -> Any:
    """Open findings, newest first; or the newest of each source, field and rule, with how many are alike."""
    return views.findings(site.desk, given(ask.source), ask.limit, kinds=ask.kinds)
