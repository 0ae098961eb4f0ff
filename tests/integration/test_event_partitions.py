"""Events in partitions: no stale writer passes, no partition is missing, and each is as closed as the whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.database import Database
from shared.eventstore import statements
from shared.eventstore.partitions import Partitions
from tests.databases import migrated
from tests.waiting import eventually

SIZE = 2_000_000
_APPEND = """
INSERT INTO events (stream_type, stream_id, version, event_id, type, schema_version, data, correlation_id, recorded_at)
SELECT 'project', $1, version, gen_random_uuid(), 'ProjectCreated', 1, '{}', $1, now() FROM unnest($2::int[]) AS version
"""
_PARTITIONS = """
SELECT relname AS name, pg_get_expr(relpartbound, oid) AS bound FROM pg_inherits JOIN pg_class ON oid = inhrelid
WHERE inhparent = 'events'::regclass ORDER BY substring(relname FROM '\\d+')::bigint
"""
_WHERE = "SELECT tableoid::regclass::text AS place, version FROM events WHERE stream_id = $1 ORDER BY version"


class Server:
    """Workflow's events on a server of their own, with its own role and the administrator's."""

    def __init__(self, dsn: str, service: asyncpg.Connection, admin: asyncpg.Connection) -> None:
        self.dsn = dsn
        self.service = service
        self.admin = admin

    async def go_to(self, position: int) -> None:
        """The next event gets this position."""
        await self.admin.fetchval("SELECT setval('events_position_seq', $1::bigint, false)", position)

    async def partitions(self) -> dict[str, str]:
        return {row["name"]: row["bound"] for row in await self.admin.fetch(_PARTITIONS)}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with migrated(tmp_path / "postgres", "workflow") as (postgres, dsns):
        service = await asyncpg.connect(dsns["workflow"])
        admin = await asyncpg.connect(postgres.admin_dsn, server_settings={"search_path": "workflow"})
        yield Server(dsns["workflow"], service, admin)
        await service.close()
        await admin.close()


async def test_a_stale_writer_is_refused_over_partitions(server: Server) -> None:
    stream = uuid4()
    await server.service.execute(_APPEND, stream, [1, 2])
    await server.go_to(SIZE)
    for stale in ([1], [2], [2, 3], [4]):
        with pytest.raises(asyncpg.UniqueViolationError, match="is at version 2") as refused:
            await server.service.execute(_APPEND, stream, stale)
        assert refused.value.constraint_name == "events_stream_version"
    await server.service.execute(_APPEND, stream, [3])
    places = [(row["place"], row["version"]) for row in await server.service.fetch(_WHERE, stream)]
    assert places == [("events_from_1", 1), ("events_from_1", 2), (f"events_from_{SIZE}", 3)]


@pytest.mark.parametrize("begun", [0, 3])
@pytest.mark.parametrize("committed", [True, False])
async def test_of_two_writers_at_once_one_is_refused(server: Server, begun: int, committed: bool) -> None:
    stream = uuid4()
    await server.service.execute(_APPEND, stream, list(range(1, begun + 1)))
    first = server.service.transaction()
    await first.start()
    await server.service.execute(_APPEND, stream, [begun + 1])
    second = await asyncpg.connect(server.dsn)
    try:
        asked = asyncio.create_task(second.execute(_APPEND, stream, [begun + 1]))

        async def waits() -> bool:
            waiting = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1"
            return bool(await server.admin.fetchval(waiting, second.get_server_pid()))

        await eventually(waits, within=45)
        await (first.commit() if committed else first.rollback())
        if committed:
            with pytest.raises(asyncpg.UniqueViolationError, match=f"is at version {begun + 1}"):
                await asked
        else:
            await asked
        versions = [row["version"] for row in await server.service.fetch(_WHERE, stream)]
        assert versions == list(range(1, begun + 2))
    finally:
        await second.close()


async def test_what_has_no_partition_is_kept_and_the_next_one_begins_above(server: Server) -> None:
    before = await server.partitions()
    assert list(before) == ["events_from_1", f"events_from_{SIZE}", "events_rest"]
    stream = uuid4()
    await server.go_to(3 * SIZE + 5)
    await server.service.execute(_APPEND, stream, [1])
    assert await server.service.fetchval("SELECT add_event_partitions()") == 2
    assert await server.service.fetchval("SELECT add_event_partitions()") == 0
    made = await server.partitions()
    assert set(made) - set(before) == {f"events_from_{4 * SIZE}", f"events_from_{5 * SIZE}"}
    assert made[f"events_from_{4 * SIZE}"] == f"FOR VALUES FROM ('{4 * SIZE}') TO ('{5 * SIZE}')"
    await server.go_to(4 * SIZE)
    await server.service.execute(_APPEND, stream, [2])
    assert [row["place"] for row in await server.service.fetch(_WHERE, stream)] == [
        "events_rest",
        f"events_from_{4 * SIZE}",
    ]


async def test_partitions_are_added_while_writers_and_readers_go_on(server: Server) -> None:
    database = Database(server.dsn, size=3)
    await database.open()
    running = asyncio.create_task(Partitions(database, every=0.05).run())

    async def there(number: int) -> None:
        async def made() -> bool:
            return f"events_from_{number * SIZE}" in await server.partitions()

        await eventually(made)

    try:
        stream = uuid4()
        async with server.service.transaction():
            await server.service.execute(_APPEND, stream, [1])
            await server.go_to(SIZE)
            await server.admin.execute(_APPEND, uuid4(), [1])

            await there(2)
            await server.service.execute(_APPEND, stream, [2])
        await there(3)  # its position was the first one after a partition's first
        # Somebody who reads all of them, for as long as they like, delays it and is not disturbed.
        async with server.service.transaction():
            await server.service.fetch(statements.HISTORY, stream, 10)
            await server.go_to(3 * SIZE)
            await server.admin.execute(_APPEND, uuid4(), [1])
            with pytest.raises(asyncpg.LockNotAvailableError):
                await server.admin.execute("SELECT add_event_partitions()")
            await server.service.execute(_APPEND, stream, [3])
        await there(4)
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.wait([running])
        await database.close()


@pytest.mark.parametrize("partition", ["events_from_1", "events_rest"])
async def test_a_partition_is_no_way_around_the_table(server: Server, partition: str) -> None:
    await server.go_to(1 if partition == "events_from_1" else 10 * SIZE)
    await server.service.execute(_APPEND, uuid4(), [1])
    for sql in (f"SELECT FROM {partition}", f"DELETE FROM {partition}", f"INSERT INTO {partition} SELECT FROM events"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await server.service.execute(sql)
    for sql in (f"UPDATE {partition} SET type = 'x'", f"DELETE FROM {partition}", f"TRUNCATE {partition}"):
        with pytest.raises(asyncpg.RaiseError, match="events are append only"):
            await server.admin.execute(sql)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await server.service.execute("UPDATE streams SET version = 0")


async def test_reads_go_by_indexes_in_every_partition(server: Server) -> None:
    await server.admin.execute("SET enable_seqscan = off")
    reads: tuple[tuple[str, tuple[object, ...], str], ...] = (
        (statements.LOAD, ([UUID(int=1)],), "stream_id_version"),
        (statements.HISTORY, (UUID(int=1), 10), "correlation_id"),
        (statements.IN_COMMIT_ORDER, ("0", 0, 10), "transaction_id_position"),
    )
    for sql, arguments, index in reads:
        plan = "\n".join(row[0] for row in await server.admin.fetch("EXPLAIN " + sql, *arguments))
        for partition in await server.partitions():
            assert f"{partition}_{index}_idx" in plan, plan
