"""GET /metrics and GET /ready: for Prometheus and for whoever decides whether requests may come. I/O."""

from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tocsin import views
from tocsin.server.refuse import Refused
from tocsin.server.route import Ask, parameters
from tocsin.server.site import Site

TEXT = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus' text format
# By source: the metric, its kind, what it says, the field of a /sources row.
BY_SOURCE = (
    ("tocsin_events_total", "counter", "Events accepted", "events"),
    ("tocsin_duplicates_total", "counter", "Events that were known already", "duplicates"),
    ("tocsin_findings_open", "gauge", "Findings that nobody has mended", "findings_open"),
    ("tocsin_source_lag_minutes", "gauge", "Minutes since the source was last heard", "lag_minutes"),
    ("tocsin_source_delay_days", "gauge", "Median days from reference to report, newest events", "median_delay_days"),
)
# By feed: the metric, its kind, what it says, the field of its status.
BY_FEED = (
    ("tocsin_feed_up", "gauge", "1 while the feed is connected or listening", "state"),
    ("tocsin_feed_messages_total", "counter", "Messages that were taken and acknowledged", "messages"),
    ("tocsin_feed_errors_total", "counter", "Broken lines and messages that could not be used", "errors"),
)


async def metrics(site: Site, request: Request) -> Response:
    """Counts and gauges in Prometheus' text format; of feeds and of the system, never of people."""
    parameters(request, Ask)

    def text() -> str:
        now = site.clock()
        told = _lines(views.sources(site.desk, now), views.health(site.desk, now), site)
        return "".join([*told, *_quality(views.completeness(site.desk, None, None, now))])

    return Response(await site.read(text), 200, {"Cache-Control": "no-store"}, TEXT)


async def ready(site: Site, request: Request) -> Response:
    """200 when the store answers and writes are taken, else 503: for a balancer."""
    parameters(request, Ask)
    if site.writer.closed:
        raise Refused(503, "ending", "The server is shutting down", {"Retry-After": "10"})
    await site.read(lambda: views.health(site.desk, site.clock()))  # StoreError: 503
    return Response(b'{"ready":true}', 200, {"Cache-Control": "no-store"}, "application/json")


def _lines(sources: list[dict[str, Any]], health: dict[str, Any], site: Site) -> Iterator[str]:
    for name, kind, says, field in BY_SOURCE:
        yield f"# HELP {name} {says}\n# TYPE {name} {kind}\n"
        yield from (_line(name, row[field], source=row["name"]) for row in sources if row[field] is not None)
    yield "# HELP tocsin_source_state The source's state, 1 for the one it is in\n# TYPE tocsin_source_state gauge\n"
    yield from (_line("tocsin_source_state", 1, source=row["name"], state=row["state"]) for row in sources)
    for name, kind, says, field in BY_FEED:
        if site.feeds:
            yield f"# HELP {name} {says}\n# TYPE {name} {kind}\n"
        for source, feed in dict(site.feeds).items():
            yield _line(name, int(getattr(feed, field) == "up") if field == "state" else getattr(feed, field),
                        source=source, kind=feed.kind)  # fmt: skip
    troubles = len(site.troubles())
    for name, kind, says, value in (
        ("tocsin_up", "gauge", "1 if nothing of ours is broken", int(health["status"] == "ok" and not troubles)),
        ("tocsin_behind_seconds", "gauge", "Seconds since the last beat", health["behind_seconds"]),
        ("tocsin_stored_events_total", "counter", "Events in the store", health["events"]),
        ("tocsin_faults", "gauge", "Faults of the last day", len(health["faults"]) + troubles),
        ("tocsin_writes_waiting", "gauge", "Requests that wait to be written", site.writer.taken),
        ("tocsin_pages_listening", "gauge", "Open live streams", site.broker.readers),
    ):
        if value is not None:
            yield f"# HELP {name} {says}\n# TYPE {name} {kind}\n{_line(name, value)}"


def _quality(said: dict[str, Any]) -> Iterator[str]:
    name, help_ = "tocsin_complete_ratio", "Share of a count that has come, by usual volume, newest day that is due"
    yield f"# HELP {name} {help_}\n# TYPE {name} gauge\n"
    for row in said["signals"]:
        asked = [x for x in row["complete"] if x is not None]
        yield from (_line(name, asked[-1], signal=row["name"]) for _ in asked[-1:])
    name = "tocsin_data_alerts_open"
    yield f"# HELP {name} 1 while an alert says that the feed is late, silent, half or changed\n# TYPE {name} gauge\n"
    yield from (_line(name, int(row["alert"] is not None), source=row["name"]) for row in said["sources"])


def _line(name: str, value: float, **labels: str) -> str:
    told = ",".join(f'{k}="{_escaped(v)}"' for k, v in labels.items())
    return f"{name}{{{told}}} {value}\n" if told else f"{name} {value}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
