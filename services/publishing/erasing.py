"""When a user's account or a workflow is gone, what publishing keeps of it goes too."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts.events.auth import UserErased
from contracts.events.workflow import WorkflowRemoved
from services.publishing import queries
from services.publishing.domain.commands import EraseJob
from services.publishing.domain.connections import RemoveConnection
from services.publishing.domain.imported_post import RemoveImport
from services.publishing.domain.post import ErasePost
from services.publishing.domain.slots import RemoveSlot
from services.publishing.domain.webhook import RemoveWebhook
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import LeasedTask, Task, on, twice, work

ERASE = "erase_user"
ERASE_JOBS = "erase_jobs"
# Longer than an access token lives: what a request of the user's still made after the account was gone goes then.
SWEEP_AFTER = timedelta(minutes=30)
_AT_ONCE = 100  # rows of each table that go in one transaction


@on(UserErased)
def erase_what_was_theirs(event: UserErased) -> list[Task]:
    return twice(event, ERASE, {"user_id": event.user_id}, SWEEP_AFTER)


@on(WorkflowRemoved)
def erase_its_jobs(event: WorkflowRemoved) -> Task:
    """What is due later is called off; what is out stays where it is."""
    return Task(derive(event.meta.event_id, ERASE_JOBS), ERASE_JOBS, {"workflow_id": event.workflow_id})


@work(ERASE_JOBS, lease=60, attempts=20, concurrency=2)
async def erase_jobs(task: LeasedTask, kit: Kit) -> list[Any]:
    """All of a workflow's jobs."""
    async with kit.database.reading(None) as connection:
        return [EraseJob(job_id) for job_id in await queries.jobs_of(connection, UUID(task.payload["workflow_id"]))]


@work(ERASE, lease=60, attempts=20, concurrency=2)
async def erase_user(task: LeasedTask, kit: Kit) -> list[Any]:
    """Some at a time. Texts of drafts go when generation says that the drafts are gone."""
    user_id = UUID(task.payload["user_id"])
    async with kit.database.reading(user_id) as connection:
        found = await queries.all_of(connection, user_id, _AT_ONCE)
    outcome: list[Any] = [EraseJob(job_id) for job_id in found["jobs"]]
    outcome += [RemoveImport(post_id, user_id) for post_id in found["imports"]]
    outcome += [ErasePost(post_id) for post_id in found["posts"]]
    outcome += [RemoveSlot(slot_id, user_id) for slot_id in found["slots"]]
    outcome += [RemoveConnection(connection_id, user_id) for connection_id in found["connections"]]
    outcome += [RemoveWebhook(webhook_id, user_id) for webhook_id in found["webhooks"]]
    if any(len(ids) == _AT_ONCE for ids in found.values()):
        outcome.append(Task(derive(task.id, "rest"), task.kind, task.payload))
    return outcome
