"""One process for each role: together they are one service, and as quick."""

from __future__ import annotations

import statistics
import time
from uuid import uuid4

from tests.kit.house import House, gather
from tests.waiting import eventually

TICK = "30"
_RECEIPTS = "SELECT count(*) FROM events WHERE type = 'Receipted'"


async def test_roles_in_processes_of_their_own_wake_each_other(here: House) -> None:
    """From a payment to its receipt the story passes five processes.

    None waits for its next look at the database, which would take half a minute at the relay and at the worker.
    """
    consumer, *_ = await gather(
        here.start("ledger", "consumer"),
        here.start("ledger", "worker", PRESSWORK_KIT_TICK=TICK),
        here.start("ledger", "http"),
        here.start("till", "relay", PRESSWORK_KIT_TICK=TICK),
        here.start("till", "http"),
    )
    await here.subscribed(consumer)
    await here.pay(uuid4())
    await eventually(lambda: here.ledger.value(_RECEIPTS), within=60)
    seconds = []
    for done in range(1, 21):
        began = time.perf_counter()
        await here.pay(uuid4())

        async def receipted(expected: int = done + 1) -> bool:
            return await here.ledger.value(_RECEIPTS) == expected

        await eventually(receipted)
        seconds.append(time.perf_counter() - began)
    assert statistics.median(seconds) < 5, seconds
    await here.arrival(within=45)
