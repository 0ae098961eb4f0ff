"""A post that stands on a platform already: imported once with its images, and looked after until it is removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.publishing import PlatformImage, PlatformPostImported, PlatformPostRemoved
from shared.decider import Conflict, Decider, Invalid, NotFound
from shared.ids import derive


@dataclass(frozen=True, slots=True)
class NewImage:
    """An image as the client names it; its place in the sequence is its attachment index."""

    url: str
    image_post_id: str | None = None
    media_type: str | None = None
    original_caption: str | None = None
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImportPost:
    """`platform_type` and `instance_url` are those of the connection."""

    user_id: UUID
    connection_id: UUID
    platform_type: str
    instance_url: str
    platform_post_id: str
    author: str
    url: str
    content: str
    images: tuple[NewImage, ...] = ()

    @property
    def post_id(self) -> UUID:
        """The same for the same post of the same connection: each is imported once."""
        return derive("imported_post", self.connection_id, self.platform_post_id)


@dataclass(frozen=True, slots=True)
class RemoveImport:
    post_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class ImportedPost:
    status: Literal["unknown", "imported", "removed"] = "unknown"
    user_id: UUID | None = None
    image_ids: tuple[UUID, ...] = field(default_factory=tuple)


def decide(command: Any, post: ImportedPost) -> Sequence[Event]:
    match command:
        case ImportPost():
            return _imported(command, post)
        case RemoveImport():
            if post.status == "unknown" or post.user_id != command.user_id:
                raise NotFound("There is no such post; list your posts to see which there are.")
            if post.status == "removed":
                return []
            return [
                PlatformPostRemoved(post_id=command.post_id, user_id=command.user_id, image_ids=post.image_ids),
            ]
        case _:
            return []


def _imported(command: ImportPost, post: ImportedPost) -> list[Event]:
    if post.status == "imported":
        return []
    if post.status == "removed":
        raise Conflict("The post was removed from Presswork; connect the account anew to import it.", current="removed")
    named = [image.image_post_id for image in command.images if image.image_post_id is not None]
    if len(set(named)) < len(named):
        raise Invalid("Two images have the same `image_post_id`; name each attachment once.")
    images = tuple(
        PlatformImage(
            image_id=derive("image", command.post_id, index),
            url=image.url,
            image_post_id=image.image_post_id,
            attachment_index=index,
            media_type=image.media_type,
            original_caption=image.original_caption,
            created=image.created,
        )
        for index, image in enumerate(command.images)
    )
    return [
        PlatformPostImported(
            post_id=command.post_id,
            user_id=command.user_id,
            connection_id=command.connection_id,
            platform_type=command.platform_type,
            instance_url=command.instance_url,
            platform_post_id=command.platform_post_id,
            author=command.author,
            url=command.url,
            content=command.content,
            images=images,
        )
    ]


def evolve(post: ImportedPost, event: Event) -> ImportedPost:
    match event:
        case PlatformPostImported():
            return ImportedPost("imported", event.user_id, tuple(image.image_id for image in event.images))
        case PlatformPostRemoved():
            return replace(post, status="removed")
        case _:
            return post


decider: Decider[ImportedPost] = Decider(
    stream="imported_post",
    initial=ImportedPost(),
    decide=decide,
    evolve=evolve,
    commands=(ImportPost, RemoveImport),
    stream_id=lambda command: command.post_id,
    creating=(ImportPost,),
)
