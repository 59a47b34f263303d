"""Taking records and notes: durable before answered, one at a time, bounded, and refused in words."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient

from tocsin import loop
from tocsin.server.app import API, build
from tocsin.server.refuse import Refused
from tocsin.server.route import body
from tocsin.server.site import Site
from tocsin.server.writer import Writer

from . import fake
from .conftest import TOKEN, WRITE

EVENT = {"source": "hospital", "key": "1", "signal": "ed.ili", "area": "11", "reference_time": "2026-03-01"}
LINES = {**WRITE, "Content-Type": "application/x-ndjson"}
ARRAY = {**WRITE, "Content-Type": "application/json"}


@pytest.fixture
def elsewhere() -> Iterator[Callable[..., Future[Any]]]:
    """Call something in another thread."""
    with ThreadPoolExecutor(4) as pool:
        yield pool.submit


def test_each_record_has_its_own_result(web: TestClient) -> None:
    lost = {**EVENT, "key": "2", "area": "?"}
    got = web.post(f"{API}/events", json=[EVENT, EVENT, {"key": 7}, lost], headers=WRITE)
    assert got.status_code == 200
    assert {k: v for k, v in got.json().items() if k != "results"} == {"accepted": 2, "duplicates": 1, "findings": 2}
    results = got.json()["results"]
    assert [(r["index"], r["result"]) for r in results] == [
        (0, "accepted"), (1, "duplicate"), (2, "finding"), (3, "accepted"),
    ]  # fmt: skip
    # The last is taken, under a parent, and that is said.
    assert [r.get("code", "") for r in results] == ["", "", "bad-value", "unknown-area"]
    assert set(results[0]) == {"index", "result"}
    lines = b"\n".join(json.dumps({**EVENT, "key": k}).encode() for k in "1345")
    assert web.post(f"{API}/events", content=lines, headers=LINES).json()["accepted"] == 3


def test_a_body_that_cannot_be_read_at_all_is_refused(web: TestClient) -> None:
    for headers, sent in ((ARRAY, b"[{"), (ARRAY, b""), (ARRAY, b"{}"), (ARRAY, b"7"), (LINES, b"[]"), (LINES, b"{")):
        got = web.post(f"{API}/events", content=sent, headers=headers)
        assert (got.status_code, bool(got.json()["error"]["message"])) == (400, True), sent


def test_the_answer_waits_until_the_push_is_durable(
    web: TestClient, monkeypatch: pytest.MonkeyPatch, elsewhere: Callable[..., Future[Any]]
) -> None:
    began, durable, order = threading.Event(), threading.Event(), []

    def slow(city: fake.City, data: bytes, now: int, look: Any) -> Any:
        began.set()
        assert durable.wait(10)
        order.append("durable")
        return city.push(data, now)

    monkeypatch.setattr(loop, "push", slow)
    answer = elsewhere(web.post, f"{API}/events", json=[EVENT], headers=WRITE)
    answer.add_done_callback(lambda _: order.append("answered"))
    assert began.wait(10)
    assert web.get(f"{API}/health").status_code == 200  # reading goes on meanwhile
    time.sleep(0.2)
    assert not answer.done()
    durable.set()
    assert answer.result(10).status_code == 200
    assert order == ["durable", "answered"]


def test_a_push_that_fails_is_never_answered_as_taken(web: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(loop, "push", full)
    assert web.post(f"{API}/events", json=[EVENT], headers=WRITE).status_code == 500


def test_a_full_queue_is_refused_at_once_and_recovers(
    city: fake.City, monkeypatch: pytest.MonkeyPatch, elsewhere: Callable[..., Future[Any]]
) -> None:
    go, running = threading.Event(), []

    def slow(city: fake.City, data: bytes, now: int, look: Any) -> Any:
        running.append(1)
        assert len(running) == 1, "two writers at once"
        assert go.wait(10)
        running.pop()
        return city.push(data, now)

    monkeypatch.setattr(loop, "push", slow)
    site = Site(city, TOKEN, writer=Writer(places=2))
    with TestClient(build(site)) as web:
        waiting = [elsewhere(web.post, f"{API}/events", json=[{**EVENT, "key": k}], headers=WRITE) for k in "ab"]
        deadline = time.monotonic() + 10
        while site.writer.taken < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        got = web.post(f"{API}/events", json=[EVENT], headers=WRITE)
        assert (got.status_code, got.headers["retry-after"]) == (429, "1")
        noted = web.post(f"{API}/alerts/{fake.ALERT_ID}/notes", json={"action": "comment", "who": "w"}, headers=WRITE)
        assert noted.status_code == 429
        go.set()
        assert [w.result(10).status_code for w in waiting] == [200, 200]
        assert web.post(f"{API}/events", json=[EVENT], headers=WRITE).status_code == 200
        assert len(city.events) == 3
    assert site.writer.taken == 0


def test_those_that_wait_share_a_transaction_and_none_fails_for_another(city: fake.City) -> None:
    """One flush for many; what fails is done alone and told to its own caller; what was rolled back stands once."""
    stands: list[str] = []
    landed: list[list[str]] = []
    go = threading.Event()

    class Together:
        def __enter__(self) -> None:
            self.before = list(stands)

        def __exit__(self, kind: Any, *_: object) -> None:
            if kind:
                stands[:] = self.before
            else:
                landed.append(stands[len(self.before) :])

    def do(name: str) -> str:
        if name == "first":
            assert go.wait(10)
        stands.append(name)
        if name == "bad":
            raise ValueError(name)
        return name

    async def main(names: str) -> list[Any]:
        writer, got = Writer(), {}

        async def one(name: str) -> None:
            try:
                got[name] = await writer.join(lambda: do(name), Together)
            except ValueError as e:
                got[name] = f"refused {e}"

        async with anyio.create_task_group() as group:
            group.start_soon(one, "first")
            await anyio.sleep(0.05)
            for name in names.split():
                group.start_soon(one, name)
            await anyio.sleep(0.05)
            go.set()
        return [got[name] for name in names.split()]

    assert anyio.run(main, "a b c") == ["a", "b", "c"]
    assert landed == [["first"], ["a", "b", "c"]]
    stands.clear()
    assert anyio.run(main, "a bad c") == ["a", "refused bad", "c"]
    assert stands.count("a") == stands.count("c") == 1


def test_at_the_end_what_waits_is_refused_not_lost_in_silence(city: fake.City) -> None:
    writer = Writer()
    with writer.hold(), ThreadPoolExecutor(1) as pool:
        waits = pool.submit(lambda: writer.hold().__enter__())
        time.sleep(0.05)
        writer.close()
        with pytest.raises(Refused) as refused:
            waits.result(10)
    assert refused.value.status == 503


@pytest.mark.parametrize(("path", "most"), [("/events", 8 << 20), (f"/alerts/{fake.ALERT_ID}/notes", 64 << 10)])
def test_what_is_too_large_is_refused_told_or_not(web: TestClient, city: fake.City, path: str, most: int) -> None:
    def chunks() -> Iterator[bytes]:  # no Content-Length: only counting finds out
        yield from [b" " * (most // 4)] * 5

    for content in (b" " * (most + 1), chunks()):
        got = web.post(API + path, content=content, headers=ARRAY)
        assert (got.status_code, got.json()["error"]["code"]) == (413, "too-large")
    got = web.post(API + path, content=b"[" + b" " * (most - 2) + b"]", headers=ARRAY)
    assert got.status_code in (200, 422)
    assert not city.events


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/csv"},
        {"Content-Type": ""},
        {"Content-Type": "application/json; charset=gb18030"},
        {"Content-Type": "application/json", "Content-Encoding": "br"},
    ],
)
def test_other_media_types_are_refused(web: TestClient, headers: dict[str, str]) -> None:
    for path in ("/events", f"/alerts/{fake.ALERT_ID}/notes"):
        assert web.post(API + path, content=b"[]", headers=WRITE | headers).status_code == 415
    good = {"Content-Type": 'application/json; charset="UTF-8"'}
    assert web.post(f"{API}/events", content=b"[]", headers=WRITE | good).status_code == 200


def test_a_body_that_does_not_come_gives_its_place_back() -> None:
    async def trickle() -> dict[str, Any]:
        await anyio.sleep(30)
        return {"type": "http.request", "body": b"", "more_body": True}

    async def main() -> None:
        from starlette.requests import Request

        scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-type", b"application/json")]}
        writer = Writer(places=1)
        with pytest.raises(Refused) as refused:
            async with writer.place():
                await body(Request(scope, trickle), 10, ["application/json"], seconds=0.05)
        assert (refused.value.status, writer.taken) == (408, 0)

    anyio.run(main)


def test_a_note_moves_the_alert(web: TestClient, city: fake.City) -> None:
    notes = f"{API}/alerts/{fake.ALERT_ID}/notes"
    got = web.post(notes, json={"action": "acknowledge", "who": "Li", "text": "我看看"}, headers=WRITE)
    assert got.status_code == 201
    assert (got.json()["state"], got.json()["notes"][0]["text"]) == ("acknowledged", "我看看")
    refused = web.post(notes, json={"action": "close", "who": "Li", "text": ""}, headers=WRITE)
    assert refused.status_code == 409
    assert refused.json()["error"]["allowed"] == ["acknowledge", "comment"]
    missing = web.post(f"{API}/alerts/none/notes", json={"action": "comment", "who": "Li"}, headers=WRITE)
    assert missing.status_code == 404


@pytest.mark.parametrize(
    "sent",
    [b"", b"{", b"[]", b"\xff", b'{"action":"dance","who":"Li"}', b'{"action":"comment"}',
     b'{"action":"comment","who":" "}',
     b'{"action":"comment","who":"Li","text":5}', b'{"action":"comment","who":"Li","note":"x"}',
     json.dumps({"action": "comment", "who": "L" * 101}).encode()],
)  # fmt: skip
def test_a_note_that_says_nothing_usable_is_refused(web: TestClient, city: fake.City, sent: bytes) -> None:
    got = web.post(f"{API}/alerts/{fake.ALERT_ID}/notes", content=sent, headers=ARRAY)
    assert (got.status_code, got.json()["error"]["code"]) == (422, "bad-body")
    assert not city.notes
