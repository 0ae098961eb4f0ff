"""The worker that publishes. A post goes out once: where an attempt may have published already, it looks first."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.publishing import images
from services.publishing.accounts import NAMES
from services.publishing.beginning import AccountBroken, Begun, TextMissing
from services.publishing.connectors import Connector, Published, PublishError
from services.publishing.domain.commands import GiveUpJob, RecordFailure, RecordPublished
from services.publishing.domain.job import StillRunning, Superseded
from services.publishing.domain.tokens import PauseConnection
from services.publishing.limits import AccountRests, PlatformBusy
from services.publishing.oauth.renewal import after_a_refusal, wait_for_the_account
from services.publishing.reactions import KIND
from services.publishing.settings import PublishingSettings
from services.publishing.tools import Tools
from shared.kit import Kit
from shared.reactions import LeasedTask, RetryLater, gave_up, work

_LEASE = 90.0  # seconds; longer than any publication may take (PublishingSettings.publish_timeout)
_TOKEN_REFUSED = ("refresh_token", "disconnected")
_BUSY = (0.2, 0.5)  # seconds until room at a platform is looked for again
_LOOK_AGAIN = 0.05  # seconds until a text that is on its way is looked for again


@work(KIND, lease=_LEASE, attempts=4, concurrency=200, lane_limit=PublishingSettings.lanes)
async def publish(task: LeasedTask, kit: Kit) -> Sequence[Any]:
    """Record the start, then call the platform outside any transaction; the outcome is recorded with the strike."""
    tools: Tools = kit.tools
    try:
        begun = await tools.beginnings.begin(task)
    except Superseded:
        return []
    except StillRunning as running:
        wait = max(0.1, (running.until - datetime.now(UTC)).total_seconds())
        raise RetryLater(wait, running.message, counts=False) from None
    except PlatformBusy as busy:
        raise RetryLater(random.uniform(*_BUSY), str(busy), counts=False) from None
    except AccountRests as rests:
        return [_put_off(task, rests)]
    except AccountBroken as broken:
        return [wait_for_the_account(task, broken)]
    except TextMissing as missing:
        return _wait_for_the_text(task, missing, tools.settings)
    connector = tools.connectors[begun.post.platform]
    try:
        async with asyncio.timeout(tools.settings.publish_timeout):
            published = await _publish_once(task, begun, connector, kit)
    except PublishError as error:
        if begun.connection is not None and error.error_class in _TOKEN_REFUSED:
            return await after_a_refusal(kit, begun, task, error)
        outcome: list[Any] = [_failure(begun, error, connector, tools.settings)]
        if error.error_class == "rate_limited" and error.retry_at is not None and begun.connection is not None:
            # What the platform says holds for all posts of the account.
            outcome.append(PauseConnection(begun.connection.id, begun.post.user_id, error.retry_at))
        return outcome
    except TimeoutError:
        return [_failure(begun, _unknown(begun, "did not finish in time"), connector, tools.settings)]
    return [
        RecordPublished(
            begun.post.job_id, published.platform_post_id, published.url, datetime.now(UTC), published.response
        )
    ]


@gave_up(KIND)
def give_up(task: LeasedTask, reason: str) -> Sequence[Any]:
    return [GiveUpJob(UUID(task.payload["job_id"]))]


async def _publish_once(task: LeasedTask, begun: Begun, connector: Connector, kit: Kit) -> Published:
    if begun.job.resumed or begun.job.doubt or task.attempts > 1:
        found = await connector.find(begun.post, begun.connection)
        if found is not None:
            return found
        if begun.job.resumed and not connector.can_find:
            raise _unknown(begun, "was called, and the answer was lost")
    post = begun.post
    if begun.job.media:
        assert kit.client is not None
        post = replace(post, images=await images.load(kit.client, post.user_id, begun.job.media))
    return await connector.publish(post, begun.connection)


def _unknown(begun: Begun, what: str) -> PublishError:
    name = NAMES[begun.post.platform]
    return PublishError(
        "outcome_unknown",
        f"{name} {what}, so the post may or may not be out. Look there yourself before you retry the job.",
    )


def _failure(begun: Begun, error: PublishError, connector: Connector, settings: PublishingSettings) -> RecordFailure:
    reason = error.reason
    if error.error_class == "disconnected" and begun.connection is None and begun.asked_id is not None:
        reason = "The connection that was asked for is gone. Retry the job with another one."
    return RecordFailure(
        begun.post.job_id,
        error.error_class,
        reason,
        datetime.now(UTC),
        # Jobs that failed together should not come back together.
        timedelta(seconds=settings.publish_pause * random.uniform(1, 1.25)),
        settings.publish_attempts,
        error.retry_at,
        connector.can_find,
    )


def _put_off(task: LeasedTask, rests: AccountRests) -> RecordFailure:
    job_id, now = UUID(task.payload["job_id"]), datetime.now(UTC)
    return RecordFailure(job_id, "rate_limited", str(rests), now, timedelta(), tries=1, retry_at=rests.until)


def _wait_for_the_text(task: LeasedTask, missing: TextMissing, settings: PublishingSettings) -> Sequence[Any]:
    now = datetime.now(UTC)
    waited = (now - missing.due_at).total_seconds()
    if waited < settings.draft_patience:
        raise RetryLater(max(_LOOK_AGAIN, min(waited / 4, 2.0)), str(missing), counts=False)
    reason = "The text of the draft has not arrived, so nothing was sent. Retry the job in a minute."
    job_id = UUID(task.payload["job_id"])
    return [RecordFailure(job_id, "transient", reason, now, timedelta(), tries=1)]
