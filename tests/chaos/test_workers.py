"""Receipts on the to-do list: each is done at least once and takes effect once, whatever happens to the workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from deploy.embedded.given import GivenPostgres
from deploy.embedded.postgres import EmbeddedPostgres
from tests.kit import ledger
from tests.kit.house import House, Process, gather, house
from tests.waiting import eventually

NOBODY = "127.0.0.1:9"  # no broker is needed for what one service does by itself
_MOST_AT_ONCE = """
SELECT max(at_once) FROM (
    SELECT (SELECT count(*) FROM doings AS other JOIN events ON events.data ->> 'number' = other.number::text
            WHERE events.stream_id = $1 AND events.type = 'Posted' AND other.process = doings.process
              AND other.began_at <= doings.began_at AND other.ended_at > doings.began_at) AS at_once
    FROM doings JOIN events ON events.data ->> 'number' = doings.number::text
    WHERE events.stream_id = $1 AND events.type = 'Posted') AS counted
"""


@pytest_asyncio.fixture(scope="module")
async def here(
    postgres: EmbeddedPostgres | GivenPostgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """A ledger to which one posts by hand; each test brings its own account."""
    async with house(postgres, NOBODY, tmp_path_factory.mktemp("workers")) as found:
        await found.start("ledger", "http")
        yield found


@pytest_asyncio.fixture
async def workers(here: House) -> list[Process]:
    """Two worker processes: those of the test before, as far as they live."""
    alive = [process for process in here.processes[1:] if process.child.running]
    started = await gather(*(here.start("ledger", "worker") for _ in range(2 - len(alive))))
    return [*alive, *started][:2]


async def outcomes(house: House, account: UUID) -> dict[str, list[int]]:
    """Numbers of the account's payments by what became of their receipts."""
    rows = await house.ledger.fetch(
        "SELECT type, (data ->> 'number')::int AS number FROM events WHERE stream_id = $1 ORDER BY number", account
    )
    found: dict[str, list[int]] = {"Posted": [], "Receipted": [], "Refused": []}
    for row in rows:
        found[row["type"]].append(row["number"])
    return found


async def attempts(house: House, number: int) -> list[int]:
    rows = await house.ledger.fetch("SELECT attempt FROM doings WHERE number = $1 ORDER BY id", number)
    return [row["attempt"] for row in rows]


async def settled(house: House, account: UUID, within: float = 45.0) -> dict[str, list[int]]:
    """What became of the account's receipts when nothing is left to do."""

    async def nothing_left() -> bool:
        left = "SELECT count(*) FROM tasks WHERE payload ->> 'customer_id' = $1"
        return await house.ledger.value(left, str(account)) == 0

    await eventually(nothing_left, within)
    return await outcomes(house, account)


_numbers = iter(range(1, 1_000_000))


async def post(house: House, account: UUID, count: int = 1, **receipt: Any) -> list[int]:
    """Post so many payments; numbers are never used twice."""
    numbers = [next(_numbers) for _ in range(count)]
    await gather(*(house.post(account, number, **receipt) for number in numbers))
    return numbers


async def test_workers_killed_in_their_work_leave_it_to_others(here: House, workers: list[Process]) -> None:
    account = uuid4()
    numbers = await post(here, account, 30, seconds=0.2)
    deadly = await post(here, account, 1, kill=1)  # its first attempt takes the process along
    await eventually(lambda: here.ledger.value("SELECT count(*) > 0 FROM doings WHERE ended_at IS NOT NULL"))

    async def somebody_died() -> bool:
        return not all(process.child.running for process in workers)

    await eventually(somebody_died)
    await gather(*(process.kill() for process in workers))
    await here.start("ledger", "worker")
    found = await settled(here, account)
    assert found["Receipted"] == sorted(numbers + deadly)
    assert await attempts(here, deadly[0]) == [1, 2]


async def test_a_worker_that_stands_still_beyond_its_lease_takes_no_effect(here: House, workers: list[Process]) -> None:
    """It wakes when another worker has done the row: both have done the work, one receipt is recorded."""
    account = uuid4()
    (number,) = await post(here, account, 1, freeze=1)
    assert (await settled(here, account))["Receipted"] == [number]
    assert await attempts(here, number) == [1, 2]
    # Whoever stood still has woken and said what it did when it has taken up something else.
    frozen = await here.ledger.value("SELECT process FROM doings WHERE number = $1 AND attempt = 1", number)

    async def it_has_woken() -> bool:
        await post(here, uuid4(), 10)
        return await here.ledger.value("SELECT max(number) FROM doings WHERE process = $1", frozen) > number

    await eventually(it_has_woken)
    assert await outcomes(here, account) == {"Posted": [number], "Receipted": [number], "Refused": []}


async def test_what_kills_every_worker_is_given_up(here: House, workers: list[Process]) -> None:
    account = uuid4()
    (deadly,) = await post(here, account, 1, kill=100)

    async def keep_one_running() -> None:
        while True:
            if not any(process.child.running for process in here.processes[1:]):
                await here.start("ledger", "worker")
            await asyncio.sleep(0.1)

    keeping = asyncio.create_task(keep_one_running())
    try:
        found = await settled(here, account, within=40)
    finally:
        keeping.cancel()
    assert found == {"Posted": [deadly], "Receipted": [], "Refused": [deadly]}
    assert await attempts(here, deadly) == [*range(1, ledger.ATTEMPTS + 1)]


async def test_failures_are_tried_again_until_they_are_exhausted(here: House, workers: list[Process]) -> None:
    account = uuid4()
    (recovers,) = await post(here, account, 1, fail=1)
    (busy,) = await post(here, account, 1, later=ledger.ATTEMPTS - 1)
    (too_busy,) = await post(here, account, 1, later=100)
    (hopeless,) = await post(here, account, 1, give_up=True)
    (slow,) = await post(here, account, 1, seconds=60, fail=0)
    found = await settled(here, account, within=40)
    assert found["Receipted"] == [recovers, busy]
    assert found["Refused"] == [too_busy, hopeless, slow]
    assert await attempts(here, recovers) == [1, 2]
    assert await attempts(here, busy) == [*range(1, ledger.ATTEMPTS + 1)]
    assert await attempts(here, too_busy) == [*range(1, ledger.ATTEMPTS + 1)]
    assert await attempts(here, hopeless) == [1]
    reasons = "SELECT data ->> 'reason' FROM events WHERE type = 'Refused' AND stream_id = $1 ORDER BY data -> 'number'"
    told = [row[0] for row in await here.ledger.fetch(reasons, account)]
    assert told == ["the printer is busy", "there is no printer", "It took too long."]


async def test_an_outcome_that_is_refused_spoils_no_other(here: House, workers: list[Process]) -> None:
    account = uuid4()
    good = await post(here, account, 20)
    (bad,) = await post(here, account, 1, refused=True)
    more = await post(here, account, 20)
    found = await settled(here, account, within=40)
    assert found["Receipted"] == sorted(good + more)
    assert found["Refused"] == [bad]


async def test_what_nobody_speaks_for_ends_too(here: House, workers: list[Process]) -> None:
    task_id = uuid4()
    await here.ledger.fetch(
        "INSERT INTO tasks (id, kind, correlation_id) VALUES ($1, 'unspoken', $1)",
        task_id,
    )

    async def gone() -> bool:
        return await here.ledger.value("SELECT count(*) FROM tasks WHERE kind = 'unspoken'") == 0

    await eventually(gone)
    assert await here.ledger.value("SELECT count(*) FROM doings WHERE task_id = $1", task_id) == 1


async def test_tasks_wait_until_they_are_due(here: House, workers: list[Process]) -> None:
    account = uuid4()
    (later,) = await post(here, account, 1, due=1.2)
    (now,) = await post(here, account, 1)

    async def the_other_is_out() -> bool:
        return (await outcomes(here, account))["Receipted"] == [now]

    await eventually(the_other_is_out)
    assert (await settled(here, account))["Receipted"] == [later, now]
    waited = """SELECT doings.began_at - events.recorded_at >= interval '1.1 s' FROM doings, events
                WHERE doings.number = $1 AND events.type = 'Posted' AND events.data -> 'number' = to_jsonb($1::int)"""
    assert await here.ledger.value(waited, later)


@pytest.mark.parametrize(("lane", "most"), [("narrow", ledger.NARROW), ("", ledger.CONCURRENCY)])
async def test_no_process_does_more_at_once_than_its_limit(
    here: House, workers: list[Process], lane: str, most: int
) -> None:
    """Also when many rows are born at once, in a process that could take them all."""
    await here.processes[0].kill()
    here.processes[0] = await here.start("ledger", "all")
    account = uuid4()
    numbers = await post(here, account, 36, seconds=0.15, lane=lane)
    assert (await settled(here, account))["Receipted"] == numbers
    assert await here.ledger.value(_MOST_AT_ONCE, account) == most
    await here.processes[0].kill()
    here.processes[0] = await here.start("ledger", "http")


async def test_a_worker_that_is_asked_to_end_finishes_what_it_has_in_hand(here: House, workers: list[Process]) -> None:
    account = uuid4()
    (number,) = await post(here, account, 1, seconds=1.0)
    await eventually(lambda: attempts(here, number))
    assert all(await gather(*(process.stop() for process in workers))), "one had to be killed"
    assert await settled(here, account, within=0) == {"Posted": [number], "Receipted": [number], "Refused": []}
    assert await attempts(here, number) == [1]
