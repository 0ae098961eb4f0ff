"""The relay: publishes a service's events in commit order, none lost, none inverted, whatever is killed.

One relay of a service works at a time (an advisory lock on its own connection); its cursor moves by compare-and-set, so
one that lost the lock without noticing is stopped at the cursor. Publishing again is harmless: consumers know every
event's place in the order and pass by what they have heard.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.envelope import START, Mark, headers, topic
from shared.bus.broker import new_producer, partition_of, wait_for_topics
from shared.database import UNAVAILABLE, Connection
from shared.eventstore.store import EventStore
from shared.settings import ServiceSettings
from shared.telemetry import semconv
from shared.telemetry.metrics import Metrics
from shared.telemetry.tracing import SpanKind, start_span_at

logger = logging.getLogger(__name__)

BATCH = 1000
TICK = 0.25  # seconds between looks when nobody wakes the relay
GATE_LOOKS = (0.001, 0.001, 0.002, 0.002, 0.005, 0.005, 0.01, 0.02)  # another transaction may hide what was committed
SAVE_EVERY = 0.2  # seconds; a cursor saved late only means publishing again
CHECK_EVERY = 1.0
STANDBY = 0.5

_LOCK = "SELECT pg_try_advisory_lock(hashtext('presswork.relay.' || current_schema()))"
_CURSOR = "SELECT epoch, transaction_id, position, held_transaction_id, held_position, offsets FROM relay_cursor"
_MOVE = """
UPDATE relay_cursor
SET epoch = $3, transaction_id = $4, position = $5, held_transaction_id = $6, held_position = $7, offsets = $8,
    moved_at = now()
WHERE transaction_id = $1 AND position = $2
"""
_SUBSCRIBERS = "SELECT marks FROM subscribers"


class LostLeadership(Exception):
    """Another relay of this service moved the cursor."""


class Emptied(Exception):
    """The broker does not hold any more what it acknowledged."""


@dataclass(slots=True)
class Cursor:
    epoch: int
    mark: Mark
    held: Mark  # the broker holds what comes after this mark
    offsets: dict[int, int]  # partition → offset of the last message

    def copy(self) -> Cursor:
        return Cursor(self.epoch, self.mark, self.held, dict(self.offsets))


class Relay:
    """Run `run()` in a task; call `wake()` after each commit."""

    def __init__(self, settings: ServiceSettings, store: EventStore, metrics: Metrics) -> None:
        self._settings = settings
        self._store = store
        self._metrics = metrics
        self._topic = topic(store.service)
        self._wake = asyncio.Event()
        self._saved = Cursor(0, START, START, {})
        self._cursor = self._saved.copy()
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
            await wait_for_topics(
                self._settings.kafka_url,
                [self._topic],
                partitions=self._settings.kafka_partitions,
                replication=self._settings.kafka_replication,
            )
            producer = new_producer(self._settings.kafka_url, self._store.service)
            watcher = AIOKafkaConsumer(
                bootstrap_servers=self._settings.kafka_url.split(","), request_timeout_ms=5_000, group_id=None
            )
            await producer.start()
            try:
                await watcher.start()
                await self._take_up(connection)
                self.leading = True
                await self._pump(connection, producer, watcher)
            finally:
                await _stop(producer.stop(), watcher.stop())
        finally:
            with suppress(*UNAVAILABLE):
                await self._save(connection)
            with suppress(*UNAVAILABLE):
                await connection.close(timeout=2)

    async def _take_up(self, connection: Connection) -> None:
        row = await connection.fetchrow(_CURSOR)
        offsets = {int(partition): offset for partition, offset in row["offsets"].items()}
        mark = Mark(row["transaction_id"], row["position"])
        held = Mark(row["held_transaction_id"], row["held_position"])
        self._saved = Cursor(row["epoch"], mark, held, offsets)
        self._cursor = self._saved.copy()

    async def _pump(self, connection: Connection, producer: AIOKafkaProducer, watcher: AIOKafkaConsumer) -> None:
        partitions = len(await producer.partitions_for(self._topic)) or 1
        await self._check_broker(connection, watcher)
        checked = time.monotonic()
        looks: Iterator[float] = iter(())
        while True:
            self._wake.clear()
            rows = await self._store.in_commit_order(self._cursor.mark, BATCH, connection)
            if rows:
                await self._publish(connection, producer, rows, partitions)
                looks = iter(GATE_LOOKS)
            if time.monotonic() - self._saved_at > SAVE_EVERY:
                await self._save(connection)
            if time.monotonic() - checked > CHECK_EVERY:
                await self._check_broker(connection, watcher)
                checked = time.monotonic()
            if len(rows) == BATCH:
                continue
            pause = next(looks, TICK)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()
                looks = iter(GATE_LOOKS)

    async def _publish(
        self, connection: Connection, producer: AIOKafkaProducer, rows: Sequence[Any], partitions: int
    ) -> None:
        started = time.time_ns()
        sent = []
        for row in rows:
            wire = self._store.wire(row, self._cursor.epoch)
            partition = partition_of(wire.meta.stream_id, partitions)
            sent.append(
                await producer.send(
                    self._topic,
                    value=wire.data,
                    key=wire.meta.stream_id.bytes,
                    partition=partition,
                    headers=headers(wire),
                )
            )
        for future in sent:
            report = await future
            if report.offset <= self._cursor.offsets.get(report.partition, -1):
                await self._refill(connection)
                raise Emptied
            self._cursor.offsets[report.partition] = report.offset
        last = rows[-1]
        self._cursor.mark = Mark(last["transaction_id"], last["position"])
        self._note(rows, started)

    def _note(self, rows: Sequence[Any], started: int) -> None:
        ended = time.time_ns()
        self._metrics.relay_publish_duration.observe((ended - started) / 1e9)
        counts: dict[str, int] = {}
        for row in rows:
            counts[row["type"]] = counts.get(row["type"], 0) + 1
            if row["traceparent"] is not None:
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

    async def _save(self, connection: Connection) -> None:
        self._saved_at = time.monotonic()
        if self._cursor == self._saved:
            return
        moved = await connection.execute(
            _MOVE,
            self._saved.mark.transaction_id,
            self._saved.mark.position,
            self._cursor.epoch,
            self._cursor.mark.transaction_id,
            self._cursor.mark.position,
            self._cursor.held.transaction_id,
            self._cursor.held.position,
            {str(partition): offset for partition, offset in self._cursor.offsets.items()},
        )
        if moved != "UPDATE 1":
            raise LostLeadership
        self._saved = self._cursor.copy()

    async def _check_broker(self, connection: Connection, watcher: AIOKafkaConsumer) -> None:
        """Notice a broker that came back with less than it had acknowledged, also when there is nothing to publish."""
        if self._cursor.offsets:
            places = [TopicPartition(self._topic, partition) for partition in self._cursor.offsets]
            ends = await watcher.end_offsets(places)
            # Only this relay writes here. (Tansu counts a batch as one message in this answer, so only zero tells.)
            if any(ends[place] == 0 for place in places):
                await self._refill(connection)
                raise Emptied
        await self._serve_newcomers(connection)

    async def _refill(self, connection: Connection) -> None:
        """Go back to what some subscriber has not heard, under a new epoch, which tells consumers to begin anew."""
        lowest = await self._lowest(connection)
        self._cursor = Cursor(self._cursor.epoch + 1, lowest, lowest, {})
        await self._save(connection)

    async def _serve_newcomers(self, connection: Connection) -> None:
        """A subscriber that has heard less than the broker holds gets the rest as well; the others pass by it."""
        lowest = await self._lowest(connection)
        if lowest < self._cursor.held:
            self._cursor.mark = self._cursor.held = lowest
            await self._save(connection)

    async def _lowest(self, connection: Connection) -> Mark:
        """What every subscriber has heard, and not beyond what is published."""
        marks = [low_water(row["marks"]) for row in await connection.fetch(_SUBSCRIBERS)]
        return min([self._cursor.mark, *marks])


def low_water(marks: Sequence[Sequence[int]]) -> Mark:
    """What a subscriber has surely heard of every stream; marks are [partitions, partition, transaction, position].

    When the number of partitions changed, rows of both numbers say something about a stream; the higher one holds.
    """
    heard: dict[int, dict[int, Mark]] = {}
    for partitions, partition, transaction_id, position in marks:
        heard.setdefault(partitions, {})[partition] = Mark(transaction_id, position)
    complete = [
        min(places.get(partition, START) for partition in range(partitions)) for partitions, places in heard.items()
    ]
    return max(complete, default=START)


async def _until_leader(connection: Connection) -> None:
    """Wait for the lock; it is free as soon as its holder's connection ends."""
    while not await connection.fetchval(_LOCK):  # noqa: ASYNC110 - a lock in the database sends no event
        await asyncio.sleep(STANDBY)


async def _stop(*closing: Any) -> None:
    """Close what may hang on a broker that is gone."""
    for each in closing:
        with suppress(KafkaError, OSError, TimeoutError):
            await asyncio.wait_for(each, 3)
