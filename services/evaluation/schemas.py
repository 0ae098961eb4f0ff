"""What the evaluations API gives."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Evaluation(BaseModel):
    """One verdict on one draft."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c0de-0000-5000-8000-000000000004",
                    "draft_id": "0198c0de-0000-5000-8000-000000000001",
                    "workflow_id": "0198c0de-0000-7000-8000-000000000002",
                    "platform": "x",
                    "iteration": 2,
                    "score": 84,
                    "criteria_scores": {
                        "platform_appropriateness": 90,
                        "style_consistency": 80,
                        "clarity": 85,
                        "engagement": 74,
                        "grammar": 95,
                    },
                    "criteria_weights": {
                        "platform_appropriateness": 0.25,
                        "style_consistency": 0.15,
                        "clarity": 0.2,
                        "engagement": 0.25,
                        "grammar": 0.15,
                    },
                    "feedback": "Engagement: end with a question.",
                    "measures": {"language": "en"},
                    "judge": "offline",
                    "model": None,
                    "created_at": "2026-01-31T12:00:01Z",
                }
            ]
        }
    )

    id: UUID
    draft_id: UUID
    workflow_id: UUID
    platform: str
    iteration: int = Field(description="Of the draft.")
    score: int = Field(ge=0, le=100, description="The weighted mean of the criteria.")
    criteria_scores: dict[str, int] = Field(description="0 to 100 for each of the five criteria.")
    criteria_weights: dict[str, float] = Field(
        description="How much each criterion counts in `score`: the workflow's own, or this installation's."
    )
    feedback: str = Field(description="What to change, the weakest criterion first.")
    measures: dict[str, Any] = Field(
        description="What the scores rest on, by criterion. Where the wanted model did not judge, `fallback_from` is "
        "its name, `fallback_reason` says why in a word and `fallback_detail` what to do."
    )
    judge: str = Field(description="Who judged: offline, model, instant, or offline-fallback.")
    model: str | None = Field(description="The model the judge used.")
    created_at: datetime


class CaptionScore(BaseModel):
    """How good a description of an image is."""

    score: int = Field(ge=0, le=100, description="The mean of the criteria.")
    level: Literal["excellent", "good", "fair", "poor"] = Field(description="From 90, 70, 40 and 0 points.")
    needs_special_review: bool = Field(description="Below 70: a person should look closely.")
    criteria_scores: dict[str, int] = Field(
        description="0 to 100 for length, content and clarity.",
        examples=[{"length": 100, "content": 90, "clarity": 90}],
    )
    feedback: str = Field(description="What to change.", examples=["Say only what is to be seen, without 'maybe'."])


class CaptionEvaluation(CaptionScore):
    """One verdict on one description of an image."""

    id: UUID
    image_id: UUID
    created_at: datetime
