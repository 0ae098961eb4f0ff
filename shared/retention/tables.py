"""What retention does to whole tables, with nobody rebuilding them meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import asyncpg

from shared.database import IN_THE_WAY, UNAVAILABLE
from shared.retention.rule import Stopped

if TYPE_CHECKING:
    from shared.kit import Kit

TRIES = 10
PAUSE = 0.3  # seconds after the first try; more after each, so that requests get through between

# The lock that a rebuild of the table holds.
_TAKE = "SELECT pg_try_advisory_lock(hashtext('presswork.rebuild'), hashtext(current_schema() || '.' || $1))"
_DROP = "SELECT drop_partition_below_cutoff($1)"


@asynccontextmanager
async def taken(kit: Kit, table: str) -> AsyncIterator[None]:
    """Nobody rebuilds the table until the block is left. Raises Stopped when somebody does now."""
    connection = await kit.database.connect()
    try:
        if not await connection.fetchval(_TAKE, table):
            raise Stopped(f"{table} is being rebuilt; the next run goes on.")
        yield
    finally:
        with suppress(*UNAVAILABLE):
            await connection.close(timeout=2)


async def drop_parts(kit: Kit, table: str) -> list[str]:
    """Drop the parts of a table that are below its cutoff as a whole; their names.

    One at a time, each in an instant or, while somebody reads it, later. Raises Stopped when it is read all the time.
    """
    dropped: list[str] = []
    for attempt in range(TRIES):
        try:
            while name := await kit.database.pool.fetchval(_DROP, table):
                dropped.append(name)
            return dropped
        except (asyncpg.LockNotAvailableError, *IN_THE_WAY):
            await asyncio.sleep(random.uniform(0.5, 1.0) * PAUSE * (attempt + 1))
    raise Stopped(f"The oldest part of {table} was in use without a pause; the next run goes on.")
