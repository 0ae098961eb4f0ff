"""Waking a relay or worker that runs in another process, when a service is split by role."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from shared.database import UNAVAILABLE, Database

logger = logging.getLogger(__name__)


class Wakes:
    """NOTIFY after a commit (never inside it: that would serialise commits) and LISTEN for those of others."""

    def __init__(self, database: Database, service: str) -> None:
        self._database = database
        self._channel = f"presswork_{service}"
        self._untold = False
        self._telling: asyncio.Task[None] | None = None

    def tell(self) -> None:
        """Something was committed; what is committed while others are being told is told together after that."""
        self._untold = True
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())

    async def told(self) -> None:
        """The same, done when it returns: for who ends right after."""
        self.tell()
        if self._telling is not None:
            await self._telling

    async def _tell(self) -> None:
        while self._untold:
            self._untold = False
            with suppress(*UNAVAILABLE):
                await self._database.pool.execute("SELECT pg_notify($1, '')", self._channel)

    async def run(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever some process committed. Until cancelled."""
        while True:
            try:
                connection = await self._database.connect()
                try:
                    await connection.add_listener(self._channel, lambda *_: wake())
                    while not connection.is_closed():
                        wake()  # what was told while nobody listened
                        await asyncio.sleep(1)
                finally:
                    await connection.close(timeout=2)
            except UNAVAILABLE as error:
                logger.warning("nobody can be woken for a moment: %s", error or type(error).__name__)
                await asyncio.sleep(0.5)
