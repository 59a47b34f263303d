"""The OpenAPI document: complete, and true of the application, as schemathesis finds by asking."""

import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from shared import ROOT
from tocsin import loop
from tocsin.alert import episode
from tocsin.calendar import end_of_day, minute_of
from tocsin.desk import open_desk
from tocsin.server.app import API, ROUTES, build
from tocsin.server.live import KINDS
from tocsin.server.openapi import REFUSALS, document
from tocsin.server.site import Site

from . import fake, small
from .conftest import TOKEN, WRITE

records = st.lists(st.dictionaries(st.text(), st.none() | st.integers() | st.text()), min_size=1)
schemathesis.openapi.media_type(
    "application/x-ndjson", records.map(lambda found: b"\n".join(json.dumps(r).encode() for r in found))
)
NAMES = {
    "signal": ["ed.ili", "ww.sars2"],
    "area": ["1", "11", "12"],
    "level": ["city", "town"],
    "source": ["hospital", "inbox"],
    "id": [episode.identity("ed.ili", "11", minute_of(date(2026, 3, 1)))],
}


class Later:
    """An application that is made when the test begins."""

    app: Any = None

    async def __call__(self, *scope: Any) -> None:
        await self.app(*scope)


def asked(told: dict[str, Any], app: Any) -> schemathesis.BaseSchema:
    """The document as schemathesis asks from it; the live stream never ends, and has its own tests."""
    schema = schemathesis.openapi.from_dict(told)
    schema.app = app
    schema.config.generation.modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    return schema.exclude(path=f"{API}/live")


def narrowed() -> dict[str, Any]:
    """The document with the names of the small city, so that what is asked reaches its counts and alerts."""
    told = json.loads(json.dumps(document(ROUTES, API)))
    for methods in told["paths"].values():
        for operation in methods.values():
            for p in operation["parameters"]:
                p["schema"] |= {"enum": NAMES[p["name"]]} if p["name"] in NAMES else {}
    return told


generous = settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
small_city = Later()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The small city with its outbreak, judged."""
    desk = open_desk(small.city(tmp_path_factory.mktemp("asked") / "city"), {})
    now = end_of_day(date(2026, 3, 2), desk.tz)
    site = Site(desk, TOKEN, clock=lambda: now)
    loop.push(desk, json.dumps(small.outbreak(date(2026, 3, 2))).encode(), now)
    assert set(NAMES["id"]) <= set(loop.tick(desk, now, strict=True).opened)
    small_city.app = build(site)
    yield
    desk.store.close()


@asked(document(ROUTES, API), build(Site(fake.City(), TOKEN, clock=lambda: fake.NOW))).parametrize()
@generous
def test_the_application_does_what_the_document_says(case: schemathesis.Case, city: fake.City) -> None:
    case.call_and_validate(headers=WRITE)


@asked(narrowed(), small_city).parametrize()
@generous
def test_a_real_city_does_what_the_document_says(case: schemathesis.Case, real: None) -> None:
    # A stretch of time with more steps than one answer holds, or that ends before it begins, is refused in words.
    # So is a what-if without an interval, or a nowcast of measurements.
    refused = {f"{API}/{path}" for path in ("series", "nowcast", "boards", "scenario")}
    spared = [positive_data_acceptance] if case.path in refused else []
    case.call_and_validate(headers=WRITE, excluded_checks=spared)


def test_every_reference_resolves_and_every_write_asks_for_the_token(web: TestClient) -> None:
    told = web.get(f"{API}/openapi.json").json()
    assert told == document(ROUTES, API)
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(told)))
    assert names <= set(told["components"]["schemas"])
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"].endswith("."), (path, method)
            assert ("401" in operation["responses"]) == (method == "post") == ("security" in operation)
            for name in re.findall(r"{(\w+)}", path):
                assert {"name": name, "in": "path", "required": True}.items() <= operation["parameters"][0].items()


def test_the_reference_page_names_every_path_field_and_event() -> None:
    page = (ROOT / "docs" / "reference" / "api.md").read_text("utf-8")
    told = document(ROUTES, API)
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            assert f"`{method.upper()} {path.removeprefix(API)}`" in page
            for parameter in operation["parameters"]:
                assert f"`{parameter['name']}`" in page, (path, parameter["name"])
    for name, schema in told["components"]["schemas"].items():
        for field in schema.get("properties", {}):
            assert re.search(rf"\b{field}\b", page), (name, field)
    for event in KINDS:
        assert f"`{event}`" in page
    for status in REFUSALS:
        assert str(status) in page
