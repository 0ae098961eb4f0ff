"""What the API of collected posts takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from services.publishing.fediverse.schemas import WebUrl
from services.publishing.schemas import In
from shared.http.moment import Moment

TakedownStatus = Literal["active", "takedown_pending", "removed"]
_Line = StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\x00-\x1f\x7f]*$")
_Count = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]


class NewPost(In):
    """A post found on Reddit."""

    reddit_post_id: Annotated[str, StringConstraints(pattern=r"^(t3_)?[0-9a-z]{1,13}$")] = Field(
        description="Reddit's id, with or without `t3_`; each post is collected once.", examples=["1abcde"]
    )
    title: Annotated[str, _Line, Field(max_length=300)] = Field(examples=["My compost heap stays cold"])
    subreddit: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{2,21}$")] = Field(examples=["composting"])
    score: _Count = 0
    num_comments: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    created_ts: Moment = Field(description="When it was posted.")
    url: WebUrl = Field(examples=["https://www.reddit.com/r/composting/comments/1abcde/"])
    text: Annotated[str, Field(max_length=40_000)] = ""
    media: tuple[WebUrl, ...] = Field((), max_length=20, description="Images it shows; they are fetched and kept.")


class Post(BaseModel):
    """A collected post and what became of it."""

    id: UUID
    reddit_post_id: str
    title: str
    subreddit: str
    score: int
    num_comments: int
    created_ts: datetime
    url: str
    summary_ko: str | None
    tags: list[str] | None
    pain_points: list[dict[str, Any]] | None
    product_ideas: list[dict[str, Any]] | None
    content_hash: str | None
    ghost_url: str | None = Field(description="Where the article stands.")
    ghost_post_id: str | None
    ghost_slug: str | None
    publication_status: Literal["none", "requested", "published", "failed"]
    publication_error: str | None
    published_at: datetime | None
    takedown_status: TakedownStatus
    takedown_reason: str | None
    takedown_requested_at: datetime | None
    unpublished_at: datetime | None = Field(description="When the article was hidden; null: it may still be read.")
    remove_after: datetime | None
    removed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Takedown(In):
    """Why the article is to go."""

    reason: Annotated[str, _Line, Field(max_length=1000)] = Field(examples=["The author asks for it."])


class ProcessingLog(BaseModel):
    """What one service did about the post."""

    id: UUID
    service_name: str
    status: str
    error_message: str | None
    processing_time_ms: int | None
    created_at: datetime
