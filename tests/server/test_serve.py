"""`tocsin serve` as a process: the link, the token, records that outlive kill -9, and an end that nothing holds up."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx2 as httpx
import pytest
from click.testing import CliRunner

from shared import ROOT
from tocsin import cli
from tocsin.desk import open_desk
from tocsin.errors import TocsinError
from tocsin.server.run import bind

from . import small

PATIENCE = 60.0  # seconds for a busy machine; what is measured here is that things end, not how fast


@dataclass
class Served:
    process: subprocess.Popen[str]
    link: str
    token: str

    def end(self, how: signal.Signals) -> tuple[int, str, str]:
        """Send a signal; exit code, standard output and standard error."""
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@contextmanager
def serving(city: Path, *options: str, program: Sequence[str] = ("-m", "tocsin"), **env: str) -> Iterator[Served]:
    """Run the command on a free port."""
    args = [sys.executable, *program, "serve", "--city", str(city), "--port", "0", "--beat", "0.5", *options]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_TOKEN")}
    clean |= {"PYTHONPATH": str(ROOT / "src"), **env}
    process = subprocess.Popen(args, env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"(https?://\S+?/)(?:#token=(\S+))?$", line.strip())
        assert found, line + (process.communicate(timeout=PATIENCE)[1] if not line else "")
        yield Served(process, found[1], found[2] or "")
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.city(tmp_path_factory.mktemp("served") / "city")


def events(client: httpx.Client, **token: str) -> httpx.Response:
    day = datetime.now(UTC).date()
    return client.post("/api/v1/events", json=small.outbreak(day), headers=token)


def test_it_serves_takes_judges_tells_and_ends_with_streams_open(city: Path) -> None:
    with serving(city) as served, httpx.Client(base_url=served.link, timeout=PATIENCE) as client:
        assert len(served.token) >= 32
        assert events(client).status_code == 401
        other = httpx.Client(base_url=served.link, timeout=PATIENCE)
        with client.stream("GET", "/api/v1/live") as live, other, other.stream("GET", "/api/v1/live"):
            assert live.headers["content-type"].startswith("text/event-stream")
            assert events(client, Authorization=f"Bearer {served.token}").json()["accepted"] > 100
            lines = live.iter_lines()
            told = next(json.loads(line[6:]) for line in lines if line.startswith('data: {"id"'))
            assert told["signal"] == "ed.ili"
            began = time.monotonic()
            code, out, err = served.end(signal.SIGTERM)
            took = time.monotonic() - began
            assert list(lines)[-1:] in ([], [""])  # the stream was ended, not cut
        assert (code, err) == (0, "")
        assert "stopped" in out
        assert took < 15, "an open stream held up the end"


def listening(port: int) -> set[str]:
    """Local addresses of listening sockets on a port, in the system's own hexadecimal."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("this system does not list its listening sockets in /proc/net/tcp")
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    return {r[1].split(":")[0] for r in rows if r[1].endswith(f":{port:04X}") and r[3] == "0A"}


def test_it_listens_on_this_machine_only_and_an_end_by_keyboard_is_clean_too(city: Path) -> None:
    with serving(city, TOCSIN_TOKEN="given-by-the-operator") as served:
        assert served.token == ""  # an operator's secret is not printed
        assert listening(httpx.URL(served.link).port or 0) == {"0100007F"}
        code, out, err = served.end(signal.SIGINT)
        assert (code, err) == (0, "")
        assert "given-by-the-operator" not in out


@pytest.mark.sqlite
def test_what_was_answered_outlives_a_kill(tmp_path: Path) -> None:
    city = small.city(tmp_path / "city")
    with serving(city, TOCSIN_TOKEN="t") as served, httpx.Client(base_url=served.link, timeout=PATIENCE) as client:
        answered = events(client, Authorization="Bearer t").json()["accepted"]
        served.process.send_signal(signal.SIGKILL)
        served.process.wait(PATIENCE)
    desk = open_desk(city, {})
    assert desk.store.db.execute("SELECT COUNT(*) FROM event").fetchone() == (answered,)
    desk.store.close()


def test_answers_of_several_writes_do_not_wait_for_acknowledgements() -> None:
    with bind("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken_is_said_in_a_sentence(city: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = CliRunner().invoke(cli._tocsin, ["serve", "--city", str(city), "--port", str(port)])
    assert isinstance(done.exception, TocsinError)
    assert f"port {port}" in str(done.exception)
    assert "--port" in str(done.exception)
