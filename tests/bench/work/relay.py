"""Events published by the relay from a filled store, and the same messages sent by a bare producer."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from contracts.envelope import START, Headers, headers, topic
from services.workflow.app import service
from shared.bus.broker import wait_for_topics
from shared.eventstore.store import EventStore
from shared.kit import Kit
from tests.bench.work import main
from tests.bench.work.kits import kit, traced

_FILL = """
INSERT INTO events (stream_type, stream_id, version, event_id, type, schema_version, data,
                    correlation_id, causation_id, actor, traceparent, recorded_at)
SELECT 'workflow', stream, version, gen_random_uuid(), 'PlatformReadyForReview', 1,
       jsonb_build_object('workflow_id', stream, 'user_id', stream, 'workflow_status', 'running',
                          'platform', 'linkedin', 'draft_id', gen_random_uuid(), 'iteration', 1, 'score', 90,
                          'reason', 'good_enough'),
       stream, gen_random_uuid(), stream, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', now()
FROM (SELECT gen_random_uuid() AS stream FROM generate_series(1, $1)) AS streams, generate_series(1, 20) AS version
"""
_WARM = 2_000  # events after which the clock starts: connections are made, code is warm


_SKIP = """
UPDATE relay_cursor SET transaction_id = last.transaction_id::text::bigint, position = last.position
FROM (SELECT transaction_id, position FROM events ORDER BY transaction_id DESC, position DESC LIMIT 1) AS last
"""


async def measure(
    database_url: str, kafka_url: str, count: int, tracing: bool, bare: bool = True, grown: bool = False
) -> dict[str, Any]:
    """Events a second from the first batches to the last; `bare`: of a producer that is handed ready messages.

    `grown`: what is there already was published long ago.
    """
    if tracing:
        traced("workflow")
    connection = await asyncpg.connect(database_url)
    if grown:
        await connection.execute(_SKIP)
    for _ in range(count // 2000):
        await connection.execute(_FILL, 100)
    if not grown:
        await connection.execute("ANALYZE events")
    await connection.close()
    opened = kit(service, database_url, kafka_url)
    await opened.database.open()
    try:
        relayed = await _relayed(opened, count)
        return {"rate": relayed, "bare": 0 if tracing or not bare else await _bare(opened, kafka_url, count)}
    finally:
        await opened.database.close()


async def _relayed(opened: Kit, count: int) -> float:
    running = asyncio.create_task(opened.relay.run())
    began, first = 0.0, 0.0
    try:
        while (published := _published(opened)) < count:
            if not began and published >= _WARM:
                began, first = time.perf_counter(), published
            await asyncio.sleep(0.002)
        return (count - first) / (time.perf_counter() - began)
    finally:
        running.cancel()
        await asyncio.wait([running])


def _published(opened: Kit) -> float:
    return sum(sample.value for metric in opened.metrics.events_published.collect() for sample in metric.samples
               if sample.name.endswith("_total"))  # fmt: skip


async def _bare(opened: Kit, kafka_url: str, count: int) -> float:
    """The same messages, made beforehand, in whole batches."""
    ready = await _messages(opened.store, count)
    place = topic("bare")
    await wait_for_topics(kafka_url, [place], partitions=1, replication=1)
    producer = AIOKafkaProducer(bootstrap_servers=kafka_url, acks="all", max_batch_size=256 * 1024)
    await producer.start()
    try:
        began = time.perf_counter()
        sent, batch = [], producer.create_batch()
        for key, value, pairs in ready:
            while batch.append(key=key, value=value, timestamp=None, headers=pairs) is None:
                batch.close()
                sent.append(await producer.send_batch(batch, place, partition=0))
                batch = producer.create_batch()
        batch.close()
        sent.append(await producer.send_batch(batch, place, partition=0))
        await asyncio.gather(*sent)
        return len(ready) / (time.perf_counter() - began)
    finally:
        await producer.stop()


async def _messages(store: EventStore, count: int) -> list[tuple[bytes, bytes, Headers]]:
    wires = [store.wire(row, 0) for row in await store.in_commit_order(START, count)]
    return [(wire.meta.stream_id.bytes, wire.data, headers(wire)) for wire in wires]


if __name__ == "__main__":
    main(measure)
