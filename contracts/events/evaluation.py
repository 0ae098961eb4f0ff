"""Who judges: five criteria, a score and what to change."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.envelope import Event


class EvaluationEvent(Event):
    owner: ClassVar[str] = "evaluation"
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
    feedback: str
    measures: dict[str, Any] = {}
    judge: str
    model: str | None = None


class EvaluationFailed(EvaluationEvent):
    """No judge could read the draft; a person decides without a score."""

    reason: str
