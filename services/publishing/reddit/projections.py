"""Rows of posts and processing_logs. A post's rows follow from its own stream alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contracts.events.publishing import (
    PostCollected,
    PostEnriched,
    PostErased,
    PostEvent,
    PostProcessed,
    PostPublicationFailed,
    PostPublicationRequested,
    PostPublished,
    PostRemovalFailed,
    PostRemoved,
    PostUnpublished,
    PostUnpublishFailed,
    TakedownRequested,
)
from shared.projection import RowChange, delete, insert, projects, update

_POSTS = "posts"


@projects(PostCollected)
def collect(event: PostCollected, at: datetime) -> list[RowChange]:
    post = insert(
        _POSTS,
        id=event.post_id,
        user_id=event.user_id,
        reddit_post_id=event.reddit_post_id,
        title=event.title,
        subreddit=event.subreddit,
        score=event.score,
        num_comments=event.num_comments,
        created_ts=event.created_ts,
        url=event.url,
        text=event.text,
        publication_status="none",
        takedown_status="active",
        created_at=at,
        updated_at=at,
    )
    return [post, _log(event, at, "collector")]


@projects(PostEnriched)
def enrich(event: PostEnriched, at: datetime) -> list[RowChange]:
    summary = _changed(
        event,
        at,
        summary_ko=event.summary_ko,
        tags=list(event.tags),
        pain_points=list(event.pain_points),
        product_ideas=list(event.product_ideas),
        content_hash=event.content_hash,
    )
    return [summary, _log(event, at, "generation")]


@projects(PostProcessed)
def note(event: PostProcessed, at: datetime) -> RowChange:
    return _log(event, at, event.service_name, event.error_message, event.processing_time_ms, status=event.status)


@projects(PostPublicationRequested)
def ask_for_publication(event: PostPublicationRequested, at: datetime) -> RowChange:
    return _changed(event, at, publication_status="requested", publication_error=None)


@projects(PostPublished)
def publish(event: PostPublished, at: datetime) -> list[RowChange]:
    published = _changed(
        event,
        at,
        publication_status="published",
        ghost_post_id=event.ghost_post_id,
        ghost_url=event.ghost_url,
        ghost_slug=event.ghost_slug,
        published_at=event.published_at,
        unpublished_at=None,
    )
    return [published, _log(event, at, "publisher", took=event.processing_time_ms)]


@projects(PostPublicationFailed)
def fail(event: PostPublicationFailed, at: datetime) -> list[RowChange]:
    failed = _changed(event, at, publication_status="failed", publication_error=event.reason)
    return [failed, _log(event, at, "publisher", event.reason)]


@projects(TakedownRequested)
def ask_for_takedown(event: TakedownRequested, at: datetime) -> list[RowChange]:
    asked = _changed(
        event,
        at,
        takedown_status="takedown_pending",
        takedown_reason=event.reason,
        takedown_requested_at=at,
        takedown_requested_by=event.requested_by,
        remove_after=event.remove_after,
    )
    return [asked, _log(event, at, "takedown", status="requested")]


@projects(PostUnpublished)
def unpublish(event: PostUnpublished, at: datetime) -> list[RowChange]:
    hidden = _changed(event, at, unpublished_at=at)
    return [hidden, _log(event, at, "takedown", took=event.processing_time_ms, status="unpublished")]


@projects(PostUnpublishFailed, PostRemovalFailed)
def fail_to_take_down(event: PostUnpublishFailed | PostRemovalFailed, at: datetime) -> RowChange:
    return _log(event, at, "takedown", event.reason)


@projects(PostRemoved)
def remove(event: PostRemoved, at: datetime) -> list[RowChange]:
    """What stays is the trail: which post it was, who asked, and when it went."""
    forgotten = dict.fromkeys(("summary_ko", "tags", "pain_points", "product_ideas", "ghost_post_id", "ghost_url"))
    removed = _changed(event, at, takedown_status="removed", removed_at=at, text="", **forgotten)
    return [removed, _log(event, at, "takedown", status="removed")]


@projects(PostErased)
def erase(event: PostErased, at: datetime) -> RowChange:
    """Its log hangs on it."""
    return delete(_POSTS, id=event.post_id)


def _changed(event: PostEvent, at: datetime, **columns: Any) -> RowChange:
    return update(_POSTS, {"id": event.post_id}, **columns, updated_at=at)


def _log(
    event: PostEvent, at: datetime, service: str, error: str | None = None, took: int | None = None, status: str = ""
) -> RowChange:
    return insert(
        "processing_logs",
        id=event.meta.event_id,
        post_id=event.post_id,
        user_id=event.user_id,
        service_name=service,
        status=status or ("failed" if error else "completed"),
        error_message=error,
        processing_time_ms=took,
        created_at=at,
    )
