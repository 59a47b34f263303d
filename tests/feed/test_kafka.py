"""Kafka's protocol through a real peer: offsets move when messages are durable, over members that come, go and die."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError
from click.testing import CliRunner

from feed.lines import ROWS, Failing, city, go, row, running, stored, until
from kafka_cluster import Cluster
from tocsin import cli, loop
from tocsin.errors import FeedError
from tocsin.feed import kafka


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return Cluster()


def feed(cluster: Cluster, topic: str) -> str:
    return f'kind = "kafka"\nservers = "{cluster.address}"\ntopic = "{topic}"\n'


def rows(count: int, first: int = 0) -> list[bytes]:
    return [row(f"k{n}") for n in range(first, first + count)]


def test_offsets_wait_for_the_store_and_partitions_pause_meanwhile(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is away: nothing is committed, so after a death all of it comes again. It is back: it goes on."""
    made = city(tmp_path, ROWS, feed(cluster, "waits"))
    cluster.send("waits", *rows(30))
    monkeypatch.setattr(kafka, "LOOK", 0.05)

    async def dies() -> None:
        monkeypatch.setattr(loop, "receive", Failing(away=10**6, landed=3))
        async with running(made) as (site, _):
            await until(lambda: site.feeds["rows"].state == "paused", "paused")
            assert "disk is full" in site.feeds["rows"].problem
            await asyncio.sleep(0.3)
            assert site.feeds["rows"].messages == 0
        monkeypatch.undo()

    async def lives() -> None:
        monkeypatch.setattr(kafka, "LOOK", 0.05)
        monkeypatch.setattr(loop, "receive", Failing(away=40, landed=5))
        async with running(made) as (site, _):
            await until(lambda: site.feeds["rows"].messages >= 30, "30 messages")
            assert stored(site)[:2] == (30, 0)
            assert site.feeds["rows"].state == "up"
            cluster.send("waits", *rows(10, 25))
            await until(lambda: site.feeds["rows"].messages >= 40, "40 messages")
            assert stored(site)[:2] == (35, 0)

    go(dies)
    go(lives)


class Moved:
    """A consumer of which a partition went away, and to which one came, while it was busy."""

    def __init__(self, *ours: int) -> None:
        self.ours, self.committed, self.sought, self.stopped = ours, {}, [], set()
        self.fails: Exception | None = None

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition("t", n) for n in self.ours}

    def paused(self) -> set[TopicPartition]:
        return self.stopped

    def pause(self, *partitions: TopicPartition) -> None:
        self.stopped |= set(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        self.stopped -= set(partitions)

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        return {} if self.sought else {TopicPartition("t", 2): [SimpleNamespace(offset=7), SimpleNamespace(offset=8)]}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.sought.append((partition.partition, offset))

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        if self.fails:
            raise self.fails
        self.committed |= {p.partition: offset for p, offset in offsets.items()}


def test_a_partition_that_moves_is_neither_committed_nor_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each moment of it, with a consumer that is made up; groups of two are in tests/scenario/test_kafka_group.py."""
    monkeypatch.setattr(kafka, "LOOK", 0.02)
    came = {TopicPartition("t", n): [SimpleNamespace(offset=4), SimpleNamespace(offset=5)] for n in (0, 1)}

    async def main() -> None:
        consumer = Moved(0, 2)
        during = []

        async def work() -> None:
            await asyncio.sleep(0.2)
            during.append(set(consumer.paused()))

        await kafka._paused_while(consumer, work())
        assert during == [{TopicPartition("t", 0), TopicPartition("t", 2)}]
        assert (consumer.paused(), consumer.sought) == (set(), [(2, 7)])
        await kafka._commit(consumer, came)
        assert consumer.committed == {0: 6}
        consumer.fails = CommitFailedError()
        await kafka._commit(consumer, came)  # the group has gone on without us: it will see them again

    go(main)


def test_a_try_takes_the_last_message_and_moves_no_offset(tmp_path: Path, cluster: Cluster) -> None:
    cluster.send("tried", row("k1"))
    made = city(tmp_path, ROWS, feed(cluster, "tried"))
    args = ["feed", "test", "rows", "--city", str(made)]
    done = CliRunner().invoke(cli._tocsin, args, standalone_mode=False)
    assert (done.exception, done.return_value) == (None, 0)
    for words in ("4 partitions of tried hold 1 messages", "kafka tried/", "1 events, 0 findings"):
        assert words in done.output


def test_a_cluster_that_is_not_there_is_said(tmp_path: Path) -> None:
    made = city(tmp_path, ROWS, 'kind = "kafka"\nservers = "127.0.0.1:1"\ntopic = "t"\n')
    args = ["feed", "test", "rows", "--city", str(made)]
    done = CliRunner().invoke(cli._tocsin, args, standalone_mode=False)
    assert isinstance(done.exception, FeedError)
    assert "127.0.0.1" in str(done.exception)

    async def main() -> None:
        async with running(made) as (site, _):
            await until(lambda: site.feeds["rows"].state == "down", "down")
            assert "127.0.0.1" in site.feeds["rows"].problem

    go(main)
