"""Retention as a recurring task: one on the to-do list of each service, due every day at the same hour (UTC)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from shared.database import UNAVAILABLE
from shared.ids import derive
from shared.reactions import LeasedTask, RetryLater, work
from shared.retention.run import Busy, run

if TYPE_CHECKING:
    from shared.kit import Kit

logger = logging.getLogger(__name__)

KIND = "retention"
EVERY = 900.0  # seconds between looks whether the next one is on the list

# Of several processes one writes it; what was not done in its time is done first.
_PUT = """
INSERT INTO tasks (id, kind, due_at, correlation_id) SELECT $1, $2, $3, $1
WHERE NOT EXISTS (SELECT FROM tasks WHERE kind = $2) ON CONFLICT DO NOTHING
"""


def next_at(now: datetime, hour: int) -> datetime:
    """The next time that it is this hour of the day."""
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


class Daily:
    """Sees to it that the next run is on the list."""

    def __init__(self, kit: Kit, *, every: float = EVERY) -> None:
        self._kit = kit
        self._every = every

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.put()
            except UNAVAILABLE as error:
                logger.warning("the next run of retention is put down later: %s", error or type(error).__name__)
            await asyncio.sleep(self._every)

    async def put(self) -> None:
        """Put the next run on the list, unless one is there."""
        due_at = next_at(datetime.now(UTC), self._kit.settings.retention_hour)
        task_id = derive(KIND, self._kit.service.name, due_at.date())
        await self._kit.database.pool.execute(_PUT, task_id, KIND, due_at)


@work(KIND, lease=900, attempts=4, concurrency=1)
async def carry_out(task: LeasedTask, kit: Kit) -> Sequence[None]:
    """Every rule once; what is left over goes the next day."""
    try:
        await run(kit)
    except Busy as busy:
        raise RetryLater(60, str(busy), counts=False) from busy
    return []
