"""Rows of projects, workflows and platform_states."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from contracts.events.workflow import (
    DraftAccepted,
    DraftEdited,
    DraftReceived,
    DraftRejected,
    DraftRequested,
    PlatformCancelled,
    PlatformEvent,
    PlatformFailed,
    PlatformPublished,
    PlatformReadyForReview,
    ProjectCreated,
    ProjectDeleted,
    ProjectUpdated,
    PublicationRequested,
    WorkflowArchived,
    WorkflowCompleted,
    WorkflowRemoved,
    WorkflowStarted,
)
from services.workflow.domain.state import FINAL, Workflow
from shared.ids import derive
from shared.projection import RowChange, delete, insert, projects, projects_state, update


@lru_cache(maxsize=4096)
def state_id(workflow_id: UUID, platform: str) -> UUID:
    """The key of a platform's row."""
    return derive("platform_state", workflow_id, platform)


@projects(ProjectCreated)
def add_project(event: ProjectCreated, at: datetime) -> RowChange:
    return insert(
        "projects",
        id=event.project_id,
        user_id=event.user_id,
        title=event.title,
        description=event.description,
        created_at=at,
        updated_at=at,
    )


@projects(ProjectUpdated)
def change_project(event: ProjectUpdated, at: datetime) -> RowChange:
    return update("projects", {"id": event.project_id}, title=event.title, description=event.description, updated_at=at)


@projects(ProjectDeleted)
def remove_project(event: ProjectDeleted, at: datetime) -> RowChange:
    return delete("projects", id=event.project_id)


@projects(WorkflowStarted)
def add_workflow(event: WorkflowStarted, at: datetime) -> list[RowChange]:
    template = event.mode == "template"
    source = event.source.model_dump(mode="json")
    if event.template is not None:
        source["template"] = event.template.model_dump(mode="json")
    return [
        insert(
            "workflows",
            id=event.workflow_id,
            user_id=event.user_id,
            status=event.workflow_status,
            mode=event.mode,
            source_content=None if template else source,
            template_input=source if template else None,
            manual_options={
                "min_score": event.min_score,
                "max_iterations": event.max_iterations,
                "tone": event.tone,
                **({"criteria_weights": event.criteria_weights} if event.criteria_weights else {}),
                **event.options,
            },
            title=event.source.title,
            project_id=event.project_id,
            created_at=at,
            updated_at=at,
        ),
        *(
            insert(
                "platform_states",
                id=state_id(event.workflow_id, platform),
                workflow_id=event.workflow_id,
                user_id=event.user_id,
                platform=platform,
                status="generating",
                iteration=0,
                created_at=at,
                updated_at=at,
            )
            for platform in event.platforms
        ),
    ]


def _moved(event: PlatformEvent, at: datetime, **columns: Any) -> list[RowChange]:
    """The platform's row, and the workflow's with it."""
    return [
        update("platform_states", {"id": state_id(event.workflow_id, event.platform)}, **columns, updated_at=at),
        update("workflows", {"id": event.workflow_id}, status=event.workflow_status, updated_at=at),
    ]


@projects(DraftRequested)
def wait_for_a_draft(event: DraftRequested, at: datetime) -> list[RowChange]:
    return _moved(event, at, status="generating", iteration=event.iteration, job_id=None, url=None, reason=None)


@projects(DraftReceived)
def wait_for_the_judge(event: DraftReceived, at: datetime) -> list[RowChange]:
    return _moved(event, at, status="evaluating", active_draft_id=event.draft_id)


@projects(PlatformReadyForReview)
def wait_for_a_person(event: PlatformReadyForReview, at: datetime) -> list[RowChange]:
    return _moved(
        event,
        at,
        status="awaiting_review",
        active_draft_id=event.draft_id,
        score=event.score,
        reason=event.reason,
    )


@projects(DraftAccepted)
def accept(event: DraftAccepted, at: datetime) -> list[RowChange]:
    return _moved(event, at, status="accepted", active_draft_id=event.draft_id, job_id=None, reason=None)


@projects(DraftRejected)
def reject(event: DraftRejected, at: datetime) -> list[RowChange]:
    return _moved(event, at, status="rejected", job_id=None, reason=event.feedback)


@projects(DraftEdited)
def take_the_edit(event: DraftEdited, at: datetime) -> list[RowChange]:
    return _moved(event, at, active_draft_id=event.draft_id, iteration=event.iteration)


@projects(PublicationRequested)
def wait_for_the_post(event: PublicationRequested, at: datetime) -> list[RowChange]:
    return _moved(event, at, job_id=event.job_id)


@projects(PlatformPublished)
def publish(event: PlatformPublished, at: datetime) -> list[RowChange]:
    return _moved(event, at, status="published", url=event.url, reason=None)


@projects(PlatformFailed)
def fail(event: PlatformFailed, at: datetime) -> list[RowChange]:
    return _moved(event, at, status="failed", reason=event.reason)


@projects(PlatformCancelled)
def call_off(event: PlatformCancelled, at: datetime) -> list[RowChange]:
    return _moved(event, at, job_id=None)


@projects(WorkflowCompleted)
def complete(event: WorkflowCompleted, at: datetime) -> RowChange:
    return update("workflows", {"id": event.workflow_id}, status=event.workflow_status, updated_at=at)


@projects_state(WorkflowArchived)
def archive(event: WorkflowArchived, at: datetime, workflow: Workflow) -> list[RowChange]:
    """What awaited somebody on its platforms awaits nobody any more."""
    return [
        update("workflows", {"id": event.workflow_id}, status="archived", updated_at=at),
        *(
            update("platform_states", {"id": state_id(event.workflow_id, name)}, status="archived", updated_at=at)
            for name, platform in workflow.platforms.items()
            if platform.status not in FINAL
        ),
    ]


@projects(WorkflowRemoved)
def remove_workflow(event: WorkflowRemoved, at: datetime) -> RowChange:
    """The rows of its platforms go with it."""
    return delete("workflows", id=event.workflow_id)
