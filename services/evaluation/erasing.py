"""What hung on an account or on a project that is gone is removed here as well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.events.auth import UserErased
from contracts.events.workflow import WorkflowRemoved
from services.evaluation import queries
from services.evaluation.domain.caption_evaluation import EraseCaptionEvaluation
from services.evaluation.domain.evaluation import EraseEvaluation
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import LeasedTask, Task, on, work

AT_ONCE = 200  # rows of a table in one transaction
# Longer than any work that was under way when the account went.
_LOOK_AGAIN = timedelta(minutes=10)


@on(UserErased)
def erase_the_users(event: UserErased) -> Task:
    return Task(derive(event.meta.event_id, "erase"), "erase", {"user_id": event.user_id})


@on(WorkflowRemoved)
def erase_the_workflows(event: WorkflowRemoved) -> Task:
    return Task(derive(event.meta.event_id, "erase"), "erase", {"workflow_id": event.workflow_id})


@work("erase", lease=60, attempts=20, concurrency=1)
async def erase(task: LeasedTask, kit: Kit) -> list[Any]:
    """Some rows; then the rest, and a last look when what was under way has ended."""
    async with kit.database.reading(None) as connection:
        if user_id := task.payload.get("user_id"):
            rows = await queries.of_user(connection, UUID(user_id), AT_ONCE)
            captions = await queries.captions_of_user(connection, UUID(user_id), AT_ONCE)
        else:
            rows, captions = await queries.of_workflow(connection, UUID(task.payload["workflow_id"]), AT_ONCE), []
    erasing: list[Any] = [EraseEvaluation(row["id"], row["user_id"]) for row in rows]
    erasing += [EraseCaptionEvaluation(row["id"], row["image_id"], row["user_id"]) for row in captions]
    if not erasing and task.payload.get("again"):
        return []
    due_at = None if erasing else datetime.now(UTC) + _LOOK_AGAIN
    return [*erasing, Task(derive(task.id, "again"), "erase", {**task.payload, "again": not erasing}, due_at)]
