"""A file that a collected post shows: fetched once and kept, until the post goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.media import MediaFileDeleted, MediaFileFailed, MediaFileStored
from shared.decider import Decider


@dataclass(frozen=True, slots=True)
class StoreMediaFile:
    """The bytes lie in storage under `path`."""

    media_file_id: UUID
    post_id: UUID
    user_id: UUID
    original_url: str
    file_type: str
    file_size: int
    path: str
    sha256: str
    processing_time_ms: int


@dataclass(frozen=True, slots=True)
class FailMediaFile:
    media_file_id: UUID
    post_id: UUID
    user_id: UUID
    original_url: str
    reason: str


@dataclass(frozen=True, slots=True)
class DropMediaFile:
    """The file goes with its post; one that is gone already is no error."""

    media_file_id: UUID


@dataclass(frozen=True, slots=True)
class MediaFile:
    status: Literal["absent", "stored", "failed", "deleted"] = "absent"
    post_id: UUID | None = None
    user_id: UUID | None = None
    path: str = ""


def decide(command: Any, file: MediaFile) -> Sequence[Event]:
    match command:
        case StoreMediaFile() | FailMediaFile() if file.status != "absent":
            return []
        case StoreMediaFile():
            return [
                MediaFileStored(
                    media_file_id=command.media_file_id,
                    post_id=command.post_id,
                    user_id=command.user_id,
                    original_url=command.original_url,
                    file_type=command.file_type,
                    file_size=command.file_size,
                    path=command.path,
                    sha256=command.sha256,
                    processing_time_ms=command.processing_time_ms,
                )
            ]
        case FailMediaFile():
            return [
                MediaFileFailed(
                    media_file_id=command.media_file_id,
                    post_id=command.post_id,
                    user_id=command.user_id,
                    original_url=command.original_url,
                    reason=command.reason,
                )
            ]
        case DropMediaFile() if file.status == "stored" and file.post_id and file.user_id:
            return [
                MediaFileDeleted(
                    media_file_id=command.media_file_id, post_id=file.post_id, user_id=file.user_id, path=file.path
                )
            ]
        case _:
            return []


def evolve(file: MediaFile, event: Event) -> MediaFile:
    match event:
        case MediaFileStored():
            return MediaFile("stored", event.post_id, event.user_id, event.path)
        case MediaFileFailed():
            return MediaFile("failed", event.post_id, event.user_id)
        case MediaFileDeleted():
            return replace(file, status="deleted")
        case _:
            return file


decider: Decider[MediaFile] = Decider(
    stream="media_file",
    initial=MediaFile(),
    decide=decide,
    evolve=evolve,
    commands=(StoreMediaFile, FailMediaFile, DropMediaFile),
    stream_id=lambda command: command.media_file_id,
    creating=(StoreMediaFile, FailMediaFile),
)
