"""An execution: steps one after the other, each validated, and corrected and run again when it was no good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.workflow import (
    ArtifactProduced,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionPlanned,
    ExecutionRemoved,
    InputType,
    StepCompleted,
    StepCorrected,
    StepFailed,
    StepStarted,
    StepValidated,
)
from services.workflow.domain.plan import plan
from shared.decider import Conflict, Decider, Invalid, NotFound

Status = Literal["planned", "running", "validating", "correcting", "completed", "failed", "cancelled"]
StepStatus = Literal["pending", "running", "validating", "correcting", "completed", "failed"]
FINAL = frozenset({"completed", "failed", "cancelled"})
_NOT_THERE = "There is no such execution; list your executions to see which there are."


@dataclass(frozen=True, slots=True)
class Step:
    id: int
    name: str
    description: str
    status: StepStatus = "pending"
    attempts: int = 0
    output: Any = None
    duration_ms: int | None = None

    @property
    def told(self) -> int:
        """How much was told about it: four things an attempt (see _PHASES)."""
        return 4 * (self.attempts - 1) + _TOLD[self.status] if self.attempts else 0


@dataclass(frozen=True, slots=True)
class Execution:
    user_id: UUID | None = None
    status: Status = "planned"
    steps: tuple[Step, ...] = ()
    current_step: int = 0  # number of the step under way, 0 before the first
    auto_correct: bool = True
    max_retries: int = 3
    corrections: int = 0
    artifacts: frozenset[UUID] = frozenset()
    removed: bool = False


@dataclass(frozen=True, slots=True)
class PlanExecution:
    execution_id: UUID
    user_id: UUID
    input_type: InputType
    input_value: str
    input_file_id: UUID | None = None
    input_file_url: str | None = None
    auto_correct: bool = True
    max_retries: int = 3
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StartStep:
    execution_id: UUID
    step: int
    attempt: int


@dataclass(frozen=True, slots=True)
class CompleteStep:
    execution_id: UUID
    step: int
    attempt: int
    output: Any
    duration_ms: int


@dataclass(frozen=True, slots=True)
class FailStep:
    execution_id: UUID
    step: int
    attempt: int
    reason: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class ValidateStep:
    execution_id: UUID
    step: int
    attempt: int
    passed: bool
    score: float
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CorrectStep:
    execution_id: UUID
    step: int
    attempt: int  # the one that was no good
    root_cause: str
    strategy: str
    action: str
    confidence: float
    adjusted_parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProduceArtifact:
    execution_id: UUID
    artifact_id: UUID
    artifact_type: Literal["summary", "analysis", "documentation", "visualization", "data_export"]
    name: str | None = None
    data: Mapping[str, Any] | None = None
    file_url: str | None = None
    file_size_bytes: int | None = None
    mime_type: str | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class CancelExecution:
    execution_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class RemoveExecution:
    """`expired`: only one that has ended, or nothing happens; `user_erased`: whatever its state."""

    execution_id: UUID
    reason: Literal["expired", "user_erased"]


# Each attempt starts, gives something or fails, is judged (a failure judges itself) and, when it was no good,
# corrected.
_PHASES: Mapping[type, int] = {StartStep: 1, CompleteStep: 2, FailStep: 2, ValidateStep: 3, CorrectStep: 4}
_TOLD: Mapping[StepStatus, int] = {
    "running": 1, "validating": 2, "correcting": 3, "pending": 4, "completed": 3, "failed": 3
}  # fmt: skip

StepCommand = StartStep | CompleteStep | FailStep | ValidateStep | CorrectStep
Command = PlanExecution | StepCommand | ProduceArtifact | CancelExecution | RemoveExecution


def decide(command: Command, execution: Execution) -> Sequence[Event]:
    if isinstance(command, PlanExecution):
        return [_planned(command)] if execution.user_id is None else []
    if execution.user_id is None or execution.removed:
        if isinstance(command, RemoveExecution):
            return []
        raise NotFound(_NOT_THERE)
    common = {"execution_id": command.execution_id, "user_id": execution.user_id}
    match command:
        case RemoveExecution():
            in_use = command.reason == "expired" and execution.status not in FINAL
            return [] if in_use else [ExecutionRemoved(**common, reason=command.reason)]
        case CancelExecution():
            return _cancel(command, execution, common)
        case ProduceArtifact():
            return _artifact(command, execution, common)
        case _:
            return _step(command, execution, common)


def _planned(command: PlanExecution) -> ExecutionPlanned:
    return ExecutionPlanned(
        execution_id=command.execution_id,
        user_id=command.user_id,
        input_type=command.input_type,
        input_value=command.input_value,
        input_file_id=command.input_file_id,
        input_file_url=command.input_file_url,
        steps=plan(command.input_type),
        auto_correct=command.auto_correct,
        max_retries=command.max_retries,
        metadata=dict(command.metadata),
    )


def _cancel(command: CancelExecution, execution: Execution, common: Mapping[str, Any]) -> list[Event]:
    if execution.user_id != command.user_id:
        raise NotFound(_NOT_THERE)
    if execution.status == "cancelled":
        return []
    if execution.status in FINAL:
        raise Conflict(
            f"The execution has {execution.status} already; there is nothing to cancel.", current=_current(execution)
        )
    return [ExecutionCancelled(**common)]


def _artifact(command: ProduceArtifact, execution: Execution, common: Mapping[str, Any]) -> list[Event]:
    if command.artifact_id in execution.artifacts:
        return []
    if execution.status in ("failed", "cancelled"):
        raise Conflict(f"The execution was {execution.status}; it takes no artifacts.", current=_current(execution))
    if command.data is None and command.file_url is None:
        raise Invalid("Send what the artifact holds as `data`, or where it lies as `file_url`.")
    return [
        ArtifactProduced(
            **common,
            artifact_id=command.artifact_id,
            artifact_type=command.artifact_type,
            name=command.name,
            data=None if command.data is None else dict(command.data),
            file_url=command.file_url,
            file_size_bytes=command.file_size_bytes,
            mime_type=command.mime_type,
            verified=command.verified,
        )
    ]


def _step(command: StepCommand, execution: Execution, common: Mapping[str, Any]) -> list[Event]:
    if not 1 <= command.step <= len(execution.steps):
        raise Invalid(f"The plan has the steps 1 to {len(execution.steps)}; there is no step {command.step}.")
    step = execution.steps[command.step - 1]
    told = 4 * (command.attempt - 1) + _PHASES[type(command)]
    if told <= step.told:
        return []
    open_steps = (each.id for each in execution.steps if each.status != "completed")
    if execution.status in FINAL or command.step != next(open_steps, None) or told != step.told + 1:
        raise Conflict(
            f"The execution is {execution.status}, its step {step.id} is {step.status} after {step.attempts} attempts; "
            "read the execution again and go on from what it shows.",
            current=_current(execution),
        )
    common = {**common, "step": command.step, "step_attempt": command.attempt}
    match command:
        case StartStep():
            return [StepStarted(**common, step_name=step.name)]
        case CompleteStep():
            return [StepCompleted(**common, step_output=command.output, duration_ms=command.duration_ms)]
        case FailStep():
            failed = StepFailed(**common, reason=command.reason, duration_ms=command.duration_ms)
            return [failed, *_given_up(execution, step, common, command.reason)]
        case ValidateStep():
            return _validated(command, execution, step, common)
        case CorrectStep():
            return [
                StepCorrected(
                    **common,
                    root_cause=command.root_cause,
                    strategy=command.strategy,
                    action=command.action,
                    confidence=command.confidence,
                    adjusted_parameters=dict(command.adjusted_parameters),
                )
            ]


def _validated(command: ValidateStep, execution: Execution, step: Step, common: Mapping[str, Any]) -> list[Event]:
    validated = StepValidated(
        **common,
        passed=command.passed,
        validation_score=command.score,
        errors=command.errors,
        warnings=command.warnings,
    )
    if not command.passed:
        reason = "; ".join(command.errors) or f"The output scored {command.score:.2f}, which is too little."
        return [validated, *_given_up(execution, step, common, reason)]
    if step.id < len(execution.steps):
        return [validated]
    return [validated, ExecutionCompleted(execution_id=command.execution_id, user_id=common["user_id"])]


def _given_up(execution: Execution, step: Step, common: Mapping[str, Any], reason: str) -> list[Event]:
    """Nothing while the step may be tried again."""
    if execution.auto_correct and step.attempts <= execution.max_retries:
        return []
    owner = {"execution_id": common["execution_id"], "user_id": common["user_id"]}
    return [ExecutionFailed(**owner, step=step.id, reason=f"{step.name}: {reason}")]


def _current(execution: Execution) -> dict[str, Any]:
    return {"status": execution.status, "current_step": execution.current_step}


def evolve(execution: Execution, event: Event) -> Execution:
    match event:
        case ExecutionPlanned():
            return Execution(
                user_id=event.user_id,
                steps=tuple(Step(step.id, step.name, step.description) for step in event.steps),
                auto_correct=event.auto_correct,
                max_retries=event.max_retries,
            )
        case StepStarted():
            after = replace(execution, status="running", current_step=event.step)
            return _with(after, event.step, status="running", attempts=event.step_attempt)
        case StepCompleted():
            after = replace(execution, status="validating")
            return _with(
                after, event.step, status="validating", output=event.step_output, duration_ms=event.duration_ms
            )
        case StepFailed():
            after = replace(execution, status="correcting")
            return _with(after, event.step, status="correcting", duration_ms=event.duration_ms)
        case StepValidated(passed=True):
            return _with(replace(execution, status="running"), event.step, status="completed")
        case StepValidated():
            return _with(replace(execution, status="correcting"), event.step, status="correcting")
        case StepCorrected():
            after = replace(execution, corrections=execution.corrections + 1)
            return _with(after, event.step, status="pending")
        case ArtifactProduced():
            return replace(execution, artifacts=execution.artifacts | {event.artifact_id})
        case ExecutionCompleted():
            return replace(execution, status="completed")
        case ExecutionFailed():
            return _with(replace(execution, status="failed"), event.step, status="failed")
        case ExecutionCancelled():
            return replace(execution, status="cancelled")
        case ExecutionRemoved():
            return Execution(user_id=execution.user_id, removed=True)
        case _:
            return execution


def _with(execution: Execution, number: int, **changes: Any) -> Execution:
    steps = tuple(replace(step, **changes) if step.id == number else step for step in execution.steps)
    return replace(execution, steps=steps)


def as_plan(execution: Execution) -> dict[str, Any]:
    """The plan as documented: each step with its status, attempts, output and duration, and how many corrections."""
    return {
        "steps": [
            {
                "id": step.id,
                "name": step.name,
                "description": step.description,
                "status": step.status,
                "output": step.output,
                "attempts": step.attempts,
                "duration_ms": step.duration_ms,
            }
            for step in execution.steps
        ],
        "total_steps": len(execution.steps),
        "corrections_applied": execution.corrections,
    }


decider: Decider[Execution] = Decider(
    stream="execution",
    initial=Execution(),
    decide=decide,
    evolve=evolve,
    commands=(
        PlanExecution,
        StartStep,
        CompleteStep,
        FailStep,
        ValidateStep,
        CorrectStep,
        ProduceArtifact,
        CancelExecution,
        RemoveExecution,
    ),
    stream_id=lambda command: command.execution_id,
    creating=(PlanExecution,),
)
