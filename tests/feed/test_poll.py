"""Polling a real HTTP server: what is unchanged is not taken again, pages, watermarks, failures, and no other host."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from feed.lines import ROWS, Failing, city, go, row, running, stored, until, up
from tocsin import cli, loop
from tocsin.errors import FeedError

Page = tuple[int, dict[str, str], bytes]


class Api:
    """A server whose answers a test says; `asked` is what was asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                api.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                status, headers, body = api.pages.get(self.path) or api.pages[self.path.split("?")[0]]
                if headers.get("ETag") and self.headers["If-None-Match"] == headers["ETag"]:
                    status, body = 304, b""
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.stop()


def feed(api: Api, path: str = "/rows", more: str = "") -> str:
    return f'kind = "poll"\nurl = "{api.url}{path}"\nseconds = 0.1\n{more}'


def test_what_is_unchanged_is_asked_for_but_not_taken_again_even_by_the_next_run(tmp_path: Path, api: Api) -> None:
    made = city(tmp_path, ROWS, feed(api, more='headers = { Authorization = "Bearer ${T}" }\n'))
    api.pages["/rows"] = 200, {"ETag": '"1"', "Content-Encoding": "gzip"}, gzip.compress(row("a") + row("b"))

    async def run(messages: int, events: int) -> None:
        async with running(made, {"T": "s3cret"}) as (site, _):
            await until(up(site))
            count = len(api.asked)
            await until(lambda: len(api.asked) > count + 2, "asked again")
            assert (site.feeds["rows"].messages, stored(site)[0]) == (messages, events)

    go(lambda: run(1, 2))
    assert {h["authorization"] for _, h in api.asked} == {"Bearer s3cret"}
    go(lambda: run(0, 2))
    api.pages["/rows"] = 200, {"ETag": '"2"'}, row("a") + row("c")
    go(lambda: run(1, 3))
    assert "s3cret" not in (made / "feeds" / "rows.json").read_text()


@pytest.mark.parametrize("how", ["link", "pointer", "bundle"])
def test_all_pages_are_taken(tmp_path: Path, api: Api, how: str) -> None:
    more = 'next = "/links/a~1b"\n' if how == "pointer" else ""
    source = ROWS if how == "link" else ROWS.replace('"jsonl"', '"json"\nrecords = "/rows"')
    for n in range(3):
        following = f"/rows?page={n + 1}" if n < 2 else ""
        link = {"Link": f'<{following}>; rel="next", </rows>; rel="first"'} if following and how == "link" else {}
        body = {"rows": [json.loads(row(f"k{n}"))], "links": {"a/b": following or None}}
        body |= {"resourceType": "Bundle", "link": [{"relation": "next", "url": following}] if following else []}
        api.pages[f"/rows?page={n}"] = 200, link, row(f"k{n}") if how == "link" else json.dumps(body).encode()

    async def main() -> None:
        async with running(city(tmp_path, source, feed(api, "/rows?page=0", more))) as (site, _):
            await until(up(site))
            assert stored(site)[:2] == (3, 0)

    go(main)


def test_the_watermark_moves_only_when_a_whole_round_is_durable(
    tmp_path: Path, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = city(tmp_path, ROWS, feed(api, "/rows?all=1", 'since = "after"\nbegin = "2020"\noverlap = 60\n'))
    api.pages["/rows"] = 200, {"Link": "</more>; rel=next"}, row("a")
    api.pages["/more"] = 500, {}, b""
    monkeypatch.setattr(loop, "receive", Failing(away=2, landed=1))

    async def main() -> None:
        async with running(made) as (site, _):
            await until(lambda: site.feeds["rows"].problem.endswith("/more answered 500"), "500")
            assert {path for path, _ in api.asked} == {"/rows?all=1&after=2020", "/more"}
            assert not (made / "feeds").exists()
            api.pages["/more"] = 200, {}, row("b")
            await until(lambda: any("after=2026-03-02T09%3A59%3A00Z" in path for path, _ in api.asked), "watermark")
            assert stored(site)[:2] == (2, 0)

    go(main)


@pytest.mark.parametrize(
    ("form", "page"),
    [
        ("csv", b"<html>\n<p>sign in</p>\n</html>\n"),
        ("json", b"<html>sign in</html>"),
        ("json", b'{"code":401,"msg":"the token is over"}'),
        ("jsonl", b"<html>sign in</html>\n"),
        ("open311", b'[{"code":403,"description":"bad key"}]'),
        ("fhir", b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","diagnostics":"busy"}]}'),
    ],
)
def test_an_error_that_says_200_moves_no_watermark(tmp_path: Path, api: Api, form: str, page: bytes) -> None:
    source = ROWS.replace('"jsonl"', f'"{form}"' + ('\nrecords = "/rows"' if form == "json" else ""))
    made = city(tmp_path, source, feed(api, "/rows", 'since = "after"\noverlap = 60\n'))
    api.pages["/rows"] = 200, {"ETag": '"error"'}, page

    async def main() -> None:
        async with running(made) as (site, _):
            await until(lambda: site.feeds["rows"].state == "down", "down")
            assert "no page of records" in site.feeds["rows"].problem
            assert "sign in" not in site.feeds["rows"].problem
            await until(lambda: len(api.asked) > 1, "asked again")
            assert {path for path, _ in api.asked} == {"/rows"}
            assert not any("if-none-match" in h for _, h in api.asked)
            assert not (made / "feeds").exists()

    go(main)


@pytest.mark.parametrize(
    ("form", "page"), [("jsonl", b""), ("jsonl", b"\n"), ("json", b'{"rows":[]}'), ("csv", b"id,day,town\n")]
)
def test_a_page_of_nothing_new_is_a_page(tmp_path: Path, api: Api, form: str, page: bytes) -> None:
    source = ROWS.replace('"jsonl"', f'"{form}"' + ('\nrecords = "/rows"' if form == "json" else ""))
    api.pages["/rows"] = 200, {}, page

    async def main() -> None:
        async with running(city(tmp_path, source, feed(api, "/rows", 'since = "after"\noverlap = 60\n'))) as (site, _):
            await until(lambda: any("after=2026-03-02T09%3A59%3A00Z" in path for path, _ in api.asked), "watermark")
            assert stored(site)[:2] == (0, 0)
            assert up(site)()

    go(main)


def test_a_server_in_trouble_is_asked_later_and_when_it_says(tmp_path: Path, api: Api) -> None:
    async def main() -> None:
        async with running(city(tmp_path, ROWS, feed(api))) as (site, _):
            api.pages["/rows"] = 503, {"Retry-After": "1"}, b""
            await until(lambda: "answered 503" in site.feeds["rows"].problem, "503")
            count = len(api.asked)
            api.pages["/rows"] = 200, {}, row("a")
            await until(up(site))
            assert len(api.asked) == count + 1
            assert site.feeds["rows"].problem == ""

    go(main)


@pytest.mark.parametrize(
    ("page", "more", "problem"),
    [
        ((302, {"Location": "http://169.254.169.254/secrets"}, b""), "", "169.254.169.254, which city.toml"),
        ((302, {"Location": "file:///etc/passwd"}, b""), "", "which city.toml does not name"),
        ((302, {"Location": "/rows"}, b""), "", "without end"),
        ((200, {"Link": '<http://elsewhere.example/>; rel="next"'}, row("a")), "", "elsewhere.example"),
        ((200, {"Link": '</rows>; rel="next"'}, row("a")), "", "without end"),
        ((200, {}, b"x" * 2000), "most = 1000\n", "over 1000 bytes"),
        ((200, {"Content-Encoding": "gzip"}, gzip.compress(b"x" * 10**6)), "most = 1000\n", "over 1000 bytes"),
        ((200, {"Content-Encoding": "gzip"}, gzip.compress(row("a"))[:-9]), "", "broke off"),
        ((200, {"Content-Encoding": "gzip"}, b"plain"), "", "broke off"),
        ((200, {}, b"<html>"), 'next = "/next"\n', "no page of records ("),
        ((404, {}, b""), "", "answered 404"),
    ],
)
def test_what_is_no_page_of_ours_is_said(tmp_path: Path, api: Api, page: Page, more: str, problem: str) -> None:
    api.pages["/rows"] = page

    async def main() -> None:
        async with running(city(tmp_path, ROWS, feed(api, more=more))) as (site, _):
            await until(lambda: site.feeds["rows"].state == "down", "down")
            assert problem in site.feeds["rows"].problem

    go(main)


def test_an_answer_that_is_cut_is_no_answer(tmp_path: Path, api: Api) -> None:
    api.pages["/rows"] = 200, {"Content-Length": "500"}, row("a")

    async def main() -> None:
        async with running(city(tmp_path, ROWS, feed(api))) as (site, _):
            await until(lambda: site.feeds["rows"].state == "down", "down")
            assert "broke off" in site.feeds["rows"].problem
            assert stored(site)[0] == 0

    go(main)


def test_a_try_says_what_is_there_and_remembers_nothing(tmp_path: Path, api: Api) -> None:
    made = city(tmp_path, ROWS, feed(api, "/rows?token=hush"))
    api.pages["/rows"] = 200, {"ETag": '"1"', "Content-Type": "application/json"}, row("a") + row("b", "99")
    args = ["feed", "test", "rows", "--city", str(made)]
    done = CliRunner().invoke(cli._tocsin, args, standalone_mode=False)
    assert done.return_value == 1  # an area that is not known
    for words in ("/rows: 200", "application/json", "ETag", "no next page", "2 events, 1 findings", "unknown-area"):
        assert words in done.output
    assert "hush" not in done.output
    assert not (made / "feeds").exists()
    api.stop()
    done = CliRunner().invoke(cli._tocsin, args, standalone_mode=False)
    assert isinstance(done.exception, FeedError)
    assert "cannot reach 127.0.0.1" in str(done.exception)


@pytest.mark.parametrize("torn", [b"", b'{"of": [', b'{"of": ["\xff"]}', b"[" * 5000, b'{"of": null, "memory": 7}'])
def test_a_memory_that_is_torn_is_none(tmp_path: Path, api: Api, torn: bytes) -> None:
    made = city(tmp_path, ROWS, feed(api))
    api.pages["/rows"] = 200, {}, row("a")
    (made / "feeds").mkdir()
    (made / "feeds" / "rows.json").write_bytes(torn)

    async def main() -> None:
        async with running(made) as (site, _):
            await until(lambda: stored(site)[0] == 1, "taken")
            assert site.feeds["rows"].errors == 0

    go(main)
