"""What can be asked of a publishing job: by workflow, by its owner and by the worker that carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.events.publishing import ErrorClass
from contracts.events.workflow import AttachedImage


@dataclass(frozen=True, slots=True)
class QueueJob:
    job_id: UUID
    workflow_id: UUID
    user_id: UUID
    platform: str
    draft_id: UUID
    connection_id: UUID | None = None
    media: tuple[AttachedImage, ...] = ()


@dataclass(frozen=True, slots=True)
class ScheduleJob:
    job_id: UUID
    workflow_id: UUID
    user_id: UUID
    platform: str
    draft_id: UUID
    scheduled_for: datetime
    time_zone: str
    connection_id: UUID | None = None
    media: tuple[AttachedImage, ...] = ()


@dataclass(frozen=True, slots=True)
class RefuseJob:
    """There is no time for the job; a person has to do something first."""

    job_id: UUID
    workflow_id: UUID
    user_id: UUID
    platform: str
    draft_id: UUID
    connection_id: UUID | None
    reason: str
    media: tuple[AttachedImage, ...] = ()


@dataclass(frozen=True, slots=True)
class StartJob:
    """A worker holds the task of this turn, for the `attempt`-th time, under a lease; a call lasts at most `call`."""

    job_id: UUID
    turn: int
    attempt: int
    lease_id: UUID
    connection_id: UUID | None
    now: datetime
    call: timedelta
    duplicate_of: str | None = None  # where the same text stands already


@dataclass(frozen=True, slots=True)
class RecordPublished:
    job_id: UUID
    platform_post_id: str
    url: str
    published_at: datetime
    response: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordFailure:
    """What went wrong. What is worth trying again is tried `tries` times, after `pause`, then twice that, and so on."""

    job_id: UUID
    error_class: ErrorClass
    reason: str
    now: datetime
    pause: timedelta
    tries: int
    retry_at: datetime | None = None  # when the platform says that it goes on
    can_find: bool = False  # whether the platform can be asked for the post before the next try


@dataclass(frozen=True, slots=True)
class HoldJob:
    """The job has to wait for its connection. `called`: the platform was asked, and took nothing."""

    job_id: UUID
    turn: int
    connection_id: UUID
    error_class: ErrorClass
    reason: str
    called: bool


@dataclass(frozen=True, slots=True)
class ReleaseJob:
    """The connection that the job waits for works again, or is gone."""

    job_id: UUID
    connection_id: UUID


@dataclass(frozen=True, slots=True)
class Figures:
    """How a post is doing. None: the platform does not tell."""

    likes: int
    comments: int
    shares: int | None = None
    quotes: int | None = None
    views: int | None = None


@dataclass(frozen=True, slots=True)
class RecordEngagement:
    """The platform was asked how the post is doing."""

    job_id: UUID
    figures: Figures
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class RecordWithheld:
    """The platform does not say how the post is doing."""

    job_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUpJob:
    """The worker failed in a way nobody foresaw."""

    job_id: UUID


@dataclass(frozen=True, slots=True)
class RetryJob:
    job_id: UUID
    user_id: UUID
    correlation_id: UUID
    connection_id: UUID | None = None  # another one than before


@dataclass(frozen=True, slots=True)
class CancelJob:
    job_id: UUID
    user_id: UUID
    correlation_id: UUID


@dataclass(frozen=True, slots=True)
class RescheduleJob:
    job_id: UUID
    user_id: UUID
    correlation_id: UUID
    scheduled_for: datetime
    time_zone: str
    now: datetime


@dataclass(frozen=True, slots=True)
class EraseJob:
    """The owner is gone: what waits is called off, and the job is forgotten."""

    job_id: UUID


COMMANDS = (
    EraseJob,
    QueueJob,
    ScheduleJob,
    RefuseJob,
    StartJob,
    RecordPublished,
    RecordFailure,
    RecordEngagement,
    RecordWithheld,
    HoldJob,
    ReleaseJob,
    GiveUpJob,
    RetryJob,
    CancelJob,
    RescheduleJob,
)
