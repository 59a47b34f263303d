"""The routes, in one list, and the application made of them. I/O."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.routing import Route as Path_

from tocsin.server import (
    alerts,
    areas,
    city,
    clusters,
    completeness,
    events,
    explain,
    findings,
    health,
    listen,
    messages,
    metrics,
    outlook,
    series,
    signals,
    sources,
    stream,
    wire,
    wire_clusters,
    wire_intake,
    wire_outlook,
    wire_quality,
)
from tocsin.server import map as area_map
from tocsin.server.beat import Beat
from tocsin.server.feeds import Feeds
from tocsin.server.openapi import document
from tocsin.server.page import STATIC, Armour, Page
from tocsin.server.refuse import refusal
from tocsin.server.route import Ask, Door, NoSuchPath, Route
from tocsin.server.site import Site
from tocsin.server.wire_why import Explanation

API = "/api/v1"
PATIENCE = 3.0  # seconds for a beat under way when the server ends; what it wrote by then is whole


def _openapi(site: Site, ask: Ask) -> dict[str, Any]:
    """This document."""
    return document(ROUTES, API)


METRICS = Route("GET", "/metrics", metrics.metrics, "text/plain")  # also at /metrics, where monitors look for it
ROUTES = [
    Route("GET", "/city", city.get, wire.City),
    Route("GET", "/signals", signals.get, list[wire.Signal]),
    Route("GET", "/areas", areas.get, list[wire.Area], areas.AreasAsk, refuses=(404,)),
    Route("GET", "/areas.geojson", areas.geojson, "application/geo+json", refuses=(304, 404)),
    Route("GET", "/series", series.get, wire.Series, series.SeriesAsk, refuses=(404,)),
    Route("GET", "/explain", explain.get, Explanation, explain.ExplainAsk, refuses=(404,)),
    Route("GET", "/nowcast", outlook.nowcast, wire_outlook.Nowcast, outlook.NowcastAsk, refuses=(404,)),
    Route("GET", "/outlook", outlook.outlook, wire_outlook.Outlook, outlook.OutlookAsk),
    Route("GET", "/boards", outlook.boards, wire_outlook.Boards, outlook.BoardsAsk, refuses=(404,)),
    Route("GET", "/scenario", outlook.scenario, wire_outlook.Scenario, outlook.ScenarioAsk, refuses=(404,)),
    Route("GET", "/map", area_map.get, wire.Map, area_map.MapAsk, refuses=(404,)),
    Route("GET", "/clusters", clusters.get, wire_clusters.Clusters, clusters.ClustersAsk, refuses=(404,)),
    Route("GET", "/alerts", alerts.listed, wire.Alerts, alerts.AlertsAsk),
    Route("GET", "/alerts/{id}", alerts.get, wire.AlertDetail, alerts.AlertAsk, refuses=(404,)),
    Route(
        "POST", "/alerts/{id}/notes", alerts.note, wire.AlertDetail, alerts.NotesAsk, 201, wire.NewNote,
        refuses=(401, 403, 404, 408, 409, 413, 415, 422, 429), token=True,
    ),
    Route(
        "GET", "/completeness", completeness.get, wire_quality.Completeness, completeness.CompletenessAsk,
        refuses=(404,),
    ),
    Route("GET", "/sources", sources.get, list[wire.Source]),
    Route("GET", "/findings", findings.get, wire.Findings, findings.FindingsAsk, refuses=(404,)),
    Route("GET", "/health", health.get, wire.Health),
    Route("GET", "/ready", metrics.ready, wire.Ready),
    METRICS,
    Route(
        "POST", "/events", events.post, wire_intake.Taken, body=list[wire_intake.PushedEvent],
        refuses=(401, 403, 408, 413, 415, 429), token=True,
    ),
    Route(
        "POST", "/sources/{name}/messages", messages.post, wire_intake.Received, messages.MessagesAsk,
        body="*/*", refuses=(401, 403, 404, 408, 413, 415, 429), token=True,
    ),
    Route(
        "POST", "/stream", stream.post, "application/x-ndjson", body="application/x-ndjson",
        refuses=(401, 403, 415, 429), token=True,
    ),
    Route("GET", "/live", listen.get, "text/event-stream"),
    Route("GET", "/openapi.json", _openapi, dict[str, Any]),
]  # fmt: skip


def build(site: Site, beat: Beat | None = None, static: Path = STATIC, feeds: Feeds | None = None) -> Starlette:
    """The application: API, page and live stream on one city; `beat` and `feeds` live as long as the app."""

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        site.open()
        if beat:
            beat.start()
        if feeds:
            feeds.start()
        yield
        if feeds:
            await feeds.stop()
        site.close()
        if beat:
            await anyio.to_thread.run_sync(beat.stop, PATIENCE)

    doors = [Path_(API + path, Door(site, list(routes))) for path, routes in groupby(ROUTES, lambda r: r.path)]
    return Starlette(
        routes=[
            *doors,
            Path_("/metrics", Door(site, [METRICS])),
            Path_("/api", NoSuchPath()),
            Mount("/api", NoSuchPath()),
            Mount("/", Page(static)),
        ],
        middleware=[Middleware(Armour), Middleware(GZipMiddleware, minimum_size=2048, compresslevel=5)],
        exception_handlers={HTTPException: _refuse, Exception: _refuse},
        lifespan=life,
    )


async def _refuse(request: Request, why: Exception) -> Response:
    return refusal(why, request)
