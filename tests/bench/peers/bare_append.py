"""asyncpg alone, into the same tables: events and rows by unnest, and events by COPY. No decisions, no validation."""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg

DATA = json.dumps(
    {"workflow_id": str(uuid4()), "user_id": str(uuid4()), "workflow_status": "running", "platform": "linkedin",
     "draft_id": str(uuid4()), "iteration": 1, "score": 90, "reason": "good_enough"}
)  # fmt: skip
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
COLUMNS = (
    "stream_type", "stream_id", "version", "event_id", "type", "schema_version", "data",
    "correlation_id", "causation_id", "actor", "traceparent", "recorded_at",
)  # fmt: skip
TYPES = "text[], uuid[], int[], uuid[], text[], smallint[], text[], uuid[], uuid[], uuid[], text[], timestamptz[]"
INSERT_EVENTS = (
    f"INSERT INTO events ({', '.join(COLUMNS)}) "
    "SELECT stream_type, stream_id, version, event_id, type, schema_version, data::jsonb, correlation_id, "
    "causation_id, actor, traceparent, recorded_at FROM unnest("
    + ", ".join(f"${number + 1}::{name.strip()}" for number, name in enumerate(TYPES.split(",")))
    + f") AS new ({', '.join(COLUMNS)})"
)
INSERT_WORKFLOWS = """
INSERT INTO workflows (id, user_id, status, mode, source_content, manual_options, title, created_at, updated_at)
SELECT id, $2, 'running', 'manual', '{"text": "bread"}', '{}', 'Why bread rises', $3, $3 FROM unnest($1::uuid[]) AS id
"""
INSERT_STATES = """
INSERT INTO platform_states (id, workflow_id, user_id, platform, status, iteration, created_at, updated_at)
SELECT id, workflow_id, $3, platform, 'generating', 0, $5, $5
FROM unnest($1::uuid[], $2::uuid[], $4::text[]) AS new (id, workflow_id, platform)
"""
UPDATE_STATES = """
UPDATE platform_states AS old SET status = $2, active_draft_id = new.draft, updated_at = $4
FROM unnest($1::uuid[], $3::uuid[]) AS new (id, draft) WHERE old.id = new.id
"""
UPDATE_WORKFLOWS = "UPDATE workflows SET status = $2, updated_at = $3 WHERE id = ANY ($1::uuid[])"
STEPS = ((4, "generating"), (3, "evaluating"), (3, "awaiting_review"), (6, "accepted"), (4, "published"))
PLATFORMS = ("linkedin", "x", "blog")


def rows(streams: list[UUID], first: int, count: int) -> list[tuple]:
    now, user = datetime.now(UTC), streams[0]
    return [
        ("workflow", stream, first + number, uuid4(), "PlatformReadyForReview", 1, DATA, stream, stream, user,
         TRACEPARENT, now)
        for stream in streams for number in range(count)
    ]  # fmt: skip


async def story(connection: asyncpg.Connection, at_once: int) -> int:
    """The events and rows of so many workflows, each step of all of them in one transaction."""
    streams = [uuid4() for _ in range(at_once)]
    states = [uuid4() for _ in range(3 * at_once)]
    owners = [stream for stream in streams for _ in PLATFORMS]
    version = 1
    for count, status in STEPS:
        now = datetime.now(UTC)
        columns = [list(column) for column in zip(*rows(streams, version, count), strict=True)]
        async with connection.transaction():
            await connection.execute(INSERT_EVENTS, *columns)
            if version == 1:
                await connection.execute(INSERT_WORKFLOWS, streams, streams[0], now)
                await connection.execute(INSERT_STATES, states, owners, streams[0], list(PLATFORMS) * at_once, now)
            else:
                await connection.execute(UPDATE_STATES, states, status, states, now)
                await connection.execute(UPDATE_WORKFLOWS, streams, "running", now)
        version += count
    return at_once * sum(count for count, _ in STEPS)


async def copied(connection: asyncpg.Connection, at_once: int) -> int:
    records = rows([uuid4() for _ in range(at_once)], 1, 20)
    await connection.copy_records_to_table("events", records=records, columns=COLUMNS)
    return len(records)


async def rate(pool: asyncpg.Pool, work, at_once: int, lanes: int, seconds: float) -> float:
    done = 0

    async def lane(until: float) -> None:
        nonlocal done
        async with pool.acquire() as connection:
            while time.perf_counter() < until:
                new = await work(connection, at_once)
                done += new

    began = time.perf_counter()
    await asyncio.gather(*(lane(began + seconds) for _ in range(lanes)))
    return done / (time.perf_counter() - began)


async def main(database_url: str, seconds: float, at_once: int, lanes: int) -> None:
    settings = {"app.user_id": "service", "jit": "off"}
    async with asyncpg.create_pool(database_url, min_size=lanes, max_size=lanes, server_settings=settings) as pool:
        unnest = await rate(pool, story, at_once, lanes, seconds)
        print(json.dumps({"unnest": unnest, "copy": await rate(pool, copied, at_once, lanes, seconds)}))


asyncio.run(main(**json.loads(sys.argv[1])))
