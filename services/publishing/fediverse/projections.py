"""Rows of imported_posts and imported_images."""

from __future__ import annotations

from datetime import datetime

from contracts.events.publishing import PlatformPostImported, PlatformPostRemoved
from shared.projection import RowChange, delete, insert, projects


@projects(PlatformPostImported)
def add_post(event: PlatformPostImported, at: datetime) -> list[RowChange]:
    post = insert(
        "imported_posts",
        id=event.post_id,
        user_id=event.user_id,
        connection_id=event.connection_id,
        platform_type=event.platform_type,
        instance_url=event.instance_url,
        platform_post_id=event.platform_post_id,
        author=event.author,
        url=event.url,
        content=event.content,
        created_at=at,
    )
    images = [
        insert(
            "imported_images",
            id=image.image_id,
            user_id=event.user_id,
            post_id=event.post_id,
            connection_id=event.connection_id,
            image_post_id=image.image_post_id,
            attachment_index=image.attachment_index,
        )
        for image in event.images
    ]
    return [post, *images]


@projects(PlatformPostRemoved)
def drop_post(event: PlatformPostRemoved, at: datetime) -> RowChange:
    """Its images hang on it."""
    return delete("imported_posts", id=event.post_id)
