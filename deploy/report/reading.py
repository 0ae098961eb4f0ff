"""The figures, read in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from deploy.backup.manifest import Manifest
from deploy.migrate import SERVICES
from deploy.report import statements

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Figures:
    """Rows as `statements` names their columns. `slow` is None, and `why` says so, where nothing counts the queries;
    `before`: the rows of each table at an earlier moment, by schema and name."""

    database: Row
    tables: list[Row]
    indexes: list[Row]
    connections: list[Row]
    archiver: Row
    slow: list[Row] | None = None
    why: str = ""
    since: datetime | None = None
    before: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def rows(self, table: Row) -> int:
        """How many rows a table has, about: counted by the statistics, else as last analysed."""
        return max(int(table["live"]), 0) or int(table["estimated"])

    def a_day(self, table: Row) -> float | None:
        """Rows more a day since the earlier moment; None where there is none, or it is less than an hour ago."""
        earlier = self.before.get((table["schema"], table["name"]))
        if self.since is None or earlier is None:
            return None
        seconds = (self.database["now"] - self.since).total_seconds()
        return (self.rows(table) - earlier) / seconds * 86_400 if seconds > 3600 else None


async def read(dsn: str, *, earlier: Manifest | None = None, slowest: int = 10) -> Figures:
    """Read the figures of a database's services. `earlier`: a backup to measure growth from. Raises asyncpg's errors
    and OSError."""
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "presswork-report"})
    try:
        schemas = list(SERVICES)
        slow, why = await _slow(connection, slowest)
        return Figures(
            database=dict(await connection.fetchrow(statements.DATABASE)),
            tables=await connection.fetch(statements.TABLES, schemas),
            indexes=await connection.fetch(statements.INDEXES, schemas),
            connections=await connection.fetch(statements.CONNECTIONS),
            archiver=dict(await connection.fetchrow(statements.ARCHIVER)),
            slow=slow,
            why=why,
            since=earlier.made_at if earlier else None,
            before={
                (service, table): count
                for service, there in (earlier.services.items() if earlier else ())
                for table, count in there.tables.items()
            },
        )
    finally:
        await connection.close()


async def _slow(connection: asyncpg.Connection, limit: int) -> tuple[list[Row] | None, str]:
    """The slowest statements on average, else why not. What counts is the library; its view is made."""
    try:
        schema = await connection.fetchval(statements.STATEMENTS_SCHEMA)
        if schema is None:
            if not await connection.fetchval(statements.PRELOADED):
                return None, "add pg_stat_statements to the server's shared_preload_libraries and restart it"
            await connection.execute("CREATE EXTENSION pg_stat_statements SCHEMA public")
            schema = "public"
        return await connection.fetch(statements.SLOW.format(schema=schema), limit), ""
    except asyncpg.PostgresError as error:
        return None, f"they are shown to administrators ({error})"
