"""kill -9 at any moment of `tocsin ingest` and of a push: nothing acknowledged is lost, nothing counts twice."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from cli.conftest import AREAS, CITY, HEAD
from shared import ROOT
from tocsin.desk import open_desk
from tocsin.store.findings import read_findings
from tocsin.store.heard import by_day

ENV = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TOCSIN_TOKEN": "t" * 32, "PYTHONUNBUFFERED": "1"}
TOCSIN = [sys.executable, "-m", "tocsin"]
END = 1_800_000_000_000_000


def make(folder: Path) -> Path:
    """A city directory."""
    folder.mkdir()
    (folder / "city.toml").write_text(CITY, "utf-8")
    (folder / "areas.csv").write_text(AREAS, "utf-8")
    return folder


def lines(chance: random.Random, size: int) -> str:
    """A file of cases with corrections, moves, withdrawals, doubles and bad rows."""
    found = []
    for i in range(size):
        key, day = f"k{chance.randrange(size)}", 1 + i * 27 // size
        n = chance.choice([1, 1, 1, 0, 3, "x"]) if chance.random() < 0.3 else 1
        area = chance.choice(["101", "102", "1", "999"])
        found.append(f"{key},2026-03-{chance.randint(1, day):02d},2026-03-{day:02d},{area},{n}")
    return HEAD + "\n".join(found) + "\n"


def contents(city: Path) -> tuple:
    """All that a city knows: every cell as of every day, how many events, which findings."""
    desk = open_desk(city, {})
    start = 1_772_300_000_000_000
    cells = [
        desk.cube("ili", level, start + day * 86_400_000_000, None, None).values.tolist()
        for level in ("city", "district")
        for day in range(0, 33, 4)
    ]
    total, findings = read_findings(desk.store, None, 10**6, closed=True)
    told = sorted((f["line"], f["code"], f["raw"], f["closed"] is None) for f in findings)
    counted = by_day(desk.store)
    desk.store.close()
    return repr(cells), counted, total, told


def test_ingest_killed_at_random_moments_goes_on(tmp_path):
    chance = random.Random(4)
    file = tmp_path / "in.csv"
    file.write_text(lines(chance, 14_000), "utf-8")
    clean, cut = make(tmp_path / "clean"), make(tmp_path / "cut")
    whole = [*TOCSIN, "ingest", str(file), "--source", "hospital", "--city"]
    subprocess.run([*whole, str(clean)], env=ENV, check=False, capture_output=True)
    killed = 0
    for _ in range(40):
        running = subprocess.Popen([*whole, str(cut)], env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        store = cut / "tocsin.sqlite-wal"
        size = store.stat().st_size if store.exists() else 0
        patience = time.monotonic() + 20
        while running.poll() is None and time.monotonic() < patience:  # until something more was written
            if store.exists() and store.stat().st_size not in (0, size):
                break
            time.sleep(0.002)
        time.sleep(chance.random() * 0.1)
        running.send_signal(signal.SIGKILL)
        killed += running.wait() == -signal.SIGKILL
        if killed >= 4:
            break
    assert killed >= 2, "the file is too small to be cut"
    subprocess.run([*whole, str(cut)], env=ENV, check=False, capture_output=True)
    assert contents(cut) == contents(clean)


def test_an_interrupt_keeps_what_was_done_and_says_so(tmp_path):
    city, file = make(tmp_path / "city"), tmp_path / "in.csv"
    file.write_text(lines(random.Random(5), 40_000), "utf-8")
    whole = [*TOCSIN, "ingest", str(file), "--source", "hospital", "--city", str(city)]
    running = subprocess.Popen(whole, env=ENV, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while not (city / "tocsin.sqlite-wal").exists() or (city / "tocsin.sqlite-wal").stat().st_size < 300_000:
        assert running.poll() is None
        time.sleep(0.002)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    assert subprocess.run(whole, env=ENV, capture_output=True, check=False).returncode == 1
    clean = make(tmp_path / "clean")
    subprocess.run([*whole[:-1], str(clean)], env=ENV, capture_output=True, check=False)
    assert contents(city) == contents(clean)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        return int(s.getsockname()[1])


def serve(city: Path, port: int) -> subprocess.Popen:
    """A running server that answers."""
    command = [*TOCSIN, "serve", "--city", str(city), "--port", str(port)]
    running = subprocess.Popen(command, env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/health", timeout=5).read()
            return running
        except OSError:
            assert running.poll() is None, "the server did not start"
            time.sleep(0.05)
    raise AssertionError("the server does not answer")


def push(port: int, keys: range) -> dict:
    """One request of one case a key."""
    records = [
        {"source": "hospital", "key": f"p{k}", "signal": "ili", "area": "101", "reference_time": "2026-03-01",
         "report_time": "2026-03-02"}
        for k in keys
    ]  # fmt: skip
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/events", json.dumps(records).encode(),
        {"Authorization": f"Bearer {ENV['TOCSIN_TOKEN']}", "Content-Type": "application/json"},
    )  # fmt: skip
    return json.loads(urllib.request.urlopen(request, timeout=20).read())


@pytest.mark.parametrize("rounds", [3])
def test_pushed_records_survive_a_kill_and_another_writer(tmp_path, rounds):
    city, port = make(tmp_path / "city"), free_port()
    file = tmp_path / "in.csv"
    file.write_text(HEAD + "".join(f"f{i},2026-03-01,2026-03-02,102,\n" for i in range(9000)), "utf-8")
    chance, acknowledged, asked = random.Random(6), 0, 0
    other = subprocess.Popen(
        [*TOCSIN, "ingest", str(file), "--source", "hospital", "--city", str(city)],
        env=ENV, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    for _ in range(rounds):
        running = serve(city, port)
        end = time.monotonic() + 0.3 + chance.random() / 2
        for asked in range(acknowledged, acknowledged + 40 * 50, 50):
            if time.monotonic() > end:
                running.send_signal(signal.SIGKILL)
            try:
                push(port, range(asked, asked + 50))
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                break
            acknowledged = asked + 50
        running.kill()
        running.wait()
    said, _ = other.communicate(timeout=60)
    assert other.returncode == 0, said
    assert acknowledged > 0
    desk = open_desk(city, {})
    here = {
        a: desk.cube("ili", "district", END, None, None).values[0][i].tolist() for i, a in enumerate(("101", "102"))
    }
    total = {a: sum(v for v in values if v == v) for a, values in here.items()}
    assert acknowledged <= total["101"] <= asked + 50
    assert total["102"] == 9000
    running = serve(city, port)
    again = push(port, range(acknowledged))
    running.kill()
    running.wait()
    assert (again["accepted"], again["duplicates"]) == (0, acknowledged), "what was answered is there, once"
