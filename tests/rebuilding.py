"""Rebuild equals live, for any service: every column of every read table, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg

from shared.database import SERVICE
from shared.kit import Kit, Service
from shared.projection import Projections
from shared.rebuild import Rebuilt, rebuild
from shared.rebuild.catalog import describe, read_tables
from shared.rebuild.feed import Feed
from tests.waiting import eventually

Rows = dict[str, list[str]]


def projecting() -> dict[str, Service]:
    """The services with read tables, as found in services/."""
    names = sorted(found.parent.name for found in (Path(__file__).parents[1] / "services").glob("*/projections*"))
    services: dict[str, Service] = {name: import_module(f"services.{name}.app").service for name in names}
    return {name: service for name, service in services.items() if Projections(*service.projections).events}


async def rows_of(admin_dsn: str, schema: str, tables: Sequence[str] = ()) -> Rows:
    """All rows of the schema's read tables, or of these, as JSON, in order of their text."""
    connection = await asyncpg.connect(admin_dsn, server_settings={"search_path": schema, "app.user_id": SERVICE})
    try:
        found: Rows = {}
        for table in tables or await read_tables(connection, schema):
            rows = await connection.fetch(f'SELECT to_jsonb(t)::text AS row FROM "{table}" AS t ORDER BY 1')
            found[table] = [row["row"] for row in rows]
        return found
    finally:
        await connection.close()


async def looks_of(admin_dsn: str, schema: str) -> Any:
    """What PostgreSQL knows about the schema's tables and views."""
    connection = await asyncpg.connect(admin_dsn, server_settings={"search_path": schema})
    try:
        names = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind IN ('r', 'p', 'v')",
            schema,
        )
        return await describe(connection, schema, [row["relname"] for row in names])
    finally:
        await connection.close()


async def caught_up(kit: Kit) -> None:
    """Wait until the tables that follow at a distance have come to the end."""

    async def is_at_the_end() -> bool:
        await kit.trailing.follow()
        return not await kit.trailing.behind()

    if kit.trailing.follows:
        await eventually(is_at_the_end, within=60)


async def assert_rebuild_equals_live(
    kit: Kit, admin_dsn: str, tables: Sequence[str] = (), feed: Feed | None = None
) -> Rebuilt:
    """Rebuild the read tables of the kit's service while nothing is written: rows and looks stay the same."""
    schema = kit.service.name
    await caught_up(kit)
    live, looks = await rows_of(admin_dsn, schema), await looks_of(admin_dsn, schema)
    done = await rebuild(kit, admin_dsn, tables, feed=feed)
    assert not done.left, f"no event writes the rows of {done.left}"
    rebuilt = await rows_of(admin_dsn, schema)
    for table, rows in live.items():
        assert rebuilt[table] == rows, f"{schema}.{table} differs"
    assert await looks_of(admin_dsn, schema) == looks
    return done
