"""What one service publishes: no event lost, none inverted within its stream, whatever happens to the relays."""

from __future__ import annotations

import asyncio
import random
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.envelope import Mark, Wire, parse, topic
from shared.bus.broker import partition_of
from tests.kit.house import House, Room, gather
from tests.waiting import eventually

WRITERS = 16
PAYMENTS = 25  # a writer


async def published(house: House, room: Room, until: set[UUID], within: float) -> dict[int, list[Wire]]:
    """All messages of a service's topic by partition, from the beginning until these events are among them."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=house.environment["PRESSWORK_KAFKA_URL"], auto_offset_reset="earliest", fetch_max_wait_ms=20
    )
    await consumer.start()
    try:
        places = [TopicPartition(topic(room.name), each) for each in range(3)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        found: dict[int, list[Wire]] = {each: [] for each in range(3)}
        missing = set(until)
        async with asyncio.timeout(within):
            while missing:
                for place, records in (await consumer.getmany(timeout_ms=200)).items():
                    for record in records:
                        wire = parse(record.headers, record.value)
                        found[place.partition].append(wire)
                        missing.discard(wire.meta.event_id)
        return found
    except TimeoutError:
        raise AssertionError(f"{len(missing)} of {len(until)} events were not published") from None
    finally:
        await consumer.stop()


async def test_writers_that_linger_and_relays_that_die_lose_and_invert_nothing(anywhere: House) -> None:
    """16 writers, each transaction waiting between its positions and its commit; two relays, one after another killed.

    With a cursor of position alone this loses events (see tests/property/test_commit_order.py for the mechanism alone).
    """
    await anywhere.till.linger(0.03)
    customers = [uuid4() for _ in range(24)]
    _, *relays = await gather(
        anywhere.start("till", "http", PRESSWORK_DATABASE_POOL="20"),
        anywhere.start("till", "relay"),
        anywhere.start("till", "relay"),
    )

    async def write() -> None:
        for _ in range(PAYMENTS):
            await anywhere.pay(random.choice(customers), count=random.choice((1, 1, 3)))

    async def kill() -> None:
        for relay in relays:
            await asyncio.sleep(random.uniform(0.4, 1.0))
            await relay.kill()
            relays.append(await anywhere.start("till", "relay"))
            if len(relays) > 5:
                return

    await gather(kill(), *(write() for _ in range(WRITERS)))
    events = await anywhere.till.fetch("SELECT event_id, stream_id, version FROM events")
    assert len(events) > WRITERS * PAYMENTS
    found = await published(anywhere, anywhere.till, {row["event_id"] for row in events}, within=60)

    for partition, wires in found.items():
        heard: dict[UUID, int] = {}
        reached = Mark(0, 0)
        for wire in wires:
            assert partition_of(wire.meta.stream_id, 3) == partition
            if wire.mark <= reached:
                continue  # published again, which consumers pass by
            assert wire.previous <= reached, "something before it was not published yet"
            assert wire.meta.version == heard.get(wire.meta.stream_id, 0) + 1, "its stream is out of order"
            heard[wire.meta.stream_id], reached = wire.meta.version, wire.mark
        last: dict[UUID, int] = {}
        for row in events:
            if partition_of(row["stream_id"], 3) == partition:
                last[row["stream_id"]] = max(row["version"], last.get(row["stream_id"], 0))
        assert heard == last


async def test_the_cursor_follows_and_a_second_relay_waits(here: House) -> None:
    """Of two relays one publishes; when it is killed the other goes on from there."""
    _, first = await gather(here.start("till", "http"), here.start("till", "relay"))
    customer = uuid4()
    await here.pay(customer)

    await eventually(here.till_is_published)
    term = await here.till.value("SELECT term FROM relay_cursor")
    await here.start("till", "relay")
    await here.pay(customer)
    await eventually(here.till_is_published)
    assert await here.till.value("SELECT term FROM relay_cursor") == term, "the second relay took over from a live one"
    await first.kill()
    await here.pay(customer)
    await eventually(here.till_is_published)
    assert await here.till.value("SELECT term FROM relay_cursor") == term + 1
