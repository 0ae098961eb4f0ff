"""What publishing does about a request to publish, and about what happens to its jobs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from contracts.events.publishing import (
    JobCancelled,
    JobPostponed,
    JobPublished,
    JobQueued,
    JobReleased,
    JobRescheduled,
    JobRetried,
    JobScheduled,
)
from contracts.events.workflow import PublicationRequested
from services.publishing.domain.commands import QueueJob, ScheduleJob
from services.publishing.domain.connections import NoteUse
from shared.ids import derive
from shared.reactions import Strike, Task, on

KIND = "publish"


def task_id(job_id: UUID, turn: int) -> UUID:
    """The task of one turn of a job."""
    return derive("publish", job_id, turn)


@on(PublicationRequested)
def make_the_job(event: PublicationRequested) -> QueueJob | ScheduleJob | None:
    if event.next_free_slot:
        return None  # it gets its time first
    if event.scheduled_for is None:
        return QueueJob(
            event.job_id,
            event.workflow_id,
            event.user_id,
            event.platform,
            event.draft_id,
            event.connection_id,
            event.media,
        )
    return ScheduleJob(
        event.job_id,
        event.workflow_id,
        event.user_id,
        event.platform,
        event.draft_id,
        event.scheduled_for,
        event.time_zone or "UTC",
        event.connection_id,
        event.media,
    )


@on(JobQueued)
def publish_now(event: JobQueued) -> Task:
    return task_of(event.job_id, 1, event.platform)


@on(JobScheduled)
def publish_on_time(event: JobScheduled) -> Task:
    return task_of(event.job_id, 1, event.platform, event.scheduled_for)


@on(JobRetried, JobReleased)
def publish_again(event: JobRetried | JobReleased) -> Task:
    return task_of(event.job_id, event.turn, event.platform)


@on(JobPostponed)
def publish_later(event: JobPostponed) -> Task:
    return task_of(event.job_id, event.turn, event.platform, event.retry_at)


@on(JobRescheduled)
def publish_at_another_time(event: JobRescheduled) -> list[Strike | Task]:
    before = Strike(task_id(event.job_id, event.turn - 1))
    return [before, task_of(event.job_id, event.turn, event.platform, event.scheduled_for)]


@on(JobCancelled)
def publish_no_more(event: JobCancelled) -> Strike:
    return Strike(task_id(event.job_id, event.turn))


@on(JobPublished)
def note_the_use(event: JobPublished) -> NoteUse | None:
    if event.connection_id is None:
        return None
    return NoteUse(event.connection_id, event.user_id, event.published_at)


def task_of(job_id: UUID, turn: int, platform: str, due_at: datetime | None = None) -> Task:
    """What has one turn of a job done."""
    return Task(task_id(job_id, turn), KIND, {"job_id": job_id, "turn": turn}, due_at, lane=platform)
