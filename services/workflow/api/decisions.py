"""What people send as decisions, as commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.events.workflow import AttachedImage
from services.workflow.domain import commands as ask
from services.workflow.schemas import DecisionIn, ImageIn, PublishIn
from services.workflow.sources import Sources
from shared.decider import Invalid
from shared.ids import new_id
from shared.local_time import moment
from shared.platforms import PLATFORMS, Platform, limit, measure


def decision_of(decision: DecisionIn, now: datetime) -> ask.Decision:
    """Raises Invalid for a text its platform would refuse, and for a time that is over or unclear."""
    publication = None
    if decision.publish is not None or decision.action == "edit_and_publish":
        publication = publication_of(decision.platform, decision.publish or PublishIn(), new_id(), now)
    if decision.action == "edit_and_publish" and decision.content is not None:
        check_length(decision.platform, decision.content)
    return ask.Decision(
        platform=decision.platform,
        action=decision.action,
        draft_id=decision.draft_id,
        feedback=decision.feedback,
        regenerate=decision.regenerate,
        content=decision.content,
        human_draft_id=new_id() if decision.content is not None else None,
        publication=publication,
    )


def check_length(platform: str, content: str) -> None:
    """A text that its platform would refuse is refused while its writer looks at it (some make threads instead)."""
    most = limit(platform)
    if most is not None and not PLATFORMS[platform].threads and (length := measure(platform, content)) > most:
        raise Invalid(
            f"The text has {length} characters; {platform} takes at most {most}. Shorten it and send it again."
        )


def publication_of(platform: str, how: PublishIn, job_id: UUID, now: datetime) -> ask.Publication:
    """Raises Invalid for a time that is over or unclear, and for images the platform does not take."""
    media = _media(PLATFORMS[platform], how.media)
    if how.next_free_slot and (how.scheduled_for is not None or how.time_zone is not None):
        raise Invalid("`next_free_slot` finds the time itself; leave out `scheduled_for` and `time_zone`.")
    if how.scheduled_for is None:
        if how.time_zone is not None:
            raise Invalid("`time_zone` says nothing without `scheduled_for`; send both or neither.")
        return ask.Publication(job_id, connection_id=how.connection_id, media=media, next_free_slot=how.next_free_slot)
    scheduled_for, time_zone = moment(how.scheduled_for, how.time_zone, now)
    return ask.Publication(job_id, scheduled_for, time_zone, how.connection_id, media)


def _media(platform: Platform, images: Sequence[ImageIn]) -> tuple[AttachedImage, ...]:
    if len(images) > platform.max_images:
        most = f"at most {platform.max_images} images" if platform.max_images else "no attached images"
        raise Invalid(f"{platform.name} takes {most} with a post; leave some out of `media`.")
    for image in images:
        if len(image.alt_text) > platform.max_alt_text:
            raise Invalid(
                f"An alternative text has {len(image.alt_text)} characters; {platform.name} takes at most "
                f"{platform.max_alt_text}. Shorten it."
            )
    if len({image.file_id for image in images}) < len(images):
        raise Invalid("Name each image once in `media`.")
    return tuple(AttachedImage(file_id=image.file_id, alt_text=image.alt_text) for image in images)


async def check_images(sources: Sources, publications: Mapping[str, PublishIn], authorization: str) -> None:
    """Asks media for each file: raises its 404 for one that is not the user's, Invalid for what cannot be attached."""
    known: dict[UUID, Mapping[str, Any]] = {}
    for name, how in publications.items():
        most = PLATFORMS[name].max_image_bytes
        for image in how.media:
            if image.file_id not in known:
                known[image.file_id] = await sources.file(image.file_id, authorization)
            file = known[image.file_id]
            if not str(file["mime_type"]).startswith("image/"):
                raise Invalid(f"{file['name']} is no image; attach a PNG, JPEG, GIF or WebP file.")
            if most is not None and file["size_bytes"] > most:
                raise Invalid(
                    f"{file['name']} has {file['size_bytes']:,} bytes; {name} takes {most:,}. Make it smaller."
                )
