"""The OpenAPI document: complete, and true of the application, as schemathesis finds by asking."""

import re
import warnings

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import GenerationMode
from starlette.testclient import TestClient

from tests.shared import ROOT
from tocsin.server.app import API, ROUTES, build
from tocsin.server.openapi import document
from tocsin.server.site import Site

from . import fake
from .conftest import TOKEN, WRITE


schema = schemathesis.openapi.from_dict(document(ROUTES, API))
schema.app = build(Site(fake.City(), TOKEN, clock=lambda: fake.NOW))
schema.config.generation.modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
# The live stream never ends, and has its own tests.
asked = schema.exclude(path=f"{API}/live")


@asked.parametrize()
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_the_application_does_what_the_document_says(case: schemathesis.Case, city: fake.City) -> None:
    case.call_and_validate(headers=WRITE)
