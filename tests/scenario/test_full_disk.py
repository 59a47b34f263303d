"""The disk is full while a city is served, then it is not: every door says "later", nothing is lost, all goes on.

Once the disk is a small file system of its own (needs root); once the system lets the server's files grow no further.
"""

import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from feed.lines import VISITS, adt
from server import small
from server.test_feeds_served import connect, free_port
from server.test_serve import PATIENCE, serving
from server.test_stream import chunk
from tocsin.desk import open_desk
from tocsin.feed.frames import END, START
from tocsin.store.fsck import fsck

pytestmark = pytest.mark.sqlite
WRITE = {"Authorization": "Bearer t"}
NONE = resource.RLIM_INFINITY


class Limited:
    """A disk on which no file of the server's may grow."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.process = folder, 0

    def fill(self) -> None:
        resource.prlimit(self.process, resource.RLIMIT_FSIZE, (4096, NONE))

    def free(self) -> None:
        resource.prlimit(self.process, resource.RLIMIT_FSIZE, (NONE, NONE))


class Mounted:
    """A file system of 16 MiB, and a file that takes what is left of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.process = folder, 0

    def fill(self) -> None:
        filled = subprocess.run(["dd", "if=/dev/zero", f"of={self.folder}/filler", "bs=64K"],
                                check=False, capture_output=True, env={**os.environ, "LC_ALL": "C"})  # fmt: skip
        assert b"No space left" in filled.stderr

    def free(self) -> None:
        (self.folder / "filler").unlink()


@pytest.fixture(params=["limited", "mounted"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Limited | Mounted]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "limited":
        yield Limited(folder)
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder]
    if os.getuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here; the other way is tried")
    try:
        yield Mounted(folder)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def until(true: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def events(name: str, count: int = 50) -> list[dict[str, str]]:
    fixed = {"source": "hospital", "signal": "ed.ili", "area": "11", "reference_time": "2026-03-01"}
    return [{**fixed, "key": f"{name}-{n}"} for n in range(count)]


def streamed(client: httpx.Client) -> str:
    """The whole answer to a stream of one line."""
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), PATIENCE) as line:
        line.sendall(
            b"POST /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\nConnection: close\r\n"
            b"Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
            + chunk(b'{"source":"hospital","key":"s","signal":"ed.ili","area":"11","reference_time":"2026-03-01"}\n')
            + chunk(b"")
        )
        return b"".join(iter(lambda: line.recv(1 << 16), b"")).decode()


def test_every_door_says_later_and_goes_on_by_itself_when_there_is_room(disk: Limited | Mounted) -> None:
    port = free_port()
    city = small.city(disk.folder / "city")
    with (city / "city.toml").open("a") as out:
        out.write(f'{VISITS}[sources.feed]\nkind = "mllp"\nport = {port}\n')
    table, taken = b"id,day,town\nt1,2026-03-01,11\n", 0
    with (
        serving(city, TOCSIN_TOKEN="t") as served,
        httpx.Client(base_url=served.link, timeout=PATIENCE, headers=WRITE) as client,
    ):
        disk.process = served.process.pid
        taken += client.post("/api/v1/events", json=events("before")).json()["accepted"]
        with connect(port) as clinic:
            disk.fill()
            for n in range(1000):  # there may be room left within the store's own files
                got = client.post("/api/v1/events", json=events(f"full{n}"))
                if got.status_code != 200:
                    break
                taken += got.json()["accepted"]
            assert (got.status_code, got.headers["retry-after"]) == (503, "5")
            assert "disk" in got.json()["error"]["message"]
            clinic.sendall(START + adt("C1") + END)
            message = client.post("/api/v1/sources/inbox/messages", content=table)
            assert (message.status_code, message.headers["retry-after"]) == (503, "5")
            assert '"code":"store"' in streamed(client)
            until(lambda: "feed visits" in client.get("/api/v1/health").text, "health names the feed that waits")
            state = next(s for s in client.get("/api/v1/sources").json() if s["name"] == "visits")["feed"]
            assert (state["state"], state["messages"]) == ("paused", 0)
            clinic.settimeout(1)
            with pytest.raises(TimeoutError):
                clinic.recv(1000)  # neither AA nor AE: the message is not wrong
            disk.free()
            clinic.settimeout(PATIENCE)
            assert b"MSA|AA|C1" in clinic.recv(1000)
        again = client.post("/api/v1/events", json=events(f"full{n}"))
        assert (again.status_code, again.json()["accepted"]) == (200, 50), "what was refused had not landed"
        assert client.post("/api/v1/sources/inbox/messages", content=table).json()["accepted"] == 1
        assert '"accepted":1' in streamed(client)
        taken += 50 + 1 + 1 + 1
        ticked = client.get("/api/v1/health").json()["last_tick"]
        until(lambda: client.get("/api/v1/health").json()["last_tick"] != ticked, "the beat goes on")
        assert served.end(signal.SIGTERM)[0] == 0
    desk = open_desk(city, {})
    assert desk.store.db.execute("SELECT COUNT(*) FROM event").fetchone() == (taken,)
    assert [p for check in fsck(desk.store, city, desk.step_of) for p in check.problems] == []
    desk.store.close()
