"""The live stream: order, resume, reset, slow readers, heartbeat, the end; and what the beat says on it."""

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.testclient import TestClient

from tocsin import views
from tocsin.server.app import API, build
from tocsin.server.beat import MANY, Beat
from tocsin.server.live import Broker
from tocsin.server.refuse import Refused
from tocsin.server.run import Server, bind
from tocsin.server.site import Site

from . import fake
from .conftest import WRITE

TICK = {"as_of": fake.AT, "alerts": {"opened": 0, "changed": 0, "closed": 0}}
Test = Callable[[Broker], Awaitable[None]]


def live(test: Test, **settings: Any) -> None:
    """Run a test with an open broker of ids over 1000 and room for four messages."""

    async def main() -> None:
        broker = Broker(**{"first": 1000, "keep": 4, "heartbeat": 5.0} | settings)
        broker.open()
        async with asyncio.timeout(20):
            await test(broker)

    asyncio.run(main())


async def read(stream: AsyncIterator[bytes], count: int) -> list[tuple[int, str]]:
    """The next (id, event) pairs."""
    found: list[tuple[int, str]] = []
    while len(found) < count:
        text = (await anext(stream)).decode()
        found += [(int(n), e) for n, e in re.findall(r"id: (\d+)\nevent: (\w+)\ndata: [^\n]+\n\n", text)]
    return found


async def tell(broker: Broker, count: int) -> None:
    """Say something from another thread, and let it land."""
    for _ in range(count):
        await asyncio.to_thread(broker.tell, "tick", TICK)
    await asyncio.sleep(0)


def test_what_is_said_arrives_in_order_at_every_reader() -> None:
    async def test(broker: Broker) -> None:
        streams = [broker.stream(None) for _ in range(3)]
        assert {await anext(s) for s in streams} == {b"retry: 2000\nid: 1000\n\n"}
        await tell(broker, 3)
        for s in streams:
            assert await read(s, 3) == [(1001, "tick"), (1002, "tick"), (1003, "tick")]

    live(test)


def test_a_reader_that_comes_back_misses_nothing() -> None:
    async def test(broker: Broker) -> None:
        await tell(broker, 4)
        for last in range(1000, 1005):
            stream = broker.stream(last)
            await anext(stream)
            await tell(broker, 0)
            want = [(n, "tick") for n in range(last + 1, 1005)]
            assert await read(stream, len(want)) == want
        await tell(broker, 1)
        assert await read(stream, 1) == [(1005, "tick")]  # the reader that had seen all

    live(test)


@pytest.mark.parametrize("last", [-1, 0, 7, 1000, 9999])
def test_a_reader_too_far_behind_or_of_another_run_is_told_to_load_again(last: int) -> None:
    async def test(broker: Broker) -> None:
        await tell(broker, 5)  # 1002 … 1005 are held
        stream = broker.stream(last)
        await anext(stream)
        assert await read(stream, 1) == [(1005, "reset")]
        await tell(broker, 1)
        assert await read(stream, 1) == [(1006, "tick")]

    live(test)


def test_a_slow_reader_costs_no_memory_and_is_told_to_load_again() -> None:
    async def test(broker: Broker) -> None:
        slow = broker.stream(None)
        await anext(slow)
        await tell(broker, 50)
        assert await read(slow, 1) == [(1050, "reset")]

    live(test)


def test_silence_is_filled_with_heartbeats() -> None:
    async def test(broker: Broker) -> None:
        stream = broker.stream(None)
        await anext(stream)
        assert await anext(stream) == b": still here\n\n"
        await tell(broker, 1)
        assert await read(stream, 1) == [(1001, "tick")]

    live(test, heartbeat=0.02)


def test_the_end_ends_every_stream_and_later_words_are_harmless() -> None:
    async def test(broker: Broker) -> None:
        stream = broker.stream(None)
        await anext(stream)
        waiting = asyncio.ensure_future(anext(stream, b"ended"))
        await asyncio.sleep(0)
        broker.close()
        assert await waiting == b"ended"
        assert broker.readers == 0
        broker.tell("tick", TICK)
        with pytest.raises(Refused):
            broker.stream(None)

    live(test)


def test_readers_are_bounded_and_counted() -> None:
    async def test(broker: Broker) -> None:
        first = broker.stream(None)
        await anext(first)
        with pytest.raises(Refused) as refused:
            broker.stream(None)
        assert refused.value.status == 503
        await first.aclose()  # type: ignore[attr-defined]  # an async generator, typed as an iterator
        await anext(broker.stream(None))

    live(test, most=1)


def test_a_page_that_goes_away_leaves_its_place(site: Site) -> None:
    """Over a real socket, since it is the socket's end that must be noticed."""
    site.broker = Broker(first=1000, heartbeat=60)
    listening, ready = bind("127.0.0.1", 0), threading.Event()
    link = f"http://127.0.0.1:{listening.getsockname()[1]}{API}/live"
    server = Server(uvicorn.Config(build(site), log_config=None, ws="none"), site, ready.set)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        assert ready.wait(30)
        with httpx2.Client(timeout=30) as client:
            for _ in range(3):
                with client.stream("GET", link) as answer:
                    parts = answer.iter_bytes()  # held: letting it go closes the connection
                    assert next(parts).startswith(b"retry:")
                    assert site.broker.readers == 1
                deadline = time.monotonic() + 30
                while site.broker.readers and time.monotonic() < deadline:
                    time.sleep(0.01)
                assert site.broker.readers == 0
    finally:
        server.should_exit = True
        thread.join(30)
    assert not thread.is_alive()


def test_only_what_the_contract_knows_is_said() -> None:
    broker = Broker(first=1)
    with pytest.raises(KeyError):
        broker.tell("rumour", {})
    with pytest.raises(ValueError, match="opened"):
        broker.tell("tick", {"as_of": fake.AT, "alerts": {}})


def said(site: Site) -> list[tuple[str, Any]]:
    """Put an ear in place of the broker."""
    found: list[tuple[str, Any]] = []
    site.broker.tell = lambda event, value: found.append((event, value))  # type: ignore[method-assign]
    return found


def test_a_beat_says_what_changed(city: fake.City, site: Site) -> None:
    heard, beat = said(site), Beat(site, 1)
    beat.once()
    assert heard == [("tick", {"as_of": fake.AT, "alerts": {"opened": 0, "changed": 0, "closed": 0}})]
    city.moved, city.heard = ([fake.ALERT_ID], [], []), 5
    beat.once()
    assert [e for e, _ in heard[1:]] == ["source", "alert", "tick"]
    assert heard[2][1]["id"] == fake.ALERT_ID
    assert "notes" not in heard[2][1]
    assert heard[3][1]["alerts"] == {"opened": 1, "changed": 0, "closed": 0}
    city.moved = ([str(n) for n in range(MANY + 1)], [], [])
    beat.once()
    assert [e for e, _ in heard[4:]] == ["reset", "tick"]


def test_a_beat_that_breaks_is_a_fault_and_the_next_one_comes(
    site: Site, city: fake.City, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(views, "sources", broken)
    beat = Beat(site, 1)
    beat.once()
    beat.once()
    assert city.ticks == 2
    assert site.faults[0] == {"at": fake.AT, "part": "sources", "message": "OSError: disk full"}


def test_the_beat_lives_as_long_as_the_application(site: Site, city: fake.City) -> None:
    beat = Beat(site, 0.01)
    with TestClient(build(site, beat)) as web:
        for _ in range(500):
            if city.ticks > 2:
                break
            web.get(f"{API}/health")
    assert city.ticks > 2
    assert beat.stop(0)  # its thread has ended with the application


def test_a_long_beat_does_not_hold_up_the_end(site: Site, city: fake.City, monkeypatch: pytest.MonkeyPatch) -> None:
    began, free = threading.Event(), threading.Event()

    def long(*_: object) -> None:
        began.set()
        assert free.wait(60)
        raise OSError("late")

    monkeypatch.setattr("tocsin.loop.tick", long)
    monkeypatch.setattr("tocsin.server.app.PATIENCE", 0.05)
    beat = Beat(site, 1)
    with TestClient(build(site, beat)) as web:
        assert began.wait(10)
        note = f"{API}/alerts/{fake.ALERT_ID}/notes"
        assert web.post(note, json={"action": "comment", "who": "Li"}, headers=WRITE).status_code == 201  # nor writers
    assert not free.is_set()  # the application has ended, the beat has not
    free.set()
    assert beat.stop(10)


def test_a_note_is_said_to_all(site: Site, web: TestClient) -> None:
    heard = said(site)
    web.post(f"{API}/alerts/{fake.ALERT_ID}/notes", json={"action": "acknowledge", "who": "Li"}, headers=WRITE)
    assert [(e, v["state"]) for e, v in heard] == [("alert", "acknowledged")]
