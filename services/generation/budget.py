"""The day's tokens: what is left of them before a model is asked, and who is told when they go."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from pydantic import BaseModel

from contracts.events.generation import TokenBudgetExhausted, TokenBudgetNeared, TokensUsed
from services.generation.domain.token_budget import NoteUse
from services.generation.queries import usage as queries
from services.generation.settings import GenerationSettings
from shared.database import Database
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import LeasedTask, Task, on, work

logger = logging.getLogger(__name__)

_OF_USER: Final = "Your {limit:,} tokens of the day are used. Models write and judge for you again from 00:00 UTC."
_IN_ALL: Final = "The platform's {limit:,} tokens of the day are used. Models write and judge again from 00:00 UTC."


@dataclass(frozen=True, slots=True)
class Limits:
    """Tokens of a day (UTC); 0 is no limit."""

    in_all: int
    of_user: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What is used of a day's tokens."""

    day: date
    in_all: int
    of_user: int
    limits: Limits

    def closed(self) -> str:
        """Why no model may be asked any more, in a sentence for the user; empty while one may."""
        if 0 < self.limits.of_user <= self.of_user:
            return _OF_USER.format(limit=self.limits.of_user)
        if 0 < self.limits.in_all <= self.in_all:
            return _IN_ALL.format(limit=self.limits.in_all)
        return ""

    @property
    def ends_at(self) -> datetime:
        """When the next day's tokens are there."""
        return _begin(self.day) + timedelta(days=1)


def limits_of(settings: GenerationSettings) -> Limits:
    """The limits that the operator set."""
    return Limits(settings.model_daily_tokens, settings.model_daily_tokens_per_user)


async def standing(database: Database, limits: Limits, user_id: UUID | None) -> Standing:
    """What is used today; nothing is looked up where there is no limit."""
    day = datetime.now(UTC).date()
    if not limits.in_all and not limits.of_user:
        return Standing(day, 0, 0, limits)
    async with database.reading(None) as connection:
        in_all, of_user = await queries.since(connection, _begin(day), user_id)
    return Standing(day, in_all, of_user, limits)


class Purse:
    """What may be spent now. What this process has in hand counts as used; other processes' is known when it is paid,
    so a limit is passed by what they ask for at the same moment, and no more."""

    def __init__(self, look: Callable[[UUID | None], Awaitable[Standing]]) -> None:
        self._look = look
        self._in_hand: Counter[UUID | None] = Counter()

    @asynccontextmanager
    async def holding(self, user_id: UUID | None, tokens: int) -> AsyncIterator[str]:
        """A block in which about so many tokens are being spent; see shared.llm.Budget."""
        now = await self._look(user_id)
        in_all, of_user = now.in_all + self._in_hand.total(), now.of_user + self._in_hand[user_id]
        if closed := replace(now, in_all=in_all, of_user=of_user).closed():
            yield closed
            return
        self._in_hand[user_id] += tokens
        try:
            yield ""
        finally:
            self._in_hand[user_id] -= tokens
            if not self._in_hand[user_id]:
                del self._in_hand[user_id]


class Use(BaseModel):
    """Whose tokens were used, and when: what the task carries."""

    user_id: UUID | None
    day: date


@on(TokensUsed)
def look_at_the_budget(event: TokensUsed) -> Task:
    used = Use(user_id=event.user_id, day=event.meta.recorded_at.date())
    return Task(derive(event.meta.event_id, "budget"), "budget", used.model_dump())


@work("budget", lease=30, attempts=10, concurrency=1)
async def count(task: LeasedTask, kit: Kit) -> list[NoteUse]:
    """Say how much is used of the day's tokens, a user's and everybody's."""
    settings = kit.settings
    assert isinstance(settings, GenerationSettings)
    used = Use.model_validate(task.payload)
    now = await standing(kit.database, limits_of(settings), used.user_id)
    if used.day != now.day:
        return []  # that day is over
    notes = []
    if now.limits.of_user and used.user_id is not None:
        notes.append(NoteUse(now.day, used.user_id, now.of_user, now.limits.of_user))
    if now.limits.in_all:
        notes.append(NoteUse(now.day, None, now.in_all, now.limits.in_all))
    return notes


@on(TokenBudgetNeared, TokenBudgetExhausted)
def raise_the_alarm(event: TokenBudgetNeared | TokenBudgetExhausted) -> Task:
    about = {
        "level": "exhausted" if isinstance(event, TokenBudgetExhausted) else "neared",
        "whose": "everybody" if event.user_id is None else "user",
        "user_id": event.user_id,
        "used": event.used_tokens,
        "limit": event.limit_tokens,
    }
    return Task(derive(event.meta.event_id, "alarm"), "budget_alarm", about)


@work("budget_alarm", lease=30, attempts=3, concurrency=1)
async def alarm(task: LeasedTask, kit: Kit) -> list[NoteUse]:
    """A line in the log and a figure, for whoever watches them."""
    about = task.payload
    kit.metrics.token_budget_alarms.labels(about["level"], about["whose"]).inc()
    logger.warning(
        "the day's tokens are %s: %s of %s",
        "used" if about["level"] == "exhausted" else "nearly used",
        about["used"],
        about["limit"],
        extra={"level": about["level"], "whose": about["whose"], "user_id": about["user_id"]},
    )
    return []


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
