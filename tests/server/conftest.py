"""A server on a city in memory, and its token."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tocsin import loop, views
from tocsin.server.app import build
from tocsin.server.live import Broker
from tocsin.server.site import Site

from . import fake

TOKEN = "a-token-for-tests"
WRITE = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def city(monkeypatch: pytest.MonkeyPatch) -> fake.City:
    """The city in memory, in the place of views and loop."""
    for name in ("city", "signals", "areas", "geojson", "series", "explain", "area_map", "alerts", "alert", "clusters",
                 "completeness", "sources", "findings", "health", "outlook", "nowcast", "boards", "what_if",
                 ):  # fmt: skip
        monkeypatch.setattr(views, name, getattr(fake.City, name))
    monkeypatch.setattr("tocsin.server.beat.Ahead", fake.Ahead)
    for name in ("push", "note", "tick"):
        monkeypatch.setattr(loop, name, getattr(fake.City, name))
    return fake.City()


@pytest.fixture
def site(city: fake.City) -> Site:
    return Site(city, TOKEN, clock=lambda: fake.NOW, broker=Broker(first=1000, keep=4, heartbeat=0.05))


@pytest.fixture
def web(site: Site) -> Iterator[TestClient]:
    """A client of the running application."""
    with TestClient(build(site), raise_server_exceptions=False) as client:
        yield client
