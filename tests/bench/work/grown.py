"""What a store of any size answers: reads by id and lists, streams, histories, and pages of the relay; milliseconds."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

from services.workflow import queries
from services.workflow.app import service
from shared.eventstore import statements
from shared.http.pagination import PageRequest
from tests.bench.figure import latency
from tests.bench.work import main
from tests.bench.work.kits import kit

_SAMPLE = "SELECT id, user_id FROM workflows OFFSET $1 LIMIT 1"
_COUNT = "SELECT count(*) FROM workflows"
_MARK = "SELECT transaction_id::text AS transaction, position FROM events WHERE stream_id = $1 ORDER BY version LIMIT 1"
_SIZE = """
SELECT (SELECT sum(pg_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'events'::regclass)::bigint AS rows,
       (SELECT sum(pg_indexes_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'events'::regclass)::bigint AS indexes,
       pg_total_relation_size('streams')::bigint AS streams, pg_database_size(current_database())::bigint AS all
"""


async def measure(database_url: str, samples: int = 300) -> dict[str, Any]:
    """p50 and p99 in ms of each read, over workflows of all ages, and sizes in bytes."""
    opened = kit(service, database_url)
    await opened.database.open()
    try:
        pool = opened.database.pool
        count = await pool.fetchval(_COUNT)
        chance = random.Random(7)
        chosen = [
            await pool.fetchrow(_SAMPLE, offset) for offset in sorted(chance.randrange(count) for _ in range(samples))
        ]
        chance.shuffle(chosen)
        marks = [await pool.fetchrow(_MARK, row["id"]) for row in chosen]
        page = PageRequest(limit=20)

        async def by_id(row: Any, _: Any) -> None:
            async with opened.database.reading(row["user_id"]) as connection:
                assert await queries.workflow(connection, row["id"])

        async def recent(row: Any, _: Any) -> None:
            async with opened.database.reading(row["user_id"]) as connection:
                assert await queries.workflows(connection, row["user_id"], page, None, None)

        async def stream(row: Any, _: Any) -> None:
            assert await pool.fetch(statements.LOAD, [row["id"]])

        async def history(row: Any, _: Any) -> None:
            assert await pool.fetch(statements.HISTORY, row["id"], 100)

        async def commits(_: Any, mark: Any) -> None:
            assert await pool.fetch(statements.IN_COMMIT_ORDER, mark["transaction"], mark["position"], 100)

        async def timed(read: Callable[[Any, Any], Awaitable[None]]) -> dict[str, float]:
            for row, mark in list(zip(chosen, marks, strict=True))[:20]:
                await read(row, mark)
            times = []
            for row, mark in zip(chosen, marks, strict=True):
                began = time.perf_counter()
                await read(row, mark)
                times.append(time.perf_counter() - began)
            return latency(times)

        found = {read.__name__: await timed(read) for read in (by_id, recent, stream, history, commits)}
        return {"reads": found, "size": dict(await pool.fetchrow(_SIZE))}
    finally:
        await opened.database.close()


if __name__ == "__main__":
    main(measure)
