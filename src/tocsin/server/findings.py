"""GET /findings: what is wrong with the input, in sentences. I/O."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from tocsin import views
from tocsin.server.route import Ask, Name, given
from tocsin.server.site import Site


class FindingsAsk(Ask, frozen=True):
    """Of which source, and how many."""

    source: Name | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=5000)] = 200


def get(site: Site, ask: FindingsAsk) -> Any:
    """Open findings, newest first."""
    return views.findings(site.desk, given(ask.source), ask.limit)
