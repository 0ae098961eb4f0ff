"""Evaluations over HTTP. They are made by events; here they are read."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.evaluation import queries
from services.evaluation.schemas import Evaluation
from shared.decider import NotFound
from shared.http.pagination import Page, PageQuery
from shared.http.responses import RowsResponse
from shared.http.user import CurrentUser
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1/evaluations", tags=["evaluations"])

_NO_EVALUATION = "There is no such evaluation; list the evaluations of your workflow to see which there are."


@router.get("", response_model=Page[Evaluation])
async def list_evaluations(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    workflow_id: Annotated[UUID | None, Query(description="Only those of this workflow's drafts.")] = None,
    draft_id: Annotated[UUID | None, Query(description="Only those of this draft.")] = None,
) -> Response:
    """The evaluations of your drafts, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.evaluations(connection, user.user_id, workflow_id, draft_id, page)
    found = page.page(rows, dict)
    return RowsResponse({"items": found.items, "next_cursor": found.next_cursor})


@router.get("/{evaluation_id}", response_model=Evaluation)
async def read_evaluation(evaluation_id: UUID, request: Request, user: CurrentUser) -> Response:
    """One evaluation."""
    async with kit_of(request).database.reading(user.user_id, user.role) as connection:
        row = await queries.evaluation(connection, evaluation_id)
    if row is None:
        raise NotFound(_NO_EVALUATION)
    return RowsResponse(dict(row))
