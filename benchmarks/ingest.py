"""A sustained stream of pushes: acknowledgement, event to page, memory, and the bare cost of the same bytes. I/O.

    python benchmarks/ingest.py [--rate 20000] [--seconds 60] [--beat 0.2] [--connections 16]

One process sends batches of 100 over some connections at a given rate to `tocsin serve` on SQLite with
synchronous=FULL, another connection listens to the live stream as a page does. Each connection counts in an area of its
own, so that the count told of that area says which of its batches the page has seen. Afterwards the store is recounted.
"""

import argparse
import http.client
import json
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

SIZE = 100
TOML = """
[city]
name = "bench"
levels = ["city", "district"]
zone = "UTC"
[areas]
file = "areas.csv"
[[signals]]
name = "ed.ili"
detectors = ["ears_c2", "moving_percentile"]
[[sources]]
name = "hospital"
"""


def main() -> None:
    """Print what was measured."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--rate", type=int, default=20_000)
    given.add_argument("--seconds", type=float, default=60.0)
    given.add_argument("--beat", type=float, default=0.2)
    given.add_argument("--connections", type=int, default=16)
    options = given.parse_args()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        city = Path(folder) / "city"
        city.mkdir()
        (city / "city.toml").write_text(TOML, "utf-8")
        rows = "".join(f"{101 + n},1,district,区{n},District {n}\n" for n in range(options.connections))
        (city / "areas.csv").write_text("code,parent,level,name_zh,name_en\n1,,city,城,City\n" + rows, "utf-8")
        env = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_TOKEN")}
        args = [
            sys.executable,
            "-m",
            "tocsin",
            "serve",
            "--city",
            str(city),
            "--port",
            "0",
            "--beat",
            str(options.beat),
        ]
        with subprocess.Popen(args, stdout=subprocess.PIPE, text=True, env=env) as server:
            assert server.stdout is not None
            found = re.search(r"(http\S+/)#token=(\S+)", server.stdout.readline())
            assert found
            try:
                sent = measure(found[1], found[2], server.pid, options)
            finally:
                server.terminate()
        stored = sqlite3.connect(city / "tocsin.sqlite").execute("SELECT COUNT(*) FROM event").fetchone()[0]
        print(f"acknowledged {sent:,}, in the store {stored:,}: {'none lost' if stored == sent else 'WRONG'}")
        bare(Path(folder) / "bare.sqlite", sent)


class Sender(threading.Thread):
    """One connection: a batch every so often, whether the last was answered late or not."""

    def __init__(self, n: int, link: str, token: str, every: float, first: float, until: float) -> None:
        super().__init__()
        self.n, self.link, self.every, self.first, self.until = n, urlsplit(link), every, first, until
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
        self.sent: list[float] = []  # when each batch was sent, and how long its answer took
        self.took: list[float] = []
        self.refused = 0

    def run(self) -> None:
        link = http.client.HTTPConnection(self.link.hostname or "", self.link.port, timeout=60)
        fixed = {
            "source": "hospital",
            "signal": "ed.ili",
            "area": str(101 + self.n),
            "reference_time": str(date.today()),
        }
        head = json.dumps(fixed)[:-1] + f', "key": "{self.n}-'
        at, done = time.monotonic() + self.first, 0
        while at < self.until:
            body = "\n".join(f'{head}{done * SIZE + i}"}}' for i in range(SIZE)).encode()
            time.sleep(max(at - time.monotonic(), 0))
            began = time.monotonic()
            while True:
                link.request("POST", "/api/v1/events", body, self.headers)
                answer = link.getresponse()
                said = answer.read()
                if answer.status != 429:
                    break
                self.refused += 1
                time.sleep(0.05)
            assert json.loads(said)["accepted"] == SIZE, said[:300]
            self.sent.append(began)
            self.took.append(time.monotonic() - began)
            done, at = done + 1, at + self.every


class Page(threading.Thread):
    """What an open page is told: (moment, count) of each area."""

    def __init__(self, link: str) -> None:
        super().__init__(daemon=True)
        self.link = urlsplit(link)
        self.told: dict[str, list[tuple[float, float]]] = {}

    def run(self) -> None:
        link = http.client.HTTPConnection(self.link.hostname or "", self.link.port, timeout=600)
        link.request("GET", "/api/v1/live")
        kind = ""
        for raw in link.getresponse():
            line = raw.decode().strip()
            if line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: ") and kind == "counts":
                now = time.monotonic()
                for cell in json.loads(line[6:])["cells"]:
                    self.told.setdefault(cell["area"], []).append((now, cell["value"]))


def measure(link: str, token: str, process: int, options: argparse.Namespace) -> int:
    """Send, listen, look at the server's memory; how many events were acknowledged."""
    page = Page(link)
    page.start()
    time.sleep(3)
    every, until = options.connections * SIZE / options.rate, time.monotonic() + options.seconds
    senders = [Sender(n, link, token, every, n * SIZE / options.rate, until) for n in range(options.connections)]
    began, cpu = time.monotonic(), seconds(process)
    for s in senders:
        s.start()
    memory = []
    while any(s.is_alive() for s in senders):
        memory.append(resident(process))
        time.sleep(max(options.seconds / 20, 0.5))
    wall = max(at + took for s in senders for at, took in zip(s.sent, s.took, strict=True)) - began
    used = seconds(process) - cpu
    time.sleep(3)
    sent = sum(len(s.sent) for s in senders) * SIZE
    took = sorted(t for s in senders for t in s.took)
    print(
        f"{sent:,} events in {wall:.1f} s: {sent / wall:,.0f}/s (asked {options.rate:,}/s),"
        f" load {os.getloadavg()[0]:.1f}"
    )
    print(f"acknowledgement: {spread(took)}; refused with 429: {sum(s.refused for s in senders)}")
    late = []
    for s in senders:
        told = page.told.get(str(101 + s.n), [])
        at = 0
        for batch, when in enumerate(s.sent, 1):
            while at < len(told) and told[at][1] < batch * SIZE:
                at += 1
            late.append(told[at][0] - when if at < len(told) else float("inf"))
    print(f"event to page:   {spread(sorted(late))}")
    print(f"server CPU: {used / sent * 1e6:.1f} µs an event, {used / wall:.2f} cores")
    print("memory, MiB: " + " ".join(f"{m / 2**20:.0f}" for m in memory))
    return sent


def spread(values: list[float]) -> str:
    """Median, p99 and the largest, in milliseconds."""
    cuts = statistics.quantiles(values, n=100) if len(values) > 1 else values * 99
    return f"median {cuts[49] * 1e3:.0f} ms, p99 {cuts[98] * 1e3:.0f} ms, largest {values[-1] * 1e3:.0f} ms"


def resident(process: int) -> int:
    """Bytes of memory that a process holds."""
    pages = int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def seconds(process: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bare(path: Path, events: int) -> None:
    """The limit: the same records, each batch of 100 one row insert after another and one durable commit, no more."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, body BLOB)")
    body = b'{"source":"hospital","signal":"ed.ili","area":"101","reference_time":"2026-03-01","key":"1-1000000"}'
    batches = min(events // SIZE, 3000)
    began, cpu, took = time.monotonic(), time.process_time(), []
    for _ in range(batches):
        at = time.monotonic()
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO event (body) VALUES (?)", [(body,)] * SIZE)
        db.execute("COMMIT")
        took.append(time.monotonic() - at)
    wall, used = time.monotonic() - began, time.process_time() - cpu
    print(
        f"bare store, one writer, batches of {SIZE}: {batches * SIZE / wall:,.0f}/s,"
        f" {used / batches / SIZE * 1e6:.1f} µs CPU an event, commit {spread(sorted(took))}"
    )


if __name__ == "__main__":
    main()
