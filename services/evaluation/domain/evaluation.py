"""An evaluation: one verdict on one draft, given once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from contracts.envelope import Event
from contracts.events.evaluation import DraftEvaluated, EvaluationErased, EvaluationFailed
from shared.decider import Decider


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Once settled, by a verdict or by the failure to give one, nothing more happens."""

    settled: bool = False
    erased: bool = False


@dataclass(frozen=True, slots=True)
class RecordEvaluation:
    """Keep a verdict: `score` and each of `criteria_scores` are 0 to 100."""

    evaluation_id: UUID
    draft_id: UUID
    workflow_id: UUID
    user_id: UUID
    platform: str
    iteration: int
    score: int
    criteria_scores: Mapping[str, int]
    feedback: str
    judge: str
    model: str | None = None
    measures: Mapping[str, Any] = field(default_factory=dict)
    criteria_weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailEvaluation:
    """No judge could read the draft; `reason` says what to do."""

    evaluation_id: UUID
    draft_id: UUID
    workflow_id: UUID
    user_id: UUID
    platform: str
    iteration: int
    reason: str


@dataclass(frozen=True, slots=True)
class EraseEvaluation:
    """It goes with the account or the project it hung on."""

    evaluation_id: UUID
    user_id: UUID


Command = RecordEvaluation | FailEvaluation | EraseEvaluation


def decide(command: Command, evaluation: Evaluation) -> Sequence[Event]:
    if isinstance(command, EraseEvaluation):
        if not evaluation.settled or evaluation.erased:
            return []
        return [EvaluationErased(evaluation_id=command.evaluation_id, user_id=command.user_id)]
    if evaluation.settled:
        return []
    match command:
        case RecordEvaluation():
            return [
                DraftEvaluated(
                    evaluation_id=command.evaluation_id,
                    draft_id=command.draft_id,
                    workflow_id=command.workflow_id,
                    user_id=command.user_id,
                    platform=command.platform,
                    iteration=command.iteration,
                    score=command.score,
                    criteria_scores=dict(command.criteria_scores),
                    criteria_weights=dict(command.criteria_weights),
                    feedback=command.feedback,
                    measures=dict(command.measures),
                    judge=command.judge,
                    model=command.model,
                )
            ]
        case FailEvaluation():
            return [
                EvaluationFailed(
                    evaluation_id=command.evaluation_id,
                    draft_id=command.draft_id,
                    workflow_id=command.workflow_id,
                    user_id=command.user_id,
                    platform=command.platform,
                    iteration=command.iteration,
                    reason=command.reason,
                )
            ]


def evolve(evaluation: Evaluation, event: Event) -> Evaluation:
    match event:
        case DraftEvaluated() | EvaluationFailed():
            return Evaluation(settled=True)
        case EvaluationErased():
            return Evaluation(settled=True, erased=True)
        case _:
            return evaluation


decider: Decider[Evaluation] = Decider(
    stream="evaluation",
    initial=Evaluation(),
    decide=decide,
    evolve=evolve,
    commands=(RecordEvaluation, FailEvaluation, EraseEvaluation),
    stream_id=lambda command: command.evaluation_id,
    creating=(RecordEvaluation, FailEvaluation),
)
