"""A rebuild that was stopped or killed goes on from where it stopped, unless what it had written is of no use."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from contracts.envelope import Mark, Wire
from shared.http.client import ServiceClient
from shared.projection import Projections, RowChange
from shared.rebuild import (
    Interrupted,
    Progress,
    Refused,
    copy_as_of,
    indexes,
    passes,
    reading,
    rebuild,
    unfinished,
)
from shared.rebuild.feed import Feed, over
from shared.rebuild.names import SUFFIX
from shared.rebuild.session import as_owner
from tests.rebuilding import assert_rebuild_equals_live, caught_up, looks_of, rows_of
from tests.story import Ground, ground, tell
from tests.waiting import eventually

REPOSITORY = Path(__file__).parents[2]
# The tool itself, with small folds; it kills itself where it has written so many steps.
_KILLED = """
import os, signal, sys
from shared.rebuild import passes, reading, unfinished
from shared.rebuild.__main__ import main
passes.FOLDED = reading.PAGE = 40
noting, times, noted = sys.argv[1], int(sys.argv[2]), 0
note = getattr(unfinished.Record, noting)
async def note_and_die(self, *arguments):
    global noted
    await note(self, *arguments)
    noted += 1
    if noted == times:
        os.kill(os.getpid(), signal.SIGKILL)
setattr(unfinished.Record, noting, note_and_die)
sys.argv[1:] = sys.argv[3:]
sys.exit(main())
"""


@pytest.fixture(scope="module")
async def told() -> AsyncIterator[Ground]:
    async with ground() as on:
        await tell(on, random.Random(1), workflows=40)
        for kit in on.kits.values():
            await caught_up(kit)
        yield on


@pytest.fixture(autouse=True)
async def nothing_left(told: Ground) -> AsyncIterator[None]:
    yield
    for service in ("workflow", "publishing"):
        async with as_owner(told.admin_dsn, service) as connection:
            for left in await unfinished.listed(connection, service):
                await unfinished.drop(connection, left.tables)


class Counted:
    """Which events a rebuild goes through, and how many the feeds are asked for."""

    def __init__(self, feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
        self._feed = feed
        self.projected: list[UUID] = []
        self.fed = 0
        changes = Projections.changes

        def counted(projections: Projections, event: Any, state: Any = None) -> list[RowChange]:
            self.projected.append(event.meta.event_id)
            return changes(projections, event, state)

        monkeypatch.setattr(Projections, "changes", counted)

    async def feed(self, source: str, after: Mark, types: Collection[str]) -> AsyncIterator[Wire]:
        async for wire in self._feed(source, after, types):
            self.fed += 1
            yield wire


@pytest.fixture
async def counted(told: Ground, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counted]:
    settings = told.kits["publishing"].settings
    async with ServiceClient(settings.urls(), settings.internal_token) as client:
        yield Counted(over(client), monkeypatch)


def environment(on: Ground) -> dict[str, str]:
    settings: Any = on.kits["workflow"].settings
    found = {f"PRESSWORK_{name.upper()}_DATABASE_URL": dsn for name, dsn in on.dsns.items()}
    found |= {f"PRESSWORK_{name.upper()}_URL": url for name, url in settings.urls().items()}
    return found | {
        "PRESSWORK_POSTGRES_URL": on.admin_dsn,
        "PRESSWORK_INTERNAL_TOKEN": settings.internal_token,
        "PRESSWORK_FIELD_KEYS": settings.field_keys,
    }


def run(on: Ground, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | environment(on)
    return subprocess.run(
        [sys.executable, *arguments], cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=120
    )


async def killed(on: Ground, noting: str, times: int, service: str) -> None:
    """A rebuild of all tables of a service, killed when it had noted something so many times."""
    done = await asyncio.to_thread(run, on, "-c", _KILLED, noting, str(times), service)
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    async with as_owner(on.admin_dsn, service) as connection:
        own = f"presswork-rebuild-{service}"
        others = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()"

        async def its_sessions_ended() -> bool:
            return not await connection.fetchval(others, own)

        await eventually(its_sessions_ended, within=45)


async def left_of(on: Ground, service: str) -> list[unfinished.Listed]:
    async with as_owner(on.admin_dsn, service) as connection:
        return await unfinished.listed(connection, service)


@pytest.mark.parametrize("service", ["workflow", "publishing"])
# In the middle of a fold, at its end, and in the first pass or near its end.
@pytest.mark.parametrize(("noting", "times"), [("step", 2), ("step", 7), ("step", 23), ("save", 2), ("save", 5)])
async def test_a_killed_one_goes_on_where_it_stopped(
    told: Ground, counted: Counted, service: str, noting: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "FOLDED", 40)
    monkeypatch.setattr(reading, "PAGE", 40)
    live, looks = await rows_of(told.admin_dsn, service), await looks_of(told.admin_dsn, service)
    whole = await rebuild(told.kits[service], told.admin_dsn, feed=counted.feed)
    all_of_them, all_fed = list(counted.projected), counted.fed
    counted.projected.clear()
    counted.fed = 0

    await killed(told, noting, times, service)
    assert await rows_of(told.admin_dsn, service, list(live)) == live, "the tables serve"
    (left,) = await left_of(told, service)
    done = await rebuild(told.kits[service], told.admin_dsn, feed=counted.feed)

    assert done.earlier >= left.events
    assert done.earlier + done.events == whole.events
    if noting == "save" or times > 7:
        assert left.events > 0
    assert counted.projected == all_of_them[left.events :], "each event once, and none of the first part again"
    # Of each feed one event more, which shows where the fold that was broken off ended.
    assert counted.fed <= all_fed + len(told.kits[service].sources)
    assert all(compared.same for compared in done.compared)
    assert await rows_of(told.admin_dsn, service) == live
    assert await looks_of(told.admin_dsn, service) == looks
    assert await left_of(told, service) == []


async def stopped(on: Ground, service: str, stage: str, tables: Sequence[str] = ()) -> None:
    """A rebuild cancelled at the beginning of a stage."""

    def stop_there(done: Progress) -> None:
        if done.stage == stage and done.events:
            task.cancel()

    task = asyncio.create_task(rebuild(on.kits[service], on.admin_dsn, tables, told=stop_there))
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("stage", ["filling", "indexing", "catching up", "comparing"])
async def test_a_cancelled_one_goes_on_where_it_stopped(
    told: Ground, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "FOLDED", 40)
    monkeypatch.setattr(reading, "PAGE", 40)
    await stopped(told, "workflow", stage)
    (left,) = await left_of(told, "workflow")
    assert left.events > 0
    assert left.size > 0
    await tell(told, random.Random(7), workflows=3)  # life went on meanwhile
    await caught_up(told.kits["workflow"])
    live = await rows_of(told.admin_dsn, "workflow")
    done = await rebuild(told.kits["workflow"], told.admin_dsn)
    assert done.earlier == left.events
    assert await rows_of(told.admin_dsn, "workflow") == live
    await assert_rebuild_equals_live(told.kits["workflow"], told.admin_dsn)


async def test_indexes_that_are_built_are_not_built_again(told: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    await stopped(told, "workflow", "catching up")
    built: list[str] = []
    build = indexes._build

    async def noted(connection: Any, row: Any, table: str, name: str, there: Any) -> None:
        if there is None:
            built.append(name)
        await build(connection, row, table, name, there)

    monkeypatch.setattr(indexes, "_build", noted)
    looks = await looks_of(told.admin_dsn, "workflow")
    await rebuild(told.kits["workflow"], told.admin_dsn)
    assert built == []
    after = await looks_of(told.admin_dsn, "workflow")
    assert after == {name: lines for name, lines in looks.items() if not name.endswith(SUFFIX)}


async def test_one_of_an_earlier_layout_is_of_no_use(told: Ground) -> None:
    await stopped(told, "workflow", "indexing", ["projects"])
    connection = await asyncpg.connect(told.admin_dsn)
    await connection.execute("CREATE INDEX projects_by_title ON workflow.projects (title)")
    try:
        done = await rebuild(told.kits["workflow"], told.admin_dsn, ["projects"])
        assert done.earlier == 0
        assert "the tables" in done.dropped
        assert "projects_by_title" in str((await looks_of(told.admin_dsn, "workflow"))["projects"])
    finally:
        await connection.execute("DROP INDEX workflow.projects_by_title")
        await connection.close()


async def test_one_made_by_other_code_is_of_no_use(told: Ground) -> None:
    await stopped(told, "workflow", "indexing", ["projects"])
    connection = await asyncpg.connect(told.admin_dsn)
    await connection.execute("UPDATE workflow.rebuilds SET fingerprint = 'of the code of last week'")
    await connection.close()
    done = await asyncio.to_thread(run, told, "-m", "shared.rebuild", "workflow", "projects")
    assert done.returncode == 0, done.stderr
    assert "workflow: began anew, not from where one stopped: the code, " in done.stdout
    assert "went on" not in done.stdout


async def test_a_fold_that_would_be_another_one_now_is_not_gone_on_with(told: Ground) -> None:
    await killed(told, "step", 7, "workflow")
    connection = await asyncpg.connect(told.admin_dsn)
    await connection.execute("""UPDATE workflow.rebuilds SET folding = folding || '{"plan": "another"}'""")
    await connection.close()
    live = await rows_of(told.admin_dsn, "workflow")
    done = await rebuild(told.kits["workflow"], told.admin_dsn)
    assert (done.earlier, done.dropped) == (0, "its events make other rows by now")
    assert await rows_of(told.admin_dsn, "workflow") == live


async def test_on_request_it_begins_anew(told: Ground) -> None:
    whole = await rebuild(told.kits["workflow"], told.admin_dsn)
    await stopped(told, "workflow", "indexing")
    done = await rebuild(told.kits["workflow"], told.admin_dsn, fresh=True)
    assert (done.earlier, done.events) == (0, whole.events)


async def test_one_of_other_tables_is_not_thrown_away_unasked(told: Ground) -> None:
    await stopped(told, "workflow", "indexing")
    kit = told.kits["workflow"]
    left = await left_of(told, "workflow")
    with pytest.raises(Refused, match=r"stands in the way: go on with it \(make rebuild SERVICE=workflow TABLE='\w+ "):
        await rebuild(kit, told.admin_dsn, ["projects"])
    with pytest.raises(Refused, match="stands in the way"):
        await copy_as_of(kit, told.admin_dsn, ["projects"], left[0].started_at)
    assert await left_of(told, "workflow") == left
    assert (await rebuild(kit, told.admin_dsn, ["projects"], fresh=True)).tables == ("projects",)
    assert await left_of(told, "workflow") == []


async def test_a_feed_that_does_not_answer_costs_nothing(told: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "FOLDED", 5)
    monkeypatch.setattr(reading, "PAGE", 10)
    kit = told.kits["publishing"]
    settings = kit.settings
    async with ServiceClient(settings.urls(), settings.internal_token) as client:

        async def breaks_off(source: str, after: Mark, types: Collection[str]) -> AsyncIterator[Wire]:
            number = 0
            async for wire in over(client)(source, after, types):
                number += 1
                yield wire
                if source == "generation" and number == 30:
                    raise Interrupted("The feed of generation broke off; try again.")

        with pytest.raises(Interrupted):
            await rebuild(kit, told.admin_dsn, feed=breaks_off)
    (left,) = await left_of(told, "publishing")
    live = await rows_of(told.admin_dsn, "publishing")
    done = await rebuild(kit, told.admin_dsn)
    assert done.earlier == left.events > 0
    assert await rows_of(told.admin_dsn, "publishing") == live


async def test_a_full_disk_leaves_the_table_that_serves(told: Ground) -> None:
    live, looks = await rows_of(told.admin_dsn, "workflow"), await looks_of(told.admin_dsn, "workflow")
    connection = await asyncpg.connect(told.admin_dsn, server_settings={"search_path": "workflow"})
    # What the server says when it cannot extend a file; a table's triggers are its shadow's as well.
    await connection.execute(
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_TABLE_NAME LIKE '%\\_\\_rebuild' THEN RAISE disk_full USING MESSAGE = 'could not extend file'; END IF; "
        "RETURN NEW; END $$; "
        "CREATE TRIGGER no_room BEFORE INSERT ON workflows FOR EACH ROW EXECUTE FUNCTION no_room()"
    )
    try:
        done = await asyncio.to_thread(run, told, "-m", "shared.rebuild", "workflow")
    finally:
        await connection.execute("DROP FUNCTION no_room CASCADE")
        await connection.close()
    assert done.returncode == 1
    assert "its tables are as they were. The disk of PostgreSQL is full (could not extend file)" in done.stderr
    assert "Make room and try again." in done.stderr
    assert await rows_of(told.admin_dsn, "workflow") == live
    assert await looks_of(told.admin_dsn, "workflow") == looks, "its shadows take no room any more"
    assert await left_of(told, "workflow") == []


async def test_the_command_line_lists_and_drops_what_is_left(told: Ground) -> None:
    await stopped(told, "workflow", "indexing", ["projects"])
    listed = await asyncio.to_thread(run, told, "-m", "shared.rebuild", "--copies")
    assert "workflow.projects__rebuild" in listed.stdout
    assert "a rebuild of projects that stopped after" in listed.stdout
    dropped = await asyncio.to_thread(run, told, "-m", "shared.rebuild", "workflow", "--drop", "projects__rebuild")
    assert dropped.returncode == 0, dropped.stderr
    assert "projects__rebuild" not in await looks_of(told.admin_dsn, "workflow")
    again = await asyncio.to_thread(run, told, "-m", "shared.rebuild", "workflow", "--drop", "projects__rebuild")
    assert again.returncode == 1
    assert "workflow has no unfinished rebuild projects__rebuild; there are: none." in again.stderr


async def test_ctrl_c_says_how_to_go_on(told: Ground) -> None:
    interrupted = _KILLED.replace("SIGKILL", "SIGINT")
    done = await asyncio.to_thread(run, told, "-c", interrupted, "save", "4", "workflow")
    assert done.returncode == 130, done.stderr
    assert "stopped; the tables are as they were" in done.stderr
    assert "The same command goes on from where the rebuild stopped; with FRESH=1 it begins anew." in done.stderr
    (left,) = await left_of(told, "workflow")
    on = await asyncio.to_thread(run, told, "-m", "shared.rebuild", "workflow")
    assert on.returncode == 0, on.stderr
    assert f"went on from where one stopped, after {left.events:,} events" in on.stdout


async def test_a_shadow_shows_nothing_to_the_service(told: Ground) -> None:
    await stopped(told, "workflow", "indexing", ["workflows"])
    pool = told.kits["workflow"].database.pool
    connection = await asyncpg.connect(told.admin_dsn)
    assert await connection.fetchval("SELECT count(*) FROM workflow.workflows__rebuild") > 0
    await connection.close()
    assert await pool.fetchval("SELECT count(*) FROM workflows__rebuild") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("UPDATE rebuilds SET steps = 0")
