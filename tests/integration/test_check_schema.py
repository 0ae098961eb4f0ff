"""A live database held against the documents: what is damaged by hand is named, and the exit status tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from deploy.migrate import SERVICES
from deploy.schema import committed, live
from deploy.schema.__main__ import main
from tests.databases import migrated


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[str, dict[str, str]]]:
    """A server of its own: the administrator's DSN and the services'."""
    async with migrated(tmp_path_factory.mktemp("schema"), *SERVICES) as (postgres, dsns):
        yield postgres.admin_dsn, dsns


async def check(dsn: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The command's exit status and all that it printed."""
    status = await asyncio.to_thread(main, ["check", "--dsn", dsn])
    said = capsys.readouterr()
    return status, " ".join((said.out + said.err).split())


async def test_the_committed_snapshot_is_what_the_migrations_make(server: tuple[str, dict[str, str]]) -> None:
    assert committed.load(committed.SNAPSHOT).schemas == await live.read_all(server[0])


async def test_what_the_migrations_make_is_as_documented(
    server: tuple[str, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    status, output = await check(server[0], capsys)
    assert "The schema is as documented" in output, output
    assert status == 0


@pytest.mark.parametrize(
    ("damage", "mending", "said"),
    [
        (
            "ALTER TABLE workflow.workflows RENAME COLUMN mode TO manner",
            "ALTER TABLE workflow.workflows RENAME COLUMN manner TO mode",
            "workflow.workflows │ column missing │ mode │ varchar(20)",
        ),
        (
            "DROP INDEX workflow.idx_workflow_status",
            "CREATE INDEX idx_workflow_status ON workflow.workflows (status)",
            "workflow.workflows │ index missing │ idx_workflow_status",
        ),
        (
            "ALTER TABLE evaluation.evaluations DROP CONSTRAINT ck_evaluation_score",
            "ALTER TABLE evaluation.evaluations ADD CONSTRAINT ck_evaluation_score CHECK (score BETWEEN 0 AND 100)",
            "evaluation.evaluations │ check missing │ score",
        ),
        (
            "DROP POLICY projects_owner_all ON workflow.projects",
            "CREATE POLICY projects_owner_all ON workflow.projects",
            "workflow.projects │ policy missing │ projects_owner_all",
        ),
        (
            "ALTER TABLE workflow.projects DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE workflow.projects ENABLE ROW LEVEL SECURITY",
            "workflow.projects: row-level security is off",
        ),
        (
            "ALTER TABLE workflow.projects DISABLE TRIGGER trg_projects_updated_at",
            "ALTER TABLE workflow.projects ENABLE TRIGGER trg_projects_updated_at",
            "the trigger trg_projects_updated_at is disabled; `ALTER TABLE workflow.projects ENABLE TRIGGER",
        ),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'workflow.idx_workflow_status'::regclass",
            "REINDEX INDEX workflow.idx_workflow_status",
            "the index idx_workflow_status is invalid and unused; `REINDEX INDEX CONCURRENTLY",
        ),
        (
            "UPDATE media.schema_version SET version_num = version_num || 'z'",
            "UPDATE media.schema_version SET version_num = trim(version_num, 'z')",
            "z, which this version does not know",
        ),
        (
            "ALTER TABLE publishing.platform_connections ALTER COLUMN name TYPE varchar(200)",
            "ALTER TABLE publishing.platform_connections ALTER COLUMN name TYPE varchar(100)",
            "",
        ),
    ],
)
async def test_damage_is_named(
    server: tuple[str, dict[str, str]], damage: str, mending: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = await asyncpg.connect(server[0])
    before = await check(server[0], capsys)
    assert not said or said not in before[1]
    try:
        await connection.execute(damage)
        status, output = await check(server[0], capsys)
    finally:
        await connection.execute(mending)
        await connection.close()
    if said:
        assert status == 1
        assert said in output
    else:  # covered by a deviation
        assert status == before[0]


async def test_a_role_that_may_not_look_everywhere_is_told(
    server: tuple[str, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    status, output = await check(server[1]["workflow"], capsys)
    assert status == 1
    assert "The database could not be read: permission denied for schema auth" in output


async def test_a_database_without_schemas_says_so(
    server: tuple[str, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    connection = await asyncpg.connect(server[0])
    await connection.execute("CREATE DATABASE empty")
    await connection.close()
    status, output = await check(server[0].rpartition("/")[0] + "/empty", capsys)
    assert status == 1
    assert all(f"{service}: the schema is missing; `make migrate` makes it." in output for service in SERVICES)


async def test_a_server_that_is_not_there_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    status, output = await check("postgresql://nobody@127.0.0.1:1/none", capsys)
    assert status == 1
    assert "The database could not be read:" in output
