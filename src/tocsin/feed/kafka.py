"""A consumer group of a Kafka cluster: offsets are committed when what stands before them is durable. I/O.

While the store does not take what came, the partitions are paused; the group keeps us as a member. A partition that
goes to another member in the middle comes there again from its last commit: known already, counted once.
"""

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from tocsin.config.feeds import KafkaFeed, password, words
from tocsin.errors import FeedError
from tocsin.feed import tls
from tocsin.feed.contract import Deliver, Message, Say, Status, durable, sentence

LOOK = 1.0  # seconds for what came to become durable before the partitions are paused; then, between signs of life

Came = dict[TopicPartition, list[ConsumerRecord]]


class Kafka:
    """Some topics of one cluster, as one member of a group."""

    alone = False  # members share the partitions

    def __init__(self, feed: KafkaFeed, source: str, beside: Path, env: Mapping[str, str]) -> None:
        """ConfigError for secrets and certificates that cannot be had."""
        self._feed, self._group = feed, feed.group or f"tocsin-{source}"
        secret = password(feed, beside, env)
        self._ways: dict[str, Any] = {"bootstrap_servers": words(feed.servers), "enable_auto_commit": False}
        self._ways["security_protocol"] = ("SASL_" if feed.user else "") + ("SSL" if feed.tls else "PLAINTEXT")
        if feed.tls:
            self._ways["ssl_context"] = tls.reaching(beside, feed.ca, feed.cert, feed.key)
        if feed.user:
            self._ways |= {
                "sasl_mechanism": feed.mechanism,
                "sasl_plain_username": feed.user,
                "sasl_plain_password": secret,
            }

    async def run(self, deliver: Deliver, status: Status) -> None:
        """Take messages until cancelled; FeedError when the cluster cannot be reached or refuses us."""
        consumer = AIOKafkaConsumer(
            *words(self._feed.topic), group_id=self._group, auto_offset_reset=self._feed.since, **self._ways
        )
        async with _started(consumer):
            status.now("up")
            while True:
                came: Came = await consumer.getmany(timeout_ms=1000, max_records=self._feed.batch)
                if came:
                    said = [_message(r) for some in came.values() for r in some if r.value]  # without: "deleted"
                    await _paused_while(consumer, durable(deliver, said, status))
                    await _commit(consumer, came)

    async def sample(self, say: Say) -> Message:
        """The last message there is, else the next to come; the group is not touched."""
        topics = words(self._feed.topic)
        consumer = AIOKafkaConsumer(*topics, **self._ways)
        async with _started(consumer):
            found = sorted(consumer.assignment())
            say(f"connected to {', '.join(words(self._feed.servers))}")
            if not found:
                raise FeedError(f"there is no topic {' or '.join(topics)}, or {self._feed.user or 'we'} may not see it")
            begin, end = await consumer.beginning_offsets(found), await consumer.end_offsets(found)
            held = sum(end[p] - begin[p] for p in found)
            waiting = "" if held else "; waiting"
            say(f"{len(found)} partitions of {', '.join(topics)} hold {held:,} messages{waiting}")
            for p in found:
                consumer.seek(p, max(begin[p], end[p] - 1))
            return _message(await consumer.getone())


@contextlib.asynccontextmanager
async def _started(consumer: AIOKafkaConsumer) -> Any:
    """The consumer, begun; its own errors in words; ended whatever happens."""
    try:
        await consumer.start()
        yield
    except KafkaError as e:
        raise FeedError(f"Kafka: {sentence(e)}") from e
    finally:
        with contextlib.suppress(asyncio.CancelledError):  # of its own tasks, which it lets through
            await consumer.stop()


async def _paused_while(consumer: AIOKafkaConsumer, work: Coroutine[Any, Any, Any]) -> None:
    """Do the work; if it takes long, pause, and go on asking for nothing, which says that we live."""
    task = asyncio.get_running_loop().create_task(work)
    try:
        await asyncio.wait({task}, timeout=LOOK)
        while not task.done():
            consumer.pause(*consumer.assignment())
            for partition, some in (await consumer.getmany(timeout_ms=0)).items():  # came to us just now
                consumer.seek(partition, some[0].offset)
            await asyncio.wait({task}, timeout=LOOK)
        task.result()
    finally:
        consumer.resume(*consumer.paused())
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _commit(consumer: AIOKafkaConsumer, came: Came) -> None:
    ours = consumer.assignment()
    with contextlib.suppress(CommitFailedError, IllegalStateError):  # they went to another member: it will see them
        await consumer.commit({p: some[-1].offset + 1 for p, some in came.items() if p in ours})


def _message(record: ConsumerRecord) -> Message:
    return Message(record.value or b"", f"kafka {record.topic}/{record.partition}@{record.offset}")
