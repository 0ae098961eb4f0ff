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
from shared.eventstore import rows
from shared.ids import new_id
from shared.kit import Kit
from shared.projection import RowChange, add, delete, insert, update
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
    inserts = [insert("idempotency_keys", **key, request_hash=bytes([n]), created_at=datetime.now(UTC)) for n in (1, 2)]
    answers = await asyncio.gather(
        *(kit.handle(create(), actor=None, changes=[row]) for row in inserts), return_exceptions=True
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


async def written(kit: Kit, *changes: RowChange) -> None:
    unit = kit.unit()
    unit.changes.extend(changes)
    await unit.commit()


def run(**columns: Any) -> dict[str, Any]:
    return {"id": new_id(), "user_id": new_id(), "platform_connection_id": new_id(), "status": "running"} | columns


async def test_rows_that_change_in_different_columns_are_written_by_one_statement(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third, fourth = (run(platform_type=name, posts_processed=5) for name in "abcd")
    await written(kit, *(insert("processing_runs", **each) for each in (first, second, third)))
    monkeypatch.delattr(rows, "write")  # which writes them one after the other
    for _ in range(2):  # with columns that it knows, too
        await written(
            kit,
            insert("processing_runs", **(fourth | {"id": new_id()})),
            update("processing_runs", {"id": first["id"]}, status="failed", platform_type=None),
            update("processing_runs", {"id": second["id"]}, instance_url="https://example.org"),
            add("processing_runs", {"id": second["id"]}, posts_processed=2),
            update("processing_runs", {"id": third["id"]}, posts_processed=1),
        )
    found = await kit.database.pool.fetch(
        "SELECT status, platform_type, instance_url, posts_processed FROM processing_runs "
        "WHERE platform_type = 'd' OR id = ANY ($1) ORDER BY array_position($1, id)",
        [each["id"] for each in (first, second, third)],
    )
    assert [tuple(row) for row in found] == [
        ("failed", None, None, 5),
        ("running", "b", "https://example.org", 9),
        ("running", "c", None, 1),
        ("running", "d", None, 5),
        ("running", "d", None, 5),
    ]


async def test_rows_go_and_come_in_one_statement_unless_one_takes_the_place_of_another(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = datetime.now(UTC)
    old, new, other = (
        {"id": new_id(), "user_id": new_id(), "title": title, "created_at": at, "updated_at": at}
        for title in ("old", "new", "other")
    )
    leaver, heir = run(batch_id="spring"), run(batch_id="spring")
    heir["platform_connection_id"] = leaver["platform_connection_id"]
    await written(kit, insert("projects", **old), insert("projects", **other), insert("processing_runs", **leaver))
    with monkeypatch.context() as patch:
        patch.delattr(rows, "write")
        await written(
            kit,
            delete("projects", id=old["id"]),
            insert("projects", **new),
            update("projects", {"id": other["id"]}, title="changed"),
        )
    await written(kit, delete("processing_runs", id=leaver["id"]), insert("processing_runs", **heir))
    ids = [each["id"] for each in (old, new, other)]
    titles = await kit.database.pool.fetch("SELECT title FROM projects WHERE id = ANY ($1) ORDER BY title", ids)
    assert [row["title"] for row in titles] == ["changed", "new"]
    stays = await kit.database.pool.fetchval("SELECT id FROM processing_runs WHERE batch_id = 'spring'")
    assert stays == heir["id"]
