"""Who may rebuild what, and on which connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress

import asyncpg

from shared.database import SERVICE, UNAVAILABLE, Connection
from shared.rebuild import unfinished
from shared.rebuild.catalog import Ties, read_tables
from shared.rebuild.columns import set_copy_codec
from shared.rebuild.names import SUFFIX, quoted
from shared.rebuild.refusal import Refused

_ONE_AT_A_TIME = "SELECT pg_try_advisory_lock(hashtext('presswork.rebuild'), hashtext($1 || '.' || $2))"
_NO_MIGRATION = "SELECT pg_try_advisory_lock_shared(hashtext('presswork.migrate.' || $1))"


@asynccontextmanager
async def as_owner(admin_dsn: str, schema: str) -> AsyncIterator[Connection]:
    """A connection that acts as the owner of a service's schema."""
    connection = await asyncpg.connect(
        admin_dsn,
        server_settings={"application_name": f"presswork-rebuild-{schema}", "app.user_id": SERVICE, "jit": "off"},
    )
    try:
        await connection.execute(f"SET ROLE {quoted(f'presswork_{schema}_owner')}")
        await connection.execute(f"SET search_path TO {quoted(schema)}")
        await set_copy_codec(connection)
        yield connection
    finally:
        with suppress(*UNAVAILABLE):
            await connection.close(timeout=2)


async def choose(connection: Connection, schema: str, named: Sequence[str], ties: Ties) -> list[str]:
    """The read tables to rebuild. Raises Refused for a name that is none."""
    known = await read_tables(connection, schema)
    if unknown := [name for name in named if name not in known]:
        raise Refused(f"{schema} has no read table {', '.join(unknown)}; there are: {', '.join(known) or 'none'}.")
    return ties.tied(named or known)


async def alone(connection: Connection, schema: str, tables: Iterable[str]) -> None:
    """Take these tables for this connection, as long as it lasts. Raises Refused when another one has them."""
    if not await connection.fetchval(_NO_MIGRATION, schema):
        raise Refused(f"The schema of {schema} is being migrated; try again when that is done.")
    for table in tables:
        if not await connection.fetchval(_ONE_AT_A_TIME, schema, table):
            raise Refused(f"{schema}.{table} is being rebuilt already; wait until that is done.")


async def clean(admin_dsn: str, schema: str, tables: Sequence[str]) -> None:
    """No shadow stays behind, also when the connection that made it is lost. What cannot be removed now is found by the
    next rebuild."""
    with suppress(*UNAVAILABLE, asyncpg.LockNotAvailableError):
        async with as_owner(admin_dsn, schema) as connection:
            await connection.execute("SET lock_timeout = '2s'")
            await unfinished.drop(connection, tables)


async def drop_unfinished(connection: Connection, schema: str, shadow: str) -> None:
    """Let go what a rebuild left behind, by the name of one of its shadows. Raises Refused for what is none, and for a
    rebuild that runs."""
    found = await unfinished.find(connection, [shadow.removesuffix(SUFFIX)])
    if not found:
        known = ", ".join(each.name for each in await unfinished.listed(connection, schema))
        raise Refused(f"{schema} has no unfinished rebuild {shadow}; there are: {known or 'none'}.")
    for each in found:
        await alone(connection, schema, each.tables)
        await unfinished.drop(connection, each.tables)
