"""Who sees and changes a table's rows, asked in plain SQL as the service's own login role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest

from shared.roles import ROLES, Role, may


@asynccontextmanager
async def as_user(dsn: str, user_id: UUID | str = "", role: str = "") -> AsyncIterator[asyncpg.Connection]:
    """A connection on behalf of a user in a role; by default of nobody."""
    settings = {"app.user_id": str(user_id), "app.user_role": role}
    connection = await asyncpg.connect(dsn, server_settings=settings)
    try:
        yield connection
    finally:
        await connection.close()


async def assert_row_security(
    dsn: str,
    table: str,
    *,
    mine: UUID,
    theirs: UUID,
    owner: str = "user_id",
    where: str = "true",
    staff_reads: Role | None = None,
    staff_updates: Role | None = None,
) -> None:
    """A user sees and changes only their own rows, and each role of others' just what it may.

    The table holds rows of `mine` and of `theirs`; only those where `where` holds are looked at. `staff_reads` and
    `staff_updates` are the lowest roles that may do so with another's rows, None when none may.
    """
    count = f"SELECT count(*) FROM {table} WHERE {owner} = $1 AND ({where})"
    async with as_user(dsn, "service") as connection:
        of_mine, of_theirs = [await connection.fetchval(count, user) for user in (mine, theirs)]
    assert of_mine, f"{table} holds no row of the user, so nothing could be seen"
    assert of_theirs, f"{table} holds no row of another user, so nothing could be hidden"

    async with as_user(dsn) as connection:
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0, f"{table}: nobody sees something"
    for role in ("", "stranger", *ROLES):
        reads = staff_reads is not None and may(role, staff_reads)
        updates = staff_updates is not None and may(role, staff_updates)
        who = f"{table}: a user in the role {role!r}"
        async with as_user(dsn, mine, role) as connection:
            assert await connection.fetchval(count, mine) == of_mine, f"{who} and their own rows"
            assert await connection.fetchval(count, theirs) == (of_theirs if reads else 0), f"{who} reads others' rows"
            await _assert_changes(connection, table, owner, where, theirs, of_theirs if updates else 0, who)
            if not updates:
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                    await connection.execute(f"UPDATE {table} SET {owner} = $2 WHERE {owner} = $1", mine, theirs)


async def _assert_changes(
    connection: asyncpg.Connection, table: str, owner: str, where: str, theirs: UUID, updated: int, who: str
) -> None:
    """How many of another's rows an update reaches, and that no deletion does; nothing stays changed."""
    change = connection.transaction()
    await change.start()
    try:
        theirs_only = f"WHERE {owner} = $1 AND ({where})"
        done = await connection.execute(f"UPDATE {table} SET {owner} = {owner} {theirs_only}", theirs)
        assert done == f"UPDATE {updated}", f"{who} changes others' rows"
        done = await connection.execute(f"DELETE FROM {table} {theirs_only}", theirs)
        assert done == "DELETE 0", f"{who} deletes others' rows"
    finally:
        await change.rollback()
