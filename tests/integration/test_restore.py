"""A database restored elsewhere: what comes later sorts later, though the new server counts transactions from less."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from deploy.embedded.postgres import EmbeddedPostgres
from deploy.migrate import migrate
from shared.eventstore import statements

_APPEND = """
INSERT INTO events (stream_type, stream_id, version, event_id, type, schema_version, data, correlation_id, recorded_at)
VALUES ('project', gen_random_uuid(), 1, $1, 'ProjectCreated', 1, '{}', gen_random_uuid(), now())
"""
_SPEND = "SELECT pg_current_xact_id()"


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[tuple[EmbeddedPostgres, EmbeddedPostgres]]:
    small = {"shared_buffers": "32MB", "max_wal_size": "256MB"}
    found = EmbeddedPostgres(tmp_path / "one", settings=small), EmbeddedPostgres(tmp_path / "two", settings=small)
    await asyncio.gather(*(asyncio.to_thread(each.start) for each in found))
    yield found
    await asyncio.gather(*(asyncio.to_thread(each.destroy) for each in found))


async def append(dsn: str, count: int) -> list[str]:
    """Append events as the service does; their ids."""
    ids = [str(uuid4()) for _ in range(count)]
    connection = await asyncpg.connect(dsn)
    for event_id in ids:
        await connection.execute(_APPEND, event_id)
    await connection.close()
    return ids


async def published(dsn: str, after: tuple[int, int] = (0, 0)) -> list[tuple[str, tuple[int, int]]]:
    """What a relay would publish: event ids and marks."""
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch(statements.IN_COMMIT_ORDER, str(after[0]), after[1], 1000)
    await connection.close()
    return [(str(row["event_id"]), (row["transaction_id"], row["position"])) for row in rows]


async def _copy(source: str, target: str) -> None:
    """Dump and restore workflow's events, by COPY as pg_dump does."""
    reader, writer = await asyncpg.connect(source), await asyncpg.connect(target)
    buffer = bytearray()

    async def take(chunk: bytes) -> None:
        buffer.extend(chunk)

    await reader.copy_from_query("SELECT * FROM workflow.events ORDER BY position", output=take)
    await writer.copy_to_table("events", schema_name="workflow", source=_chunks(bytes(buffer)))
    await writer.execute("SELECT setval('workflow.events_position_seq', (SELECT max(position) FROM workflow.events))")
    await reader.close()
    await writer.close()


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def test_after_a_restore_nothing_is_hidden_and_nothing_sorts_before_what_was_published(
    servers: tuple[EmbeddedPostgres, EmbeddedPostgres],
) -> None:
    one, two = servers
    before = (await migrate(one.admin_dsn, {"workflow": secrets.token_urlsafe(12)}))["workflow"]
    connection = await asyncpg.connect(one.admin_dsn)
    for _ in range(3000):  # an older server has counted further
        await connection.execute(_SPEND)
    await connection.close()
    old = await append(before, 5)
    marks = [mark for _, mark in await published(before)]

    passwords = {"workflow": secrets.token_urlsafe(12)}
    after = (await migrate(two.admin_dsn, passwords))["workflow"]
    await _copy(one.admin_dsn, two.admin_dsn)
    assert await published(after) == [], "without a raised base the restored events stay hidden"
    await migrate(two.admin_dsn, {})
    assert [event_id for event_id, _ in await published(after)] == old
    new = await append(after, 5)
    assert [event_id for event_id, _ in await published(after, marks[-1])] == new

    await migrate(two.admin_dsn, {})  # once is enough
    base = "SELECT workflow.transaction_base()"
    connection = await asyncpg.connect(two.admin_dsn)
    raised = await connection.fetchval(base)
    await migrate(two.admin_dsn, {}, restored=True)
    assert await connection.fetchval(base) > raised
    await connection.close()
    assert [event_id for event_id, _ in await published(after, marks[-1])] == new
