"""What hangs on a user or a project goes with it: each thing by an event of its own, which others hear."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts.events.auth import UserErased
from contracts.events.workflow import ProjectDeleted, WorkflowRemoved
from services.workflow import queries, review_queries
from services.workflow.domain.approval_link import EraseApprovalLink
from services.workflow.domain.commands import RemoveWorkflow
from services.workflow.domain.comment import EraseComment
from services.workflow.domain.execution import RemoveExecution
from services.workflow.domain.post_import import RemoveImport
from services.workflow.domain.project import DeleteProject
from services.workflow.domain.run import RemoveRun
from shared.ids import derive
from shared.kit import Kit
from shared.reactions import LeasedTask, Task, on, twice, work

ERASE = "erase_user"
EMPTY = "empty_project"
CLOSE = "close_review"
# Longer than an access token lives: what a request of the user's still made after the account was gone goes then.
SWEEP_AFTER = timedelta(minutes=30)
_AT_ONCE = 100  # of each kind that go in one transaction


@on(UserErased)
def erase_what_was_theirs(event: UserErased) -> list[Task]:
    return twice(event, ERASE, {"user_id": event.user_id}, SWEEP_AFTER)


@on(ProjectDeleted)
def empty_the_project(event: ProjectDeleted) -> list[Task]:
    """Twice, because a workflow may be started for it while it is deleted."""
    return twice(event, EMPTY, {"project_id": event.project_id, "user_id": event.user_id}, timedelta(minutes=1))


@on(WorkflowRemoved)
def close_the_review(event: WorkflowRemoved) -> list[Task]:
    """Twice, because somebody may be commenting while it is removed."""
    return twice(event, CLOSE, {"workflow_id": event.workflow_id}, timedelta(minutes=1))


@work(ERASE, lease=60, attempts=20, concurrency=2)
async def erase_user(task: LeasedTask, kit: Kit) -> list[Any]:
    """Some at a time."""
    user_id = UUID(task.payload["user_id"])
    async with kit.database.reading(user_id) as connection:
        found = await queries.all_of(connection, user_id, _AT_ONCE)
    async with kit.database.reading(None) as connection:
        said = await review_queries.said_by(connection, user_id, _AT_ONCE)
    outcome: list[Any] = [RemoveWorkflow(workflow_id, "user_erased") for workflow_id in found["workflows"]]
    outcome += [RemoveExecution(execution_id, "user_erased") for execution_id in found["executions"]]
    outcome += [RemoveRun(run_id, "user_erased") for run_id in found["processing_runs"]]
    outcome += [RemoveImport(import_id, "user_erased") for import_id in found["imports"]]
    outcome += [DeleteProject(project_id, user_id) for project_id in found["projects"]]
    outcome += [EraseComment(row["id"], row["workflow_id"], "user_erased") for row in said]
    if any(len(ids) == _AT_ONCE for ids in (*found.values(), said)):
        outcome.append(Task(derive(task.id, "rest"), task.kind, task.payload))
    return outcome


@work(EMPTY, lease=60, attempts=20, concurrency=2)
async def empty_project(task: LeasedTask, kit: Kit) -> list[Any]:
    """Its workflows, some at a time."""
    async with kit.database.reading(UUID(task.payload["user_id"])) as connection:
        found = await queries.workflows_of(connection, UUID(task.payload["project_id"]), _AT_ONCE)
    outcome: list[Any] = [RemoveWorkflow(workflow_id, "project_deleted") for workflow_id in found]
    if len(found) == _AT_ONCE:
        outcome.append(Task(derive(task.id, "rest"), task.kind, task.payload))
    return outcome


@work(CLOSE, lease=60, attempts=20, concurrency=2)
async def close_review(task: LeasedTask, kit: Kit) -> list[Any]:
    """What was said about a removed workflow's drafts and the links to them, some at a time."""
    workflow_id = UUID(task.payload["workflow_id"])
    async with kit.database.reading(None) as connection:
        found = await review_queries.hanging(connection, workflow_id, _AT_ONCE)
    outcome: list[Any] = [EraseComment(comment_id, workflow_id, "workflow_removed") for comment_id in found["comments"]]
    outcome += [EraseApprovalLink(link_id, workflow_id) for link_id in found["links"]]
    if any(len(found[kind]) == _AT_ONCE for kind in ("comments", "links")):
        outcome.append(Task(derive(task.id, "rest"), task.kind, task.payload))
    return outcome
