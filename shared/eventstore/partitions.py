"""Partitions of the events, made before they are needed."""

from __future__ import annotations

import asyncio
import logging

import asyncpg

from shared.database import IN_THE_WAY, UNAVAILABLE, Database

logger = logging.getLogger(__name__)

EVERY = 60.0  # seconds
_ADD = "SELECT add_event_partitions()"


class Partitions:
    """Looks again and again whether the events need another partition; appends never wait for one.

    Whoever comes late loses nothing: what has no partition goes to `events_rest`, and the next one begins above it.
    """

    def __init__(self, database: Database, *, every: float = EVERY) -> None:
        self._database = database
        self._every = every

    async def run(self) -> None:
        while True:
            try:
                if added := await self._database.pool.fetchval(_ADD):
                    logger.info("%d partitions of events were added", added)
            except (*UNAVAILABLE, *IN_THE_WAY, asyncpg.LockNotAvailableError, asyncpg.CheckViolationError) as error:
                logger.warning("no partition of events was added now (%s); later", error or type(error).__name__)
            await asyncio.sleep(self._every)
