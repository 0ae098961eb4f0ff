"""An image of a post: its bytes, its caption, what was thought of it, and whether it stands on the platform.

What other services say about an image becomes events of this one stream, so that its row follows one order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.media import (
    ImageCaptioned,
    ImageDeleted,
    ImageEvent,
    ImageFailed,
    ImageImported,
    ImagePosted,
    ImagePostFailed,
    ImageReviewed,
    ImageScored,
    ImageStatus,
    ImageStored,
)
from shared.decider import Decider, NotFound


@dataclass(frozen=True, slots=True)
class ImportImage:
    image_id: UUID
    user_id: UUID
    post_id: UUID
    connection_id: UUID
    platform_type: str
    instance_url: str
    url: str
    path: str
    original_filename: str | None
    media_type: str | None
    image_post_id: str | None
    attachment_index: int
    original_caption: str | None
    original_post_date: datetime | None


@dataclass(frozen=True, slots=True)
class StoreImage:
    """The bytes lie in storage. `user_id`: who sent them; None when they were fetched."""

    image_id: UUID
    user_id: UUID | None
    media_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class FailImage:
    image_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class NoteCaption:
    image_id: UUID
    caption: str
    prompt_used: str | None
    category: str | None
    engine: str


@dataclass(frozen=True, slots=True)
class NoteScore:
    image_id: UUID
    score: int
    needs_special_review: bool


@dataclass(frozen=True, slots=True)
class NoteReview:
    """`caption`: the reviewer's own wording; None: as it was generated."""

    image_id: UUID
    reviewer_id: UUID
    decision: Literal["approve", "reject"]
    caption: str | None
    notes: str | None
    reviewed_at: datetime


@dataclass(frozen=True, slots=True)
class NotePosted:
    image_id: UUID
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class NotePostFailed:
    image_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class DeleteImage:
    """The image goes with its post; one that is gone already is no error."""

    image_id: UUID


COMMANDS = (
    ImportImage,
    StoreImage,
    FailImage,
    NoteCaption,
    NoteScore,
    NoteReview,
    NotePosted,
    NotePostFailed,
    DeleteImage,
)


@dataclass(frozen=True, slots=True)
class Image:
    """`status` as the row shows it; `calm` is the last one that was no error."""

    there: bool = False
    deleted: bool = False
    user_id: UUID | None = None
    post_id: UUID | None = None
    path: str = ""
    sha256: str = ""
    caption: str | None = None
    status: ImageStatus = "pending"
    calm: ImageStatus = "pending"


def decide(command: Any, image: Image) -> Sequence[Event]:
    match command:
        case ImportImage():
            return [] if image.there or image.deleted else [_imported(command)]
        case StoreImage(user_id=user_id) if user_id is not None and (not image.there or image.user_id != user_id):
            raise NotFound("There is no such image; list your images to see which there are.")
    if not image.there:
        return []  # what arrives late about an image that is gone
    common: dict[str, Any] = {"image_id": command.image_id, "user_id": image.user_id, "post_id": image.post_id}
    match command:
        case StoreImage():
            return _stored(command, image, common)
        case FailImage():
            return [] if image.sha256 else [ImageFailed(**common, status="error", reason=command.reason)]
        case DeleteImage():
            return [ImageDeleted(**common, status=image.status, path=image.path)]
        case NotePosted():
            # A caption that was written meanwhile still waits for its review.
            status = "posted" if image.calm in ("approved", "posted") else image.status
            return [ImagePosted(**common, status=status, posted_at=command.posted_at)]
        case NotePostFailed():
            return [ImagePostFailed(**common, status="error", reason=command.reason)]
        case _:
            return _captioned(command, image, common)


def _imported(command: ImportImage) -> Event:
    return ImageImported(
        image_id=command.image_id,
        user_id=command.user_id,
        post_id=command.post_id,
        connection_id=command.connection_id,
        platform_type=command.platform_type,
        instance_url=command.instance_url,
        url=command.url,
        path=command.path,
        original_filename=command.original_filename,
        media_type=command.media_type,
        image_post_id=command.image_post_id,
        attachment_index=command.attachment_index,
        original_caption=command.original_caption,
        original_post_date=command.original_post_date,
    )


def _stored(command: StoreImage, image: Image, common: dict[str, Any]) -> list[Event]:
    if image.sha256 == command.sha256:
        return []
    return [
        ImageStored(
            **common,
            status=image.calm,
            path=image.path,
            media_type=command.media_type,
            size_bytes=command.size_bytes,
            sha256=command.sha256,
        )
    ]


def _captioned(command: Any, image: Image, common: dict[str, Any]) -> list[Event]:
    match command:
        case NoteCaption():
            return [
                ImageCaptioned(
                    **common,
                    status="pending",
                    caption=command.caption,
                    prompt_used=command.prompt_used,
                    category=command.category,
                    engine=command.engine,
                )
            ]
        case NoteScore():
            score, special = command.score, command.needs_special_review
            return [ImageScored(**common, status=image.status, score=score, needs_special_review=special)]
        case NoteReview():
            return _reviewed(command, image, common)
        case _:
            return []


def _reviewed(command: NoteReview, image: Image, common: dict[str, Any]) -> list[Event]:
    final = command.caption or image.caption
    approved = command.decision == "approve"
    if approved and final is None:
        return []  # there is nothing to approve
    return [
        ImageReviewed(
            **common,
            status="approved" if approved else "rejected",
            decision=command.decision,
            caption=command.caption,
            final_caption=final if approved else None,
            notes=command.notes,
            reviewer_id=command.reviewer_id,
            reviewed_at=command.reviewed_at,
        )
    ]


def evolve(image: Image, event: Event) -> Image:
    if not isinstance(event, ImageEvent):
        return image
    calm = image.calm if event.status == "error" else event.status
    image = replace(image, status=event.status, calm=calm)
    match event:
        case ImageImported():
            return Image(there=True, user_id=event.user_id, post_id=event.post_id, path=event.path)
        case ImageStored():
            return replace(image, sha256=event.sha256)
        case ImageCaptioned():
            return replace(image, caption=event.caption)
        case ImageDeleted():
            return replace(image, there=False, deleted=True)
        case _:
            return image


decider: Decider[Image] = Decider(
    stream="image",
    initial=Image(),
    decide=decide,
    evolve=evolve,
    commands=COMMANDS,
    stream_id=lambda command: command.image_id,
    creating=(ImportImage,),
)
