"""What people look at: questions to an open city, answered in plain dicts and lists, ready for the wire. I/O."""

from tocsin.views.alerts import alert, alerts
from tocsin.views.city import areas, city, geojson, health, signals
from tocsin.views.clusters import clusters
from tocsin.views.completeness import completeness
from tocsin.views.explain import explain
from tocsin.views.outlook import boards, nowcast, outlook, what_if
from tocsin.views.series import area_map, series
from tocsin.views.sources import findings, sources

__all__ = [
    "alert", "alerts", "area_map", "areas", "boards", "city", "clusters", "completeness", "explain", "findings",
    "geojson", "health",
    "nowcast", "outlook", "series", "signals", "sources", "what_if",
]  # fmt: skip
