"""A payment that cannot be entered: tried so often, then set aside with what comes after it, while others flow."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.given import GivenPostgres
from deploy.embedded.postgres import EmbeddedPostgres
from shared.parked import parked, retry
from tests.kit.house import House, gather, house
from tests.waiting import eventually

ATTEMPTS = 3
_PARKED = """
SELECT type, attempts, error, next_attempt_at, (convert_from(data, 'UTF8')::jsonb ->> 'number')::int AS number
FROM parked_events WHERE stream_id = $1 ORDER BY transaction_id, position
"""
NO_RECEIPT = {"none": True}


@pytest_asyncio.fixture(scope="module")
async def here(
    postgres: EmbeddedPostgres | GivenPostgres, tansu: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """One house for all of them; each test brings its own customers."""
    folder = tmp_path_factory.mktemp("poison")
    settings = {"PRESSWORK_EVENT_ATTEMPTS": str(ATTEMPTS), "PRESSWORK_KAFKA_SESSION_MS": "3000"}
    async with house(postgres, tansu.url, folder, **settings) as found:
        consumer, *_ = await gather(
            found.start("ledger", "consumer"), found.start("till", "http"), found.start("till", "relay")
        )
        await found.subscribed(consumer)
        yield found


async def posted(house: House, customer: UUID) -> list[int]:
    return (await house.posted()).get(customer, [])


async def arrived(house: House, customer: UUID, payments: int, within: float = 45.0) -> None:
    """Wait until so many payments of the customer are posted, and see that each was once and in order."""

    async def all_there() -> bool:
        return await posted(house, customer) == [*range(1, payments + 1)]

    await eventually(all_there, within)


async def given_up(house: House, customer: UUID) -> bool:
    rows = await house.ledger.fetch(_PARKED, customer)
    return bool(rows) and rows[0]["attempts"] == ATTEMPTS and rows[0]["next_attempt_at"] is None


async def test_a_poison_event_waits_for_an_operator_with_those_behind_it_and_holds_up_nobody_else(here: House) -> None:
    good, banned = uuid4(), uuid4()
    await here.pay(banned, receipt=NO_RECEIPT)
    await arrived(here, banned, 1)
    await here.ledger.fetch("INSERT INTO banned VALUES ($1)", banned)
    for _ in range(3):
        await here.pay(banned, receipt=NO_RECEIPT)
        await here.pay(good, count=2, receipt=NO_RECEIPT)
    await arrived(here, good, 6)
    await eventually(lambda: given_up(here, banned))
    rows = await here.ledger.fetch(_PARKED, banned)
    assert [(row["number"], row["attempts"]) for row in rows] == [(2, ATTEMPTS), (3, 0), (4, 0)]
    assert await posted(here, banned) == [1]
    [listed] = await parked(here.ledger.name, here.ledger.dsn)
    assert (listed.stream_id, listed.attempts, listed.behind) == (banned, ATTEMPTS, 2)
    assert "banned" in listed.error

    # A retry before the fault is mended fails, and is told so.
    again = await retry(here.ledger.name, here.ledger.dsn, banned)
    assert (again.streams, again.done, len(again.failed)) == (1, 0, 1)

    # What is set aside outlives the process, and what comes later still waits behind it.
    await here.processes[0].kill()
    here.processes[0] = await here.start("ledger", "consumer")
    await here.pay(banned, receipt=NO_RECEIPT)

    async def waits_too() -> bool:
        return len(await here.ledger.fetch(_PARKED, banned)) == 4

    await eventually(waits_too, within=60)
    assert await posted(here, banned) == [1]

    await here.ledger.fetch("DELETE FROM banned")
    again = await retry(here.ledger.name, here.ledger.dsn, banned)
    assert (again.streams, again.done, again.failed) == (1, 1, ())
    await arrived(here, banned, 5)
    assert await parked(here.ledger.name, here.ledger.dsn) == []
    await here.pay(banned, receipt=NO_RECEIPT)
    await arrived(here, banned, 6)


async def test_a_fault_that_passes_by_itself_needs_no_operator(here: House) -> None:
    customer = uuid4()
    await here.ledger.fetch("INSERT INTO banned VALUES ($1)", customer)
    await here.pay(customer, count=20, receipt=NO_RECEIPT)

    async def set_aside() -> bool:
        return len(await here.ledger.fetch(_PARKED, customer)) == 20

    await eventually(set_aside)
    await here.ledger.fetch("DELETE FROM banned")
    await arrived(here, customer, 20)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param({"amount": 0}, id="a value refused by a check"),
        pytest.param({"amount": 2**40}, id="a value too big for its column"),
        pytest.param({"receipt": {"lane": 7}}, id="a value of another type"),
        pytest.param({"receipt": {"due": "soon"}}, id="a bug in a reaction"),
    ],
)
async def test_what_can_never_succeed_is_no_database_that_is_away(here: House, bad: dict[str, object]) -> None:
    """Else the consumer would wait for ever for a server that is there."""
    culprit, other = uuid4(), uuid4()
    await here.pay(culprit, **bad)
    await here.pay(other, receipt=NO_RECEIPT)
    await arrived(here, other, 1)
    await eventually(lambda: given_up(here, culprit))
    assert await posted(here, culprit) == []
