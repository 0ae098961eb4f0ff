"""Messages in batches on a real broker: all of them, in order, however many batches they take."""

from __future__ import annotations

import secrets

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.embedded.broker import EmbeddedBroker
from shared.bus.batches import Batches, Kept
from shared.bus.broker import new_producer, wait_for_topics

COUNT = 400
SIZE = 2_000  # of which not all messages of a partition fit in one batch


async def heard(url: str, topic: str, partition: int, count: int) -> list[tuple[int, bytes]]:
    """Offsets and keys of a partition's messages."""
    place = TopicPartition(topic, partition)
    consumer = AIOKafkaConsumer(bootstrap_servers=url, auto_offset_reset="earliest", max_partition_fetch_bytes=4 << 20)
    async with consumer:
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        records: list[tuple[int, bytes]] = []
        while len(records) < count:
            polled = await consumer.getmany(place, timeout_ms=5_000)
            assert polled, f"only {len(records)} of {count} came"
            records += [(record.offset, record.key) for record in polled[place]]
    return records


async def published(producer: AIOKafkaProducer, topic: str, first: int) -> list[Kept]:
    batches = Batches(producer, topic)
    for number in range(first, first + COUNT):
        await batches.add(number % 2, b"%d" % number, b"x" * SIZE, [("ce_id", b"%d" % number)])
    return await batches.kept()


async def test_what_does_not_fit_in_one_batch_comes_in_several_in_order(tansu: EmbeddedBroker) -> None:
    topic = f"batches-{secrets.token_hex(4)}"
    await wait_for_topics(tansu.url, [topic], partitions=2, replication=1)
    producer = new_producer(tansu.url, "test")
    await producer.start()
    try:
        kept = [*await published(producer, topic, 0), *await published(producer, topic, COUNT)]
    finally:
        await producer.stop()
    for partition in (0, 1):
        parts = [each for each in kept if each.partition == partition]
        assert len(parts) > 2, "everything fitted"
        offsets = [offset for part in parts for offset in range(part.first, part.last + 1)]
        keys = [b"%d" % number for number in range(2 * COUNT) if number % 2 == partition]
        assert await heard(tansu.url, topic, partition, COUNT) == list(zip(offsets, keys, strict=True))
