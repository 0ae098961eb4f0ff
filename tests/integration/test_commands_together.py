"""Requests that come at the same time share transactions, and nobody feels another's refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from services.workflow.app import service
from services.workflow.domain.project import CreateProject, UpdateProject
from shared.decider import NotFound
from shared.ids import new_id
from shared.kit import Kit
from shared.projection import insert
from tests.integration.desk import desk


@pytest.fixture(scope="module")
async def kit() -> AsyncIterator[Kit]:
    async with desk(service) as on:
        yield on.kits["workflow"]


def create() -> CreateProject:
    return CreateProject(new_id(), new_id(), "Spring", None)


async def carried_out(kit: Kit, *commands: Any) -> list[Any]:
    return await asyncio.gather(*(kit.handle(each, actor=None) for each in commands), return_exceptions=True)


async def transactions(kit: Kit, commands: list[CreateProject]) -> int:
    """How many transactions appended the events of these commands."""
    ids = [command.project_id for command in commands]
    counting = "SELECT count(DISTINCT transaction_id), count(*) FROM events WHERE stream_id = ANY ($1)"
    used, events = await kit.database.pool.fetchrow(counting, ids)
    assert events == len(commands)
    return int(used)


async def test_requests_at_the_same_time_share_transactions(kit: Kit) -> None:
    commands = [create() for _ in range(100)]
    await carried_out(kit, *commands)
    assert await transactions(kit, commands) < 20


async def test_a_refusal_is_felt_by_nobody_else(kit: Kit) -> None:
    commands = [create() for _ in range(10)]
    wrong = UpdateProject(new_id(), new_id(), "Summer", None)
    answers = await carried_out(kit, *commands[:5], wrong, *commands[5:])
    assert isinstance(answers.pop(5), NotFound)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert await transactions(kit, commands) == 10


async def test_commands_on_one_stream_take_effect_in_order(kit: Kit) -> None:
    first = create()
    changes = [UpdateProject(first.project_id, first.user_id, f"Title {number}", None) for number in range(20)]
    answers = await carried_out(kit, first, *changes)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    titles = "SELECT data->>'title' FROM events WHERE stream_id = $1 ORDER BY version"
    found = [row[0] for row in await kit.database.pool.fetch(titles, first.project_id)]
    assert sorted(found[1:]) == sorted(change.title for change in changes if change.title)
    assert found[0] == "Spring"


async def test_of_two_that_insert_the_same_row_one_is_refused(kit: Kit) -> None:
    key = {"scope": "user:1", "route": "POST /", "key": str(new_id())}
    rows = [insert("idempotency_keys", **key, request_hash=bytes([n]), created_at=datetime.now(UTC)) for n in (1, 2)]
    answers = await asyncio.gather(
        *(kit.handle(create(), actor=None, changes=[row]) for row in rows), return_exceptions=True
    )
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [asyncpg.UniqueViolationError]


async def test_whoever_has_gone_changes_nothing(kit: Kit) -> None:
    stays, gone = create(), create()
    running = [asyncio.create_task(kit.handle(each, actor=None)) for each in (stays, gone)]
    await asyncio.sleep(0)
    running[1].cancel()
    await running[0]
    assert await transactions(kit, [stays]) == 1
    assert not await kit.database.pool.fetchval("SELECT count(*) FROM events WHERE stream_id = $1", gone.project_id)
