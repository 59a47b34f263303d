"""HL7 messages a second over MLLP into `tocsin serve`, each answered when it is on disk. I/O."""

import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

SECONDS = 5.0
SOURCE = """
[[sources]]
name = "visits"
format = "hl7-adt"
[sources.feed]
kind = "mllp"
port = {port}
[sources.mapping]
area = {{ value = "101" }}
signal = "ed.ili"
"""


def main() -> None:
    """Print a table: connections, sent ahead of answers, messages a second, milliseconds to the last answer."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        city = Path(folder) / "city"
        subprocess.run([sys.executable, "-m", "tocsin", "init", str(city)], check=True, capture_output=True)
        with (city / "city.toml").open("a", encoding="utf-8") as settings:
            settings.write(SOURCE.format(port=port))
        args = [sys.executable, "-m", "tocsin", "serve", "--city", str(city), "--port", "0", "--beat", "3600"]
        with subprocess.Popen(args, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as server:
            assert server.stdout is not None
            server.stdout.readline()
            time.sleep(1)
            try:
                measure(port)
            finally:
                server.terminate()


def measure(port: int) -> None:
    """All rows."""
    print(f"{'connections':>12} {'ahead':>6} {'messages/s':>11} {'median ms':>10} {'p99 ms':>8}")
    for connections, ahead in ((1, 1), (8, 1), (1, 32), (8, 32)):
        with ThreadPoolExecutor(connections) as pool:
            began = time.monotonic()
            names = [f"{ahead}x{connections}-{n}" for n in range(connections)]
            took = [s for part in pool.map(partial(send, port, ahead), names) for s in part]
            rate = len(took) * ahead / (time.monotonic() - began)
        p99 = statistics.quantiles(took, n=100)[-1]
        print(f"{connections:>12} {ahead:>6} {rate:>11,.0f} {statistics.median(took) * 1e3:>10.1f} {p99 * 1e3:>8.1f}")


def send(port: int, ahead: int, name: str) -> list[float]:
    """Seconds until `ahead` messages, sent at once, were all answered AA; again and again on one connection."""
    took, n = [], 0
    with socket.create_connection(("127.0.0.1", port), 60) as line:
        until = time.monotonic() + SECONDS
        while (began := time.monotonic()) < until:
            line.sendall(b"".join(adt(f"{name}-{n + i}") for i in range(ahead)))
            n, got = n + ahead, b""
            while got.count(b"\x1c\r") < ahead:
                got += line.recv(1 << 16)
            assert len(re.findall(rb"\rMSA\|AA\|", got)) == ahead
            took.append(time.monotonic() - began)
    return took


def adt(visit: str) -> bytes:
    """One message in its frame."""
    return (
        f"\x0bMSH|^~\\&|ED|East^99^NPI|T|C|20260302090000+0000||ADT^A04^ADT_A01|{visit}|P|2.5.1\r"
        f"PID|1||33333^^^^MR||^^^^^^~^^^^^^S|||F\rPV1|1|{'|' * 17}{visit}^^^^VN{'|' * 25}202603020830+0000\r\x1c\r"
    ).encode()


if __name__ == "__main__":
    main()
