"""One process for each role: together they are one service, and as quick."""

from __future__ import annotations

import statistics
import time
from uuid import uuid4

from tests.kit.house import House, gather
from tests.waiting import eventually

_RECEIPTS = "SELECT count(*) FROM events WHERE type = 'Receipted'"


async def test_roles_in_processes_of_their_own_wake_each_other(here: House) -> None:
    """From a payment to its receipt the story passes five processes.

    None waits for its next look at the database, which would take a quarter of a second at the relay and at the worker.
    """
    consumer, *_ = await gather(
        here.start("ledger", "consumer"),
        here.start("ledger", "worker"),
        here.start("ledger", "http"),
        here.start("till", "relay"),
        here.start("till", "http"),
    )
    await here.subscribed(consumer)
    await here.pay(uuid4())
    await eventually(lambda: here.ledger.value(_RECEIPTS), within=30)
    seconds = []
    for done in range(1, 21):
        began = time.perf_counter()
        await here.pay(uuid4())

        async def receipted(expected: int = done + 1) -> bool:
            return await here.ledger.value(_RECEIPTS) == expected

        await eventually(receipted)
        seconds.append(time.perf_counter() - began)
    assert statistics.median(seconds) < 0.2, seconds
    await here.arrival(within=5)
