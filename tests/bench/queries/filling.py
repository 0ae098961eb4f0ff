"""Large tables of five thousand users, made by the server itself, through the real schemas."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg

_BASE, *_TABLES = re.split(r"-- table: (\S+)\n", Path(__file__).with_suffix(".sql").read_text("utf-8"))
TABLES = dict(zip(_TABLES[::2], _TABLES[1::2], strict=True))
SERVICES = tuple(sorted({name.partition(".")[0] for name in TABLES}))
BYTES = 8_000  # of disk for one row of each table, with indexes and the log of writing them

_LANES = 2
# Neither the constraints' nor those of partitions, which go and come with their table's.
_INDEXES = """
SELECT i.indexrelid::regclass::text AS name, replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') AS sql
FROM pg_index i
WHERE i.indrelid = $1::text::regclass AND NOT i.indisunique
"""
_MONTHS = """
DO $$
DECLARE
    month timestamptz;
    schema_and_table text;
    part text;
BEGIN
    FOREACH schema_and_table IN ARRAY ARRAY['workflow.execution_logs', 'generation.outputs'] LOOP
        FOR n IN 1..12 LOOP
            month := date_trunc('month', now() AT TIME ZONE 'UTC') - n * interval '1 month';
            part := schema_and_table || '_' || to_char(month, 'YYYYMM');
            EXECUTE format('CREATE TABLE %s PARTITION OF %s FOR VALUES FROM (%L) TO (%L)',
                           part, schema_and_table, month, month + interval '1 month');
        END LOOP;
    END LOOP;
END $$;
"""
_SAMPLES = """
SELECT id, user_id, parent_id, created_at FROM bench_rows
WHERE n IN (SELECT floor(random() * $2)::bigint FROM generate_series(1, $1)) ORDER BY random()
"""
_BUSIEST = "SELECT user_id FROM bench_rows GROUP BY user_id ORDER BY count(*) DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Sample:
    """One of the numbered rows: the id that it has in every table, its user, and its group's first row."""

    id: UUID
    user_id: UUID
    parent_id: UUID
    created_at: datetime


async def fill(admin_dsn: str, rows: int) -> None:
    """`rows` of each table in a migrated database, analysed and vacuumed. By an administrator, whom no policy asks;
    what is tied by foreign keys comes in any order."""
    async with _connected(admin_dsn) as connection:
        await connection.execute(_MONTHS)
        await connection.execute(_BASE.replace("ROWS", str(rows)))
        await connection.execute("CREATE INDEX ON bench_rows (n)")
        await connection.execute("ANALYZE bench_rows")
    waiting = deque(TABLES)

    async def lane() -> None:
        async with _connected(admin_dsn) as connection:
            while waiting:
                await _fill(connection, waiting.popleft(), rows)

    async with asyncio.TaskGroup() as lanes:
        for _ in range(_LANES):
            lanes.create_task(lane())


async def samples(admin_dsn: str, count: int, rows: int) -> Sequence[Sample]:
    """Some of the numbered rows, by chance: a user who has many is met often."""
    async with _connected(admin_dsn) as connection:
        await connection.execute("SELECT setseed(0.7)")  # the same ones each time
        return [Sample(**row) for row in await connection.fetch(_SAMPLES, count, rows)]


async def busiest(admin_dsn: str) -> UUID:
    """The user who has most."""
    async with _connected(admin_dsn) as connection:
        found: UUID = await connection.fetchval(_BUSIEST)
        return found


async def _fill(connection: asyncpg.Connection, table: str, rows: int) -> None:
    """Rows first, then the indexes, which is several times as fast."""
    indexes = await connection.fetch(_INDEXES, table)
    async with connection.transaction():
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['name']}")
        await connection.execute(TABLES[table].replace("ROWS", str(rows)))
        for index in indexes:
            await connection.execute(index["sql"])
    await connection.execute(f"VACUUM ANALYZE {table}")


@asynccontextmanager
async def _connected(admin_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    settings = {
        "timezone": "UTC",
        "session_replication_role": "replica",  # no trigger, hence no foreign key is looked at
        "synchronous_commit": "off",
        "maintenance_work_mem": "256MB",
        "max_parallel_maintenance_workers": "0",  # the lanes have the cores
    }
    connection = await asyncpg.connect(admin_dsn, server_settings=settings, command_timeout=600)
    try:
        yield connection
    finally:
        await connection.close()
