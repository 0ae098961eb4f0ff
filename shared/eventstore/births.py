"""Work that begins before its task is committed.

Harmless work begins while the transaction that asks for it is still being put together. What is done within a moment is
recorded by that very transaction, so its task never becomes a row; the row of what takes longer is born leased to the
process that is at it. When the transaction fails, nothing was done: whoever tries again begins again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

import orjson

from shared.eventstore.store import Cause
from shared.projection import RowChange
from shared.reactions import LeasedTask, Task

MOMENT = 0.005  # seconds that a transaction waits for work begun before it

Fate = Literal["row", "recorded", "void"]  # the task is on the list; its outcome is recorded; it was never asked for


def leased(task: Task, cause: Cause, token: UUID, beside: Sequence[RowChange] = ()) -> LeasedTask:
    """A task in the hands of whoever bears it, as it would be read from its row."""
    return LeasedTask(
        id=task.id,
        kind=task.kind,
        lane=task.lane,
        payload=orjson.loads(orjson.dumps(dict(task.payload), default=str)),
        attempts=1,
        lease_token=token,
        correlation_id=cause.correlation_id,
        causation_id=cause.causation_id,
        actor=cause.actor,
        traceparent=cause.traceparent,
        beside=beside,
    )


class Birth:
    """One piece of work, and what becomes of its task. `seconds`: of the lease, should it become a row."""

    def __init__(self, task: LeasedTask, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self.task = task
        self.seconds = seconds
        self.outcome: Sequence[Any] | None = None  # None: not done yet, or failed
        self.traceparent: str | None = None
        self._over: asyncio.Future[None] = loop.create_future()
        self._fate: asyncio.Future[Fate] = loop.create_future()

    @property
    def recorded(self) -> bool:
        """Whether the outcome is known to be recorded."""
        return self._fate.done() and self._fate.result() == "recorded"

    @property
    def known_as_row(self) -> bool:
        """Whether the task is known to be on the list."""
        return self._fate.done() and self._fate.result() == "row"

    def done(self, outcome: Sequence[Any], traceparent: str | None) -> None:
        """The work is done, under this span."""
        self.outcome, self.traceparent = outcome, traceparent
        self.over()

    def over(self) -> None:
        """Nothing more is to be waited for."""
        if not self._over.done():
            self._over.set_result(None)

    def settle(self, fate: Fate) -> None:
        """What became of the task; the first word holds."""
        if not self._fate.done():
            self._fate.set_result(fate)

    async def is_row(self) -> bool:
        """Whether the task is on the list, once that is known: only then is there anything left to record."""
        self.over()
        return await asyncio.shield(self._fate) == "row"


async def a_moment(births: Sequence[Birth]) -> list[Birth]:
    """Those that are done within a moment."""
    await asyncio.wait([birth._over for birth in births], timeout=MOMENT)
    return [birth for birth in births if birth.outcome is not None]
