"""Till and ledger in one process on the real store; a topic in memory does on command what brokers do at worst.

Every step is one thing a real process does between two moments at which it could die: the relay publishes some events,
saves its cursor, a member of the group handles some messages, tells how far it came. Nobody holds a lock or owns a
partition here, so that twins and zombies meet all the time.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError
from cryptography.fernet import Fernet

from contracts.envelope import topic
from deploy.embedded.given import GivenPostgres
from deploy.embedded.postgres import EmbeddedPostgres
from shared import internal_api
from shared.bus import consumer as consuming
from shared.bus.broker import partition_of
from shared.bus.cursor import LostLeadership, SavedCursor
from shared.bus.relay import Emptied, Relay
from shared.database import Connection
from shared.eventstore.unit import Fenced
from shared.kit import Kit
from tests.kit import ledger, till
from tests.kit.house import House, house
from tests.kit.settings import KitSettings

NOBODY = "127.0.0.1:9"
FIT = 2  # messages in a batch
PLACE = topic(till.service.name)
_OPEN_APPEND = """
INSERT INTO events (stream_type, stream_id, version, event_id, type, schema_version, data, correlation_id, recorded_at)
VALUES ('customer', $1, 1, gen_random_uuid(), 'Paid', 1, $2, $1, now())
"""


@dataclass
class Lingering:
    """A transaction that has its id, perhaps its position too, and is not committed."""

    connection: Connection
    transaction: Any
    customer: UUID = field(default_factory=uuid4)
    positioned: bool = False

    async def take_position(self) -> None:
        if not self.positioned:
            data = {"number": 1, "amount": 1, "receipt": {"none": True}}
            await self.connection.execute(_OPEN_APPEND, self.customer, data)
        self.positioned = True


@dataclass
class Batch:
    """Few messages fit, so that what is published at once may fail in parts."""

    messages: list[tuple[Any, bytes]] = field(default_factory=list)

    def append(self, *, timestamp: None, key: bytes, value: bytes, headers: Any) -> object:
        if len(self.messages) == FIT:
            return None
        self.messages.append((headers, value))
        return self

    def close(self) -> None:
        pass

    def record_count(self) -> int:
        return len(self.messages)


@dataclass
class Topic:
    """Partitions of (headers, value); offsets count from 0, also after it was emptied."""

    partitions: int
    logs: list[list[tuple[Any, bytes]]] = field(default_factory=list)
    lose: int = 0  # so many batches fail before one gets through: they expired
    deny: int = 0  # so many batches are kept, but their sender is told they failed: an answer that got lost

    def __post_init__(self) -> None:
        self.empty()

    def empty(self, partitions: int | None = None) -> None:
        """Come back with nothing, and perhaps with another number of partitions."""
        self.partitions = partitions or self.partitions
        self.logs = [[] for _ in range(self.partitions)]

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, _: str, partition: int) -> asyncio.Future[Any]:
        report: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self.lose:
            self.lose -= 1
            report.set_exception(KafkaTimeoutError("lost"))
            return report
        first = len(self.logs[partition])
        self.logs[partition] += batch.messages
        if self.deny:
            self.deny -= 1
            report.set_exception(KafkaTimeoutError("denied"))
        else:
            report.set_result(SimpleNamespace(offset=first))
        return report

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: len(self.logs[place.partition]) for place in places}


class Publisher:
    """A relay, step by step; it never looks for a lock."""

    def __init__(self, kit: Kit, connection: Connection, kafka: Topic) -> None:
        self._kit = kit
        self._connection = connection
        self._topic = kafka
        self._relay = Relay(kit.settings, kit.store, kit.metrics)
        self._saved = SavedCursor(connection)

    async def take_up(self) -> None:
        """Start, as after a crash: all that is remembered is what was saved."""
        self._saved = SavedCursor(self._connection)
        self._relay._cursor = await self._saved.take_up()
        if self._relay._cursor.partitions != self._topic.partitions:
            self._relay._cursor = self._relay._cursor.repartitioned(self._topic.partitions)

    async def publish(self, most: int) -> int:
        """Publish some events, and take up again what could not be; how many there were."""
        if self._relay._cursor.partitions != self._topic.partitions:
            await self.take_up()
        rows = await self._kit.store.in_commit_order(self._relay._cursor.mark, most, self._connection)
        if rows:
            try:
                await self._relay._publish(self._connection, self._saved, self._topic, rows)
            except (Emptied, KafkaTimeoutError, LostLeadership):
                await self.take_up()
        return len(rows)

    async def check(self) -> None:
        """Look whether the broker still holds what it should, and who misses something; save the cursor."""
        try:
            await self._relay._check_broker(self._connection, self._saved, self._topic)
            await self._relay._save(self._saved)
        except (Emptied, LostLeadership):
            await self.take_up()

    async def save(self) -> None:
        """Save the cursor, unless it is another's."""
        try:
            await self._relay._save(self._saved)
        except LostLeadership:
            await self.take_up()


class Member:
    """A consumer of the ledger's group that may be given any partition at any time."""

    def __init__(self, kit: Kit, kafka: Topic) -> None:
        self._kit = kit
        self._topic = kafka
        self._positions: dict[int, int] = {}

    async def start(self) -> None:
        """Subscribe, as after a crash: positions are the broker's, and it knows none."""
        self._positions = {}
        self._kit.consumer._gaps = {}
        await self._kit.inbox.load()

    async def hear(self, partition: int, most: int) -> int:
        """Handle the next messages of a partition in one transaction; how many there were."""
        if partition >= self._topic.partitions:
            return 0
        log = self._topic.logs[partition]
        begin = self._positions.get(partition, 0)
        if begin > len(log):
            begin = 0  # out of range: the client begins anew
        records = [
            SimpleNamespace(headers=headers, value=value, offset=begin + n)
            for n, (headers, value) in enumerate(log[begin : begin + most])
        ]
        self._positions[partition] = begin + len(records)
        if records:
            try:
                await self._kit.consumer._take(self, {TopicPartition(PLACE, partition): records})  # type: ignore[arg-type, dict-item]
            except Fenced:
                await self.start()
        return len(records)

    async def tend(self) -> None:
        """What the consumer does every second: what was set aside, marks without effects."""
        try:
            await self._kit.inbox.retry_parked()
            await self._kit.inbox.marks.flush()
        except Fenced:
            await self.start()

    async def report(self, till_kit: Kit, name: str) -> None:
        """Tell the till how far it was heard, and whether something is missing."""
        marks = (await self._kit.consumer.heard())[till.service.name]
        missing = self._kit.consumer.misses(till.service.name)
        await till_kit.database.pool.execute(internal_api._REGISTER, name, marks, missing)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._positions[place.partition] = offset

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)


@dataclass
class World:
    """All of it. Customers pay at the till; what the ledger has must always be the beginning of that."""

    house: House
    till: Kit
    topic: Topic
    publishers: list[Publisher]
    members: list[Member]
    customers: list[UUID]
    lingering: list[Lingering] = field(default_factory=list)

    async def pay(self, customer: int, count: int) -> None:
        """Append some payments; between them an event that nobody hears."""
        receipt = {"none": True}
        await self.till.handle(till.Pay(self.customers[customer], count, 1, receipt, close=count > 1), actor=None)

    async def begin_to_pay(self, *, positioned: bool = True) -> None:
        """Let a transaction take its id and perhaps a position for a new customer's payment, and not commit yet."""
        connection = await self.till.database.connect()
        begun = Lingering(connection, connection.transaction())
        await begun.transaction.start()
        await connection.execute("SELECT pg_current_xact_id()")
        if positioned:
            await begun.take_position()
        self.lingering.append(begun)

    async def end_paying(self, which: int, *, commit: bool) -> None:
        """Commit (with a position, taken now if there was none yet) or roll back."""
        begun = self.lingering.pop(which)
        if commit:
            await begun.take_position()
        await (begun.transaction.commit() if commit else begun.transaction.rollback())
        await begun.connection.close()

    async def ban(self, customer: int) -> None:
        """Let this customer's payments fail in the ledger."""
        await self.house.ledger.fetch("INSERT INTO banned VALUES ($1) ON CONFLICT DO NOTHING", self.customers[customer])

    async def pardon(self) -> None:
        """Mend that, and have an operator retry what was set aside."""
        await self.house.ledger.fetch("DELETE FROM banned")
        await self.house.ledger.fetch("UPDATE parked_events SET next_attempt_at = now() WHERE attempts > 0")

    async def nothing_came_twice_or_out_of_order(self) -> None:
        paid, posted = await self.house.paid(), await self.house.posted()
        for customer, numbers in posted.items():
            assert numbers == paid[customer][: len(numbers)], f"{numbers} of {paid[customer]}"

    async def settle(self) -> None:
        """Servers come back, faults are mended, everybody goes on: then everything must have arrived once."""
        self.topic.lose = self.topic.deny = 0
        while self.lingering:
            await self.end_paying(0, commit=True)
        await self.pardon()
        publisher = self.publishers[0]
        await publisher.take_up()  # the other is gone
        for _ in range(12):
            await publisher.check()
            while await publisher.publish(100):
                pass
            for member in self.members:
                for partition in range(self.topic.partitions):
                    while await member.hear(partition, 100):
                        pass
                await member.tend()
                await member.report(self.till, "ledger")
            if await self._arrived():
                break
        await self.house.everything_arrived_once()
        assert await self.house.ledger.fetch("SELECT type, error FROM parked_events") == []

    async def _arrived(self) -> bool:
        paid, posted = await self.house.paid(), await self.house.posted()
        return {key: len(numbers) for key, numbers in paid.items()} == {k: len(v) for k, v in posted.items()}


@asynccontextmanager
async def world(
    postgres: EmbeddedPostgres | GivenPostgres, folder: Path, *, partitions: int = 2
) -> AsyncIterator[World]:
    """A new one: two publishers, two members with memories of their own, four customers."""
    async with house(postgres, NOBODY, folder) as found:
        common = {"kafka_url": NOBODY, "field_keys": Fernet.generate_key().decode(), "database_pool": 2}
        common |= {"event_attempts": 2, "event_backoff": 0.001, "kafka_partitions": partitions}
        kits = [Kit(till.service, KitSettings(database_url=found.till.dsn, **common))]
        kits += [Kit(ledger.service, KitSettings(database_url=found.ledger.dsn, **common)) for _ in range(2)]
        connections: list[asyncpg.Connection] = []
        kafka = Topic(partitions)
        try:
            for kit in kits:
                await kit.database.open()
            connections += [await kits[0].database.connect() for _ in range(2)]
            made = World(
                found,
                kits[0],
                kafka,
                [Publisher(kits[0], connection, kafka) for connection in connections],
                [Member(kit, kafka) for kit in kits[1:]],
                [*customers_of(0, 2), *customers_of(1, 2)],
            )
            for publisher in made.publishers:
                await publisher.take_up()
            for member in made.members:
                await member.start()
            yield made
            while made.lingering:
                await made.end_paying(0, commit=False)
        finally:
            for connection in connections:
                await connection.close()
            for kit in kits:
                await kit.database.close()


def customers_of(partition: int, count: int) -> list[UUID]:
    """Some whose streams travel in this one of two partitions."""
    found = (UUID(int=number) for number in itertools.count(1))
    return list(itertools.islice((each for each in found if partition_of(each, 2) == partition), count))


def impatient(monkeypatch: Any) -> None:
    """What is missing is asked for at once, and again at once."""
    monkeypatch.setattr(consuming, "MISSING_AFTER", -1.0)
    monkeypatch.setattr(consuming, "ASK_AGAIN", 0.0)
