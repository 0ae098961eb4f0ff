"""What follows from collecting, enriching, publishing and taking down: tasks, and the workers that talk to Ghost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.events.generation import PostSummarised
from contracts.events.media import MediaFileFailed, MediaFileStored
from contracts.events.publishing import PostErased, PostPublicationRequested, PostPublished, TakedownRequested
from services.publishing.connectors import PublishError
from services.publishing.connectors.ghost_site import Ghost
from services.publishing.domain import post as ask
from services.publishing.reddit import queries
from services.publishing.reddit.article import article_of
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import GiveUp, LeasedTask, RetryLater, Task, gave_up, on, work

PUBLISH, HIDE, REMOVE, ERASE = "ghost_publish", "ghost_hide", "ghost_remove", "ghost_erase"
AGAIN = timedelta(hours=1)  # until a takedown that failed is tried anew
_WORTH_ANOTHER_TRY = ("transient", "outcome_unknown", "rate_limited")  # everything here may be done twice
_NO_GHOST = "Ghost is not set up here; the operator sets its address and admin key."


@on(PostSummarised)
def keep_the_summary(event: PostSummarised) -> ask.EnrichPost:
    return ask.EnrichPost(
        event.post_id, event.summary_ko, event.tags, event.pain_points, event.product_ideas, event.content_hash
    )


@on(MediaFileStored)
def note_the_file(event: MediaFileStored) -> ask.NoteProcessing:
    return ask.NoteProcessing(event.post_id, "media", "completed", None, event.processing_time_ms)


@on(MediaFileFailed)
def note_the_missing_file(event: MediaFileFailed) -> ask.NoteProcessing:
    return ask.NoteProcessing(event.post_id, "media", "failed", event.reason)


@on(PostPublicationRequested)
def publish_it(event: PostPublicationRequested) -> Task:
    return _task(PUBLISH, event.post_id, event.turn)


@on(TakedownRequested)
def take_it_down(event: TakedownRequested) -> list[Task]:
    """Hidden now; gone when the grace period is over, wherever it stands by then."""
    return [_task(HIDE, event.post_id, 0), _task(REMOVE, event.post_id, 0, due_at=event.remove_after)]


@on(PostPublished)
def hide_what_came_too_late(event: PostPublished) -> Task | None:
    return _task(HIDE, event.post_id, event.turn) if event.taken_down else None


@on(PostErased)
def leave_nothing_on_ghost(event: PostErased) -> Task | None:
    if event.ghost_post_id is None:
        return None
    return Task(derive(ERASE, event.post_id), ERASE, {"ghost_post_id": event.ghost_post_id})


@work(PUBLISH, lease=90, attempts=5, concurrency=4)
async def publish(task: LeasedTask, kit: Kit) -> Sequence[ask.RecordPublication]:
    """The article is found by its slug, so that a lost answer does not make a second one."""
    post_id, started = UUID(task.payload["post_id"]), time.monotonic()
    row = await kit.database.pool.fetchrow("SELECT * FROM posts WHERE id = $1", post_id)
    if row is None or row["takedown_status"] != "active":
        raise GiveUp("The post is being taken down, so it was not published.")
    try:
        standing = await _ghost(kit).publish(article_of(row))
    except PublishError as error:
        raise _next(task, error) from error
    return [
        ask.RecordPublication(
            post_id,
            task.payload["turn"],
            standing.ghost_post_id,
            standing.url,
            standing.slug,
            datetime.now(UTC),
            _since(started),
        )
    ]


@gave_up(PUBLISH)
def not_published(task: LeasedTask, reason: str) -> Sequence[ask.RecordPublicationFailure]:
    return [ask.RecordPublicationFailure(UUID(task.payload["post_id"]), task.payload["turn"], reason)]


@work(HIDE, lease=90, attempts=12, concurrency=4)
async def hide(task: LeasedTask, kit: Kit) -> Sequence[ask.RecordUnpublished]:
    """Hidden is only what Ghost says is hidden."""
    post_id, started = UUID(task.payload["post_id"]), time.monotonic()
    await _where_it_stands(task, kit, post_id, Ghost.hide)
    return [ask.RecordUnpublished(post_id, _since(started))]


@gave_up(HIDE)
def not_hidden(task: LeasedTask, reason: str) -> Sequence[Any]:
    """Said in the log, and tried again: a takedown is never given up."""
    return [ask.RecordUnpublishFailure(UUID(task.payload["post_id"]), reason), _again(task)]


@work(REMOVE, lease=90, attempts=12, concurrency=4)
async def remove(task: LeasedTask, kit: Kit) -> Sequence[ask.RecordRemoved]:
    post_id = UUID(task.payload["post_id"])
    await _where_it_stands(task, kit, post_id, Ghost.delete)
    return [ask.RecordRemoved(post_id)]


@gave_up(REMOVE)
def not_removed(task: LeasedTask, reason: str) -> Sequence[Any]:
    return [ask.RecordRemovalFailure(UUID(task.payload["post_id"]), reason), _again(task)]


@work(ERASE, lease=90, attempts=20, concurrency=2)
async def erase(task: LeasedTask, kit: Kit) -> Sequence[Any]:
    try:
        await _ghost(kit).delete(task.payload["ghost_post_id"])
    except PublishError as error:
        raise _next(task, error) from error
    return []


@gave_up(ERASE)
def not_erased(task: LeasedTask, reason: str) -> Sequence[Task]:
    return [_again(task)]


async def _where_it_stands(task: LeasedTask, kit: Kit, post_id: UUID, act: Any) -> None:
    """Do this to the post's article, if there is one."""
    async with kit.database.reading(None) as connection:
        row = await queries.post(connection, post_id)
    if row is None or row["ghost_post_id"] is None:
        return
    try:
        await act(_ghost(kit), row["ghost_post_id"])
    except PublishError as error:
        raise _next(task, error) from error


def _ghost(kit: Kit) -> Ghost:
    ghost: Ghost | None = kit.tools.ghost
    if ghost is None:
        raise PublishError("disconnected", _NO_GHOST)
    return ghost


def _next(task: LeasedTask, error: PublishError) -> RetryLater | GiveUp:
    if error.error_class not in _WORTH_ANOTHER_TRY:
        return GiveUp(error.reason)
    pause = 2.0 ** min(task.attempts, 10)
    if error.retry_at is not None:
        pause = max(pause, (error.retry_at - datetime.now(UTC)).total_seconds())
    return RetryLater(pause, error.reason)


def _again(task: LeasedTask) -> Task:
    return Task(derive(task.id, "again"), task.kind, task.payload, datetime.now(UTC) + AGAIN)


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _task(kind: str, post_id: UUID, turn: int, due_at: datetime | None = None) -> Task:
    return Task(derive(kind, post_id, turn), kind, {"post_id": post_id, "turn": turn}, due_at)
