"""Retention of everything at once, long after a whole story: a rebuild equals what is left, and what is kept for good
is all there. And as the operator's command."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from shared.retention.run import run
from tests.rebuilding import assert_rebuild_equals_live, caught_up, rows_of
from tests.story import Ground, ground, tell

REPOSITORY = Path(__file__).parents[2]
LATER = timedelta(days=400)
FOR_GOOD = {"generation": ["drafts", "sources"], "evaluation": ["evaluations", "caption_evaluations"]}


@pytest.fixture(scope="module")
async def on() -> AsyncIterator[Ground]:
    async with ground() as found:
        await tell(found, random.Random(7), workflows=24)
        for kit in found.kits.values():
            await caught_up(kit)
        yield found


async def events(on: Ground, schema: str) -> list[str]:
    connection = await asyncpg.connect(on.admin_dsn)
    try:
        rows = await connection.fetch(f"SELECT event_id::text AS id FROM {schema}.events ORDER BY position")
        return [row["id"] for row in rows]
    finally:
        await connection.close()


async def command(on: Ground, *arguments: str, **more: str) -> tuple[int, str]:
    """`python -m shared.retention` with these arguments: exit status, and all that it said."""
    settings = on.kits["auth"].settings
    told = {f"PRESSWORK_{name.upper()}_DATABASE_URL": dsn for name, dsn in on.dsns.items()}
    told |= {"PRESSWORK_INTERNAL_TOKEN": "inside", "PRESSWORK_FIELD_KEYS": settings.field_keys, "COLUMNS": "250"}
    told |= {"PRESSWORK_DATA_DIR": str(settings.data_dir), **more}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "shared.retention", *arguments),
        cwd=REPOSITORY,
        env=os.environ | told,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 180)
    return process.returncode or 0, output.decode()


async def test_a_dry_run_changes_nothing_anywhere(on: Ground) -> None:
    rows = {name: await rows_of(on.admin_dsn, name) for name in on.kits}
    told = {name: await events(on, name) for name in on.kits}
    found = 0
    for kit in on.kits.values():
        outcomes = await run(kit, dry=True, now=datetime.now(UTC) + LATER)
        found += sum(outcome.found.count for outcome in outcomes)
        assert not any(outcome.removed for outcome in outcomes)
    assert found > 30
    assert {name: await rows_of(on.admin_dsn, name) for name in on.kits} == rows
    assert {name: await events(on, name) for name in on.kits} == told


async def test_by_hand_it_shows_first_and_then_does_what_it_showed(on: Ground) -> None:
    kit = on.kits["auth"]
    sessions = "SELECT count(*) FROM sessions WHERE NOT revoked AND expires_at < now()"
    expired = await kit.database.pool.fetchval(sessions)
    assert expired
    status, said = await command(on, "auth", "--dry-run")
    assert status == 0, said
    assert "nothing was changed" in said
    (line,) = [line for line in said.splitlines() if "expired_sessions" in line]
    assert f" {expired} " in line
    assert await kit.database.pool.fetchval(sessions) == expired
    status, said = await command(on, "auth", PRESSWORK_RETENTION_OFF="revoked_sessions, no_such_rule, drafts")
    assert status == 0, said
    assert "PRESSWORK_RETENTION_OFF names no rule: drafts, no_such_rule" in said
    assert "not carried out (PRESSWORK_RETENTION_OFF): revoked_sessions" in said
    assert await kit.database.pool.fetchval(sessions) == 0


async def test_by_hand_bad_input_is_told(on: Ground) -> None:
    status, said = await command(on, "library")
    assert (status, "no service 'library'; there are: auth, evaluation" in said) == (2, True)
    holding = await asyncpg.connect(on.dsns["auth"])
    try:
        await holding.execute("SELECT pg_advisory_lock(hashtext('presswork.retention'), hashtext('auth'))")
        status, said = await command(on, "auth")
    finally:
        await holding.close()
    assert (status, "Another run of auth's retention is under way" in said) == (1, True)
    status, said = await command(on, "auth", PRESSWORK_AUTH_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert status == 1
    assert "auth:" in said


async def test_long_after_the_story_what_is_left_is_what_a_rebuild_brings(on: Ground) -> None:
    told = {name: await events(on, name) for name in on.kits}
    kept = {name: await rows_of(on.admin_dsn, name, tables) for name, tables in FOR_GOOD.items()}
    assert all(rows for found in kept.values() for rows in found.values())
    removed: dict[str, int] = {}
    stopped: dict[str, str] = {}
    for turn in (0, 30):  # what was archived has a last checkpoint, which goes with the next run
        for kit in on.kits.values():
            for outcome in await run(kit, now=datetime.now(UTC) + LATER + timedelta(days=turn)):
                removed[outcome.rule.name] = removed.get(outcome.rule.name, 0) + outcome.removed
                stopped |= {outcome.rule.name: outcome.stopped} if outcome.stopped else {}
            await caught_up(kit)
    # The bytes of the story are nowhere, which is no reason to forget its files.
    assert list(stopped) == ["lost_files"]
    gone = {name for name, count in removed.items() if count}
    assert gone >= {
        *("inactive_workflows", "checkpoints", "completed_executions", "failed_executions"),
        *("processing_runs", "completed_outputs"),
    }, removed
    for name, kit in on.kits.items():
        assert (await events(on, name))[: len(told[name])] == told[name]
        await assert_rebuild_equals_live(kit, on.admin_dsn)
    assert {name: await rows_of(on.admin_dsn, name, tables) for name, tables in FOR_GOOD.items()} == kept
