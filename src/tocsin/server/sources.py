"""GET /sources: the feeds and how they do. I/O."""

from typing import Any

from tocsin import views
from tocsin.server.route import Ask
from tocsin.server.site import Site


def get(site: Site, ask: Ask) -> Any:
    """The feeds: last heard, how late, open findings."""
    return views.sources(site.desk, site.clock())
