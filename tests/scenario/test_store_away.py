"""PostgreSQL goes in the middle of intake, twice, and comes back: nobody is told that what is not durable is.

Senders by every door go on all the while: pushes, streams, HL7 over MLLP and MQTT, to a server that is a process of its
own. What they were told is taken is there once; while the store is away they are told nothing but to come again.
"""

import re
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2 as httpx
import pytest

import mosquitto
import postgres
from feed.lines import ROWS, VISITS, adt, row
from server import small
from server.test_feeds_served import connect, free_port
from server.test_killed_server import Sender, Streamer
from server.test_serve import PATIENCE, serving
from tocsin.feed.frames import END, START
from tocsin.ingest.keys import opaque
from tocsin.store import open_store

pytestmark = [
    pytest.mark.sqlite,  # its store is a PostgreSQL of its own
    pytest.mark.skipif(mosquitto.PROGRAM is None, reason="mosquitto is not installed (Debian: mosquitto)"),
]
AWAY = 3.0  # seconds


class Clinic(threading.Thread):
    """Sends HL7 messages, one after the other is answered; one that is not answered is sent again."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port, self.ended, self.acknowledged = port, threading.Event(), 0

    def run(self) -> None:
        line: socket.socket | None = None
        while not self.ended.is_set():
            try:
                line = line or connect(self.port)
                n = self.acknowledged
                line.sendall(START + adt(f"C{n}", f"v{n}") + END)
                answer = b""
                while END not in answer:
                    more = line.recv(4096)
                    if not more:
                        raise ConnectionError
                    answer += more
                assert b"MSA|AA|C%d\r" % n in answer, answer
                self.acknowledged += 1
            except OSError:
                if line is not None:
                    line.close()
                line = None
        if line is not None:
            line.close()


class Sensor(threading.Thread):
    """Publishes rows; the broker keeps what nobody acknowledged."""

    def __init__(self, broker: mosquitto.Broker) -> None:
        super().__init__(daemon=True)
        self.broker, self.ended, self.sent = broker, threading.Event(), 0

    def run(self) -> None:
        while not self.ended.is_set():
            self.broker.publish("epi/rows", *[row(f"m{self.sent + n}") for n in range(10)])
            self.sent += 10
            time.sleep(0.1)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[mosquitto.Broker]:
    made = mosquitto.Broker(tmp_path / "mosquitto").start()
    yield made
    made.stop(signal.SIGKILL)


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def test_nothing_acknowledged_is_lost_and_all_goes_on_by_itself(
    pg: postgres.Server, broker: mosquitto.Broker, tmp_path: Path
) -> None:
    city, port = small.city(tmp_path / "city"), free_port()
    with (city / "city.toml").open("a") as out:
        out.write(f'{VISITS}[sources.feed]\nkind = "mllp"\nport = {port}\n')
        out.write(
            f'{ROWS}[sources.feed]\nkind = "mqtt"\nhost = "127.0.0.1"\nport = {broker.port}\ntopic = "epi/rows"\n'
        )
        out.write(f'[store]\nurl = "{pg.url}"\nschema = "store_away"\n')
    pushers = [Sender(n) for n in range(3)] + [Streamer(3)]
    clinic, sensor = Clinic(port), Sensor(broker)
    everyone = [*pushers, clinic, sensor]

    with serving(city, TOCSIN_TOKEN="t") as served, httpx.Client(base_url=served.link, timeout=PATIENCE) as client:
        for p in pushers:
            p.base = served.link
        subscribed = 'tocsin_feed_up{source="rows",kind="mqtt"} 1'  # a broker keeps nothing for whom it does not know
        until(lambda: subscribed in client.get("/metrics").text, "subscribed")
        for each in everyone:
            each.start()

        def taken() -> list[int]:
            """What each sender was told is taken; for MQTT what the server says it acknowledged."""
            count = re.search(r'tocsin_feed_messages_total\{[^}]*"rows"[^}]*\} (\d+)', client.get("/metrics").text)
            return [*(len(p.acknowledged) for p in pushers), clinic.acknowledged, int(count[1]) if count else 0]

        def all_go_on() -> None:
            before = taken()
            until(lambda: all(now > was for now, was in zip(taken(), before, strict=True)), f"on from {before}")

        all_go_on()
        for how in (signal.SIGINT, signal.SIGQUIT):
            pg.stop(how)
            try:
                time.sleep(0.5)  # what landed before is still being answered
                before = [*(len(p.acknowledged) for p in pushers), clinic.acknowledged]
                said = client.post("/api/v1/events", json=[], headers={"Authorization": "Bearer t"})
                time.sleep(AWAY)
                assert [*(len(p.acknowledged) for p in pushers), clinic.acknowledged] == before
                event = {
                    "source": "hospital",
                    "key": "x",
                    "signal": "ed.ili",
                    "area": "11",
                    "reference_time": "2026-03-01",
                }
                said = client.post("/api/v1/events", json=[event], headers={"Authorization": "Bearer t"})
                assert (said.status_code, said.headers["retry-after"]) == (503, "5")
                assert "is the server running" in said.json()["error"]["message"]
            finally:
                pg.start()
            all_go_on()
        for each in everyone:
            each.ended.set()
        for each in everyone:
            each.join(PATIENCE)
            assert not each.is_alive()
        for p in pushers:
            if p.over is not None:
                p.over.close()
        until(lambda: taken()[-1] >= sensor.sent, "what the broker kept comes")
        assert served.process.poll() is None
        code, _, err = served.end(signal.SIGTERM)
        assert code == 0
        assert "is the server running" in err
        assert len(err) < 60_000, "a log that nobody reads would stop the server once its pipe is full"

    acknowledged = Counter(opaque(*x) for p in pushers for x in p.acknowledged)
    store = open_store(city, pg.url, "store_away")
    rows = store.db.execute("SELECT s.name, e.key FROM event e JOIN source s ON s.id = e.source").fetchall()
    store.close()
    there = Counter(key for _, key in rows)
    assert max(there.values()) == 1
    assert [key for key in acknowledged if key not in there] == []
    count = Counter(name for name, _ in rows)
    assert count["visits"] - clinic.acknowledged in (0, 1)  # the last may have been durable and not yet answered
    assert count["rows"] == sensor.sent
