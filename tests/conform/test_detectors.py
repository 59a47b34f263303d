"""Every registered detector holds what every detector must; docs/methods has its page."""

import pytest

from conform.checks import CHECKS
from shared import ROOT
from tocsin.detect import DETECTORS


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", DETECTORS)
def test_holds(name, check):
    check(DETECTORS[name])


@pytest.mark.parametrize("name", DETECTORS)
def test_has_a_page(name):
    pages = [p.read_text(encoding="utf-8") for p in sorted((ROOT / "docs/methods").glob("*.md"))]
    assert any(f"`{name}`" in page for page in pages), f"no page in docs/methods speaks of `{name}`"
