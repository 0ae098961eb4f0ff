"""Rows of files and resources."""

from __future__ import annotations

from datetime import datetime

from contracts.events.media import (
    ExtractionFailed,
    FileDeleted,
    FileStored,
    ResourceAdded,
    ResourceRemoved,
    TextExtracted,
)
from shared.projection import RowChange, delete, insert, projects, update


@projects(FileStored)
def add_file(event: FileStored, at: datetime) -> RowChange:
    return insert(
        "files",
        id=event.file_id,
        user_id=event.user_id,
        project_id=event.project_id,
        path=event.path,
        name=event.name,
        mime_type=event.mime_type,
        size_bytes=event.size_bytes,
        sha256=event.sha256,
        text_status="pending",
        created_at=at,
    )


@projects(TextExtracted)
def add_text(event: TextExtracted, at: datetime) -> RowChange:
    return update(
        "files",
        {"id": event.file_id},
        text_status="extracted",
        text_path=event.text_path,
        text_sha256=event.sha256,
        title=event.title,
        language=event.language,
        characters=event.characters,
    )


@projects(ExtractionFailed)
def add_failure(event: ExtractionFailed, at: datetime) -> RowChange:
    return update("files", {"id": event.file_id}, text_status="failed", error=event.reason)


@projects(FileDeleted)
def drop_file(event: FileDeleted, at: datetime) -> RowChange:
    return delete("files", id=event.file_id)


@projects(ResourceAdded)
def add_resource(event: ResourceAdded, at: datetime) -> RowChange:
    return insert(
        "resources",
        id=event.resource_id,
        user_id=event.user_id,
        type=event.type,
        content=event.content,
        metadata=event.metadata,
        created_at=at,
    )


@projects(ResourceRemoved)
def drop_resource(event: ResourceRemoved, at: datetime) -> RowChange:
    return delete("resources", id=event.resource_id)
