"""Rows of files, resources, posts, images and media_files, each from streams of media's own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contracts.events.media import (
    ExtractionFailed,
    FileDeleted,
    FileStored,
    ImageCaptioned,
    ImageDeleted,
    ImageEvent,
    ImageFailed,
    ImageImported,
    ImagePosted,
    ImagePostFailed,
    ImageReviewed,
    ImageScored,
    ImageStored,
    MediaFileDeleted,
    MediaFileStored,
    PlatformPostDropped,
    PlatformPostKept,
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


@projects(PlatformPostKept)
def add_post(event: PlatformPostKept, at: datetime) -> RowChange:
    return insert(
        "posts",
        id=event.post_id,
        post_id=event.platform_post_id,
        user_id=event.user_id,
        author=event.author,
        post_url=event.url,
        post_content=event.content,
        platform_connection_id=event.connection_id,
        platform_type=event.platform_type,
        instance_url=event.instance_url,
        created_at=at,
        updated_at=at,
    )


@projects(PlatformPostDropped)
def drop_post(event: PlatformPostDropped, at: datetime) -> RowChange:
    """Its images hang on it."""
    return delete("posts", id=event.post_id)


@projects(ImageImported)
def add_image(event: ImageImported, at: datetime) -> RowChange:
    return insert(
        "images",
        id=event.image_id,
        post_id=event.post_id,
        user_id=event.user_id,
        image_url=event.url,
        local_path=event.path,
        original_filename=event.original_filename,
        media_type=event.media_type,
        image_post_id=event.image_post_id,
        attachment_index=event.attachment_index,
        platform_connection_id=event.connection_id,
        platform_type=event.platform_type,
        instance_url=event.instance_url,
        original_caption=event.original_caption,
        original_post_date=event.original_post_date,
        status=event.status,
        needs_special_review=False,
        created_at=at,
        updated_at=at,
    )


@projects(ImageStored)
def store_image(event: ImageStored, at: datetime) -> RowChange:
    return _image(
        event,
        at,
        media_type=event.media_type,
        size_bytes=event.size_bytes,
        sha256=event.sha256,
        processing_error=None,
    )


@projects(ImageFailed, ImagePostFailed)
def fail_image(event: ImageFailed | ImagePostFailed, at: datetime) -> RowChange:
    return _image(event, at, processing_error=event.reason)


@projects(ImageCaptioned)
def caption_image(event: ImageCaptioned, at: datetime) -> RowChange:
    """A new caption was reviewed by nobody; its score may have been heard already."""
    nothing = dict.fromkeys(("reviewed_caption", "final_caption", "reviewed_at", "reviewer_id", "reviewer_notes"))
    return _image(
        event,
        at,
        generated_caption=event.caption,
        prompt_used=event.prompt_used,
        image_category=event.category,
        engine=event.engine,
        processing_error=None,
        **nothing,
    )


@projects(ImageScored)
def score_image(event: ImageScored, at: datetime) -> RowChange:
    return _image(event, at, caption_quality_score=event.score, needs_special_review=event.needs_special_review)


@projects(ImageReviewed)
def review_image(event: ImageReviewed, at: datetime) -> RowChange:
    return _image(
        event,
        at,
        reviewed_caption=event.caption,
        final_caption=event.final_caption,
        reviewer_notes=event.notes,
        reviewer_id=event.reviewer_id,
        reviewed_at=event.reviewed_at,
        processing_error=None,
    )


@projects(ImagePosted)
def post_image(event: ImagePosted, at: datetime) -> RowChange:
    return _image(event, at, posted_at=event.posted_at, processing_error=None)


@projects(ImageDeleted)
def drop_image(event: ImageDeleted, at: datetime) -> RowChange:
    return delete("images", id=event.image_id)


def _image(event: ImageEvent, at: datetime, **columns: Any) -> RowChange:
    return update("images", {"id": event.image_id}, **columns, status=event.status, updated_at=at)


@projects(MediaFileStored)
def add_media_file(event: MediaFileStored, at: datetime) -> RowChange:
    return insert(
        "media_files",
        id=event.media_file_id,
        post_id=event.post_id,
        user_id=event.user_id,
        original_url=event.original_url,
        ghost_url=event.ghost_url,
        file_type=event.file_type,
        file_size=event.file_size,
        path=event.path,
        sha256=event.sha256,
        processed_at=at,
        created_at=at,
    )


@projects(MediaFileDeleted)
def drop_media_file(event: MediaFileDeleted, at: datetime) -> RowChange:
    return delete("media_files", id=event.media_file_id)
