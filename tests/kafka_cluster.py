"""librdkafka's mock cluster: one broker on a loopback port, which speaks Kafka's protocol, gone with its producer."""

from confluent_kafka import Consumer, Producer, TopicPartition


class Cluster:
    """A cluster whose topics have four partitions."""

    def __init__(self) -> None:
        self._producer = Producer(
            {"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0, "compression.type": "zstd"}
        )
        broker = next(iter(self._producer.list_topics(timeout=20).brokers.values()))
        self.address = f"{broker.host}:{broker.port}"
        self._sent = 0

    def send(self, topic: str, *values: bytes) -> None:
        """Each to the next partition; they are at the broker when this returns."""
        for value in values:
            self._producer.produce(topic, value, partition=self._sent % 4)
            self._sent += 1
        assert self._producer.flush(20) == 0

    def behind(self, topic: str, group: str) -> int:
        """Messages that the group has not said it has."""
        asker = Consumer({"bootstrap.servers": self.address, "group.id": group, "log_level": 0})
        try:
            partitions = [TopicPartition(topic, n) for n in range(4)]
            said = {p.partition: max(p.offset, 0) for p in asker.committed(partitions, timeout=20)}
            return sum(asker.get_watermark_offsets(p, timeout=20)[1] - said[p.partition] for p in partitions)
        finally:
            asker.close()
