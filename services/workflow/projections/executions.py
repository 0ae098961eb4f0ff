"""Rows of executions, artifacts and execution_logs. Every event of an execution leaves a line in its log."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from contracts.events.workflow import (
    ArtifactProduced,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionEvent,
    ExecutionFailed,
    ExecutionLogsRemoved,
    ExecutionPlanned,
    ExecutionRemoved,
    StepCompleted,
    StepCorrected,
    StepEvent,
    StepFailed,
    StepStarted,
    StepValidated,
)
from services.workflow.domain.execution import Execution, as_plan
from shared.ids import derive
from shared.projection import RowChange, delete, insert, projects, projects_state, update, upsert

Level = Literal["debug", "info", "warning", "error", "critical"]


@projects_state(ExecutionPlanned)
def add_execution(event: ExecutionPlanned, at: datetime, execution: Execution) -> RowChange:
    return insert(
        "executions",
        id=event.execution_id,
        user_id=event.user_id,
        input_type=event.input_type,
        input_value=event.input_value,
        input_file_id=event.input_file_id,
        input_file_url=event.input_file_url,
        status=execution.status,
        plan=as_plan(execution),
        current_step=0,
        created_at=at,
        metadata=event.metadata,
        auto_correct=event.auto_correct,
        max_retries=event.max_retries,
    )


@projects_state(
    StepStarted,
    StepCompleted,
    StepFailed,
    StepValidated,
    StepCorrected,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionCancelled,
)
def follow_the_plan(event: ExecutionEvent, at: datetime, execution: Execution) -> RowChange:
    return _execution(event, status=execution.status, plan=as_plan(execution), current_step=execution.current_step)


@projects(StepStarted)
def begin(event: StepStarted, at: datetime) -> RowChange | None:
    return _execution(event, started_at=at) if (event.step, event.step_attempt) == (1, 1) else None


@projects(ExecutionCompleted, ExecutionCancelled)
def end(event: ExecutionCompleted | ExecutionCancelled, at: datetime) -> RowChange:
    return _execution(event, completed_at=at)


@projects(ExecutionFailed)
def fail(event: ExecutionFailed, at: datetime) -> RowChange:
    return _execution(event, completed_at=at, error_message=event.reason)


@projects(ExecutionRemoved)
def remove(event: ExecutionRemoved, at: datetime) -> RowChange:
    """Its logs and artifacts go with it."""
    return delete("executions", id=event.execution_id)


@projects(ExecutionLogsRemoved)
def let_logs_go(event: ExecutionLogsRemoved, at: datetime) -> RowChange:
    """From here on no rebuild brings them back; whoever said so removes the rows, which may be many."""
    key = {"table_name": "execution_logs", "before": event.before}
    return upsert("retention_cutoffs", key, column_name="timestamp", removed_at=at)


@projects(ArtifactProduced)
def add_artifact(event: ArtifactProduced, at: datetime) -> RowChange:
    return insert(
        "artifacts",
        id=event.artifact_id,
        execution_id=event.execution_id,
        user_id=event.user_id,
        type=event.artifact_type,
        name=event.name,
        data=event.data,
        file_url=event.file_url,
        file_size_bytes=event.file_size_bytes,
        mime_type=event.mime_type,
        verified=event.verified,
        created_at=at,
    )


@projects(ExecutionPlanned)
def log_plan(event: ExecutionPlanned, at: datetime) -> RowChange:
    names = [step.name for step in event.steps]
    return _log(event, at, "info", f"Planned {len(names)} steps for a {event.input_type} input.", {"steps": names})


@projects(StepStarted)
def log_start(event: StepStarted, at: datetime) -> RowChange:
    return _log_step(event, at, "info", f"{event.step_name}: attempt {event.step_attempt} started.", {})


@projects(StepCompleted)
def log_output(event: StepCompleted, at: datetime) -> RowChange:
    took = {"duration_ms": event.duration_ms}
    return _log_step(event, at, "info", f"Step {event.step} gave its output after {event.duration_ms} ms.", took)


@projects(StepFailed)
def log_failure(event: StepFailed, at: datetime) -> RowChange:
    return _log_step(event, at, "error", event.reason, {"duration_ms": event.duration_ms})


@projects(StepValidated)
def log_verdict(event: StepValidated, at: datetime) -> RowChange:
    said = {"score": event.validation_score, "errors": event.errors, "warnings": event.warnings}
    if not event.passed:
        return _log_step(event, at, "warning", f"The output of step {event.step} did not pass.", said)
    return _log_step(event, at, "info", f"The output of step {event.step} passed.", said)


@projects(StepCorrected)
def log_correction(event: StepCorrected, at: datetime) -> RowChange:
    said = {
        "root_cause": event.root_cause,
        "strategy": event.strategy,
        "confidence": event.confidence,
        "adjusted_parameters": event.adjusted_parameters,
    }
    return _log_step(event, at, "warning", event.action, said)


@projects(ArtifactProduced)
def log_artifact(event: ArtifactProduced, at: datetime) -> RowChange:
    said = {"artifact_id": event.artifact_id, "type": event.artifact_type}
    return _log(event, at, "info", f"Produced {event.name or event.artifact_type}.", said)


@projects(ExecutionCompleted)
def log_completion(event: ExecutionCompleted, at: datetime) -> RowChange:
    return _log(event, at, "info", "All steps passed.")


@projects(ExecutionFailed)
def log_end(event: ExecutionFailed, at: datetime) -> RowChange:
    return _log(event, at, "critical", event.reason, step=event.step)


@projects(ExecutionCancelled)
def log_cancellation(event: ExecutionCancelled, at: datetime) -> RowChange:
    return _log(event, at, "warning", "Cancelled by its owner.")


def _execution(event: ExecutionEvent, **columns: Any) -> RowChange:
    return update("executions", {"id": event.execution_id}, **columns)


def _log_step(event: StepEvent, at: datetime, level: Level, message: str, metadata: dict[str, Any]) -> RowChange:
    return _log(event, at, level, message, {"attempt": event.step_attempt, **metadata}, event.step)


def _log(
    event: ExecutionEvent,
    at: datetime,
    level: Level,
    message: str,
    metadata: dict[str, Any] | None = None,
    step: int | None = None,
) -> RowChange:
    return insert(
        "execution_logs",
        id=derive("execution_log", event.meta.event_id),
        execution_id=event.execution_id,
        user_id=event.user_id,
        timestamp=at,
        level=level,
        message=message,
        metadata=metadata,
        step_id=step,
    )
