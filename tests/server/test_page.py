"""Serving the page: files, the one page for every address, caching, headers; and where the token comes from."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tocsin.errors import ConfigError
from tocsin.server.app import build
from tocsin.server.auth import find_token
from tocsin.server.site import Site


@pytest.fixture
def page(site: Site, tmp_path: Path) -> Iterator[TestClient]:
    (tmp_path / "secret").write_text("outside")
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html><title>Tocsin</title>")
    (static / "assets" / "app-1a2b.js").write_text("0;" * 2000)
    with TestClient(build(site, static=static)) as client:
        yield client


def test_every_address_that_is_not_a_file_is_the_page(page: TestClient) -> None:
    for path in ("/", "/index.html", "/signal/ed.ili/11", "/alerts"):
        got = page.get(path)
        assert (got.status_code, got.headers["cache-control"]) == (200, "no-cache")
        assert got.headers["content-type"].startswith("text/html")
        assert "Tocsin" in got.text
    assert page.head("/").content == b""


def test_files_are_kept_and_asked_about(page: TestClient) -> None:
    script = page.get("/assets/app-1a2b.js")
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["content-encoding"] == "gzip"
    assert script.headers["content-type"].startswith("text/javascript")
    for path in ("/", "/assets/app-1a2b.js", "/some/where"):
        tag = page.get(path).headers["etag"]
        assert page.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_what_is_missing_is_said_in_json(page: TestClient) -> None:
    for path in ("/assets/gone.js", "/assets", "/api", "/api/v2/alerts", "/api/v1/alerts/x/y"):
        got = page.get(path)
        assert (got.status_code, got.json()["error"]["code"]) == (404, "not-found"), path
        assert got.headers["cache-control"] == "no-store"
    assert page.post("/", content=b"x").status_code == 405


def test_nothing_outside_the_folder_is_served(page: TestClient) -> None:
    for path in ("/../secret", "/%2e%2e/secret", "/assets/..%2f..%2fsecret", "/..%5csecret", "//etc/passwd", "/%00"):
        assert "outside" not in page.get(path).text


def test_every_answer_is_armoured(page: TestClient) -> None:
    for path in ("/", "/assets/app-1a2b.js", "/assets/gone.js", "/api/v1/health", "/api/nothing"):
        headers = page.get(path).headers
        policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
        assert (policy["default-src"], policy["script-src"], policy["connect-src"]) == ("'none'", "'self'", "'self'")
        assert policy["frame-ancestors"] == "'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers


def test_without_a_page_the_api_works_and_says_so(site: Site, tmp_path: Path) -> None:
    with TestClient(build(site, static=tmp_path / "none")) as web:
        assert web.get("/api/v1/health").status_code == 200
        got = web.get("/")
        assert (got.status_code, "make web" in got.json()["error"]["message"]) == (404, True)


def test_the_token_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    assert find_token({}) == ""
    assert find_token({"TOCSIN_TOKEN": "from-env", "TOCSIN_TOKEN_FILE": str(file)}) == "from-env"
    assert find_token({"TOCSIN_TOKEN_FILE": str(file)}) == "from-file"


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", "密码".encode(), b"\xff"])
def test_a_token_that_cannot_be_sent_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="TOCSIN_TOKEN_FILE"):
        find_token({"TOCSIN_TOKEN_FILE": str(file)})
    with pytest.raises(ConfigError, match="TOCSIN_TOKEN_FILE"):
        find_token({"TOCSIN_TOKEN_FILE": str(tmp_path / "absent")})
