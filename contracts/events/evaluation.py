"""Who judges: a score, what it rests on, and what to change."""

from __future__ import annotations

from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import Event


class EvaluationServiceEvent(Event):
    owner: ClassVar[str] = "evaluation"


class EvaluationEvent(EvaluationServiceEvent):
    stream: ClassVar[str] = "evaluation"
    evaluation_id: UUID
    draft_id: UUID
    workflow_id: UUID
    user_id: UUID
    platform: str
    iteration: int


class DraftEvaluated(EvaluationEvent):
    """The verdict on a draft."""

    score: int = Field(ge=0, le=100)
    criteria_scores: dict[str, int]
    criteria_weights: dict[str, float] = {}  # by which `score` is their mean
    feedback: str
    measures: dict[str, Any] = {}
    judge: str
    model: str | None = None


class EvaluationFailed(EvaluationEvent):
    """No judge could read the draft; a person decides without a score."""

    reason: str


class EvaluationErased(EvaluationServiceEvent):
    """The evaluation went with the account or the project it hung on."""

    stream: ClassVar[str] = "evaluation"
    evaluation_id: UUID
    user_id: UUID


class ModelConsulted(EvaluationServiceEvent):
    """A model was asked for a verdict, also one whose answer was of no use. `cost_usd` is a decimal number, null when
    no price is known."""

    stream: ClassVar[str] = "consultation"
    consultation_id: UUID
    draft_id: UUID
    user_id: UUID
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: str | None = None


class CaptionEvaluationEvent(EvaluationServiceEvent):
    stream: ClassVar[str] = "caption_evaluation"
    caption_evaluation_id: UUID
    image_id: UUID
    user_id: UUID


class CaptionEvaluated(CaptionEvaluationEvent):
    """The verdict on an image's description. With `needs_special_review` a person should look closely."""

    score: int = Field(ge=0, le=100)
    level: Literal["excellent", "good", "fair", "poor"]
    needs_special_review: bool
    feedback: str
    criteria_scores: dict[str, int] = {}
    caption: str = ""


class CaptionEvaluationErased(CaptionEvaluationEvent):
    """The verdict went with the account it hung on."""
