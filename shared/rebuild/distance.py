"""Tables that follow at a distance: the ones that serve are brought to the end before they are compared."""

from __future__ import annotations

import time
from collections.abc import Mapping

import asyncpg

from shared.database import IN_THE_WAY, UNAVAILABLE, Connection
from shared.eventstore.rows import Columns
from shared.kit import Kit
from shared.projection import Projections
from shared.trailing import Trailing

PATIENCE = 60.0  # seconds for what is behind; a service that stood still for long may be behind by millions of events


class Distance:
    """One more follower beside the service's own, which may not run at all."""

    def __init__(self, kit: Kit, connection: Connection, keys: Mapping[str, Columns]) -> None:
        self._trailing = Trailing(kit.store, Projections(*kit.service.trailing), 0.0, keys)
        self._connection = connection
        self.stays = False  # more is behind than there is patience for, or than the tables take as they are

    @property
    def may_be(self) -> bool:
        """Whether tables of the service follow at one that may be closed."""
        return self._trailing.follows and not self.stays

    async def close(self) -> None:
        """Write what no open transaction can precede."""
        until = time.monotonic() + PATIENCE
        try:
            while await self._trailing.follow_on(self._connection) != 0:
                if time.monotonic() > until:
                    self.stays = True
                    return
        except UNAVAILABLE:
            raise
        except (KeyError, asyncpg.PostgresError):
            self.stays = True  # a table that is gone, rows that do not fit: what a rebuild is for

    async def close_for_good(self) -> None:
        """Write the rest, in the transaction that keeps writers out."""
        try:
            async with self._connection.transaction():
                await self._trailing.finish_on(self._connection)
        except (asyncpg.LockNotAvailableError, *IN_THE_WAY, *UNAVAILABLE):
            raise
        except (KeyError, asyncpg.PostgresError):
            self.stays = True
