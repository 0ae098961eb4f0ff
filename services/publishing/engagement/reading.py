"""Reading how posts are doing: a look is a task, and puts down the next one, ever further away."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from contracts.events.publishing import JobPublished
from services.publishing import queries
from services.publishing.beginning import opened
from services.publishing.connectors import Measuring, PublishError, Withheld
from services.publishing.domain.commands import RecordEngagement, RecordWithheld
from services.publishing.domain.engagement import FIRST, SELDOM, next_look
from services.publishing.oauth.renewal import refused
from services.publishing.settings import PublishingSettings
from services.publishing.tools import Tools
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import LeasedTask, RetryLater, Task, gave_up, on, work

KIND: Final = "measure"
_LEASE: Final = 60.0
_CALL: Final = 45.0  # seconds that all requests of one look may take
_POSTS: Final = {"x": "ids", "bluesky": "uris", "linkedin": ""}  # where a thread's posts are named
_TOKEN_REFUSED: Final = ("refresh_token", "disconnected")


class Look(BaseModel):
    """What the task carries: a post, and the how-manieth look at it this is."""

    job_id: UUID
    user_id: UUID
    platform: str
    connection_id: UUID
    post_ids: list[str]
    published_at: datetime
    number: int

    def task(self, due_at: datetime) -> Task:
        """Whichever look leads to it, the next one is the same task."""
        task_id = derive(KIND, self.job_id, self.number)
        return Task(task_id, KIND, self.model_dump(mode="json"), due_at, lane=self.platform)


@on(JobPublished)
def look_at_it_later(event: JobPublished) -> Task | None:
    if event.platform not in _POSTS or event.connection_id is None:
        return None
    look = Look(
        job_id=event.job_id,
        user_id=event.user_id,
        platform=event.platform,
        connection_id=event.connection_id,
        post_ids=event.response.get(_POSTS[event.platform]) or [event.platform_post_id],
        published_at=event.published_at,
        number=1,
    )
    return look.task(event.published_at + FIRST)


@work(KIND, lease=_LEASE, attempts=4, concurrency=8, lane_limit=PublishingSettings.readings)
async def measure(task: LeasedTask, kit: Kit) -> Sequence[Any]:
    """Ask the platform, and say when to ask again. What cannot be read now is read at the next look."""
    look, tools, now = Look.model_validate(task.payload), kit.tools, datetime.now(UTC)
    assert isinstance(tools, Tools)
    account = await queries.account(kit.database.pool, look.connection_id, look.user_id, also_inactive=True)
    job = await queries.job(kit.database.pool, look.job_id)
    over = now > look.published_at + timedelta(days=tools.settings.engagement_days)
    if account is None or job is None or over:
        return []
    later = _next(look, now, tools.settings)
    connection, platform = opened(account, kit.store.cipher), tools.connectors[look.platform]
    usable = account["is_active"] and account["broken_at"] is None
    if connection is None or not usable or not isinstance(platform, Measuring):
        return later
    if (seconds := tools.resting.seconds(look.connection_id, now)) > 0:
        raise RetryLater(_not_all_at_once(seconds), "The platform answers no more questions for now.", counts=False)
    try:
        async with asyncio.timeout(_CALL):
            figures = await platform.measure(look.post_ids, connection)
    except Withheld as withheld:
        return [RecordWithheld(look.job_id, withheld.reason), *_next(look, now, tools.settings, SELDOM)]
    except PublishError as error:
        if error.error_class in _TOKEN_REFUSED:
            known = await refused(kit, look.connection_id, look.user_id, account["token_turn"], error.reason)
            return [*([known] if known else []), *later]
        if error.error_class == "rate_limited" and error.retry_at is not None:
            tools.resting.rest(look.connection_id, error.retry_at, now)
            raise RetryLater(
                _not_all_at_once((error.retry_at - now).total_seconds()), error.reason, counts=False
            ) from error
        return later
    except TimeoutError:
        return later
    return [RecordEngagement(look.job_id, figures, now), *later]


@gave_up(KIND)
def look_again_later(task: LeasedTask, reason: str) -> Sequence[Task]:
    """Whatever went wrong with one look, there is another."""
    look = Look.model_validate(task.payload)
    return [look.model_copy(update={"number": look.number + 1}).task(datetime.now(UTC) + SELDOM)]


def _next(look: Look, now: datetime, settings: PublishingSettings, at_least: timedelta = timedelta()) -> list[Task]:
    lasts = timedelta(days=settings.engagement_days)
    due_at = next_look(look.published_at, now, lasts)
    if due_at is None or now + at_least > look.published_at + lasts:
        return []
    return [look.model_copy(update={"number": look.number + 1}).task(max(due_at, now + at_least))]


def _not_all_at_once(seconds: float) -> float:
    return max(1.0, seconds) * random.uniform(1.0, 1.2)
