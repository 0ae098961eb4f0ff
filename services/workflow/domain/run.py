"""A processing run: one batch of posts whose images get captions, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.workflow import (
    ProcessingRunFinished,
    ProcessingRunProgressed,
    ProcessingRunRemoved,
    ProcessingRunStarted,
)
from shared.decider import Conflict, Decider, Invalid, NotFound

_NOT_THERE = "There is no such processing run; list your processing runs to see which there are."


@dataclass(frozen=True, slots=True)
class Progress:
    """Counted from the start of the run; `retry_total_time` in seconds."""

    posts_processed: int = 0
    images_processed: int = 0
    captions_generated: int = 0
    errors_count: int = 0
    retry_attempts: int = 0
    retry_successes: int = 0
    retry_failures: int = 0
    retry_total_time: int = 0
    retry_stats: Mapping[str, Any] | None = None

    @property
    def counts(self) -> tuple[int, ...]:
        return (
            self.posts_processed,
            self.images_processed,
            self.captions_generated,
            self.errors_count,
            self.retry_attempts,
            self.retry_successes,
            self.retry_failures,
            self.retry_total_time,
        )


@dataclass(frozen=True, slots=True)
class Run:
    user_id: UUID | None = None
    status: Literal["running", "completed", "failed", "cancelled"] = "running"
    progress: Progress = field(default_factory=Progress)
    removed: bool = False


@dataclass(frozen=True, slots=True)
class StartRun:
    run_id: UUID
    user_id: UUID
    batch_id: str | None = None
    connection_id: UUID | None = None
    platform_type: str | None = None
    instance_url: str | None = None


@dataclass(frozen=True, slots=True)
class ReportProgress:
    run_id: UUID
    progress: Progress


@dataclass(frozen=True, slots=True)
class FinishRun:
    """`user_id`: the owner who calls it off; None: whoever runs it."""

    run_id: UUID
    status: Literal["completed", "failed", "cancelled"]
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RemoveRun:
    """`expired`: only one that is over, or nothing happens; `user_erased`: whatever its state."""

    run_id: UUID
    reason: Literal["expired", "user_erased"]


def decide(command: StartRun | ReportProgress | FinishRun | RemoveRun, run: Run) -> Sequence[Event]:
    if isinstance(command, StartRun):
        if run.user_id is not None:
            return []
        return [
            ProcessingRunStarted(
                run_id=command.run_id,
                user_id=command.user_id,
                batch_id=command.batch_id,
                connection_id=command.connection_id,
                platform_type=command.platform_type,
                instance_url=command.instance_url,
            )
        ]
    if run.user_id is None or run.removed:
        if isinstance(command, RemoveRun):
            return []
        raise NotFound(_NOT_THERE)
    common = {"run_id": command.run_id, "user_id": run.user_id}
    match command:
        case ReportProgress(progress=progress):
            if progress == run.progress:
                return []
            if run.status != "running":
                raise Conflict(f"The run is {run.status}; its figures stand.", current={"status": run.status})
            if any(new < old for new, old in zip(progress.counts, run.progress.counts, strict=True)):
                raise Invalid("Send figures counted from the start of the run; they never become less.")
            figures = {name: getattr(progress, name) for name in Progress.__dataclass_fields__}
            return [ProcessingRunProgressed(**common, **figures)]
        case FinishRun(status=status, user_id=user_id):
            if user_id is not None and user_id != run.user_id:
                raise NotFound(_NOT_THERE)
            if run.status == status:
                return []
            if run.status != "running":
                raise Conflict(f"The run is {run.status} already.", current={"status": run.status})
            return [ProcessingRunFinished(**common, run_status=status)]
        case RemoveRun(reason=reason):
            in_use = reason == "expired" and run.status == "running"
            return [] if in_use else [ProcessingRunRemoved(**common, reason=reason)]


def evolve(run: Run, event: Event) -> Run:
    match event:
        case ProcessingRunStarted():
            return Run(user_id=event.user_id)
        case ProcessingRunProgressed():
            figures = {name: getattr(event, name) for name in Progress.__dataclass_fields__}
            return replace(run, progress=Progress(**figures))
        case ProcessingRunFinished():
            return replace(run, status=event.run_status)
        case ProcessingRunRemoved():
            return Run(user_id=run.user_id, removed=True)
        case _:
            return run


decider: Decider[Run] = Decider(
    stream="run",
    initial=Run(),
    decide=decide,
    evolve=evolve,
    commands=(StartRun, ReportProgress, FinishRun, RemoveRun),
    stream_id=lambda command: command.run_id,
    creating=(StartRun,),
)
