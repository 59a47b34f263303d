"""How fast files become events: rows a second by format, on one core, of a made-up line list.

Run: PYTHONPATH=src:tests python benchmarks/ingest.py [ROWS]
"""

import io
import random
import resource
import sys
import time

from tables import AREAS, CITY, MAPPING, NOW, WRITERS
from tocsin import config
from tocsin.ingest import parse


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    chance = random.Random(1)
    table = [
        [str(i), f"2026-0{chance.randint(1, 6)}-{chance.randint(1, 28):02}", "2026-07-01", "1101", "流感", "1"]
        for i in range(rows)
    ]
    for keyed in (True, False):
        city = config.parse(CITY + MAPPING + ('key = "id"' if keyed else ""))
        for name, write in WRITERS.items():
            data = write(table)
            began = time.process_time()
            items = parse(city.source("clinic"), io.BytesIO(data), file="f", tree=AREAS, settings=city, received=NOW)
            n = sum(1 for _ in items)
            spent = time.process_time() - began
            peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            key = "key column" if keyed else "row digest"
            print(f"{name:8} {key:10} {n / spent:10,.0f} rows/s  {len(data) / 1e6:7.1f} MB  peak {peak_mb:,.0f} MB")


if __name__ == "__main__":
    main()
