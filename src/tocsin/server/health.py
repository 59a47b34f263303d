"""GET /health: whether the system does what it should; for monitors, no token. I/O."""

from typing import Any

from tocsin import views
from tocsin.server.feeds import faults
from tocsin.server.route import Ask
from tocsin.server.site import Site


def get(site: Site, ask: Ask) -> Any:
    """Whether the system does what it should, and what broke."""
    health = dict(views.health(site.desk, site.clock()))
    ours = [*site.troubles(), *faults(site)]
    if ours:
        health |= {"status": "degraded", "faults": [*health["faults"], *ours]}
    return health
