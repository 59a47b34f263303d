"""GET /sources: the feeds and how they do. I/O."""

from typing import Any

from tocsin import views
from tocsin.server.feeds import told
from tocsin.server.route import Ask
from tocsin.server.site import Site


def get(site: Site, ask: Ask) -> Any:
    """The feeds: last heard, how late, open findings; and of those that come by themselves, how the line is."""
    return rows(site)


def rows(site: Site) -> list[dict[str, Any]]:
    """One row a source."""
    found = views.sources(site.desk, site.clock())
    lines = dict(site.feeds)
    return [{**row, "feed": told(lines[row["name"]]) if row["name"] in lines else None} for row in found]
