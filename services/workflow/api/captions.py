"""A person's word on a caption."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.workflow.domain.caption import Caption, ReviewCaption
from services.workflow.schemas import In, Text
from shared.http.user import CurrentUser
from shared.kit import kit_of
from shared.roles import may

router = APIRouter(prefix="/api/v1/captions", tags=["captions"])


class CaptionReviewIn(In):
    """A decision on a caption."""

    decision: Literal["approve", "reject"]
    caption: Annotated[Text, Field(max_length=5000)] | None = Field(
        None, description="With approve: other words, of at most 500 characters."
    )
    notes: Annotated[Text, Field(max_length=5000)] | None = Field(None, description="Required with reject: why.")


class CaptionReview(BaseModel):
    """What was decided on an image's caption."""

    image_id: UUID
    decision: Literal["approve", "reject"]
    caption: str | None = Field(description="What was approved.")
    notes: str | None
    reviewer_id: UUID
    reviewed_at: datetime


@router.post("/{image_id}/review")
async def review_caption(image_id: UUID, body: CaptionReviewIn, request: Request, user: CurrentUser) -> CaptionReview:
    """Approve or reject the caption of an image: your own, and from the role of a reviewer on anybody's."""
    kit = kit_of(request)
    command = ReviewCaption(
        image_id=image_id,
        reviewer_id=user.user_id,
        may_review_all=may(user.role, "reviewer"),
        decision=body.decision,
        caption=body.caption,
        notes=body.notes,
        reviewed_at=datetime.now(UTC),
    )
    state: Caption = await kit.handle(command, actor=user.user_id)
    reviewed = state.reviewed
    assert reviewed is not None
    return CaptionReview(
        image_id=image_id,
        decision=reviewed.decision,
        caption=reviewed.caption,
        notes=reviewed.notes,
        reviewer_id=reviewed.reviewer_id,
        reviewed_at=reviewed.reviewed_at,
    )
