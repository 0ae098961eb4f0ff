"""The relay: publishes a service's events in commit order, none lost, none inverted, whatever is killed.

One relay of a service works at a time (an advisory lock on its own connection); each takes up the cursor under a new
term, so one that lost the lock without noticing is stopped at the cursor. Publishing again is harmless: consumers know
every event's place in the order, pass by what they have heard, and wait where something before it is missing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.envelope import Mark, headers, topic
from shared.bus.batches import Batches
from shared.bus.broker import new_producer, partition_of, wait_for_topics
from shared.bus.cursor import Cursor, LostLeadership, SavedCursor
from shared.bus.marks import low_water
from shared.database import UNAVAILABLE, Connection
from shared.eventstore.store import EventStore
from shared.settings import ServiceSettings
from shared.telemetry import semconv
from shared.telemetry.metrics import Metrics
from shared.telemetry.tracing import SpanKind, sampled, start_span_at

logger = logging.getLogger(__name__)

BATCH = 1000
TICK = 0.25  # seconds between looks when nobody wakes the relay
GATE_LOOKS = (0.001, 0.001, 0.002, 0.002, 0.005, 0.005, 0.01, 0.02)  # another transaction may hide what was committed
SAVE_EVERY = 0.2  # seconds; a cursor saved late only means publishing again
CHECK_EVERY = 1.0
STANDBY = 0.5

_LOCK = "SELECT pg_try_advisory_lock(hashtext('presswork.relay.' || current_schema()))"
_SUBSCRIBERS = "SELECT subscriber, marks, missing FROM subscribers"
_SERVED = "UPDATE subscribers SET missing = false WHERE subscriber = ANY ($1::text[])"


class Emptied(Exception):
    """The broker does not hold any more what it acknowledged."""


class Repartitioned(Exception):
    """The topic has got another number of partitions."""


class Relay:
    """Run `run()` in a task; call `wake()` after each commit."""

    def __init__(self, settings: ServiceSettings, store: EventStore, metrics: Metrics) -> None:
        self._settings = settings
        self._store = store
        self._metrics = metrics
        self._topic = topic(store.service)
        self._wake = asyncio.Event()
        self._cursor = Cursor()
        self._saved_at = 0.0
        self.leading = False

    def wake(self) -> None:
        """Something was committed."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled. Lost servers are waited for."""
        while True:
            try:
                await self._lead()
            except LostLeadership:
                logger.info("another relay of %s took over", self._store.service)
            except Emptied:
                logger.warning("the broker was emptied; %s refills it", self._store.service)
                continue
            except Repartitioned:
                logger.warning("the topic of %s has another number of partitions", self._store.service)
                continue
            except (KafkaError, *UNAVAILABLE) as error:
                logger.warning("the relay of %s waits: %s", self._store.service, error or type(error).__name__)
            finally:
                self.leading = False
            await asyncio.sleep(STANDBY)

    async def _lead(self) -> None:
        connection = await self._store.database.connect()
        try:
            # Losing the last cursor moves only means publishing again, so they need not wait for the disk.
            await connection.execute("SET synchronous_commit = off")
            await _until_leader(connection)
            async with self._clients() as (producer, watcher):
                saved = SavedCursor(connection)
                self._cursor = await saved.take_up()
                self.leading = True
                try:
                    await self._pump(connection, saved, producer, watcher)
                finally:
                    with suppress(LostLeadership, *UNAVAILABLE):
                        await saved.save(self._cursor)
        finally:
            with suppress(*UNAVAILABLE):
                await connection.close(timeout=2)

    @asynccontextmanager
    async def _clients(self) -> AsyncIterator[tuple[AIOKafkaProducer, AIOKafkaConsumer]]:
        """What publishes, and what looks whether the broker still holds it."""
        url, settings = self._settings.kafka_url, self._settings
        await wait_for_topics(
            url, [self._topic], partitions=settings.kafka_partitions, replication=settings.kafka_replication
        )
        producer = new_producer(url, self._store.service)
        watcher = AIOKafkaConsumer(bootstrap_servers=url.split(","), request_timeout_ms=5_000, group_id=None)
        try:
            await producer.start()
            await watcher.start()
            yield producer, watcher
        finally:
            await _stop(producer.stop(), watcher.stop())

    async def _pump(
        self, connection: Connection, saved: SavedCursor, producer: AIOKafkaProducer, watcher: AIOKafkaConsumer
    ) -> None:
        partitions = len(await producer.partitions_for(self._topic)) or 1
        if partitions != self._cursor.partitions:
            self._cursor = self._cursor.repartitioned(partitions)
        checked = -CHECK_EVERY
        looks = iter(GATE_LOOKS)
        while True:
            self._wake.clear()
            if time.monotonic() - checked > CHECK_EVERY:
                if len(await producer.partitions_for(self._topic)) != partitions:
                    raise Repartitioned
                await self._check_broker(connection, saved, watcher)
                checked = time.monotonic()
            rows = await self._store.in_commit_order(self._cursor.mark, BATCH, connection)
            if rows:
                await self._publish(connection, saved, producer, rows)
                looks = iter(GATE_LOOKS)
            if time.monotonic() - self._saved_at > SAVE_EVERY:
                await self._save(saved)
            if len(rows) == BATCH:
                continue
            # What the gate still hides comes by itself; for the rest, whoever commits wakes the relay.
            hidden = not self._wake.is_set() and await self._store.any_after(self._cursor.mark, connection)
            with suppress(TimeoutError):
                async with asyncio.timeout(next(looks, TICK) if hidden else TICK):
                    await self._wake.wait()
                looks = iter(GATE_LOOKS)

    async def _publish(
        self, connection: Connection, saved: SavedCursor, producer: AIOKafkaProducer, rows: Sequence[Any]
    ) -> None:
        """Publish these rows; the cursor moves when the broker has all of them, so a failure moves nothing."""
        started = time.time_ns()
        cursor = self._cursor
        last, offsets = dict(cursor.last), dict(cursor.offsets)
        batches = Batches(producer, self._topic)
        for row in rows:
            partition = partition_of(row["stream_id"], cursor.partitions)
            previous = last.get(partition, cursor.held)
            wire = self._store.wire(row, cursor.epoch, cursor.partitions, previous)
            last[partition] = wire.mark
            await batches.add(partition, wire.meta.stream_id.bytes, wire.data, headers(wire))
        for kept in await batches.kept():
            if kept.first <= offsets.get(kept.partition, -1):
                await self._refill(connection, saved)
                raise Emptied
            offsets[kept.partition] = kept.last
        mark = Mark(rows[-1]["transaction_id"], rows[-1]["position"])
        self._cursor = replace(cursor, mark=mark, last=last, offsets=offsets)
        self._note(rows, started)

    def _note(self, rows: Sequence[Any], started: int) -> None:
        ended = time.time_ns()
        self._metrics.relay_publish_duration.observe((ended - started) / 1e9)
        counts: dict[str, int] = {}
        for row in rows:
            counts[row["type"]] = counts.get(row["type"], 0) + 1
            if row["traceparent"] is not None and sampled(row["traceparent"]):
                start_span_at(
                    semconv.send_name(self._topic),
                    SpanKind.PRODUCER,
                    row["traceparent"],
                    semconv.sending(
                        self._topic,
                        event_id=str(row["event_id"]),
                        event_type=row["type"],
                        stream_id=str(row["stream_id"]),
                        correlation=str(row["correlation_id"]),
                    ),
                    started,
                    ended,
                )
        for kind, count in counts.items():
            self._metrics.events_published.labels(kind).inc(count)

    async def _save(self, saved: SavedCursor) -> None:
        self._saved_at = time.monotonic()
        await saved.save(self._cursor)

    async def _check_broker(self, connection: Connection, saved: SavedCursor, watcher: AIOKafkaConsumer) -> None:
        """Notice a broker that came back with less than it had acknowledged, also when there is nothing to publish."""
        if self._cursor.offsets:
            places = [TopicPartition(self._topic, partition) for partition in self._cursor.offsets]
            ends = await watcher.end_offsets(places)
            # Only this relay writes here. (Tansu counts a batch as one message in this answer, so only zero tells.)
            if any(ends[place] == 0 for place in places):
                await self._refill(connection, saved)
                raise Emptied
        await self._serve_missing(connection, saved)

    async def _refill(self, connection: Connection, saved: SavedCursor) -> None:
        """Go back to what some subscriber has not heard, under a new epoch, which tells consumers to begin anew."""
        marks = [low_water(row["marks"]) for row in await connection.fetch(_SUBSCRIBERS)]
        self._cursor = self._cursor.refilling(min([self._cursor.mark, *marks]))
        await self._save(saved)

    async def _serve_missing(self, connection: Connection, saved: SavedCursor) -> None:
        """A subscriber to whom something is missing in the topic gets it again; the others pass by it."""
        rows = await connection.fetch(_SUBSCRIBERS)
        heard = {row["subscriber"]: low_water(row["marks"]) for row in rows}
        asking = {row["subscriber"] for row in rows if row["missing"]}
        names = [name for name, mark in heard.items() if name in asking or mark < self._cursor.held]
        if not names:
            return
        lowest = min(self._cursor.mark, *(heard[name] for name in names))
        logger.warning("%s misses events; %s publishes them again", ", ".join(names), self._store.service)
        async with connection.transaction():
            self._cursor = self._cursor.back_to(lowest)
            await self._save(saved)
            await connection.execute(_SERVED, names)


async def _until_leader(connection: Connection) -> None:
    """Wait for the lock; it is free as soon as its holder's connection ends."""
    while not await connection.fetchval(_LOCK):  # noqa: ASYNC110 - a lock in the database sends no event
        await asyncio.sleep(STANDBY)


async def _stop(*closing: Any) -> None:
    """Close what may hang on a broker that is gone."""
    await asyncio.gather(*(asyncio.wait_for(each, 3) for each in closing), return_exceptions=True)
