"""Who keeps bytes: uploaded files and what was read from them."""

from __future__ import annotations

from typing import Any, ClassVar
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
