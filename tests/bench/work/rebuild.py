"""Read tables filled anew from the events, and the same rows copied into tables of the same make."""

from __future__ import annotations

import time
from typing import Any

import asyncpg

from services.workflow.app import service
from shared.ids import new_id
from shared.rebuild import rebuild
from tests.bench.work import main
from tests.bench.work.append import append
from tests.bench.work.kits import kit
from tests.bench.work.story import EVENTS, Story

_TABLES = ("workflows", "platform_states")


async def measure(database_url: str, admin_dsn: str, events: int) -> dict[str, Any]:
    """Events a second gone through by a rebuild of two tables, and of every one; rows a second of COPY of the two."""
    opened = kit(service, database_url)
    await opened.database.open()
    user = new_id()
    for _ in range(events // EVENTS // 100):
        await append(opened, [Story(user) for _ in range(100)])
    await opened.database.close()
    done = await rebuild(kit(service, database_url), admin_dsn, _TABLES)
    await rebuild(
        kit(service, database_url), admin_dsn
    )  # writes what follows at a distance, too: nobody else does here
    everything = await rebuild(kit(service, database_url), admin_dsn)
    return {
        "rate": done.events / done.seconds,
        "everything": everything.events / everything.seconds,
        "events": done.events,
        "locked_ms": done.locked * 1000,
    } | await _copied(admin_dsn)


async def _copied(admin_dsn: str) -> dict[str, float]:
    connection = await asyncpg.connect(admin_dsn, server_settings={"search_path": "workflow"})
    try:
        rows, took = 0, 0.0
        for table in _TABLES:
            await connection.execute(f"CREATE TABLE copy_of_{table} (LIKE {table} INCLUDING ALL)")
            records = [tuple(row) for row in await connection.fetch(f"SELECT * FROM {table}")]
            began = time.perf_counter()
            await connection.copy_records_to_table(f"copy_of_{table}", records=records)
            took += time.perf_counter() - began
            rows += len(records)
        return {"copy": rows / took, "rows": rows}
    finally:
        await connection.close()


if __name__ == "__main__":
    main(measure)
