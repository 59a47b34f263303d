"""Two servers of one city in one consumer group: one is killed, the other takes over, and every case counts once.

The peer is librdkafka's mock cluster, which joins, synchronises, times out and rebalances groups by Kafka's protocol; a
broker of the Kafka project itself needs a Java machine and is not part of the tests.
"""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx2 as httpx
import pytest

import postgres
from feed.lines import ROWS, city, row
from kafka_cluster import Cluster
from server.test_serve import PATIENCE, Served, serving
from shared import ROOT
from tocsin.store import open_store

pytestmark = pytest.mark.sqlite  # its store is a PostgreSQL of its own
MEMBER = (str(ROOT / "tests" / "kafka_member.py"),)


class Sent:
    """What was sent so far, all keys different."""

    def __init__(self, cluster: Cluster) -> None:
        self.count, self._cluster = 0, cluster

    def some(self, count: int) -> None:
        self._cluster.send("visits", *[row(f"k{n}") for n in range(self.count, self.count + count)])
        self.count += count


def line(served: Served) -> dict[str, object]:
    """How a server says its feed does."""
    with httpx.Client(base_url=served.link, timeout=PATIENCE) as client:
        return next(s["feed"] for s in client.get("/api/v1/sources").json() if s["name"] == "rows")


def until(true: Callable[[], bool], what: str, sent: Sent) -> None:
    """Wait while more comes."""
    end = time.monotonic() + 2 * PATIENCE
    while not true():
        assert time.monotonic() < end, what
        sent.some(4)
        time.sleep(0.2)


def test_one_dies_the_other_takes_over_and_a_new_one_shares_again(pg: postgres.Server, tmp_path: Path) -> None:
    cluster = Cluster()
    sent = Sent(cluster)
    sent.some(40)
    made = city(tmp_path, ROWS, f'kind = "kafka"\nservers = "{cluster.address}"\ntopic = "visits"\n')
    with (made / "city.toml").open("a") as out:
        out.write(f'[store]\nurl = "{pg.url}"\nschema = "kafka_group"\n')

    with serving(made, program=MEMBER) as first:
        until(lambda: line(first)["messages"] >= 40, "the first takes all", sent)
        with serving(made, program=MEMBER) as second:
            until(lambda: line(second)["messages"] > 0, "the second gets its share", sent)
            before = line(first)["messages"]
            until(lambda: line(first)["messages"] > before, "and the first keeps one", sent)
            sent.some(200)
            first.process.send_signal(signal.SIGKILL)  # in the middle; the group learns of it by silence
            first.process.wait(PATIENCE)
            until(lambda: cluster.behind("visits", "tocsin-rows") < 40, "the second takes over", sent)
            with serving(made, program=MEMBER) as third:
                until(lambda: line(third)["messages"] > 0, "a new one gets a share", sent)
                end = time.monotonic() + 2 * PATIENCE
                while cluster.behind("visits", "tocsin-rows"):
                    assert time.monotonic() < end, "all is committed"
                    time.sleep(0.2)
                assert third.end(signal.SIGTERM)[0] == 0
            assert second.end(signal.SIGTERM)[0] == 0

    store = open_store(made, pg.url, "kafka_group")
    events, keys, findings = (
        store.db.execute(f"SELECT COUNT({what}) FROM {table}").fetchone()[0]
        for what, table in (("*", "event"), ("DISTINCT key", "event"), ("*", "finding"))
    )
    store.close()
    assert (events, keys, findings) == (sent.count, sent.count, 0)
