"""The OpenAPI document: complete, and true of the application, as schemathesis finds by asking."""

import json
import re

import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from starlette.testclient import TestClient

from shared import ROOT
from tocsin.server.app import API, ROUTES, build
from tocsin.server.live import KINDS
from tocsin.server.openapi import REFUSALS, document
from tocsin.server.site import Site

from . import fake
from .conftest import TOKEN, WRITE

records = st.lists(st.dictionaries(st.text(), st.none() | st.integers() | st.text()), min_size=1)
schemathesis.openapi.media_type(
    "application/x-ndjson", records.map(lambda found: b"\n".join(json.dumps(r).encode() for r in found))
)
schema = schemathesis.openapi.from_dict(document(ROUTES, API))
schema.app = build(Site(fake.City(), TOKEN, clock=lambda: fake.NOW))
schema.config.generation.modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
# The live stream never ends, and has its own tests.
asked = schema.exclude(path=f"{API}/live")


@asked.parametrize()
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_the_application_does_what_the_document_says(case: schemathesis.Case, city: fake.City) -> None:
    case.call_and_validate(headers=WRITE)


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
