"""Harmless work begins before its task is committed: it takes effect once all the same, and its failures count."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

from tests.kit import ledger
from tests.kit.house import House, gather
from tests.waiting import eventually

_OUTCOMES = """
SELECT type, (data ->> 'number')::int AS number FROM events WHERE stream_id = $1 AND type <> 'Posted' ORDER BY number
"""
_AT_ONCE = """
SELECT count(*) FROM events AS asked JOIN events AS done USING (stream_id, transaction_id)
WHERE stream_id = $1 AND asked.type = 'Posted' AND done.type = 'Receipted'
  AND asked.data -> 'number' = done.data -> 'number'
"""


async def settled(house: House, customer: UUID, within: float = 45.0) -> dict[str, list[int]]:
    """Numbers of a customer's payments by what became of their receipts, when all have come to something."""

    async def found() -> dict[str, list[int]] | None:
        by_type: dict[str, list[int]] = {"Receipted": [], "Refused": []}
        for row in await house.ledger.fetch(_OUTCOMES, customer):
            by_type[row["type"]].append(row["number"])
        paid = (await house.paid()).get(customer, [])
        return by_type if sorted(by_type["Receipted"] + by_type["Refused"]) == paid else None

    return await eventually(found, within) or {}


async def opened(house: House) -> UUID:
    """A customer whose first payment has been heard: what is heard first after a start is not begun early."""
    customer = uuid4()
    await gather(house.start("till", "all"), house.start("ledger", "all"))
    await house.subscribed(house.processes[-1])
    await house.pay(customer, receipt={"harmless": True})
    assert await settled(house, customer) == {"Receipted": [1], "Refused": []}
    return customer


async def test_what_is_done_at_once_is_recorded_with_what_asked_for_it(here: House) -> None:
    customer = await opened(here)
    for number in range(2, 12):
        await here.pay(customer, receipt={"harmless": True})
        assert (await settled(here, customer))["Receipted"] == [*range(1, number + 1)]
    assert await here.ledger.value(_AT_ONCE, customer) == 10
    await here.pay(customer, count=30, receipt={"harmless": True})  # more than there is room for
    assert (await settled(here, customer))["Receipted"] == [*range(1, 42)]
    await here.arrival(within=45)


async def test_what_takes_longer_fails_or_is_refused_ends_as_from_the_list(here: House) -> None:
    customer = await opened(here)
    plans: list[dict[str, Any]] = [
        {"seconds": 0.2},
        {"fail": 1},
        {"later": 100},
        {"give_up": True},
        {"refused": True},
        {"seconds": 60},
        {},
    ]
    for plan in plans:
        await here.pay(customer, receipt={"harmless": True, **plan})
    assert await settled(here, customer, 40) == {"Receipted": [1, 2, 3, 8], "Refused": [4, 5, 6, 7]}
    # What begins early begins again when the batch that asked for it is heard again.
    assert [attempt for attempt in await attempts(here, 3) if attempt > 1] == [2]
    assert [attempt for attempt in await attempts(here, 4) if attempt > 1] == [*range(2, ledger.ATTEMPTS + 1)]
    await here.arrival(within=45)  # no event was set aside for what its work did


async def test_what_kills_its_process_is_given_up_too(here: House) -> None:
    customer = await opened(here)
    await here.pay(customer, receipt={"harmless": True, "kill": 100})

    async def keep_running() -> None:
        while True:
            if not here.processes[-1].child.running:
                await here.start("ledger", "all")
            await asyncio.sleep(0.05)

    keeping = asyncio.create_task(keep_running())
    try:
        assert await settled(here, customer, 90) == {"Receipted": [1], "Refused": [2]}
    finally:
        keeping.cancel()
    # Once before it was on the list, and then as often as any other.
    assert await attempts(here, 2) == [1, *range(1, ledger.ATTEMPTS + 1)]
    await here.pay(customer, receipt={"harmless": True})
    assert (await settled(here, customer))["Receipted"] == [1, 3]
    await here.arrival(within=45)


async def attempts(house: House, number: int) -> list[int]:
    """Of the payment with this number; one customer alone pays here."""
    rows = await house.ledger.fetch("SELECT attempt FROM doings WHERE number = $1 ORDER BY id", number)
    return [row["attempt"] for row in rows]
