"""The report on a real database with a past."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from rich.console import Console

from deploy.backup.making import make
from deploy.report.reading import read
from deploy.report.showing import show
from tests.story import Ground, ground, tell

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
async def on() -> AsyncIterator[Ground]:
    async with ground() as found:
        await tell(found, random.Random(5), workflows=3)
        connection = await asyncpg.connect(found.admin_dsn)
        await connection.execute("ANALYZE")
        await connection.execute("CREATE ROLE somebody PASSWORD 'in-clear-text'")
        yield found
        await connection.close()


async def test_it_tells_sizes_indexes_queries_and_connections(on: Ground) -> None:
    found = await read(on.admin_dsn)
    connection = await asyncpg.connect(on.admin_dsn)
    drafts = await connection.fetchval("SELECT count(*) FROM generation.drafts")
    await connection.close()
    tables = {(table["schema"], table["name"]): table for table in found.tables}
    assert found.rows(tables["generation", "drafts"]) == drafts > 0
    assert tables["workflow", "execution_logs"]["parts"] > 1, "a partitioned table counts as one"
    assert {"auth", "workflow", "generation", "evaluation", "publishing", "media"} == {schema for schema, _ in tables}
    indexes = {(index["schema"], index["name"]): index for index in found.indexes}
    assert indexes["generation", "idx_draft_user_id"]["size"] > 0
    assert indexes["generation", "drafts_pkey"]["needed"]
    assert found.slow
    assert all(each["calls"] > 0 and each["mean"] >= 0 for each in found.slow)
    assert any(each["role"] == "presswork_workflow" for each in found.connections)


async def test_no_password_is_shown(on: Ground) -> None:
    found = await read(on.admin_dsn, slowest=10_000)
    assert found.slow
    assert not any("in-clear-text" in each["query"] for each in found.slow)


async def test_it_reads_as_tables(on: Ground) -> None:
    console = Console(width=200, record=True, file=open(os.devnull, "w"))  # noqa: SIM115, ASYNC230
    show(console, await read(on.admin_dsn))
    text = console.export_text()
    for part in (
        "Tables by size",
        "Least used indexes",
        "Slowest queries on average",
        "Connections:",
        "found in memory",
    ):
        assert part in text
    assert "generation.drafts" in text


async def test_who_may_not_see_the_queries_is_told(on: Ground) -> None:
    connection = await asyncpg.connect(on.admin_dsn)
    await connection.execute("DROP EXTENSION IF EXISTS pg_stat_statements")
    await connection.close()
    found = await read(on.dsns["media"])
    assert found.slow is None
    assert "they are shown to administrators (permission denied" in found.why
    assert (await read(on.admin_dsn)).slow is not None, "an administrator's report makes it"


async def test_growth_is_measured_from_a_backup(on: Ground, tmp_path: Path) -> None:
    await make(on.admin_dsn, tmp_path, version="0.1.0")
    environment = {"PRESSWORK_POSTGRES_URL": on.admin_dsn, "PRESSWORK_BACKUP_DIR": str(tmp_path)}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "deploy.report"],
        cwd=REPOSITORY,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "growth since the backup of" in done.stdout


async def test_a_database_out_of_reach_is_a_sentence(tmp_path: Path) -> None:
    environment = {
        "PRESSWORK_POSTGRES_URL": "postgresql://nobody@127.0.0.1:1/none",
        "PRESSWORK_BACKUP_DIR": str(tmp_path),
    }
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "deploy.report"],
        cwd=REPOSITORY,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "The database could not be read:" in done.stderr
    assert "Traceback" not in done.stderr
