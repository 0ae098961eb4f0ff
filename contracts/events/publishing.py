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
    replaces_id: UUID | None = None  # the connection that was the platform's default so far
    access_token: Private[str] = None


class ConnectionUsed(ConnectionEvent):
    """A post went out through the connection."""

    used_at: datetime


class ConnectionRemoved(ConnectionEvent):
    """The user took the connection away; its tokens are forgotten."""

    successor_id: UUID | None = None  # the connection that is the platform's default from here on


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
    turn: int = 1  # how often the job stood on the to-do list: once, and once more for each retry or new time
    connection_id: UUID | None = None
    resumed: bool = False  # an attempt before had begun and nobody knows how it ended
    lease_id: UUID | None = None  # under which the worker holds the task
    started_at: datetime | None = None


class JobPostponed(JobEvent):
    """The platform could not take the post now; it is tried again then."""

    error_class: ErrorClass
    reason: str
    retry_at: datetime
    turn: int


class JobPublished(JobEvent):
    """The post is out and has an address."""

    platform_post_id: str
    url: str
    published_at: datetime
    response: dict[str, Any] = {}
    connection_id: UUID | None = None


class JobFailed(JobEvent):
    """The post is not out, or nobody can say whether it is (`outcome_unknown`); the reason says what to do."""

    error_class: ErrorClass
    reason: str


class JobRescheduled(JobEvent):
    """The owner chose another time."""

    scheduled_for: datetime
    time_zone: str
    turn: int


class JobCancelled(JobEvent):
    """The owner called it off before it began."""

    turn: int = 1


class JobRetried(JobEvent):
    """The owner asked to try again."""

    turn: int = 2
    connection_id: UUID | None = None  # another connection to use from here on
