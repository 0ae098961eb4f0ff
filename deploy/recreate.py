"""`python -m deploy.recreate [SERVICE]`: read tables that were dropped, made as the migrations make them, and refilled.

Wants what `python -m shared.rebuild` wants. Nothing that is there is touched.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
from rich.console import Console
from rich.markup import escape

from deploy.backup.failure import BackupFailed
from deploy.backup.tools import Tools
from deploy.migrate import SERVICES, migrate
from shared.kit import Kit
from shared.operating import OperatorSettings, find_service
from shared.rebuild import Refused, rebuild
from shared.rebuild.catalog import read_tables
from shared.rebuild.telling import telling

console = Console(highlight=False, soft_wrap=True)
problems = Console(stderr=True, highlight=False, soft_wrap=True)

_PSQL = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null")
_VIEWS = "SELECT relname FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind = 'v' ORDER BY oid"
_FOREIGN_KEYS = """
SELECT format('%I.%I', nspname, relname) AS table, quote_ident(conname) AS name, pg_get_constraintdef(con.oid) AS sql
FROM pg_constraint con JOIN pg_class c ON c.oid = conrelid JOIN pg_namespace n ON n.oid = relnamespace
WHERE contype = 'f' AND conparentid = 0 AND nspname = $1
"""


async def recreate(admin_dsn: str, service: str) -> list[str]:
    """Make the service's missing read tables, and the views and foreign keys that went with them, all or nothing.

    The names of the tables, which are empty. Raises BackupFailed without PostgreSQL's client programs or when they
    complain, and asyncpg's errors.
    """
    async with _as_migrated(admin_dsn) as scratch:
        should, there = await asyncpg.connect(scratch), await asyncpg.connect(admin_dsn)
        try:
            tables = await _missing_tables(should, there, service)
            if not tables:
                return []
            views = [row["relname"] for row in await should.fetch(_VIEWS, service)]
            present = {row["relname"] for row in await there.fetch(_VIEWS, service)}
            tools = Tools.for_server(there.get_server_version().major)
            chosen = [f'--table-and-children="{service}"."{name}"' for name in tables]
            chosen += [f'--table="{service}"."{name}"' for name in views if name not in present]
            sql = await _output(tools, "pg_dump", scratch, "--schema-only", *chosen)
            await _output(
                tools, "psql", admin_dsn, *_PSQL, given=sql + await _lost_keys(should, there, service, tables)
            )
            return tables
        finally:
            await should.close()
            await there.close()


async def _missing_tables(should: asyncpg.Connection, there: asyncpg.Connection, service: str) -> list[str]:
    present = set(await read_tables(there, service))
    return [name for name in await read_tables(should, service) if name not in present]


async def _lost_keys(should: asyncpg.Connection, there: asyncpg.Connection, service: str, tables: list[str]) -> bytes:
    """Foreign keys of tables that stayed, which went with the tables they referred to; validated by the rebuild."""
    for connection in (should, there):
        await connection.execute("SET search_path TO ''")  # so that definitions name schemas
    known = {(row["table"], row["name"]) for row in await there.fetch(_FOREIGN_KEYS, service)}
    return "".join(
        f"ALTER TABLE {row['table']} ADD CONSTRAINT {row['name']} {row['sql']} NOT VALID;\n"
        for row in await should.fetch(_FOREIGN_KEYS, service)
        if (row["table"], row["name"]) not in known and row["table"].partition(".")[2] not in tables
    ).encode()


async def _output(tools: Tools, program: str, dsn: str, *options: str, given: bytes | None = None) -> bytes:
    process = await tools.start(program, dsn, *options, stdin=PIPE if given is not None else None)
    output, complaint = await process.communicate(given)
    if process.returncode:
        raise BackupFailed(f"{program} failed, and nothing was changed: {complaint.decode(errors='replace')[-2000:]}")
    return output


@asynccontextmanager
async def _as_migrated(admin_dsn: str) -> AsyncIterator[str]:
    """A database for a moment, as the migrations leave one."""
    name = f"presswork_recreate_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(admin_dsn)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            scratch = urlsplit(admin_dsn)._replace(path=f"/{name}").geturl()
            await migrate(scratch, {})
            yield scratch
        finally:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


async def _each(services: list[str], settings: OperatorSettings) -> int:
    for name in services:
        try:
            tables = await recreate(settings.postgres_url, name)
            if not tables:
                console.print(f"{name}: every read table is there")
                continue
            service = find_service(name)
            kit = Kit(service, service.settings(database_url=settings.databases()[name]))
            with telling(console, name) as told:
                done = await rebuild(kit, settings.postgres_url, tables, told=told)
        except (BackupFailed, Refused, LookupError, ValueError, OSError, asyncpg.PostgresError) as error:
            problems.print(f"[bold red]{name}:[/] {escape(str(error) or type(error).__name__)}")
            return 1
        console.print(f"[bold green]{name}[/]: {', '.join(tables)} made anew, from {done.events:,} events")
    return 0


def main() -> int:
    """The command line. 0: every read table is there; 1: not, and why; 2: not set up."""
    parser = argparse.ArgumentParser(prog="python -m deploy.recreate", description=__doc__)
    parser.add_argument("service", nargs="?", choices=SERVICES, help="default: every service")
    chosen = parser.parse_args()
    settings = OperatorSettings()
    if not settings.postgres_url or not settings.databases():
        problems.print("Set PRESSWORK_POSTGRES_URL and PRESSWORK_<SERVICE>_DATABASE_URL; `make recreate` does.")
        return 2
    services = [chosen.service] if chosen.service else sorted(settings.databases())
    return asyncio.run(_each(services, settings))


if __name__ == "__main__":
    sys.exit(main())
