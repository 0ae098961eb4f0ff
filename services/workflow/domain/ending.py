"""Putting a workflow away: archived, removed, or without its checkpoints."""

from __future__ import annotations

from typing import Any, Literal

from contracts.envelope import Event
from contracts.events.workflow import CheckpointsCleaned, WorkflowArchived, WorkflowRemoved
from services.workflow.domain import commands as ask
from services.workflow.domain.reviewing import decides_for
from services.workflow.domain.state import Platform, Workflow, owned
from shared.decider import Conflict


def archive(command: ask.ArchiveWorkflow, workflow: Workflow) -> list[Event]:
    if command.user_id is not None:
        owned(workflow, command.user_id)
    if workflow.user_id is None or workflow.archived or workflow.removed:
        return []
    reason: Literal["owner", "inactive"] = "inactive"
    if command.user_id is not None:
        reason = "owner"
        if busy := [name for name, platform in workflow.platforms.items() if _under_way(platform)]:
            raise Conflict(
                f"Work for {', '.join(busy)} is under way; wait for it or cancel its job, then archive the workflow.",
                current={"status": workflow.status, "platforms": busy},
            )
    elif not workflow.completed:
        return []
    common = {"workflow_id": command.workflow_id, "user_id": workflow.user_id}
    return [WorkflowArchived(**common, workflow_status=workflow.status, reason=reason)]


def _under_way(platform: Platform) -> bool:
    return platform.status in ("generating", "evaluating") or (
        platform.status == "accepted" and platform.job_id is not None
    )


def remove(command: ask.RemoveWorkflow, workflow: Workflow) -> list[Event]:
    if workflow.user_id is None or workflow.removed:
        return []
    common = {"workflow_id": command.workflow_id, "user_id": workflow.user_id}
    return [WorkflowRemoved(**common, workflow_status=workflow.status, reason=command.reason)]


def clean(command: ask.CleanCheckpoints, workflow: Workflow) -> list[Event]:
    ended = workflow.completed or workflow.archived
    if workflow.user_id is None or workflow.cleaned or not ended:
        return []
    common = {"workflow_id": command.workflow_id, "user_id": workflow.user_id}
    return [CheckpointsCleaned(**common, workflow_status=workflow.status)]


def put_away(command: Any, workflow: Workflow) -> list[Event]:
    """What still reaches a workflow that is put away: late reports, which change nothing, and its owner."""
    if isinstance(command, ask.Review | ask.Publish):
        if isinstance(command, ask.Review):
            decides_for(command, workflow)
        else:
            owned(workflow, command.user_id)
        raise Conflict(
            "The workflow is archived; it can be read, and a new one started from its source.",
            current={"status": "archived"},
        )
    return []
