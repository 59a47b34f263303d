"""How fast files and messages become events: records a second by format, on one core, and the memory it takes.

Run: PYTHONPATH=src:tests python benchmarks/formats.py [ROWS]
"""

import io
import random
import resource
import sys
import time
from collections.abc import Callable

from messages import SAMPLES
from tables import AREAS, CITY, MAPPING, NOW, WRITERS, settings
from tocsin import config
from tocsin.ingest import parse

PART = 1000  # rows made at a time
STREAMED = ("json|lines", "hl7-adt", "hl7-oru", "fhir|lines")


class Made(io.RawIOBase):
    """A file of any length that is made while it is read."""

    def __init__(self, rows: int, write: Callable[[list[list[str]]], bytes]) -> None:
        self.rows, self.write_rows, self.at, self.held, self.size = rows, write, 0, b"", 0

    def read(self, size: int = -1) -> bytes:
        while len(self.held) < size and self.at < self.rows:
            last = min(self.at + PART, self.rows)
            self.held += self.write_rows(table(self.at, last))
            self.at = last
        out, self.held = self.held[:size], self.held[size:]
        self.size += len(out)
        return out


def table(first: int, last: int) -> list[list[str]]:
    return [[f"v{i}", f"2026-03-{i % 28 + 1:02d}", "2026-04-02", "1101", "流感", "1"] for i in range(first, last)]


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    files(rows)
    messages(rows)


def files(rows: int) -> None:
    """Tables: a line list, keyed by a column or by the digest of each row."""
    chance = random.Random(1)
    cases = [
        [str(i), f"2026-0{chance.randint(1, 6)}-{chance.randint(1, 28):02}", "2026-07-01", "1101", "流感", "1"]
        for i in range(rows)
    ]
    for key, key_line in (("key column", 'key = "id"'), ("row digest", "")):
        city = config.parse(CITY + MAPPING + key_line)
        for name, write in WRITERS.items():
            data = write(cases)
            stream = io.BytesIO(data)
            began = time.process_time()
            n = sum(1 for _ in parse(city.source("clinic"), stream, file="f", tree=AREAS, settings=city, received=NOW))
            spent = time.process_time() - began
            peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{name:14} {n / spent:9,.0f} records/s  {len(data) / 1e6:7.1f} MB  peak {peak_mb:5,.0f} MB  {key}")


def messages(rows: int) -> None:
    """Messages and documents."""
    for name, sample in SAMPLES.items():
        city = settings(*sample.mapping(name))
        if name in STREAMED:
            stream = Made(rows, sample.write)
        else:
            stream = Made(0, sample.write)
            stream.held = sample.write(table(0, rows))
        began = time.process_time()
        n = sum(1 for _ in parse(city.source("clinic"), stream, file="f", tree=AREAS, settings=city, received=NOW))
        spent = time.process_time() - began
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        how = "streamed, made on the way" if name in STREAMED else "whole"
        print(f"{name:14} {n / spent:9,.0f} records/s  {stream.size / 1e6:7.1f} MB  peak {peak_mb:5,.0f} MB  {how}")


if __name__ == "__main__":
    main()
