"""The consumer: hears other services' events, and lets each take effect exactly once.

Promises: a batch's effects and the marks of how far it was heard are one transaction; a message heard before is passed
by; one before which something is missing is passed by too, until it comes again in order; a failing event sets its
stream aside (parks it) and lets others flow; a broker that lost everything, or a client that hangs, ends in a new
subscription, never in a loss. Offsets kept by the broker are only a hint where to begin.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError
from faststream import AckPolicy

from contracts.envelope import MalformedMessage, Mark, Wire, glance, read, topic
from shared.bus.broker import new_broker, wait_for_topics
from shared.bus.inbox import Heard, Inbox, Stopping
from shared.bus.marks import Place
from shared.bus.pace import Pace
from shared.database import UNAVAILABLE
from shared.eventstore.unit import Fenced
from shared.settings import ServiceSettings
from shared.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

LOOK_AFTER_EVERY = 1.0  # seconds between looks at lag, health and parked events
STRIKES = 3  # failed looks in a row after which the subscription is made anew
JOINING = 45.0  # seconds without an answer from the group; the client itself would wait for ever
PATIENCE = 20.0  # seconds behind without hearing anything, after which it is made anew too
MISSING_AFTER = 1.0  # seconds that a gap may last before the source is asked to fill it; most refills take less
ASK_AGAIN = 30.0  # seconds that filling it may take


class Resubscribe(Exception):
    """The subscription is no good any more; the text says why."""


class Consumer(ConsumerRebalanceListener):  # type: ignore[misc]
    """Run `run()` in a task; `stop()` waits for the batch in work."""

    def __init__(self, settings: ServiceSettings, inbox: Inbox, sources: Sequence[str], metrics: Metrics) -> None:
        self._settings = settings
        self._inbox = inbox
        self._sources = {topic(source): source for source in sources}
        self._metrics = metrics
        self._marks = inbox.marks
        self._busy = asyncio.Lock()
        self._stopping = False
        self._committed: dict[TopicPartition, int] = {}
        self._gaps: dict[Place, float] = {}  # since when something is missing before what comes
        self._asked: dict[str, float] = {}
        self._heard_at = 0.0
        self._lost = False  # how far it has heard is not known
        self.assigned = False

    async def run(self) -> None:
        """Until `stop()`. Lost servers are waited for."""
        while not self._stopping:
            try:
                await self._subscribed()
            except Resubscribe as reason:
                logger.warning("%s subscribes anew: %s", self._inbox.store.service, reason)
                self._metrics.consumer_restarts.inc()
            except (Fenced, Stopping) as reason:
                logger.info("%s: %s", self._inbox.store.service, reason)
            except (KafkaError, ConsumerStoppedError, *UNAVAILABLE) as error:
                logger.warning("%s waits for its servers: %s", self._inbox.store.service, error or type(error).__name__)
                self._metrics.consumer_restarts.inc()
            finally:
                self.assigned = False
            if not self._stopping:
                await asyncio.sleep(0.3)

    async def stop(self) -> None:
        """Let the batch in work finish, then no more; while the database is away, it is left for next time."""
        self._stopping = True
        self._inbox.stop()
        async with self._busy:
            pass

    async def heard(self) -> dict[str, list[list[int]]]:
        """How far each source was heard, as it is reported to it."""
        return await self._marks.report(list(self._sources.values()))

    def misses(self, source: str) -> bool:
        """Whether the source should publish again what was not heard."""
        now = time.monotonic()
        lasting = any(place[0] == source and now - since > MISSING_AFTER for place, since in self._gaps.items())
        return lasting and now - self._asked.get(source, -ASK_AGAIN) >= ASK_AGAIN

    def asked(self, source: str) -> None:
        """The source was told so."""
        self._asked[source] = time.monotonic()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Rebalance waits for work in flight."""
        async with self._busy:
            self.assigned = False

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Others may have moved the marks meanwhile."""
        async with self._busy:
            self._gaps = {}
            try:
                await self._inbox.load()
            except UNAVAILABLE:
                self._lost = True  # an error would be lost in the client
            else:
                self.assigned = True

    async def _subscribed(self) -> None:
        settings = self._settings
        await wait_for_topics(
            settings.kafka_url,
            list(self._sources),
            partitions=settings.kafka_partitions,
            replication=settings.kafka_replication,
        )
        broker = new_broker(settings.kafka_url, self._inbox.store.service)
        # No handler: the kit drains the subscription itself, because FastStream's loop sleeps after an empty poll.
        subscriber = broker.subscriber(
            *self._sources,
            batch=True,
            group_id=f"presswork-{self._inbox.store.service}",
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=settings.kafka_fetch_wait_ms,  # until the pace is known
            max_partition_fetch_bytes=4 * 1024 * 1024,
            session_timeout_ms=settings.kafka_session_ms,
            heartbeat_interval_ms=1_000,
            listener=self,
        )
        try:
            self._lost = False
            await asyncio.wait_for(broker.start(), 60)
            consumer: AIOKafkaConsumer = subscriber.consumer
            self._committed = {}
            await self._drain(consumer)
            await self._marks.flush()  # or the broker would be told of what the marks do not say
            await self._tell_broker(consumer)
        finally:
            with suppress(KafkaError, OSError, TimeoutError):
                await asyncio.wait_for(broker.stop(), 5)

    async def _drain(self, consumer: AIOKafkaConsumer) -> None:
        strikes, looked, self._heard_at = 0, time.monotonic(), time.monotonic()
        pace = Pace(self._settings.kafka_fetch_brief_ms, self._settings.kafka_fetch_wait_ms)
        rest = self._settings.kafka_rest_ms / 1000
        while not self._stopping:
            if self._lost:
                raise Resubscribe("how far it has heard could not be read")
            consumer._fetcher._fetch_max_wait_ms = pace.milliseconds  # there is no public way to change it
            try:
                async with asyncio.timeout(JOINING):  # or it waits for its partitions as long as the group likes
                    polled = await consumer.getmany(timeout_ms=200, max_records=self._settings.kafka_batch)
            except TimeoutError:
                raise Resubscribe(f"the group gave no partitions for {JOINING:g} s") from None
            look = time.monotonic() - looked > LOOK_AFTER_EVERY
            try:
                async with self._busy:
                    if polled and self.assigned:  # else it was just taken away, and comes again to whoever has it
                        self._heard_at = time.monotonic()
                        pace.note(sum(map(len, polled.values())))
                        await self._take(consumer, polled)
                    if look:
                        await self._inbox.retry_parked()
                        await self._marks.flush()
            except Fenced as reason:
                logger.info("%s: %s", self._inbox.store.service, reason)
                await self._begin_again(consumer)
                continue
            if not look:
                if polled and rest:
                    await asyncio.sleep(rest)
                continue
            try:
                await asyncio.wait_for(self._look_after(consumer), 3)
                strikes = 0
            except (KafkaError, TimeoutError, OSError) as error:
                strikes += 1
                if strikes >= STRIKES:
                    raise Resubscribe(f"the broker does not answer ({type(error).__name__})") from error
            looked = time.monotonic()

    async def _begin_again(self, consumer: AIOKafkaConsumer) -> None:
        """The marks are not where they were thought to be: learn them, and hear again from where the broker knows."""
        await self._inbox.load()
        self._committed, self._gaps = {}, {}
        places = consumer.assignment()
        first = await consumer.beginning_offsets(places)
        for place in places:
            told = await consumer.committed(place)
            consumer.seek(place, first[place] if told is None else told)

    async def _take(self, consumer: AIOKafkaConsumer, polled: dict[TopicPartition, list[ConsumerRecord]]) -> None:
        """Handle one poll in one transaction, as long as it takes."""
        heard: list[Heard] = []
        reached: dict[Place, tuple[Mark, int]] = {}
        asked: dict[str, bool] = {}
        for place, records in polled.items():
            source = self._sources[place.topic]
            for record in records:
                wire: Wire | None = None  # of what nobody here wants to hear, only its place is read
                try:
                    attributes = dict(record.headers)
                    seen = glance(attributes)
                    if self._inbox.hears(seen.type) or await self._inbox.hears_now(seen.type, asked):
                        wire = read(attributes, record.value, seen)
                except MalformedMessage as error:
                    # Not ours, or damaged: it has no place in any stream, so nothing can wait for it.
                    logger.error("%s[%d]@%d: %s", place.topic, place.partition, record.offset, error)
                    continue
                if not self._marks.knows(source, seen.partitions) and await self._marks.open(source, seen.partitions):
                    raise Fenced(f"{place.topic} has {seen.partitions} partitions now.")
                key = (source, seen.partitions, place.partition)
                heard_to = reached[key][0] if key in reached else self._marks.of(key)
                if seen.mark <= heard_to:
                    continue  # heard before
                if self._marks.is_closed(source, seen.partitions):
                    continue  # it comes again where it belongs now
                if seen.previous > heard_to:
                    if await self._rewound(consumer, place, key, record.offset, seen.epoch):
                        break
                    continue  # it comes again, in order
                self._gaps.pop(key, None)
                reached[key] = (seen.mark, seen.epoch)
                if wire is not None and not self._marks.was_heard_elsewhere(source, wire):
                    heard.append(Heard(wire, key, record.offset))
            else:
                self._committed[place] = records[-1].offset + 1
        await self._inbox.take(heard, reached)

    async def _rewound(
        self, consumer: AIOKafkaConsumer, place: TopicPartition, key: Place, offset: int, epoch: int
    ) -> bool:
        """Something is missing before this message. In a refilled topic it may lie before it: look there, once."""
        if key not in self._gaps:
            logger.warning("%s[%d]@%d: something before it is missing", place.topic, place.partition, offset)
            self._gaps[key] = time.monotonic()
        if not self._marks.is_new_epoch(key, epoch):
            return False
        self._marks.begin_epoch(key, epoch)
        first: int = (await consumer.beginning_offsets([place]))[place]
        if first >= offset:
            return False
        logger.warning("%s was refilled; %s begins anew", place.topic, self._inbox.store.service)
        consumer.seek(place, first)
        return True

    async def _look_after(self, consumer: AIOKafkaConsumer) -> None:
        """Lag, and whether this subscription still hears."""
        places = consumer.assignment()
        if not places:
            return
        ends = await consumer.end_offsets(places)
        behind = 0
        for place in places:
            position = await consumer.position(place)
            high = consumer.highwater(place)
            if high is not None and position > high:
                # The broker lost what was heard; what it gets now begins at its beginning.
                consumer.seek(place, (await consumer.beginning_offsets([place]))[place])
            lag = max(0, max(ends[place], high or 0) - position)
            self._metrics.consumer_lag.labels(place.topic, str(place.partition)).set(lag)
            behind += lag
        if behind and time.monotonic() - self._heard_at > PATIENCE:
            raise Resubscribe(f"{behind} messages wait, but none was heard for {PATIENCE:.0f} s")
        await self._tell_broker(consumer)

    async def _tell_broker(self, consumer: AIOKafkaConsumer) -> None:
        """A hint where to begin next time; the truth is in the marks."""
        offsets = {place: offset for place, offset in self._committed.items() if place in consumer.assignment()}
        self._committed = {}
        if offsets:
            with suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(consumer.commit(offsets), 2)
