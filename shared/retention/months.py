"""Tables in parts by month: the coming months' parts are made ahead, so that rows find theirs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import asyncpg

from shared.database import IN_THE_WAY, UNAVAILABLE, Database

logger = logging.getLogger(__name__)

EVERY = 3600.0  # seconds
_ADD = "SELECT add_month_partitions($1)"


class Months:
    """Looks again and again whether the tables have parts for the coming months.

    Whoever comes late loses nothing: what has no part goes to the default one, and its month stays there.
    """

    def __init__(self, database: Database, tables: Sequence[str], *, every: float = EVERY) -> None:
        self._database = database
        self._tables = tables
        self._every = every

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            for table in self._tables:
                try:
                    await self.add(table)
                except (*UNAVAILABLE, *IN_THE_WAY, asyncpg.LockNotAvailableError, asyncpg.CheckViolationError) as error:
                    logger.warning("no part of %s was added now (%s); later", table, error or type(error).__name__)
            await asyncio.sleep(self._every)

    async def add(self, table: str) -> int:
        """Make the parts that are missing; how many. Raises asyncpg's errors when somebody is in the way."""
        added = int(await self._database.pool.fetchval(_ADD, table))
        if added:
            logger.info("%d parts of %s were added", added, table)
        return added
