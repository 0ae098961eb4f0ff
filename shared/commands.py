"""Commands of requests, carried out: those that come while a transaction is under way share the next one.

Sharing saves round trips and waits for the disk; nobody else's refusal is ever felt, because a group in which something
fails is carried out again one by one.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.database import IN_THE_WAY, UNAVAILABLE
from shared.eventstore.store import Cause, StaleState
from shared.eventstore.unit import Unit
from shared.projection import RowChange
from shared.reactions import NO_COMMANDS

GROUPED = 64  # most commands in one transaction
AT_ONCE = 2  # transactions under way, so that one that waits for a lock does not hold up everybody
TRIES = 20  # of commands whose streams others keep appending to


@dataclass(frozen=True, slots=True)
class Asked:
    """What one caller wants in one transaction: a command, others (and tasks) that go with it, and rows beside their
    events."""

    command: Any
    cause: Cause
    also: Sequence[Any] = ()
    changes: Sequence[RowChange] = ()
    answer: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def abandoned(self) -> bool:
        """Whoever asked has gone."""
        return self.answer.done()

    def reply(self, state: Any) -> None:
        if not self.abandoned:
            self.answer.set_result(state)

    def refuse(self, error: Exception) -> None:
        if not self.abandoned:
            self.answer.set_exception(error)


class Commands:
    """Carries out commands of one process. `made` is told of each committed unit."""

    def __init__(self, new_unit: Callable[[], Unit], made: Callable[[Unit], None]) -> None:
        self._new_unit = new_unit
        self._made = made
        self._waiting: list[Asked] = []
        self._carrying: set[asyncio.Task[None]] = set()

    async def carry_out(self, asked: Asked) -> Any:
        """The state of the command's stream afterwards. Raises DomainError when it is refused, asyncpg's errors for
        what the database refuses, StaleState when others kept appending to the stream."""
        self._waiting.append(asked)
        if len(self._carrying) < AT_ONCE:
            # In a context of its own: the transaction belongs to no single request.
            carrying = asyncio.create_task(self._carry(), context=contextvars.Context())
            self._carrying.add(carrying)
            carrying.add_done_callback(self._carrying.discard)
        return await asked.answer

    async def _carry(self) -> None:
        while self._waiting:
            group = [asked for asked in self._waiting[:GROUPED] if not asked.abandoned]
            del self._waiting[:GROUPED]
            if not await self._together(group):
                for asked in group:
                    if not asked.abandoned:
                        await self._together([asked])

    async def _together(self, group: Sequence[Asked]) -> bool:
        """Whether everybody has an answer: alone one always has, together only what befalls all alike is one."""
        try:
            answers = await self._transaction(group)
        except Exception as error:  # it is raised where the command was asked for
            if len(group) > 1 and not isinstance(error, UNAVAILABLE):
                return False
            for asked in group:
                asked.refuse(error)
        else:
            for asked, answer in zip(group, answers, strict=True):
                asked.reply(answer)
        return True

    async def _transaction(self, group: Sequence[Asked]) -> list[Any]:
        for attempt in range(TRIES):
            unit = self._new_unit()
            unit.careful = attempt > 0
            wanted = [command for asked in group for command in (asked.command, *asked.also)]
            await unit.prepare([command for command in wanted if not isinstance(command, NO_COMMANDS)])
            answers = []
            for asked in group:
                answers.append(await unit.handle(asked.command, asked.cause))
                await unit.follow(asked.also, asked.cause)
                unit.changes.extend(asked.changes)
            try:
                await unit.commit()
            except (StaleState, *IN_THE_WAY):
                await asyncio.sleep(random.uniform(0, 0.005))
                continue
            self._made(unit)
            return answers
        raise StaleState("Others kept appending to the stream; try again.")
