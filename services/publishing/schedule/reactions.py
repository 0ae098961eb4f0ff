"""Jobs that ask for the next free slot get it, and give it back when they go out at another time or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from contracts.events.publishing import (
    ConnectionRemoved,
    JobCancelled,
    JobRescheduled,
    SlotRefused,
    SlotTaken,
)
from contracts.events.workflow import AttachedImage, PublicationRequested
from services.publishing.domain.commands import RefuseJob, RescheduleJob, ScheduleJob
from services.publishing.domain.slots import FreeSlot, RemoveSlotsOf, TakeSlot
from services.publishing.schedule import queries
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import LeasedTask, Task, on, work

TAKE = "take_slot"


@on(PublicationRequested)
def look_for_a_slot(event: PublicationRequested) -> Task | None:
    if not event.next_free_slot:
        return None
    payload = {
        "job_id": event.job_id,
        "workflow_id": event.workflow_id,
        "user_id": event.user_id,
        "platform": event.platform,
        "draft_id": event.draft_id,
        "connection_id": event.connection_id,
        "media": [image.model_dump(mode="json") for image in event.media],
    }
    return Task(derive(TAKE, event.job_id), TAKE, payload)


@work(TAKE, lease=30, attempts=20, concurrency=4)
async def take_a_slot(task: LeasedTask, kit: Kit) -> Sequence[TakeSlot]:
    """The times that are taken and the default account are read here; the decision is the user's own stream's."""
    payload = task.payload
    user_id, platform, asked = UUID(payload["user_id"]), payload["platform"], payload["connection_id"]
    situation = await queries.situation(kit.database.pool, user_id, platform, UUID(payload["job_id"]))
    return [
        TakeSlot(
            job_id=UUID(payload["job_id"]),
            workflow_id=UUID(payload["workflow_id"]),
            user_id=user_id,
            platform=platform,
            draft_id=UUID(payload["draft_id"]),
            connection_id=UUID(asked) if asked else None,
            default_id=situation["default_id"],
            busy=frozenset(situation["busy"]),
            now=datetime.now(UTC),
            media=tuple(AttachedImage.model_validate(image) for image in payload["media"]),
        )
    ]


@on(SlotTaken)
def give_it_to_the_job(event: SlotTaken) -> ScheduleJob | RescheduleJob:
    if event.moved:
        return RescheduleJob(
            event.job_id,
            event.user_id,
            event.workflow_id,
            event.scheduled_for,
            event.time_zone,
            event.meta.recorded_at,
        )
    return ScheduleJob(
        event.job_id,
        event.workflow_id,
        event.user_id,
        event.platform,
        event.draft_id,
        event.scheduled_for,
        event.time_zone,
        event.connection_id,
        event.media,
    )


@on(SlotRefused)
def say_why_not(event: SlotRefused) -> RefuseJob:
    return RefuseJob(
        event.job_id,
        event.workflow_id,
        event.user_id,
        event.platform,
        event.draft_id,
        event.connection_id,
        event.reason,
        event.media,
    )


@on(JobCancelled, JobRescheduled)
def give_it_back(event: JobCancelled | JobRescheduled) -> FreeSlot:
    kept = event.scheduled_for if isinstance(event, JobRescheduled) else None
    return FreeSlot(event.job_id, event.user_id, kept)


@on(ConnectionRemoved)
def remove_its_slots(event: ConnectionRemoved) -> RemoveSlotsOf:
    return RemoveSlotsOf(event.connection_id, event.user_id)
