"""Feeds in `tocsin serve`, a process of its own: what was acknowledged outlives kill -9, open lines hold up no end."""

import re
import signal
import socket
import time
from hashlib import sha256
from pathlib import Path

import httpx2 as httpx
import pytest

from feed.lines import ROWS, VISITS, adt, city, row
from sftp_host import PASSWORD, USER, Host
from tocsin.desk import open_desk
from tocsin.feed.frames import END, START
from tocsin.store import deliveries

from .test_serve import PATIENCE, Served, serving


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def connect(port: int) -> socket.socket:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), PATIENCE)
        except ConnectionRefusedError:
            assert time.monotonic() < end
            time.sleep(0.05)


def acknowledged(line: socket.socket, enough: int, served: Served | None = None) -> set[str]:
    """The MSH-10 of what was answered AA until the line ends; the server is killed after `enough` of them."""
    got, found = b"", set()
    try:
        while more := line.recv(4096):
            got += more
            found = set(re.findall(r"\rMSA\|AA\|(\w+)", got.decode()))
            if len(found) >= enough and served is None:
                break
            if len(found) >= enough and served is not None and served.process.poll() is None:
                served.process.send_signal(signal.SIGKILL)
    except ConnectionResetError:
        pass
    return found


@pytest.mark.sqlite
def test_what_was_acknowledged_outlives_a_kill_in_the_middle(tmp_path: Path) -> None:
    port = free_port()
    made = city(tmp_path, VISITS, f'kind = "mllp"\nport = {port}\n')
    sent = [START + adt(f"C{n}", f"v{n}") + END for n in range(400)]
    with serving(made) as served, connect(port) as line:
        line.sendall(b"".join(sent))
        said = acknowledged(line, 50, served)
        served.process.wait(PATIENCE)
    assert len(said) >= 50
    desk = open_desk(made, {})
    kept = [deliveries.read_message(desk.store, sha256(adt(c, f"v{c[1:]}")).hexdigest()) for c in said]
    assert None not in kept
    assert desk.store.db.execute("SELECT COUNT(*) FROM event").fetchone()[0] >= len(said)
    desk.store.close()
    with serving(made) as served, connect(port) as line:  # the sender sends all of it again
        line.sendall(b"".join(sent))
        assert len(acknowledged(line, 400)) == 400
        with httpx.Client(base_url=served.link, timeout=PATIENCE) as client:
            row = next(s for s in client.get("/api/v1/sources").json() if s["name"] == "visits")
        assert (row["events"], row["feed"]["state"], row["feed"]["messages"]) == (400, "up", 400)
        code, out, err = served.end(signal.SIGTERM)  # with the line open
        assert (code, err) == (0, "")
        assert "stopped" in out
        assert line.recv(10) == b""


@pytest.mark.sqlite
def test_files_of_an_sftp_server_outlive_kills_in_the_middle(tmp_path: Path) -> None:
    """Each server that is killed takes up where the one before ended; at last every file is moved and counts once."""
    host = Host(tmp_path / "sftp").start()
    made = city(
        tmp_path, ROWS,
        f'kind = "sftp"\nhost = "127.0.0.1"\nport = {host.port}\nuser = "{USER}"\npassword = "${{P}}"\n'
        f'known_hosts = "{host.known}"\nseconds = 0.2\nstill = 0.1\nafter = "move"\n',
    )  # fmt: skip
    for n in range(120):
        host.put(f"{n:03}.jsonl", b"".join(row(f"k{n}-{i}") for i in range(20)), 1_700_000_000 + n)
    moved = host.files / "taken"

    def at_least(count: int) -> None:
        end = time.monotonic() + PATIENCE
        while len(list(moved.glob("*"))) < count:
            assert time.monotonic() < end, f"{count} files moved"
            time.sleep(0.005)

    try:
        for count in (20, 60):
            with serving(made, P=PASSWORD) as served:
                at_least(count)
                served.process.send_signal(signal.SIGKILL)
                served.process.wait(PATIENCE)
            there = sum(1 for _ in moved.iterdir())
            assert there < 120, "it was not killed in the middle"
            desk = open_desk(made, {})
            assert desk.store.db.execute("SELECT COUNT(*) FROM event").fetchone()[0] >= 20 * there
            desk.store.close()
        with serving(made, P=PASSWORD) as served:
            at_least(120)
            with httpx.Client(base_url=served.link, timeout=PATIENCE) as client:
                said = client.get("/api/v1/sources").json()
                assert isinstance(said, list), said
                line = next(s for s in said if s["name"] == "rows")
            assert (line["events"], line["feed"]["kind"]) == (2400, "sftp")
    finally:
        host.stop()
    assert sorted(p.name for p in moved.iterdir()) == [f"{n:03}.jsonl" for n in range(120)]


def test_a_feed_that_cannot_be_made_is_said_before_anything_is_served(tmp_path: Path) -> None:
    made = city(tmp_path, VISITS, 'kind = "mqtt"\nhost = "b"\ntopic = "t"\nuser = "u"\npassword = "${NOT_SET}"\n')
    with pytest.raises(AssertionError, match="variable NOT_SET is not set"), serving(made):
        pass
