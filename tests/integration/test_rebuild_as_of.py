"""A read table as it stood at some moment: copied beside the one that serves, protected like it, listed and dropped."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from contracts.events.workflow import ProjectCreated, ProjectDeleted, ProjectUpdated
from shared.ids import new_id
from shared.rebuild import Progress, Refused, copies, copy_as_of, rebuild
from shared.rebuild.catalog import read_tables
from shared.rebuild.copies import name_of
from shared.rebuild.session import as_owner
from tests.rebuilding import assert_rebuild_equals_live, caught_up, rows_of
from tests.story import Ground, ground, tell


@pytest.fixture(scope="module")
async def told() -> AsyncIterator[Ground]:
    async with ground() as on:
        yield on


@pytest.fixture
async def moment(told: Ground) -> AsyncIterator[datetime]:
    """A moment with a history before and after it, and workflow's and publishing's rows at that moment."""
    await tell(told, random.Random(1), workflows=8)
    yield datetime.now(UTC)
    async with as_owner(told.admin_dsn, "workflow") as connection:
        for copy in await copies.listed(connection, "workflow"):
            await copies.drop(connection, "workflow", copy.name)


async def drop(on: Ground, service: str, name: str) -> None:
    async with as_owner(on.admin_dsn, service) as connection:
        await copies.drop(connection, service, name)


@pytest.mark.parametrize("service", ["workflow", "publishing"])
async def test_a_copy_shows_the_rows_of_its_moment(told: Ground, moment: datetime, service: str) -> None:
    await caught_up(told.kits[service])
    before = await rows_of(told.admin_dsn, service)
    at = datetime.now(UTC)
    await tell(told, random.Random(2), workflows=4)
    await caught_up(told.kits[service])
    after = await rows_of(told.admin_dsn, service)
    assert before != after, "nothing happened after the moment, so it proves nothing"
    done = await copy_as_of(told.kits[service], told.admin_dsn, [], at)
    assert list(done.copies) == [name_of(table, at) for table in before]
    for table, rows in before.items():
        copy = name_of(table, at)
        assert (await rows_of(told.admin_dsn, service, [copy]))[copy] == rows
        assert done.copies[copy] == len(rows)
    assert await rows_of(told.admin_dsn, service) == after, "the tables that serve are as they were"
    for table in before:
        await drop(told, service, name_of(table, at))


async def test_what_was_changed_and_deleted_later_is_there_as_it_was(told: Ground) -> None:
    ids = [new_id(), new_id(), new_id()]
    for project in ids[:2]:
        await told.play(ProjectCreated(project_id=project, user_id=project, title="then"), key=project)
    at = datetime.now(UTC)
    await told.play(ProjectUpdated(project_id=ids[0], user_id=ids[0], title="now"), key=ids[0])
    await told.play(ProjectDeleted(project_id=ids[1], user_id=ids[1]), key=ids[1])
    await told.play(ProjectCreated(project_id=ids[2], user_id=ids[2], title="new"), key=ids[2])
    await copy_as_of(told.kits["workflow"], told.admin_dsn, ["projects"], at)
    pool = told.kits["workflow"].database.pool
    rows = await pool.fetch(f"SELECT id, title FROM {name_of('projects', at)} WHERE id = ANY ($1)", ids)
    assert {row["id"]: row["title"] for row in rows} == {ids[0]: "then", ids[1]: "then"}
    await drop(told, "workflow", name_of("projects", at))


async def test_a_copy_is_protected_like_its_table_and_for_reading_only(told: Ground, moment: datetime) -> None:
    await copy_as_of(told.kits["workflow"], told.admin_dsn, ["workflows"], moment)
    copy = name_of("workflows", moment)
    database = told.kits["workflow"].database
    whose = await database.pool.fetchval(f"SELECT user_id FROM {copy} LIMIT 1")
    async with database.reading(whose) as connection:
        assert {row["user_id"] for row in await connection.fetch(f"SELECT user_id FROM {copy}")} == {whose}
    async with database.reading(new_id()) as connection:
        assert await connection.fetchval(f"SELECT count(*) FROM {copy}") == 0
    for sql in (f"DELETE FROM {copy}", f"UPDATE {copy} SET title = 'x'", f"INSERT INTO {copy} SELECT * FROM workflows"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.pool.execute(sql)


async def test_copies_are_listed_dropped_and_no_read_tables(told: Ground, moment: datetime) -> None:
    kit = told.kits["workflow"]
    await copy_as_of(kit, told.admin_dsn, ["workflows", "projects"], moment)
    names = [name_of(table, moment) for table in ("projects", "workflows")]
    async with as_owner(told.admin_dsn, "workflow") as connection:
        listed = await copies.listed(connection, "workflow")
        assert [copy.name for copy in listed] == names
        assert listed[0].comment == f"projects as it stood at {moment.isoformat()}"
        assert not set(names) & set(await read_tables(connection, "workflow"))
    # Neither is in the way of a rebuild, or of another copy.
    await assert_rebuild_equals_live(kit, told.admin_dsn, ["workflows"])
    earlier = moment - timedelta(seconds=5)
    await copy_as_of(kit, told.admin_dsn, ["workflows"], earlier)
    for name in (*names, name_of("workflows", earlier)):
        await drop(told, "workflow", name)
    with pytest.raises(Refused, match=f"has no copy {names[0]}; there are: none"):
        await drop(told, "workflow", names[0])
    with pytest.raises(Refused, match="has no copy workflows;"):
        await drop(told, "workflow", "workflows")


async def test_what_cannot_be_copied(told: Ground, moment: datetime) -> None:
    kit = told.kits["workflow"]
    with pytest.raises(Refused, match="lies in the future"):
        await copy_as_of(kit, told.admin_dsn, ["workflows"], datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(Refused, match="no read table events"):
        await copy_as_of(kit, told.admin_dsn, ["events"], moment)
    await copy_as_of(kit, told.admin_dsn, ["workflows"], moment)
    with pytest.raises(Refused, match="is there already: drop it"):
        await copy_as_of(kit, told.admin_dsn, ["workflows"], moment)


async def test_a_cancelled_copy_leaves_nothing_behind(told: Ground, moment: datetime) -> None:
    stages: list[str] = []

    def stop_there(done: Progress) -> None:
        stages.append(done.stage)
        if done.stage == "indexing":
            task.cancel()

    task = asyncio.create_task(
        copy_as_of(told.kits["workflow"], told.admin_dsn, ["workflows"], moment, told=stop_there)
    )
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "indexing" in stages
    connection = await asyncpg.connect(told.admin_dsn)
    left = "SELECT count(*) FROM pg_class WHERE relname LIKE '%\\_\\_rebuild' OR relname LIKE '%\\_as\\_of\\_%'"
    assert await connection.fetchval(left) == 0
    await connection.close()


async def test_a_rebuild_says_what_had_become_of_the_rows(told: Ground, moment: datetime) -> None:
    kit = told.kits["workflow"]
    await caught_up(kit)
    connection = await asyncpg.connect(told.admin_dsn, server_settings={"search_path": "workflow"})
    ids = [row["id"] for row in await connection.fetch("SELECT id FROM projects LIMIT 3")]
    if len(ids) < 3:
        for project in (new_id(), new_id(), new_id()):
            await told.play(ProjectCreated(project_id=project, user_id=project, title="here"), key=project)
        ids = [row["id"] for row in await connection.fetch("SELECT id FROM projects LIMIT 3")]
    before = await rows_of(told.admin_dsn, "workflow", ["projects"])
    await connection.execute("DELETE FROM projects WHERE id = ANY ($1)", ids[:2])
    await connection.execute("UPDATE projects SET title = 'wrong' WHERE id = $1", ids[2])
    await connection.execute("INSERT INTO projects (user_id, title) VALUES (gen_random_uuid(), 'nobody''s')")
    await connection.close()
    done = await rebuild(kit, told.admin_dsn, ["projects"])
    (compared,) = [each for each in done.compared if each.table == "projects"]
    assert (compared.lost, compared.changed, compared.surplus) == (2, 1, 1)
    assert not compared.same
    assert await rows_of(told.admin_dsn, "workflow", ["projects"]) == before
    done = await rebuild(kit, told.admin_dsn, ["projects"])
    assert all(each.same for each in done.compared)
