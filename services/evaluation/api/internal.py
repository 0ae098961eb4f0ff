"""What other services ask of the judges."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from services.evaluation.captions import judged
from services.evaluation.schemas import CaptionScore
from shared.http.internal import InternalOnly
from shared.ids import derive
from shared.kit import kit_of

router = APIRouter(prefix="/internal/evaluations", dependencies=[InternalOnly], include_in_schema=False)


class CaptionIn(BaseModel):
    """A description of an image, by whomever it was written."""

    model_config = ConfigDict(extra="forbid")

    image_id: UUID
    user_id: UUID
    caption: Annotated[str, Field(max_length=10_000)]


@router.post("/captions")
async def judge_caption(body: CaptionIn, request: Request) -> CaptionScore:
    """Judge a description and keep the verdict; the last one again is the same verdict."""
    caption_evaluation_id = derive("caption_evaluation", body.image_id, body.caption)
    command = judged(caption_evaluation_id, body.image_id, body.user_id, body.caption)
    await kit_of(request).handle(command, actor=None)
    return CaptionScore(
        score=command.score,
        level=command.level,
        needs_special_review=command.needs_special_review,
        criteria_scores=dict(command.criteria_scores),
        feedback=command.feedback,
    )
