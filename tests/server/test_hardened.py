"""`tocsin serve` against an unfriendly network: TLS, heads that never end, secrets that must not be told."""

import contextlib
import gzip
import json
import logging
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx2 as httpx
import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from tocsin import cli
from tocsin.desk import open_desk
from tocsin.errors import ConfigError
from tocsin.ingest import push
from tocsin.server.app import API, build
from tocsin.server.journal import Structured
from tocsin.server.run import Tls
from tocsin.server.site import Site

from . import small
from .test_serve import PATIENCE, serving

CANARY = "canary-4f1d0c7e9b"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.city(tmp_path_factory.mktemp("hardened") / "city")


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("pem")
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=False, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "cert.pem", folder / "key.pem"


def refused(city: Path, *options: str) -> str:
    done = CliRunner().invoke(cli._tocsin, ["serve", "--city", str(city), "--port", "0", *options])
    assert isinstance(done.exception, ConfigError), done.output
    return str(done.exception)


def test_beyond_this_machine_only_with_tls_or_when_plain_is_said(city: Path) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "somewhere.example"):
        assert "--plain" in refused(city, "--host", host)
    with serving(city, "--host", "0.0.0.0", "--plain") as served:
        assert httpx.get(f"{served.link}api/v1/health").status_code == 200


def test_https_alone_and_not_the_old_kinds(city: Path, pem: tuple[Path, Path]) -> None:
    cert, key = pem
    trusts = ssl.create_default_context(cafile=str(cert))
    with serving(city, "--tls-cert", str(cert), "--tls-key", str(key)) as served:
        assert served.link.startswith("https://")
        port = httpx.URL(served.link).port or 0
        with httpx.Client(verify=trusts, timeout=PATIENCE) as client:
            got = client.get(f"{served.link}api/v1/health")
            assert got.status_code == 200
            assert "max-age" in got.headers["strict-transport-security"]
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{port}/api/v1/health", timeout=PATIENCE)
        code, _, _ = served.end(signal.SIGTERM)
        assert code == 0
    assert Tls(cert, key).context().minimum_version == ssl.TLSVersion.TLSv1_2


def test_unusable_certificates_are_said_in_a_sentence(city: Path, pem: tuple[Path, Path], tmp_path: Path) -> None:
    cert, key = pem
    assert "together" in refused(city, "--tls-cert", str(cert))
    assert "PEM" in refused(city, "--tls-cert", str(key), "--tls-key", str(cert))
    assert "PEM" in refused(city, "--tls-cert", str(tmp_path / "none"), "--tls-key", str(key))
    locked = tmp_path / "locked.pem"
    subprocess.run(
        ["openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:x", "-out", locked], check=True, timeout=60
    )
    assert "password" in refused(city, "--tls-cert", str(cert), "--tls-key", str(locked))


def test_heads_that_never_end_are_not_waited_for(city: Path) -> None:
    """One connection says nothing, one sends a header now and then, one goes on so after an answer."""
    code = "from tocsin.server import patient; patient.HEAD_SECONDS = 1.0; from tocsin.cli import main; main()"
    with serving(city, program=("-c", code)) as served:
        port = httpx.URL(served.link).port or 0
        slow = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(3)]
        slow[1].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        slow[2].sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert slow[2].recv(1000).startswith(b"HTTP/1.1 200")
        end = time.monotonic() + PATIENCE
        open_ = set(slow)
        while open_ and time.monotonic() < end:
            for s in list(open_):
                with contextlib.suppress(OSError):
                    s.send(b"X-Drip: 1\r\n" if s is not slow[0] else b"")
                s.settimeout(0.1)
                try:
                    if s.recv(65536) == b"":
                        open_.discard(s)
                except TimeoutError:
                    pass
                except OSError:
                    open_.discard(s)
            assert httpx.get(f"{served.link}api/v1/ready", timeout=PATIENCE).status_code == 200
        assert not open_, "a connection was held open by dripping"
        for s in slow:
            s.close()


def test_heads_that_are_too_large_are_refused(city: Path) -> None:
    with serving(city) as served:
        port = httpx.URL(served.link).port or 0
        for head in (b"GET /" + b"a" * 40_000, b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"a" * 40_000):
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as s:
                s.sendall(head)
                assert s.recv(1000).startswith(b"HTTP/1.1 400")
        assert httpx.get(f"{served.link}api/v1/ready", timeout=PATIENCE).status_code == 200


def test_more_records_than_anybody_sends_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "MOST", 10)
    site = Site(open_desk(small.city(tmp_path / "city"), {}), CANARY)
    with TestClient(build(site)) as client:
        headers = {"Authorization": f"Bearer {CANARY}"}
        for body, kind in ((b"[" + b"{}," * 10 + b"{}]", "json"), (b"{}\n" * 11, "x-ndjson")):
            got = client.post(f"{API}/events", content=body, headers={**headers, "Content-Type": f"application/{kind}"})
            assert got.status_code == 400
            assert got.json()["error"]["code"] == "too-many"
        assert client.get(f"{API}/findings").json()["total"] == 2, "one finding for each body, not one a record"
    site.desk.store.close()


def test_secrets_are_told_nowhere(tmp_path: Path) -> None:
    """A token, and a database's password, looked for in all that the system says, also when it breaks."""
    city = small.city(tmp_path / "city")
    said: list[str] = []
    with (
        serving(city, "--log", "json", TOCSIN_TOKEN=CANARY) as served,
        httpx.Client(base_url=served.link, timeout=PATIENCE) as client,
    ):
        write = {"Authorization": f"Bearer {CANARY}"}
        asked = [
            client.post("/api/v1/events", json=[{"source": "hospital"}], headers=write),
            client.post("/api/v1/events", content=b"{", headers=write | {"Content-Type": "application/json"}),
            client.post("/api/v1/events", json=[], headers={"Authorization": f"Basic {CANARY}"}),
            client.post("/api/v1/events", json=[], headers={"Authorization": f"Bearer {CANARY}x"}),
            client.post(f"/api/v1/sources/inbox/messages?token={CANARY[:3]}", content=b"x", headers=write),
            client.post("/api/v1/alerts/x/notes", json={"action": "comment", "who": "a", "text": ""}, headers=write),
        ]
        paths = ("health", "ready", "metrics", "sources", "findings", "city", "openapi.json", "nowhere")
        asked += [client.get(f"/api/v1/{p}", headers=write) for p in paths]
        (city / "tokens.json").write_text("[{")  # something of ours breaks
        asked.append(client.post("/api/v1/events", json=[], headers={"Authorization": f"Bearer tocsin_{CANARY}"}))
        assert asked[-1].status_code == 500
        said += [r.text + repr(r.headers) for r in asked]
        (city / "tokens.json").unlink()
        _, out, err = served.end(signal.SIGTERM)
        said += [out, err]
        assert "tokens.json" in err, "the log was read"
    archive = tmp_path / "backup.tar.gz"
    done = CliRunner().invoke(cli._tocsin, ["backup", "--city", str(city), str(archive)], env={"TOCSIN_TOKEN": CANARY})
    said += [done.output]
    kept = b"".join(p.read_bytes() for p in city.rglob("*") if p.is_file()) + gzip.decompress(archive.read_bytes())
    assert CANARY.encode() not in kept
    assert not [s for s in said if CANARY in s]


@pytest.mark.parametrize("form", ["url", "keyword"])
def test_a_database_s_password_is_told_nowhere(tmp_path: Path, form: str) -> None:
    city = small.city(tmp_path / "city")
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    url = f"postgresql://u:{CANARY}@127.0.0.1:{port}/db"
    if form == "keyword":
        url = f"postgresql://u@127.0.0.1:{port}/db?password={CANARY}"
    toml = city / "city.toml"
    toml.write_text(toml.read_text("utf-8") + '\n[store]\nurl = "${TOCSIN_STORE_URL}"\n', "utf-8")
    env = {**os.environ, "TOCSIN_STORE_URL": url, "PYTHONPATH": os.pathsep.join(sys.path)}
    for command in (["serve", "--port", "0"], ["backup", str(tmp_path / "b.tar.gz")]):
        done = subprocess.run(
            [sys.executable, "-m", "tocsin", *command, "--city", str(city)],
            env=env, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 4, done.stderr
        assert CANARY not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_the_structured_log_is_one_line_whatever_it_says() -> None:
    record = logging.LogRecord("x", logging.ERROR, "", 0, "a\nb%s", ("\x1b[31m",), None)
    line = Structured().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == "a\nb\x1b[31m"


def test_the_page_may_load_nothing_from_elsewhere(city: Path) -> None:
    with serving(city) as served:
        got = httpx.get(served.link, timeout=PATIENCE)
    policy = dict(part.partition(" ")[::2] for part in got.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert "strict-transport-security" not in got.headers, "only over TLS is it true"
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", got.text)
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>|\son\w+=", got.text), "what the policy would stop"
