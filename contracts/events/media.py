"""Who keeps bytes: uploaded files and what was read from them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from contracts.envelope import Event


class MediaEvent(Event):
    owner: ClassVar[str] = "media"


class FileEvent(MediaEvent):
    stream: ClassVar[str] = "file"
    file_id: UUID
    user_id: UUID


class FileStored(FileEvent):
    """The bytes are in storage under `path`."""

    project_id: UUID | None = None
    path: str
    name: str
    mime_type: str
    size_bytes: int
    sha256: str


class TextExtracted(FileEvent):
    """What the file says, stored beside it as Markdown under `text_path`."""

    title: str
    language: str
    characters: int
    text_path: str
    sha256: str


class ExtractionFailed(FileEvent):
    """The file could not be read; the reason says what to do."""

    reason: str


class FileDeleted(FileEvent):
    """The bytes and the text are gone from storage."""


class ResourceEvent(MediaEvent):
    stream: ClassVar[str] = "resource"
    resource_id: UUID
    user_id: UUID


class ResourceAdded(ResourceEvent):
    """A style sample, a reference or an image description for the engines."""

    type: str
    content: str
    metadata: dict[str, Any] = {}


class ResourceRemoved(ResourceEvent):
    """The user took it away."""


class PlatformPostKept(MediaEvent):
    """A post on a platform whose images are kept here."""

    stream: ClassVar[str] = "kept_post"
    post_id: UUID
    user_id: UUID
    connection_id: UUID
    platform_type: str
    instance_url: str
    platform_post_id: str
    author: str
    url: str
    content: str


class PlatformPostDropped(MediaEvent):
    """The post and its images are looked after no longer."""

    stream: ClassVar[str] = "kept_post"
    post_id: UUID
    user_id: UUID


ImageStatus = Literal["pending", "reviewed", "approved", "rejected", "posted", "error"]


class ImageEvent(MediaEvent):
    stream: ClassVar[str] = "image"
    image_id: UUID
    user_id: UUID
    post_id: UUID
    status: ImageStatus = "pending"  # of the image once this has happened


class ImageImported(ImageEvent):
    """An image of a post on a platform; its bytes are to lie under `path`."""

    connection_id: UUID
    platform_type: str
    instance_url: str
    url: str
    path: str
    original_filename: str | None = None
    media_type: str | None = None
    image_post_id: str | None = None
    attachment_index: int
    original_caption: str | None = None
    original_post_date: datetime | None = None


class ImageStored(ImageEvent):
    """The bytes lie in storage under `path`."""

    path: str
    media_type: str
    size_bytes: int
    sha256: str


class ImageFailed(ImageEvent):
    """The image cannot go on; the reason says what to do."""

    reason: str


class ImageCaptioned(ImageEvent):
    """An engine has written what the image shows; a person has to look at it."""

    caption: str
    prompt_used: str | None = None
    category: str | None = None
    engine: str


class ImageScored(ImageEvent):
    """How good the caption is, 0 to 100."""

    score: int
    needs_special_review: bool


class ImageReviewed(ImageEvent):
    """A person has decided about the caption. `final_caption`: what is to be posted, None when it was rejected."""

    decision: Literal["approve", "reject"]
    caption: str | None = None
    final_caption: str | None = None
    notes: str | None = None
    reviewer_id: UUID
    reviewed_at: datetime


class ImagePosted(ImageEvent):
    """The caption stands on the platform."""

    posted_at: datetime


class ImagePostFailed(ImageEvent):
    """The platform has not taken the caption; the reason says what to do."""

    reason: str


class ImageDeleted(ImageEvent):
    """The image is gone from storage."""

    path: str


class MediaFileEvent(MediaEvent):
    stream: ClassVar[str] = "media_file"
    media_file_id: UUID
    post_id: UUID
    user_id: UUID


class MediaFileStored(MediaFileEvent):
    """A file that a collected post shows lies in storage under `path`."""

    original_url: str
    ghost_url: str | None = None
    file_type: str
    file_size: int
    path: str
    sha256: str
    processing_time_ms: int | None = None


class MediaFileFailed(MediaFileEvent):
    """The file could not be fetched; the reason says what to do."""

    original_url: str
    reason: str


class MediaFileDeleted(MediaFileEvent):
    """The file is gone from storage."""

    path: str
