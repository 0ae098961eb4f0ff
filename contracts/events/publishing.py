"""Who talks to the platforms: connections and jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from contracts.envelope import Event, Private

ErrorClass = Literal["refresh_token", "bad_content", "disconnected", "rate_limited", "transient", "outcome_unknown"]


class PublishingEvent(Event):
    owner: ClassVar[str] = "publishing"


class ConnectionEvent(PublishingEvent):
    stream: ClassVar[str] = "connection"
    connection_id: UUID
    user_id: UUID


class ConnectionAdded(ConnectionEvent):
    """A user's account on a platform. Its tokens stay with publishing, encrypted."""

    name: str
    platform_type: str
    instance_url: str
    username: str | None = None
    is_default: bool = True
    settings: dict[str, Any] = {}
    access_token: Private[str] = None


class ConnectionRemoved(ConnectionEvent):
    """The user took the connection away; its tokens are forgotten."""


class JobEvent(PublishingEvent):
    stream: ClassVar[str] = "job"
    job_id: UUID
    workflow_id: UUID
    user_id: UUID
    platform: str
    draft_id: UUID


class JobQueued(JobEvent):
    """The post goes out as soon as a worker is free."""

    connection_id: UUID | None = None


class JobScheduled(JobEvent):
    """The post goes out at this time."""

    scheduled_for: datetime
    time_zone: str
    connection_id: UUID | None = None


class JobStarted(JobEvent):
    """A worker is about to call the platform; from here on the post may exist."""

    attempt: int


class JobPublished(JobEvent):
    """The post is out and has an address."""

    platform_post_id: str
    url: str
    published_at: datetime
    response: dict[str, Any] = {}


class JobFailed(JobEvent):
    """The post is not out, or nobody can say whether it is (`outcome_unknown`); the reason says what to do."""

    error_class: ErrorClass
    reason: str


class JobCancelled(JobEvent):
    """The owner called it off before it began."""


class JobRetried(JobEvent):
    """The owner asked to try again."""
