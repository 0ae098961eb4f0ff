"""One post on its way to one platform: queued or scheduled, begun, published or not, and published once.

A job has turns: each retry, new time or postponement puts it on the to-do list anew. Within a turn a worker may hold it
several times. Whoever begins while an earlier attempt has no known outcome is told so (`resumed`), and has to look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.publishing import (
    EngagementMeasured,
    EngagementWithheld,
    JobCancelled,
    JobErased,
    JobFailed,
    JobHeld,
    JobPostponed,
    JobPublished,
    JobQueued,
    JobReleased,
    JobRescheduled,
    JobRetried,
    JobScheduled,
    JobStarted,
)
from contracts.events.workflow import AttachedImage
from services.publishing.domain import commands as ask
from services.publishing.domain import engagement
from shared.decider import Conflict, Decider, DomainError, Invalid, NotFound

Status = Literal["unknown", "queued", "scheduled", "publishing", "published", "failed", "cancelled", "erased"]
WAITING = frozenset({"queued", "scheduled"})


class Superseded(DomainError):
    """The job has moved on; who holds this old task has nothing to do."""


class StillRunning(DomainError):
    """An earlier attempt may be talking to the platform at this moment, until `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"An earlier attempt may still be calling the platform until {until.isoformat()}.")
        self.until = until


@dataclass(frozen=True, slots=True)
class Job:
    status: Status = "unknown"
    workflow_id: UUID | None = None
    user_id: UUID | None = None
    platform: str = ""
    draft_id: UUID | None = None
    scheduled_for: datetime | None = None
    time_zone: str | None = None
    turn: int = 1
    lease_id: UUID | None = None  # of whoever began last
    started_at: datetime | None = None
    connection_id: UUID | None = None  # the one that the last attempt used
    resumed: bool = False
    doubt: bool = False  # some attempt may have published without anybody knowing
    held_for: UUID | None = None  # the connection that it waits for
    failures: int = 0  # since a person last had a say
    media: tuple[AttachedImage, ...] = ()
    duplicate_of: str | None = None
    standing: engagement.Standing | None = None  # once it is out


def decide(command: Any, job: Job) -> Sequence[Event]:
    match command:
        case ask.QueueJob() | ask.ScheduleJob():
            return [] if job.status != "unknown" else [_begun(command)]
        case ask.RefuseJob():
            return [] if job.status != "unknown" else _refused(command)
        case ask.StartJob():
            return _started(command, job)
        case ask.RecordPublished():
            return _published(command, job)
        case ask.RecordFailure():
            return _failed(command, job)
        case ask.RecordEngagement() | ask.RecordWithheld():
            if job.status != "published":
                return []
            return engagement.decide(command, _common(command.job_id, job), job.standing)
        case ask.HoldJob():
            return _held(command, job)
        case ask.ReleaseJob():
            if job.held_for != command.connection_id:
                return []
            return [JobReleased(**_common(command.job_id, job), turn=job.turn + 1)]
        case ask.GiveUpJob():
            return _given_up(command, job)
        case ask.EraseJob():
            return _erased(command, job)
    if job.user_id is None or job.user_id != command.user_id:
        raise NotFound("There is no such job; list your jobs to see which there are.")
    match command:
        case ask.RetryJob():
            return _retried(command, job)
        case ask.CancelJob():
            return _cancelled(command, job)
        case ask.RescheduleJob():
            return _rescheduled(command, job)
        case _:
            return []


def _begun(command: ask.QueueJob | ask.ScheduleJob) -> Event:
    common: dict[str, Any] = {
        "job_id": command.job_id,
        "workflow_id": command.workflow_id,
        "user_id": command.user_id,
        "platform": command.platform,
        "draft_id": command.draft_id,
        "connection_id": command.connection_id,
        "media": command.media,
    }
    if isinstance(command, ask.QueueJob):
        return JobQueued(**common)
    return JobScheduled(**common, scheduled_for=command.scheduled_for, time_zone=command.time_zone)


def _refused(command: ask.RefuseJob) -> list[Event]:
    common: dict[str, Any] = {
        "job_id": command.job_id,
        "workflow_id": command.workflow_id,
        "user_id": command.user_id,
        "platform": command.platform,
        "draft_id": command.draft_id,
    }
    queued = JobQueued(**common, connection_id=command.connection_id, media=command.media)
    return [queued, JobFailed(**common, error_class="transient", reason=command.reason)]


def _started(command: ask.StartJob, job: Job) -> list[Event]:
    resumed = job.status == "publishing"
    if command.turn != job.turn or not (resumed or job.status in WAITING):
        raise Superseded(f"The job is {job.status} by now.")
    if resumed and job.lease_id == command.lease_id:
        return []
    if resumed and job.started_at is not None and command.now < job.started_at + command.call:
        raise StillRunning(job.started_at + command.call)
    # A post that may exist is looked for where it was sent, whatever the default is by now.
    kept = job.connection_id if resumed or job.doubt else None
    return [
        JobStarted(
            **_common(command.job_id, job),
            attempt=command.attempt,
            turn=job.turn,
            connection_id=kept or command.connection_id,
            resumed=resumed,
            lease_id=command.lease_id,
            started_at=command.now,
            duplicate_of=command.duplicate_of,
        )
    ]


def _published(command: ask.RecordPublished, job: Job) -> list[Event]:
    if job.status != "publishing":
        return []
    return [
        JobPublished(
            **_common(command.job_id, job),
            platform_post_id=command.platform_post_id,
            url=command.url,
            published_at=command.published_at,
            response=dict(command.response),
            connection_id=job.connection_id,
            duplicate_of=job.duplicate_of,
        )
    ]


def _failed(command: ask.RecordFailure, job: Job) -> list[Event]:
    if job.status not in WAITING and job.status != "publishing":
        return []
    common = _common(command.job_id, job)
    retry_at = _worth_another_try(command, job)
    if retry_at is None:
        return [JobFailed(**common, error_class=command.error_class, reason=command.reason)]
    return [
        JobPostponed(
            **common,
            error_class=command.error_class,
            reason=command.reason,
            retry_at=retry_at,
            turn=job.turn + 1,
        )
    ]


def _worth_another_try(command: ask.RecordFailure, job: Job) -> datetime | None:
    """When to try again by ourselves, or None when a person has to do something first."""
    match command.error_class:
        case "rate_limited":
            return command.retry_at or command.now + command.pause
        case "transient":
            passes = True
        case "outcome_unknown":
            passes = command.can_find  # else another try might publish it twice
        case _:
            passes = False
    if not passes or job.failures + 1 >= command.tries:
        return None
    return command.now + command.pause * (1 << job.failures)


def _held(command: ask.HoldJob, job: Job) -> list[Event]:
    waits = job.status in WAITING and job.held_for is None
    if command.turn != job.turn or not (waits or job.status == "publishing"):
        return []
    return [
        JobHeld(
            **_common(command.job_id, job),
            connection_id=command.connection_id,
            error_class=command.error_class,
            reason=command.reason,
            unsure=job.status == "publishing" and not command.called,
        )
    ]


def _given_up(command: ask.GiveUpJob, job: Job) -> list[Event]:
    common = _common(command.job_id, job)
    if job.status == "publishing":
        reason = (
            "Publishing broke off, so the post may or may not be out. Look there yourself before you retry the job."
        )
        return [JobFailed(**common, error_class="outcome_unknown", reason=reason)]
    if job.status in WAITING:
        reason = "Publishing broke off before anything was sent. Retry the job; report it if it fails again."
        return [JobFailed(**common, error_class="transient", reason=reason)]
    return []


def _erased(command: ask.EraseJob, job: Job) -> list[Event]:
    if job.status in ("unknown", "erased"):
        return []
    common = _common(command.job_id, job)
    called_off = [JobCancelled(**common, turn=job.turn)] if job.status in WAITING else []
    return [*called_off, JobErased(**common)]


def _retried(command: ask.RetryJob, job: Job) -> list[Event]:
    match job.status:
        case "failed" | "queued" if job.status == "failed" or job.held_for is not None:
            common = _common(command.job_id, job)
            return [JobRetried(**common, turn=job.turn + 1, connection_id=command.connection_id)]
        case "queued" | "publishing":
            return []
        case _:
            raise Conflict(f"The job is {job.status}; only a failed one can be retried.", current=job.status)


def _cancelled(command: ask.CancelJob, job: Job) -> list[Event]:
    if job.status == "cancelled":
        return []
    _still_waits(job, "cancelled")
    return [JobCancelled(**_common(command.job_id, job), turn=job.turn)]


def _rescheduled(command: ask.RescheduleJob, job: Job) -> list[Event]:
    if job.status != "failed" or job.doubt:
        _still_waits(job, "rescheduled")
    if job.status == "scheduled" and (job.scheduled_for, job.time_zone) == (command.scheduled_for, command.time_zone):
        return []
    if command.scheduled_for <= command.now:
        raise Invalid("The time to publish has passed; choose one in the future.")
    return [
        JobRescheduled(
            **_common(command.job_id, job),
            scheduled_for=command.scheduled_for,
            time_zone=command.time_zone,
            turn=job.turn + 1,
        )
    ]


def _still_waits(job: Job, what: str) -> None:
    if job.status not in WAITING:
        raise Conflict(
            f"The job is {job.status}; only a queued or scheduled one can be {what}. Read it again to see where it is.",
            current=job.status,
        )


def _common(job_id: UUID, job: Job) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "workflow_id": job.workflow_id,
        "user_id": job.user_id,
        "platform": job.platform,
        "draft_id": job.draft_id,
    }


def evolve(job: Job, event: Event) -> Job:
    match event:
        case JobQueued():
            begun = Job("queued", event.workflow_id, event.user_id, event.platform, event.draft_id)
            return replace(begun, media=event.media)
        case JobScheduled():
            begun = Job("scheduled", event.workflow_id, event.user_id, event.platform, event.draft_id)
            return replace(begun, scheduled_for=event.scheduled_for, time_zone=event.time_zone, media=event.media)
        case JobStarted():
            return replace(
                job,
                status="publishing",
                lease_id=event.lease_id,
                started_at=event.started_at,
                connection_id=event.connection_id,
                resumed=event.resumed,
                duplicate_of=event.duplicate_of,
                doubt=job.doubt or event.resumed,
                held_for=None,
            )
        case JobPostponed():
            counted = job.failures + (event.error_class != "rate_limited")
            doubt = job.doubt or event.error_class == "outcome_unknown"
            return replace(job, status="queued", turn=event.turn, failures=counted, doubt=doubt)
        case JobHeld():
            return replace(job, status="queued", held_for=event.connection_id, doubt=job.doubt or event.unsure)
        case JobReleased():
            return replace(job, turn=event.turn, held_for=None)
        case JobPublished():
            return replace(job, status="published", standing=engagement.evolve(job.standing, event))
        case EngagementMeasured() | EngagementWithheld():
            return replace(job, standing=engagement.evolve(job.standing, event))
        case JobFailed():
            return replace(job, status="failed", doubt=job.doubt or event.error_class == "outcome_unknown")
        case JobRetried():
            return replace(job, status="queued", turn=event.turn, failures=0, connection_id=None, held_for=None)
        case JobRescheduled():
            return replace(
                job,
                status="scheduled",
                scheduled_for=event.scheduled_for,
                time_zone=event.time_zone,
                turn=event.turn,
                held_for=None,
                failures=0,
            )
        case JobCancelled():
            return replace(job, status="cancelled", held_for=None)
        case JobErased():
            return replace(job, status="erased")
        case _:
            return job


decider: Decider[Job] = Decider(
    stream="job",
    initial=Job(),
    decide=decide,
    evolve=evolve,
    commands=ask.COMMANDS,
    stream_id=lambda command: command.job_id,
    creating=(ask.QueueJob, ask.ScheduleJob),
)
