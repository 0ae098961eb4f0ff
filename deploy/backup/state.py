"""What is in a database: which schemas, at which migration, how many rows in each table."""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg

from deploy.backup.manifest import ServiceState
from deploy.migrate import SERVICES

_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname = ANY ($1::text[])"
_TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = $1::text::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname
"""
_OTHERS = r"""
SELECT DISTINCT usename FROM pg_stat_activity
WHERE datname = current_database() AND usename LIKE 'presswork\_%' AND pid <> pg_backend_pid() ORDER BY 1
"""


async def of(connection: asyncpg.Connection) -> dict[str, ServiceState]:
    """Every service's schema that has been migrated, as seen by the connection's transaction."""
    found = {}
    there = {row["nspname"] for row in await connection.fetch(_SCHEMAS, list(SERVICES))}
    for service in SERVICES:
        if service not in there or not await connection.fetchval("SELECT to_regclass($1)", f"{service}.schema_version"):
            continue
        tables = {}
        for row in await connection.fetch(_TABLES, service):
            tables[row["relname"]] = await connection.fetchval(f'SELECT count(*) FROM {service}."{row["relname"]}"')
        revision = await connection.fetchval(f"SELECT version_num FROM {service}.schema_version")
        found[service] = ServiceState(revision=revision, tables=tables)
    return found


async def in_use(connection: asyncpg.Connection) -> list[str]:
    """The services' roles that are connected to the database."""
    return [row["usename"] for row in await connection.fetch(_OTHERS)]


def differences(expected: Mapping[str, ServiceState], there: Mapping[str, ServiceState]) -> list[str]:
    """What is not there as expected, a sentence each."""
    found = []
    for service, state in expected.items():
        if service not in there:
            found.append(f"the schema {service} is missing")
            continue
        tables = there[service].tables
        for table, count in state.tables.items():
            if table not in tables:
                found.append(f"{service}.{table} is missing")
            elif tables[table] != count:
                found.append(f"{service}.{table} has {tables[table]:,} rows, the backup says {count:,}")
    return found
