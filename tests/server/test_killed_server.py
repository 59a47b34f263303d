"""Ten senders, two of whom stream, kill -9 again and again: what was acknowledged is there, and nothing twice."""

import http.client
import json
import random
import re
import signal
import socket
import threading
import time
from collections import Counter
from pathlib import Path

import httpx2 as httpx
import pytest

from tocsin.desk import open_desk
from tocsin.ingest.keys import opaque
from tocsin.store.fsck import fsck

from . import small
from .test_serve import serving

pytestmark = pytest.mark.sqlite
WRITE = {"Authorization": "Bearer t"}
SENDERS, STREAMS, AT_ONCE, KILLS = 8, 2, 20, 3
AHEAD = 5  # batches that a stream may have sent and not heard of


class Sender(threading.Thread):
    """Sends one batch after another by one door; what was not acknowledged is sent again, as it was."""

    def __init__(self, number: int) -> None:
        super().__init__(daemon=True)
        self.number, self.base, self.ended = number, "", threading.Event()
        self.acknowledged: list[tuple[str, str]] = []  # (source, key)
        self.sent = self.repeats = 0
        self.over: http.client.HTTPConnection | None = None

    def run(self) -> None:
        while not self.ended.is_set():
            keys = [f"s{self.number}-{self.sent}-{i}" for i in range(AT_ONCE)]
            path, kind, body, source = self.batch(keys)
            while not self.taken(path, kind, body):
                if self.ended.is_set():
                    return
                time.sleep(0.02)
            self.sent += 1
            self.acknowledged += [(source, k) for k in keys]

    def taken(self, path: str, kind: str, body: bytes) -> bool:
        """Whether it was acknowledged, over the connection there is or a new one."""
        try:
            if self.over is None:
                url = httpx.URL(self.base)
                self.over = http.client.HTTPConnection(url.host, url.port, timeout=10)
            self.over.request("POST", path, body, WRITE | {"Content-Type": kind})
            got = self.over.getresponse()
            said = got.read()
        except (OSError, http.client.HTTPException):
            self.repeats += 1
            if self.over is not None:
                self.over.close()
            self.over = None
            return False
        assert got.status in (200, 429, 503), said
        return got.status == 200

    def batch(self, keys: list[str]) -> tuple[str, str, bytes, str]:
        """An array, lines, or a table in the source's own format."""
        case = {"source": "hospital", "signal": "ed.ili", "area": "11", "reference_time": "2026-03-01"}
        records = [case | {"key": k, "report_time": "2026-03-02"} for k in keys]
        if self.number % 3 == 0 and not isinstance(self, Streamer):
            return "/api/v1/events", "application/json", json.dumps(records).encode(), "hospital"
        if self.number % 3 == 1 or isinstance(self, Streamer):
            lines = "\n".join(map(json.dumps, records)).encode()
            return "/api/v1/events", "application/x-ndjson", lines, "hospital"
        table = "id,day,town\n" + "".join(f"{k},2026-03-01,12\n" for k in keys)
        return "/api/v1/sources/inbox/messages", "text/csv", table.encode(), "inbox"


class Streamer(Sender):
    """Sends one body without end, ahead of what it hears; after a break it goes on after the lines it was told."""

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                self.stream(len(self.acknowledged))
            except OSError:
                self.repeats += 1
                time.sleep(0.02)

    def stream(self, first: int) -> None:
        """One connection, from a key on; OSError when it breaks."""
        url, heard, sent, told, over = httpx.URL(self.base), b"", 0, 0, False
        with socket.create_connection((url.host, url.port or 0), 10) as line:
            line.sendall(
                b"POST /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\n"
                b"Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            while not (over and b'"done":true' in heard):
                if self.ended.is_set() and not over:
                    line.sendall(b"0\r\n\r\n")
                    over = True
                elif not over and sent - told < AHEAD * AT_ONCE:
                    keys = [f"s{self.number}-{first + sent + i}" for i in range(AT_ONCE)]
                    body = self.batch(keys)[2] + b"\n"
                    line.sendall(b"%x\r\n%s\r\n" % (len(body), body))
                    sent += AT_ONCE
                    continue
                more = line.recv(1 << 16)
                heard += more
                if not more or not heard.startswith(b"HTTP/1.1 200"):
                    raise ConnectionError
                said = re.findall(rb'"lines":(\d+),', heard)
                told = int(said[-1]) if said else 0
                keys = [f"s{self.number}-{n}" for n in range(len(self.acknowledged), first + told)]
                self.acknowledged += [("hospital", k) for k in keys]
                self.sent = len(self.acknowledged) // AT_ONCE
        assert told == sent, "the last line counts all that was sent"


def test_what_was_acknowledged_is_there_exactly_once(tmp_path: Path) -> None:
    city, chance = small.city(tmp_path / "city"), random.Random(8)
    senders = [Sender(n) for n in range(SENDERS)] + [Streamer(SENDERS + n) for n in range(STREAMS)]
    for n in range(KILLS + 1):
        with serving(city, TOCSIN_TOKEN="t") as served:
            for s in senders:
                s.base = served.link
                if not s.is_alive():
                    s.start()
            before = sum(s.sent for s in senders)
            time.sleep(0.3 + chance.random())
            until = time.monotonic() + 30
            while sum(s.sent for s in senders) < before + SENDERS + STREAMS and time.monotonic() < until:
                time.sleep(0.01)
            if n == KILLS:
                for s in senders:
                    s.ended.set()
                for s in senders:
                    s.join(30)
                    assert not s.is_alive()
                    if s.over is not None:
                        s.over.close()
            served.process.send_signal(signal.SIGKILL)
            served.process.wait(30)
    acknowledged = Counter(x for s in senders for x in s.acknowledged)
    assert sum(s.repeats for s in senders) >= KILLS, "nobody noticed a kill: nothing is tested"
    assert all(s.repeats >= KILLS for s in senders[SENDERS:]), "a stream that outlives a kill is none"
    assert min(s.sent for s in senders) >= 2
    desk = open_desk(city, {})
    rows = desk.store.db.execute("SELECT s.name, e.key FROM event e JOIN source s ON s.id = e.source").fetchall()
    there = Counter(map(tuple, rows))
    assert max(there.values()) == 1
    lost = [x for x in acknowledged if (x[0], opaque(*x)) not in there]
    assert lost == []
    assert len(acknowledged) <= len(there) <= len(acknowledged) + (SENDERS + STREAMS * AHEAD) * AT_ONCE
    assert [p for check in fsck(desk.store, city, desk.step_of) for p in check.problems] == []
    desk.store.close()
