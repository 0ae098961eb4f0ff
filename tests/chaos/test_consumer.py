"""What the ledger makes of the payments it hears: each once and in order, whatever happens to its consumers."""

from __future__ import annotations

import asyncio
import random
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from contracts.envelope import topic
from tests.kit.house import House, gather

NO_RECEIPT = {"none": True}


async def echo(house: House) -> None:
    """Deliver every message of the till twice: each is sent again to its partition, late. Until cancelled."""
    url, name = house.environment["PRESSWORK_KAFKA_URL"], topic(house.till.name)
    heard = set()
    async with (
        AIOKafkaProducer(bootstrap_servers=url) as producer,
        AIOKafkaConsumer(name, bootstrap_servers=url, auto_offset_reset="earliest", fetch_max_wait_ms=20) as consumer,
    ):
        async for record in consumer:
            event_id = dict(record.headers)["ce_id"]
            if event_id not in heard:
                heard.add(event_id)
                await producer.send(
                    name, record.value, key=record.key, partition=record.partition, headers=list(record.headers)
                )


async def test_consumers_that_die_and_messages_that_repeat_cause_each_effect_once(anywhere: House) -> None:
    """Two members share three partitions; one after the other is killed within a transaction, and all comes twice.

    The ledger's transactions linger, so that a kill meets them between writing and committing.
    """
    await anywhere.ledger.linger(0.05)
    _, _, first, second = await gather(
        anywhere.start("till", "http"),
        anywhere.start("till", "relay"),
        anywhere.start("ledger", "consumer", PRESSWORK_KAFKA_BATCH="7"),
        anywhere.start("ledger", "consumer", PRESSWORK_KAFKA_BATCH="7"),
    )
    members = [first, second]
    customers = [uuid4() for _ in range(12)]
    echoing = asyncio.create_task(echo(anywhere))

    async def write() -> None:
        for _ in range(60):
            await anywhere.pay(random.choice(customers), count=random.choice((1, 2)), receipt=NO_RECEIPT)
            await asyncio.sleep(0.02)

    async def kill() -> None:
        await anywhere.subscribed(first)
        for _ in range(4):
            await asyncio.sleep(random.uniform(0.2, 0.8))
            await members.pop(0).kill()
            members.append(await anywhere.start("ledger", "consumer", PRESSWORK_KAFKA_BATCH="7"))

    try:
        await gather(kill(), write(), write())
        await anywhere.arrival(within=60)
    finally:
        echoing.cancel()


async def test_members_that_come_and_go_in_peace_leave_nothing_undone(here: House) -> None:
    """A rebalance waits for the work in flight; a stopped member tells how far it came."""
    first = await here.start("ledger", "consumer")
    await gather(here.start("till", "http"), here.start("till", "relay"), here.subscribed(first))
    customers = [uuid4() for _ in range(8)]

    async def write() -> None:
        for _ in range(80):
            await here.pay(random.choice(customers), receipt=NO_RECEIPT)
            await asyncio.sleep(0.02)

    async def come_and_go() -> None:
        second = await here.start("ledger", "consumer")
        await here.subscribed(second)
        assert await first.stop(), "it had to be killed"
        await here.start("ledger", "consumer")

    await gather(write(), come_and_go())
    await here.arrival(within=60)
