"""A body without end: told as it lands, durable when told, bounded, and honest about how it ended."""

import gzip
import json
import socket
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient

from tocsin import loop
from tocsin.desk import open_desk
from tocsin.errors import StoreError
from tocsin.server.app import API, build
from tocsin.server.site import Site

from . import fake, small
from .conftest import TOKEN, WRITE
from .test_messages import zstd
from .test_serve import PATIENCE, serving
from .test_writes import EVENT, LINES


def lines(count: int, first: int = 0) -> bytes:
    return b"".join(json.dumps({**EVENT, "key": str(n)}).encode() + b"\n" for n in range(first, first + count))


def told(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.content.splitlines()]


def test_every_line_is_told_once_and_counts_add_up(web: TestClient, city: fake.City) -> None:
    sent = lines(2500) + b"\n  \n" + lines(1) + b'{"key": 7}\n' + lines(1, 9000).rstrip()
    for unpacked, headers in (
        (sent, LINES),
        (gzip.compress(sent), {**LINES, "Content-Encoding": "gzip"}),
        (zstd.compress(sent), {**LINES, "Content-Encoding": "zstd"}),
    ):
        city.events.clear()
        said = told(web.post(f"{API}/stream", content=unpacked, headers=headers))
        assert [s["done"] for s in said] == [False] * (len(said) - 1) + [True]
        counts = [s["lines"] for s in said]
        assert counts == sorted(counts)
        assert all(later - before <= 1000 for before, later in zip([0, *counts], counts, strict=False))
        last = {k: said[-1][k] for k in ("lines", "accepted", "duplicates", "findings")}
        assert last == {"lines": 2503, "accepted": 2501, "duplicates": 1, "findings": 1}
        assert [p["line"] for s in said for p in s["problems"]] == [2502]
    assert told(web.post(f"{API}/stream", content=b"", headers=LINES))[0]["done"] is True


@pytest.mark.parametrize(
    ("sent", "headers", "code", "before"),
    [
        (lines(3) + b"x" * (2 << 20), LINES, "too-large", 3),
        (lines(3) + b"[{}]\n", LINES, "bad-input", 0),
        (gzip.compress(lines(3))[:-9], {**LINES, "Content-Encoding": "gzip"}, "bad-encoding", 3),
        (b"plain", {**LINES, "Content-Encoding": "zstd"}, "bad-encoding", 0),
        (gzip.compress(b" " * (64 << 20)), {**LINES, "Content-Encoding": "gzip"}, "too-large", 0),
    ],
)
def test_what_breaks_is_the_last_line_and_says_how_far_it_came(
    web: TestClient, sent: bytes, headers: dict[str, str], code: str, before: int
) -> None:
    *said, last = told(web.post(f"{API}/stream", content=sent, headers=headers))
    assert last["error"]["code"] == code
    assert [s["lines"] for s in said] == [before] * bool(before)


def test_strangers_and_other_types_are_refused_before_anything_is_read(web: TestClient, site: Site) -> None:
    path = f"{API}/stream"
    assert web.post(path, content=lines(1), headers={"Content-Type": "application/x-ndjson"}).status_code == 401
    assert web.post(path, content=lines(1), headers={**WRITE, "Content-Type": "text/csv"}).status_code == 415
    assert web.post(path, content=lines(1), headers={**LINES, "Content-Encoding": "br"}).status_code == 415
    site.streams = 16
    got = web.post(path, content=lines(1), headers=LINES)
    assert (got.status_code, got.headers["retry-after"]) == (429, "10")


def test_a_store_that_fails_in_the_middle_ends_the_stream_and_nothing_is_counted_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(open_desk(small.city(tmp_path / "city"), {}), TOKEN, clock=lambda: 1_772_445_600_000_000)
    real, calls = loop.push, []

    def failing(*args: Any) -> Any:
        calls.append(1)
        if len(calls) in (2, 3):  # tried together, then alone
            raise StoreError("the disk is full")
        return real(*args)

    with TestClient(build(site)) as web:
        monkeypatch.setattr(loop, "push", failing)
        *said, last = told(web.post(f"{API}/stream", content=lines(2500), headers=LINES))
        assert (said[-1]["lines"], last["error"]["code"]) == (1000, "store")
        said = told(web.post(f"{API}/stream", content=lines(2500), headers=LINES))
        assert (said[-1]["accepted"], said[-1]["duplicates"], said[-1]["done"]) == (1500, 1000, True)
        assert site.desk.store.db.execute("SELECT COUNT(*) FROM event").fetchone() == (2500,)
        assert site.streams == 0
    site.desk.store.close()


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Callable[[], socket.socket]]:
    """A connection to a server that is a process of its own, its stream begun."""
    with serving(small.city(tmp_path / "city"), TOCSIN_TOKEN="t") as served:
        host, port = served.link.removeprefix("http://").strip("/").split(":")

        def begin() -> socket.socket:
            line = socket.create_connection((host, int(port)), PATIENCE)
            line.sendall(
                b"POST /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\nAccept-Encoding: gzip\r\n"
                b"Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            return line

        yield begin


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def hear(line: socket.socket, until: bytes) -> bytes:
    got = b""
    while until not in got:
        more = line.recv(1 << 16)
        assert more, got
        got += more
    return got


def test_progress_is_heard_while_the_sender_still_sends(wire: Callable[[], socket.socket]) -> None:
    with wire() as line:
        for n in range(1, 4):
            line.sendall(chunk(lines(10, 10 * n)))
            assert b'"accepted":%d' % (10 * n) in hear(line, b'"lines":%d,' % (10 * n))
        with wire() as other:  # goes away in the middle: what was told stands, the rest may be sent again
            other.sendall(chunk(lines(5, 500) + b'{"half'))
            hear(other, b'"lines":5,')
        line.sendall(b"0\r\n\r\n")
        assert b'"accepted":30' in hear(line, b'"done":true')
    with wire() as line:
        line.sendall(chunk(lines(10, 500)) + b"0\r\n\r\n")
        assert b'"accepted":5,"duplicates":5' in hear(line, b'"done":true')


def test_memory_is_flat_however_long_it_goes(city: fake.City, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream of a hundred times what may be held at once, taken by a store that keeps nothing."""
    monkeypatch.setattr(
        loop, "push", lambda _, data, now, look: fake.City.push(fake.City(), data[:200].split(b"\n")[0], now)
    )
    site = Site(city, TOKEN)
    piece, sizes = lines(500), []

    async def main() -> None:
        left = [600]

        async def receive() -> dict[str, Any]:
            left[0] -= 1
            sizes.append(tracemalloc.get_traced_memory()[0])
            return {"type": "http.request", "body": piece, "more_body": left[0] > 0}

        async def send(message: dict[str, Any]) -> None:
            pass

        site.open()
        headers = [(b"authorization", f"Bearer {TOKEN}".encode()), (b"content-type", b"application/x-ndjson")]
        scope = {"type": "http", "method": "POST", "path": "/api/v1/stream", "raw_path": b"", "query_string": b"",
                 "headers": headers, "root_path": "", "http_version": "1.1", "scheme": "http"}  # fmt: skip
        await build(site)(scope, receive, send)
        assert left == [0]

    tracemalloc.start()
    anyio.run(main)
    tracemalloc.stop()
    assert sum(map(len, [piece])) * 600 > 20 << 20
    assert max(sizes[300:]) - min(sizes[50:300]) < 4 << 20
