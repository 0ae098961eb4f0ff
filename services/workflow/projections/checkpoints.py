"""Rows of checkpoints and checkpoint_writes: a workflow's state after each of its events, and what the event wrote.

They follow at a distance (see shared/trailing.py) and go when their workflow has ended: the events say all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson

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
    WorkflowEvent,
    WorkflowRemoved,
    WorkflowStarted,
)
from services.workflow.domain.state import Workflow
from shared.projection import RowChange, delete, insert, projects, projects_state

_SETTINGS = ("user_id", "min_score", "max_iterations", "tone", "options", "criteria_weights")


def checkpoint_id(version: int) -> str:
    """Of the event of this version; sorts as the versions do."""
    return f"{version:010d}"


@projects_state(
    WorkflowStarted,
    DraftRequested,
    DraftReceived,
    PlatformReadyForReview,
    DraftAccepted,
    DraftRejected,
    DraftEdited,
    PublicationRequested,
    PlatformPublished,
    PlatformFailed,
    PlatformCancelled,
    WorkflowCompleted,
    WorkflowArchived,
)
def keep(event: WorkflowEvent, at: datetime, workflow: Workflow) -> list[RowChange]:
    """The state as JSON, and each channel (a field, or a platform's part of `platforms`) with its new value."""
    version, name = event.meta.version, type(event).__name__
    place = {"thread_id": str(event.workflow_id), "checkpoint_id": checkpoint_id(version)}
    return [
        insert(
            "checkpoints",
            **place,
            parent_checkpoint_id=checkpoint_id(version - 1) if version > 1 else None,
            checkpoint=_serialised(workflow),
            metadata={"source": "input" if version == 1 else "loop", "step": version, "event": name},
            created_at=at,
            user_id=event.user_id,
        ),
        *(
            insert(
                "checkpoint_writes",
                **place,
                task_id=str(event.meta.event_id),
                idx=idx,
                channel=channel,
                value=_serialised(value),
                user_id=event.user_id,
            )
            for idx, (channel, value) in enumerate(_writes(event, workflow))
        ),
    ]


@projects(CheckpointsCleaned, WorkflowRemoved)
def clean(event: CheckpointsCleaned | WorkflowRemoved, at: datetime) -> list[RowChange]:
    """Those of all earlier events go, and their writes with them."""
    thread_id = str(event.workflow_id)
    versions = range(1, event.meta.version)
    return [delete("checkpoints", thread_id=thread_id, checkpoint_id=checkpoint_id(version)) for version in versions]


def _writes(event: WorkflowEvent, workflow: Workflow) -> Iterator[tuple[str, Any]]:
    match event:
        case WorkflowStarted():
            yield from ((name, getattr(workflow, name)) for name in _SETTINGS)
            yield from ((f"platforms.{name}", platform) for name, platform in workflow.platforms.items())
        case PlatformEvent():
            yield f"platforms.{event.platform}", workflow.platforms[event.platform]
        case WorkflowCompleted():
            yield "completed", workflow.completed
        case WorkflowArchived():
            yield "archived", workflow.archived


def _serialised(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
