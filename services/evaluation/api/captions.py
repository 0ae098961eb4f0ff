"""Verdicts on descriptions of images over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from services.evaluation import queries
from services.evaluation.schemas import CaptionEvaluation
from shared.decider import NotFound
from shared.http.pagination import Page, PageQuery
from shared.http.user import CurrentUser
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1/caption-evaluations", tags=["evaluations"])

_NO_EVALUATION = "There is no such verdict on a caption; list those of the image to see which there are."


@router.get("")
async def list_caption_evaluations(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    image_id: Annotated[UUID | None, Query(description="Only those of this image's descriptions.")] = None,
) -> Page[CaptionEvaluation]:
    """The verdicts on descriptions of your images, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.caption_evaluations(connection, user.user_id, image_id, page)
    return page.page(rows, lambda row: CaptionEvaluation.model_validate(dict(row)))


@router.get("/{evaluation_id}")
async def read_caption_evaluation(evaluation_id: UUID, request: Request, user: CurrentUser) -> CaptionEvaluation:
    """One verdict on a description; reviewers see those of others, too."""
    async with kit_of(request).database.reading(user.user_id, user.role) as connection:
        row = await queries.caption_evaluation(connection, evaluation_id)
    if row is None:
        raise NotFound(_NO_EVALUATION)
    return CaptionEvaluation.model_validate(dict(row))
