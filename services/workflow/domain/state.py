"""What a workflow has come to: a fold of its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.workflow import (
    CheckpointsCleaned,
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
    PublicationRequested,
    WorkflowArchived,
    WorkflowCompleted,
    WorkflowRemoved,
    WorkflowStarted,
    WorkflowStatus,
)
from shared.decider import NotFound

Status = Literal["generating", "evaluating", "awaiting_review", "accepted", "rejected", "published", "failed"]
FINAL = frozenset({"rejected", "published", "failed"})


@dataclass(frozen=True, slots=True)
class Platform:
    status: Status = "generating"
    iteration: int = 0  # of the draft asked for last
    round_began: int = 1  # iteration with which the engine's present tries began
    draft_id: UUID | None = None
    job_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Workflow:
    user_id: UUID | None = None
    min_score: int = 70
    max_iterations: int = 3
    tone: str = "professional"
    options: Mapping[str, Any] = field(default_factory=dict)
    criteria_weights: Mapping[str, float] = field(default_factory=dict)
    platforms: Mapping[str, Platform] = field(default_factory=dict)
    completed: bool = False
    archived: bool = False
    removed: bool = False
    cleaned: bool = False  # its checkpoints are gone, and nothing happened since

    @property
    def status(self) -> WorkflowStatus:
        statuses = {platform.status for platform in self.platforms.values()}
        if statuses <= FINAL:
            return "failed" if statuses == {"failed"} else "completed"
        if statuses & {"generating", "evaluating"}:
            return "running"
        return "awaiting_review" if "awaiting_review" in statuses else "running"


def there(workflow: Workflow) -> UUID:
    """Its owner. Raises NotFound when there is no such workflow."""
    if workflow.user_id is None or workflow.removed:
        raise NotFound("There is no such workflow; list your workflows to see which there are.")
    return workflow.user_id


def owned(workflow: Workflow, user_id: UUID | None) -> UUID:
    """Its owner. Raises NotFound for anybody else."""
    owner = there(workflow)
    return owner if owner == user_id else there(Workflow())


def evolve(workflow: Workflow, event: Event) -> Workflow:
    match event:
        case WorkflowStarted():
            return Workflow(
                user_id=event.user_id,
                min_score=event.min_score,
                max_iterations=event.max_iterations,
                tone=event.tone,
                options=event.options,
                criteria_weights=event.criteria_weights,
                platforms={name: Platform() for name in event.platforms},
            )
        case WorkflowCompleted():
            return replace(workflow, completed=True)
        case WorkflowArchived():
            return replace(workflow, archived=True, cleaned=False)
        case WorkflowRemoved():
            return Workflow(user_id=workflow.user_id, platforms=workflow.platforms, removed=True, cleaned=True)
        case CheckpointsCleaned():
            return replace(workflow, cleaned=True)
        case PlatformEvent():
            before = workflow.platforms.get(event.platform, Platform())
            platforms = {**workflow.platforms, event.platform: _evolve(before, event)}
            # A platform that moves on after the end (a publication retried) ends the workflow anew.
            return replace(workflow, platforms=platforms, completed=False, cleaned=False)
        case _:
            return workflow


def _evolve(platform: Platform, event: PlatformEvent) -> Platform:
    match event:
        case DraftRequested():
            by_person = event.iteration == 1 or platform.status not in ("generating", "evaluating")
            return replace(
                platform,
                status="generating",
                iteration=event.iteration,
                round_began=event.iteration if by_person else platform.round_began,
                job_id=None,
            )
        case DraftReceived():
            return replace(platform, status="evaluating", draft_id=event.draft_id)
        case PlatformReadyForReview():
            return replace(platform, status="awaiting_review", draft_id=event.draft_id)
        case DraftAccepted():
            return replace(platform, status="accepted", draft_id=event.draft_id, job_id=None)
        case DraftRejected():
            return replace(platform, status="rejected", job_id=None)
        case DraftEdited():
            return replace(platform, draft_id=event.draft_id, iteration=event.iteration)
        case PublicationRequested():
            return replace(platform, job_id=event.job_id)
        case PlatformPublished():
            return replace(platform, status="published")
        case PlatformFailed():
            return replace(platform, status="failed")
        case PlatformCancelled():
            return replace(platform, job_id=None)
        case _:
            return platform
