"""What hung on an account, a project or a workflow that is gone is removed here as well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from contracts.events.auth import UserErased
from contracts.events.workflow import ProjectDeleted, WorkflowRemoved
from services.generation.domain.caption_settings import EraseCaptionSettings
from services.generation.domain.caption_task import EraseCaptionTask
from services.generation.domain.draft import EraseDraft
from services.generation.domain.output import DeleteOutput
from services.generation.domain.source import EraseSource
from services.generation.domain.template import DeleteTemplate
from services.generation.domain.token_usage import EraseTokens
from services.generation.queries.hanging import hanging_on
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import LeasedTask, Task, on, work

AT_ONCE: Final = 100  # rows of a table in one transaction
# Longer than any work that was under way when it went.
_LOOK_AGAIN: Final = timedelta(minutes=10)

_ERASE: Final[Mapping[str, Callable[[Any], Any]]] = {
    "drafts": lambda row: EraseDraft(row["id"], row["user_id"]),
    "sources": lambda row: EraseSource(row["workflow_id"], row["user_id"]),
    "outputs": lambda row: DeleteOutput(row["id"], row["user_id"]),
    "templates": lambda row: DeleteTemplate(row["id"], row["user_id"]),
    "caption_generation_tasks": lambda row: EraseCaptionTask(row["id"], row["user_id"]),
    "caption_generation_user_settings": lambda row: EraseCaptionSettings(row["id"], row["user_id"]),
    "token_usage": lambda row: EraseTokens(row["id"]),
}


@on(UserErased)
def erase_the_users(event: UserErased) -> Task:
    return _task(event.meta.event_id, "user_id", event.user_id)


@on(WorkflowRemoved)
def erase_the_workflows(event: WorkflowRemoved) -> Task:
    return _task(event.meta.event_id, "workflow_id", event.workflow_id)


@on(ProjectDeleted)
def erase_the_projects(event: ProjectDeleted) -> Task:
    return _task(event.meta.event_id, "project_id", event.project_id)


@work("erase", lease=60, attempts=20, concurrency=1)
async def erase(task: LeasedTask, kit: Kit) -> list[Any]:
    """Some rows; then the rest, and a last look when what was under way has ended."""
    what, which = task.payload["what"], UUID(task.payload["which"])
    async with kit.database.reading(None) as connection:
        found = await hanging_on(connection, what, which, AT_ONCE)
    erasing = [_ERASE[table](row) for table, rows in found.items() for row in rows]
    if not erasing and task.payload["again"]:
        return []
    due_at = None if erasing else datetime.now(UTC) + _LOOK_AGAIN
    return [*erasing, Task(derive(task.id, "again"), "erase", {**task.payload, "again": not erasing}, due_at)]


def _task(event_id: UUID, what: str, which: UUID) -> Task:
    return Task(derive(event_id, "erase"), "erase", {"what": what, "which": which, "again": False})
