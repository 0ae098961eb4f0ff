"""Servers that vanish, come back empty or restart: work goes on, and everything arrives once and in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.kafka.runner import ApacheKafka
from tests.conftest import absent
from tests.kit.house import House, gather
from tests.waiting import eventually

Broker = EmbeddedBroker | ApacheKafka
CUSTOMERS = [uuid4() for _ in range(9)]
A_WHILE = 10  # times that somebody pays


async def emptied(broker: Broker) -> None:
    await asyncio.to_thread(broker.restart, empty=True)


async def everywhere(house: House) -> None:
    consumer, *_ = await gather(
        house.start("ledger", "consumer"),
        house.start("ledger", "worker"),
        house.start("till", "http"),  # the ledger reports here how far it has heard
        house.start("till", "relay"),
    )
    await house.subscribed(consumer)


async def paying(house: House, during: Callable[[], Awaitable[object]]) -> None:
    """Pay on and on: a while before, meanwhile, and a while after it."""
    over = asyncio.Event()
    paid = 0

    async def pay() -> None:
        nonlocal paid
        while not over.is_set():
            await house.pay(random.choice(CUSTOMERS), count=2)
            paid += 1
            await asyncio.sleep(0.03)  # between two customers

    async def meanwhile() -> None:
        await eventually(lambda: paid >= A_WHILE, within=60)
        await during()
        before = paid
        await eventually(lambda: paid >= before + A_WHILE, within=60)
        over.set()

    await gather(pay(), pay(), meanwhile())


async def receipts_are_out(house: House) -> bool:
    rows = await house.ledger.fetch("SELECT customer_id, payments, receipts FROM totals")
    assert all(row["payments"] == row["receipts"] for row in rows), "some receipts are missing or came twice"
    return True


async def test_a_broker_that_comes_back_empty_while_work_goes_on(anywhere: House, broker: Broker) -> None:
    await everywhere(anywhere)
    await paying(anywhere, lambda: emptied(broker))
    await anywhere.arrival(within=60)
    await eventually(lambda: receipts_are_out(anywhere), within=45)


async def test_a_broker_emptied_of_what_a_consumer_had_not_heard_yet(anywhere: House, broker: Broker) -> None:
    """The consumer comes back to a topic whose first message is not the next for it, and waits for the refill.

    Without saying in each message what came before it, the first one published to the emptied broker would be taken for
    the next, and all between be lost. The second time, the broker loses everything while nobody is there to notice.
    """
    await everywhere(anywhere)
    await gather(*(anywhere.pay(customer, count=2) for customer in CUSTOMERS))
    await anywhere.arrival(within=60)
    await eventually(anywhere.till_knows_how_far_it_was_heard)
    await anywhere.processes[0].kill()
    await gather(*(anywhere.pay(customer, count=5) for customer in CUSTOMERS))
    await eventually(anywhere.till_is_published)
    await emptied(broker)
    await paying(anywhere, lambda: anywhere.start("ledger", "consumer"))
    await anywhere.arrival(within=60)

    await anywhere.processes[-1].kill()
    await gather(*(anywhere.pay(customer, count=3) for customer in CUSTOMERS))
    await eventually(anywhere.till_is_published, within=60)
    await gather(*(process.kill() for process in anywhere.processes))
    await emptied(broker)
    await everywhere(anywhere)
    await anywhere.arrival(within=60)
    await eventually(lambda: receipts_are_out(anywhere), within=45)


async def test_a_newcomer_hears_what_the_topic_does_not_hold_any_more(here: House, tansu: EmbeddedBroker) -> None:
    """The broker was refilled for others; a service that never heard of it asks for the rest."""
    await gather(here.start("till", "http"), here.start("till", "relay"))
    await gather(*(here.pay(customer, count=3) for customer in CUSTOMERS))
    await eventually(here.till_is_published)
    everything = (
        "SELECT jsonb_agg(jsonb_build_array(2, partition, 1e9::bigint, 1)) FROM generate_series(0, 1) AS partition"
    )
    await here.till.fetch(f"INSERT INTO subscribers (subscriber, marks) SELECT 'another', ({everything})")
    await emptied(tansu)
    await gather(*(here.pay(customer) for customer in CUSTOMERS))
    await eventually(here.till_is_published, within=60)
    await here.start("ledger", "consumer")
    await here.arrival(within=45)


async def test_a_topic_that_gets_more_partitions(here: House, tansu: EmbeddedBroker) -> None:
    """Streams change places; what was and was not heard from their old ones stays known."""
    await gather(here.start("till", "http"), here.start("till", "relay"), here.start("ledger", "consumer"))
    await gather(*(here.pay(customer, count=3) for customer in CUSTOMERS))
    await here.arrival(within=60)
    await gather(*(process.kill() for process in here.processes))
    await emptied(tansu)
    here.environment["PRESSWORK_KAFKA_PARTITIONS"] = "5"
    await gather(here.start("till", "http"), here.start("till", "relay"), here.start("ledger", "consumer"))
    await gather(*(here.pay(customer, count=2) for customer in CUSTOMERS))
    await here.arrival(within=45)
    layouts = await here.ledger.fetch("SELECT DISTINCT partitions, closed FROM heard ORDER BY partitions")
    assert [tuple(row) for row in layouts] == [(2, True), (5, False)]


@pytest.mark.parametrize("how", ["killed", "restarted"])
async def test_a_database_that_restarts_while_work_goes_on(here: House, postgres: object, how: str) -> None:
    if not isinstance(postgres, EmbeddedPostgres):
        absent("PRESSWORK_POSTGRES_URL names a server that is not ours to restart")
    await everywhere(here)

    def restart() -> None:
        postgres.kill() if how == "killed" else postgres.stop()
        postgres.start()

    await paying(here, lambda: asyncio.to_thread(restart))
    await here.arrival(within=45)
    await eventually(lambda: receipts_are_out(here), within=45)


async def test_a_service_ends_when_asked_to_though_its_database_is_away(here: House, postgres: object) -> None:
    """It does not wait for a server that may not come back; what it had in hand is heard again."""
    if not isinstance(postgres, EmbeddedPostgres):
        absent("PRESSWORK_POSTGRES_URL names a server that is not ours to stop")
    await everywhere(here)
    await here.ledger.linger(0.3)
    writing = asyncio.create_task(here.pay(CUSTOMERS[0], count=30))
    await writing
    await asyncio.to_thread(postgres.kill)
    try:
        assert await here.processes[0].stop(), "it had to be killed"
    finally:
        await asyncio.to_thread(postgres.start)
    await here.start("ledger", "consumer")
    await here.arrival(within=60)
