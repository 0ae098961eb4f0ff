"""Images of posts: kept when a post is imported, and following what every other service finds out about them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from contracts.events.evaluation import CaptionEvaluated
from contracts.events.generation import CaptionGenerated
from contracts.events.media import ImageDeleted, ImageImported, ImageStored, MediaFileDeleted
from contracts.events.publishing import CaptionPosted, CaptionPostFailed, PlatformPostImported, PlatformPostRemoved
from contracts.events.workflow import CaptionReviewed
from services.media.domain import image as ask
from services.media.domain.kept_post import DropPost, KeepPost
from services.media.extraction.sniffing import IMAGES
from services.media.fetching import NO_IMAGE, fetched
from services.media.paths import image_path
from services.media.reactions import SWEEP_AFTER
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import GiveUp, LeasedTask, Strike, Task, gave_up, on, twice, work

FETCH, CLEAR = "fetch_image", "clear_object"


@on(PlatformPostImported)
def keep_the_post(event: PlatformPostImported) -> list[Any]:
    post = KeepPost(
        event.post_id,
        event.user_id,
        event.connection_id,
        event.platform_type,
        event.instance_url,
        event.platform_post_id,
        event.author,
        event.url,
        event.content,
    )
    images = [
        ask.ImportImage(
            image_id=image.image_id,
            user_id=event.user_id,
            post_id=event.post_id,
            connection_id=event.connection_id,
            platform_type=event.platform_type,
            instance_url=event.instance_url,
            url=image.url,
            path=image_path(event.user_id, image.image_id),
            original_filename=_name(image.url),
            media_type=image.media_type,
            image_post_id=image.image_post_id,
            attachment_index=image.attachment_index,
            original_caption=image.original_caption,
            original_post_date=image.created,
        )
        for image in event.images
    ]
    return [post, *images]


@on(PlatformPostRemoved)
def drop_the_post(event: PlatformPostRemoved) -> list[Any]:
    return [*(ask.DeleteImage(image_id) for image_id in event.image_ids), DropPost(event.post_id)]


@on(ImageImported)
def fetch_the_bytes(event: ImageImported) -> Task:
    return Task(derive(FETCH, event.image_id), FETCH, {"image_id": event.image_id, "url": event.url})


@on(ImageStored)
def need_not_be_fetched(event: ImageStored) -> Strike:
    return Strike(derive(FETCH, event.image_id))


@on(CaptionGenerated)
def note_the_caption(event: CaptionGenerated) -> ask.NoteCaption:
    return ask.NoteCaption(event.image_id, event.caption, event.prompt_used, event.category, event.engine)


@on(CaptionEvaluated)
def note_the_score(event: CaptionEvaluated) -> ask.NoteScore:
    return ask.NoteScore(event.image_id, event.score, event.needs_special_review)


@on(CaptionReviewed)
def note_the_review(event: CaptionReviewed) -> ask.NoteReview:
    return ask.NoteReview(
        event.image_id, event.reviewer_id, event.decision, event.caption, event.notes, event.reviewed_at
    )


@on(CaptionPosted)
def note_that_it_is_posted(event: CaptionPosted) -> ask.NotePosted:
    return ask.NotePosted(event.image_id, event.posted_at)


@on(CaptionPostFailed)
def note_that_it_is_not_posted(event: CaptionPostFailed) -> ask.NotePostFailed:
    return ask.NotePostFailed(event.image_id, event.reason)


@work(FETCH, lease=90, attempts=4, concurrency=4)
async def fetch_image(task: LeasedTask, kit: Kit) -> Sequence[ask.StoreImage]:
    """Fetch the image from where the platform shows it."""
    tools, image_id = kit.tools, UUID(task.payload["image_id"])
    found = await fetched(task.payload["url"], tools.settings, task.attempts)
    if found.media_type not in IMAGES:
        raise GiveUp(NO_IMAGE)
    await kit.store.load([image_id])
    known = kit.store.cached(image_id)
    if known is None or not known.state.there:
        return []  # its post was removed meanwhile
    await tools.storage.put(known.state.path, found.data, found.media_type)
    return [ask.StoreImage(image_id, None, found.media_type, len(found.data), found.sha256)]


@gave_up(FETCH)
def say_why_not(task: LeasedTask, reason: str) -> Sequence[ask.FailImage]:
    return [ask.FailImage(UUID(task.payload["image_id"]), reason)]


@on(ImageDeleted, MediaFileDeleted)
def clear_the_storage(event: ImageDeleted | MediaFileDeleted) -> list[Task]:
    """Now, and once more when nobody can be writing any longer."""
    return twice(event, CLEAR, {"path": event.path}, SWEEP_AFTER)


@work(CLEAR, lease=60, attempts=20, concurrency=4)
async def clear_object(task: LeasedTask, kit: Kit) -> Sequence[Any]:
    """Removes the bytes; what is gone already is no error."""
    await kit.tools.storage.delete(task.payload["path"])
    return []


def _name(url: str) -> str | None:
    return PurePosixPath(unquote(urlsplit(url).path)).name[:200] or None
