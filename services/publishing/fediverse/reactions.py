"""Putting approved captions on the platforms, and letting go of posts whose connection is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.events.media import ImageReviewed
from contracts.events.publishing import CaptionPostRequested, ConnectionRemoved
from services.publishing.beginning import opened
from services.publishing.connectors import PublishError
from services.publishing.domain.caption import PostCaption, RecordCaptionFailed, RecordCaptionPosted
from services.publishing.domain.connections import NoteUse
from services.publishing.domain.imported_post import RemoveImport
from services.publishing.fediverse import queries
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import GiveUp, LeasedTask, RetryLater, Strike, Task, gave_up, on, work

CAPTION, RELEASE = "post_caption", "release_posts"
_AT_ONCE = 100  # posts of a removed connection that go in one transaction
_PAUSES = {"rate_limited": 300.0, "transient": 5.0}  # seconds before the second try


@on(ImageReviewed)
def ask_for_the_caption(event: ImageReviewed) -> PostCaption | None:
    if event.final_caption is None:
        return None
    return PostCaption(event.image_id, event.user_id, event.post_id, event.final_caption)


@on(CaptionPostRequested)
def put_it_there(event: CaptionPostRequested) -> list[Strike | Task]:
    """The newest caption counts: one that still waits is not put up any more."""
    payload = {"image_id": event.image_id, "caption": event.caption, "turn": event.turn}
    before = Strike(_task_id(event.image_id, event.turn - 1))
    return [before, Task(_task_id(event.image_id, event.turn), CAPTION, payload)]


@work(CAPTION, lease=120, attempts=4, concurrency=8)
async def post_caption(task: LeasedTask, kit: Kit) -> Sequence[RecordCaptionPosted | NoteUse]:
    """Putting a caption twice where it stands already changes nothing, so a lost answer is simply asked again."""
    image_id = UUID(task.payload["image_id"])
    place = await queries.place(kit.database.pool, image_id)
    if place is None:
        return []  # the post was removed meanwhile
    if place["image_post_id"] is None:
        raise GiveUp("The image was imported without its id on the platform, so its caption cannot be put there.")
    account = opened(place, kit.store.cipher)
    if account is None:
        raise GiveUp("The connection of the post is gone or not active. Activate it, then approve the caption again.")
    try:
        await kit.tools.fediverse.put_caption(
            account, place["platform_post_id"], place["image_post_id"], task.payload["caption"]
        )
    except PublishError as error:
        if error.error_class not in _PAUSES:
            raise GiveUp(error.reason) from error
        raise RetryLater(_PAUSES[error.error_class] * 2 ** (task.attempts - 1), error.reason) from error
    now = datetime.now(UTC)
    return [RecordCaptionPosted(image_id, task.payload["turn"], now), NoteUse(account.id, place["user_id"], now)]


@gave_up(CAPTION)
def caption_not_posted(task: LeasedTask, reason: str) -> Sequence[RecordCaptionFailed]:
    return [RecordCaptionFailed(UUID(task.payload["image_id"]), task.payload["turn"], reason)]


@on(ConnectionRemoved)
def let_go_of_its_posts(event: ConnectionRemoved) -> Task:
    return Task(derive(event.connection_id, RELEASE), RELEASE, {"connection_id": event.connection_id})


@work(RELEASE, lease=60, attempts=20, concurrency=2)
async def release_posts(task: LeasedTask, kit: Kit) -> list[Any]:
    """The posts of the connection go, some at a time."""
    found = await queries.of_connection(kit.database.pool, UUID(task.payload["connection_id"]), _AT_ONCE)
    outcome: list[Any] = [RemoveImport(row["id"], row["user_id"]) for row in found]
    if len(found) == _AT_ONCE:
        outcome.append(Task(derive(task.id, "rest"), task.kind, task.payload))
    return outcome


def _task_id(image_id: UUID, turn: int) -> UUID:
    return derive(CAPTION, image_id, turn)
