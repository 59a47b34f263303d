"""GET /signals: the streams the city watches. I/O."""

from typing import Any

from tocsin import views
from tocsin.server.route import Ask
from tocsin.server.site import Site


def get(site: Site, ask: Ask) -> Any:
    """The streams the city watches."""
    return views.signals(site.desk)
