"""What awaits a person's decision: one's own drafts, and everybody's for who reviews for others."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.workflow import queue_queries
from services.workflow.queue_queries import Filters, Order, Status
from services.workflow.schemas import PlatformName
from shared.decider import Invalid
from shared.http.moment import Moment
from shared.http.pagination import Page, PageQuery
from shared.http.user import CurrentUser
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1/review-queue", tags=["workflows"])


class Waiting(BaseModel):
    """One platform's draft that awaits review."""

    id: UUID
    workflow_id: UUID
    user_id: UUID = Field(description="Whose workflow it is.")
    platform: str
    status: str
    active_draft_id: UUID | None
    iteration: int
    score: int | None
    reason: str | None
    title: str | None = Field(description="Of the workflow; null while it may not be seen as a whole.")
    project_id: UUID | None
    created_at: datetime
    updated_at: datetime = Field(description="Since when it is in this status.")


Score = Annotated[int | None, Query(ge=0, le=100)]


@router.get("")
async def review_queue(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    status: Annotated[Status, Query(description="Others than your own are shown while they await review.")] = (
        "awaiting_review"
    ),
    platform: Annotated[PlatformName | None, Query()] = None,
    min_score: Score = None,
    max_score: Score = None,
    project_id: Annotated[UUID | None, Query(description="Only those of this project.")] = None,
    author: Annotated[UUID | None, Query(description="Only those of this user's workflows.")] = None,
    waiting_before: Annotated[
        Moment | None, Query(description="Only those that have waited since before then.")
    ] = None,
    waiting_since: Annotated[Moment | None, Query(description="Only those that wait since then or later.")] = (None),
    order: Annotated[Order, Query(description="Keep it, and the filters, from page to page.")] = "longest_wait",
) -> Page[Waiting]:
    """Drafts that await review, longest wait first: yours, and from the role of a reviewer on everybody's."""
    if min_score is not None and max_score is not None and min_score > max_score:
        raise Invalid("`min_score` is above `max_score`, so no draft could be found; swap them.")
    if waiting_before is not None and waiting_since is not None and waiting_since >= waiting_before:
        raise Invalid("`waiting_since` is not before `waiting_before`, so no draft could be found; swap them.")
    kit = kit_of(request)
    filters = Filters(status, platform, min_score, max_score, project_id, author, waiting_before, waiting_since)
    async with kit.database.reading(user.user_id, user.role) as connection:
        rows = await queue_queries.review_queue(connection, page, filters, order)
    return page.page(rows, lambda row: Waiting(**row), by="rank")
