"""What awaits a person's decision: one's own drafts, and everybody's for who reviews for others."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.workflow import queries
from services.workflow.schemas import PlatformName
from shared.http.pagination import Page, PageQuery
from shared.http.user import CurrentUser
from shared.kit import Kit

router = APIRouter(prefix="/api/v1/review-queue", tags=["workflows"])


class Waiting(BaseModel):
    """One platform's draft that awaits review."""

    id: UUID
    workflow_id: UUID
    user_id: UUID = Field(description="Whose workflow it is.")
    platform: str
    active_draft_id: UUID | None
    iteration: int
    score: int | None
    reason: str | None
    title: str | None = Field(description="Of the workflow; null while it may not be seen as a whole.")
    project_id: UUID | None
    created_at: datetime
    updated_at: datetime = Field(description="Since when it waits.")


@router.get("")
async def review_queue(
    request: Request, user: CurrentUser, page: PageQuery, platform: Annotated[PlatformName | None, Query()] = None
) -> Page[Waiting]:
    """Drafts that await review, longest wait first: yours, and from the role of a reviewer on everybody's."""
    kit: Kit = request.app.state.kit
    async with kit.database.reading(user.user_id, user.role) as connection:
        rows = await queries.review_queue(connection, page, platform)
    return page.page(rows, lambda row: Waiting(**row), by="updated_at")
