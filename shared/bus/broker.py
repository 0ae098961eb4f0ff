"""Kafka for one service: a FastStream broker that holds the connection, the topics and the subscription."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Sequence
from uuid import UUID

from aiokafka import AIOKafkaClient, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError
from faststream.kafka import KafkaBroker

logger = logging.getLogger(__name__)

# A message store that forgot everything is refilled, so old messages need not be kept for ever.
RETENTION_MS = 30 * 24 * 3600 * 1000
BUCKETS = 256  # most partitions a topic can have


def partition_of(stream_id: UUID, partitions: int) -> int:
    """Where a stream's events travel. Fixed here, so that every relay and every consumer agrees."""
    return zlib.crc32(stream_id.bytes) % BUCKETS % partitions


def new_broker(url: str, service: str) -> KafkaBroker:
    """The FastStream broker of a service; `url` is host:port, comma separated."""
    return KafkaBroker(
        url.split(","),
        client_id=f"presswork-{service}",
        logger=logging.getLogger("presswork.bus"),
        request_timeout_ms=10_000,
        allow_auto_create_topics=False,
        metadata_max_age_ms=2_000,  # a topic missing when the group was joined is noticed soon, and joined again
        apply_types=False,
    )


def new_producer(url: str, service: str) -> AIOKafkaProducer:
    """A producer that reports each message only when all in-sync replicas have it.

    Idempotence is the consumers' (they know every event's place), so a broker without it will do.
    """
    return AIOKafkaProducer(
        bootstrap_servers=url.split(","),
        client_id=f"presswork-{service}-relay",
        acks="all",
        linger_ms=0,
        max_batch_size=256 * 1024,
        max_request_size=4 * 1024 * 1024,
        request_timeout_ms=10_000,
        metadata_max_age_ms=30_000,
    )


async def ensure_topics(url: str, topics: Sequence[str], *, partitions: int, replication: int) -> None:
    """Make the topics that are missing. Raises KafkaError when the broker cannot be reached."""
    client = AIOKafkaClient(bootstrap_servers=url.split(","), request_timeout_ms=5_000)
    admin = AIOKafkaAdminClient(bootstrap_servers=url.split(","), request_timeout_ms=5_000)
    try:
        await client.bootstrap()
        await admin.start()
        known = set(await admin.list_topics())
        for topic in topics:
            if topic in known:
                continue
            try:
                await admin.create_topics(
                    [
                        NewTopic(
                            topic,
                            partitions,
                            replication,
                            topic_configs={"retention.ms": str(RETENTION_MS)},
                        )
                    ]
                )
            except TopicAlreadyExistsError:
                logger.debug("topic %s was made by another service", topic)
    finally:
        await admin.close()
        await client.close()


async def wait_for_topics(url: str, topics: Sequence[str], *, partitions: int, replication: int) -> None:
    """The same, patiently: a broker that is away is waited for."""
    delay = 0.1
    while True:
        try:
            await ensure_topics(url, topics, partitions=partitions, replication=replication)
        except (KafkaError, OSError, TimeoutError) as error:
            logger.warning("the broker at %s cannot be reached (%s); trying again", url, type(error).__name__)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 3.0)
        else:
            return
