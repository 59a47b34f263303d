"""Records a second through POST /events, each answered when durable, and a question beside open streams. I/O."""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx2 as httpx

SECONDS = 5.0
STREAMS = 20


def main() -> None:
    """Print a table: batch size, connections, records a second, milliseconds a request (median, 99th of a hundred)."""
    with tempfile.TemporaryDirectory() as folder:
        city = Path(folder) / "city"
        subprocess.run([sys.executable, "-m", "tocsin", "init", str(city)], check=True, capture_output=True)
        env = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_TOKEN")}
        args = [sys.executable, "-m", "tocsin", "serve", "--city", str(city), "--port", "0", "--beat", "3600"]
        with subprocess.Popen(args, stdout=subprocess.PIPE, text=True, env=env) as server:
            assert server.stdout is not None
            found = re.search(r"(http\S+/)#token=(\S+)", server.stdout.readline())
            assert found
            try:
                measure(found[1], {"Authorization": f"Bearer {found[2]}"})
            finally:
                server.terminate()


def measure(link: str, token: dict[str, str]) -> None:
    """All rows."""
    print(f"{'records':>8} {'connections':>12} {'records/s':>10} {'median ms':>10} {'p99 ms':>8}")
    for size, connections in ((1, 1), (1, 8), (100, 8), (1000, 8), (10_000, 2)):
        with ThreadPoolExecutor(connections) as pool:
            began = time.monotonic()
            names = [f"{size}x{connections}-{n}" for n in range(connections)]
            took = [seconds for part in pool.map(partial(push, link, token, size), names) for seconds in part]
            rate = len(took) * size / (time.monotonic() - began)
        p99 = statistics.quantiles(took, n=100)[-1] if len(took) > 1 else took[0]
        print(f"{size:>8} {connections:>12} {rate:>10,.0f} {statistics.median(took) * 1e3:>10.1f} {p99 * 1e3:>8.1f}")
    watch(link)


def push(link: str, token: dict[str, str], size: int, name: str) -> list[float]:
    """Seconds of each request of one connection."""
    took = []
    fixed = {"source": "hospital", "signal": "ed.ili", "area": "101", "reference_time": "2026-03-01"}
    with httpx.Client(base_url=link, headers=token, timeout=60) as client:
        until, n = time.monotonic() + SECONDS, 0
        while time.monotonic() < until:
            body = json.dumps([{**fixed, "key": f"{name}-{(n := n + 1)}"} for _ in range(size)])
            began = time.monotonic()
            got = client.post("/api/v1/events", content=body, headers={"Content-Type": "application/json"})
            if got.status_code == 429:
                continue
            took.append(time.monotonic() - began)
            assert got.json()["accepted"] == size
    return took


def watch(link: str) -> None:
    """Open streams, and how long a small question takes beside them."""
    stop = threading.Event()

    def listen(_: int) -> None:
        with httpx.Client(base_url=link, timeout=60) as client, client.stream("GET", "/api/v1/live") as live:
            for _ in live.iter_lines():
                if stop.is_set():
                    return

    for n in range(STREAMS):
        threading.Thread(target=listen, args=(n,), daemon=True).start()
    time.sleep(1)
    with httpx.Client(base_url=link, timeout=60) as client:
        took = []
        for _ in range(200):
            began = time.monotonic()
            client.get("/api/v1/health")
            took.append(time.monotonic() - began)
    print(f"GET /health beside {STREAMS} streams: median {statistics.median(took) * 1e3:.1f} ms")
    stop.set()


if __name__ == "__main__":
    main()
