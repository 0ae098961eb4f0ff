"""A caption task: describing the images of one account, with its progress and its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.generation import (
    CaptionTaskCancelled,
    CaptionTaskCompleted,
    CaptionTaskErased,
    CaptionTaskFailed,
    CaptionTaskProgressed,
    CaptionTaskStarted,
)
from shared.decider import Conflict, Decider, NotFound

NO_TASK: Final = "There is no such caption task; list your caption tasks to see which there are."
STEP_CHARACTERS: Final = 200

Status = Literal["absent", "queued", "running", "completed", "failed", "cancelled", "erased"]
_ENDED: Final = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class CaptionTask:
    user_id: UUID | None = None
    status: Status = "absent"
    started_at: datetime | None = None
    progress: tuple[int, str] = (0, "")


@dataclass(frozen=True, slots=True)
class StartCaptionTask:
    task_id: UUID
    user_id: UUID
    connection_id: UUID
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReportProgress:
    """How far it is: `percent` 0 to 100, `step` at most 200 characters."""

    task_id: UUID
    percent: int
    step: str
    now: datetime


@dataclass(frozen=True, slots=True)
class CompleteCaptionTask:
    task_id: UUID
    results: Mapping[str, Any]
    now: datetime


@dataclass(frozen=True, slots=True)
class FailCaptionTask:
    task_id: UUID
    reason: str
    now: datetime


@dataclass(frozen=True, slots=True)
class CancelCaptionTask:
    task_id: UUID
    user_id: UUID
    now: datetime


@dataclass(frozen=True, slots=True)
class EraseCaptionTask:
    task_id: UUID
    user_id: UUID


Command = (
    StartCaptionTask | ReportProgress | CompleteCaptionTask | FailCaptionTask | CancelCaptionTask | EraseCaptionTask
)


def decide(command: Command, task: CaptionTask) -> Sequence[Event]:
    if isinstance(command, StartCaptionTask):
        return _start(command, task)
    if task.user_id is None or task.status == "erased":
        if isinstance(command, EraseCaptionTask):
            return []
        raise NotFound(NO_TASK)
    who = {"task_id": command.task_id, "user_id": task.user_id}
    match command:
        case ReportProgress(percent=percent, step=step):
            _check_open(task)
            if task.status == "running" and task.progress == (percent, step):
                return []
            started_at = task.started_at or command.now
            return [CaptionTaskProgressed(**who, progress_percent=percent, current_step=step, started_at=started_at)]
        case CompleteCaptionTask(results=results):
            if task.status == "completed":
                return []
            _check_open(task)
            times = {"started_at": task.started_at or command.now, "completed_at": command.now}
            return [CaptionTaskCompleted(**who, results=dict(results), **times)]
        case FailCaptionTask(reason=reason):
            if task.status == "failed":
                return []
            _check_open(task)
            return [CaptionTaskFailed(**who, reason=reason, completed_at=command.now)]
        case CancelCaptionTask(user_id=user_id):
            if task.user_id != user_id:
                raise NotFound(NO_TASK)
            if task.status == "cancelled":
                return []
            _check_open(task)
            return [CaptionTaskCancelled(**who, completed_at=command.now)]
        case EraseCaptionTask():
            return [CaptionTaskErased(**who)]


def _start(command: StartCaptionTask, task: CaptionTask) -> Sequence[Event]:
    if task.status != "absent":
        return []
    return [
        CaptionTaskStarted(
            task_id=command.task_id,
            user_id=command.user_id,
            connection_id=command.connection_id,
            settings=dict(command.settings),
        )
    ]


def _check_open(task: CaptionTask) -> None:
    if task.status in _ENDED:
        raise Conflict(f"The task has ended ({task.status}); start a new one.", current=task.status)


def evolve(task: CaptionTask, event: Event) -> CaptionTask:
    match event:
        case CaptionTaskStarted():
            return CaptionTask(event.user_id, "queued")
        case CaptionTaskProgressed():
            progress = (event.progress_percent, event.current_step)
            return replace(task, status="running", started_at=event.started_at, progress=progress)
        case CaptionTaskCompleted():
            return replace(task, status="completed")
        case CaptionTaskFailed():
            return replace(task, status="failed")
        case CaptionTaskCancelled():
            return replace(task, status="cancelled")
        case CaptionTaskErased():
            return replace(task, status="erased")
        case _:
            return task


decider: Decider[CaptionTask] = Decider(
    stream="caption_task",
    initial=CaptionTask(),
    decide=decide,
    evolve=evolve,
    commands=(
        StartCaptionTask,
        ReportProgress,
        CompleteCaptionTask,
        FailCaptionTask,
        CancelCaptionTask,
        EraseCaptionTask,
    ),
    stream_id=lambda command: command.task_id,
    creating=(StartCaptionTask,),
)
