"""The verdicts on the descriptions of one image, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.evaluation import CaptionEvaluated, CaptionEvaluationErased
from shared.decider import Decider


@dataclass(frozen=True, slots=True)
class CaptionEvaluations:
    """The last verdict's id, and those that are kept."""

    last: UUID | None = None
    kept: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class RecordCaptionEvaluation:
    """Keep a verdict: `score` and each of `criteria_scores` are 0 to 100."""

    caption_evaluation_id: UUID
    image_id: UUID
    user_id: UUID
    caption: str
    score: int
    level: Literal["excellent", "good", "fair", "poor"]
    needs_special_review: bool
    feedback: str
    criteria_scores: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EraseCaptionEvaluation:
    caption_evaluation_id: UUID
    image_id: UUID
    user_id: UUID


Command = RecordCaptionEvaluation | EraseCaptionEvaluation


def decide(command: Command, evaluations: CaptionEvaluations) -> Sequence[Event]:
    who = {
        "caption_evaluation_id": command.caption_evaluation_id,
        "image_id": command.image_id,
        "user_id": command.user_id,
    }
    match command:
        case RecordCaptionEvaluation():
            if command.caption_evaluation_id == evaluations.last:
                return []
            return [
                CaptionEvaluated(
                    **who,
                    score=command.score,
                    level=command.level,
                    needs_special_review=command.needs_special_review,
                    feedback=command.feedback,
                    criteria_scores=dict(command.criteria_scores),
                    caption=command.caption,
                )
            ]
        case EraseCaptionEvaluation():
            if command.caption_evaluation_id not in evaluations.kept:
                return []
            return [CaptionEvaluationErased(**who)]


def evolve(evaluations: CaptionEvaluations, event: Event) -> CaptionEvaluations:
    match event:
        case CaptionEvaluated():
            return CaptionEvaluations(event.caption_evaluation_id, evaluations.kept | {event.caption_evaluation_id})
        case CaptionEvaluationErased():
            return replace(evaluations, kept=evaluations.kept - {event.caption_evaluation_id})
        case _:
            return evaluations


decider: Decider[CaptionEvaluations] = Decider(
    stream="caption_evaluation",
    initial=CaptionEvaluations(),
    decide=decide,
    evolve=evolve,
    commands=(RecordCaptionEvaluation, EraseCaptionEvaluation),
    stream_id=lambda command: command.image_id,
)
