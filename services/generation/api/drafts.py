"""Drafts over HTTP. They are made by events; here they are read."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.generation.domain.difference import Unit, difference
from services.generation.queries import drafts as queries
from services.generation.schemas.drafts import Diff, DiffPiece, Draft, Lineage
from shared.decider import Invalid, NotFound
from shared.http.pagination import Page, PageQuery
from shared.http.responses import RowsResponse
from shared.http.user import CurrentUser
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1/drafts", tags=["drafts"])

_NO_DRAFT = "There is no such draft; list the drafts of your workflow to see which there are."


@router.get("", response_model=Page[Draft])
async def list_drafts(
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    workflow_id: Annotated[UUID | None, Query(description="Only drafts of this workflow.")] = None,
    platform: Annotated[
        str | None, Query(max_length=20, pattern=r"^[^\x00]*$", description="Only drafts for it.", examples=["x"])
    ] = None,
) -> Response:
    """Your drafts, newest first."""
    async with kit_of(request).database.reading(user.user_id) as connection:
        rows = await queries.drafts(connection, user.user_id, workflow_id, platform, page)
    found = page.page(rows, dict)
    return RowsResponse({"items": found.items, "next_cursor": found.next_cursor})


@router.get("/{draft_id}", response_model=Draft)
async def read_draft(draft_id: UUID, request: Request, user: CurrentUser) -> Response:
    """One draft; reviewers see those of others, too, while a person has to decide on them."""
    async with kit_of(request).database.reading(user.user_id, user.role) as connection:
        row = await queries.draft(connection, draft_id)
    if row is None:
        raise NotFound(_NO_DRAFT)
    return RowsResponse(dict(row))


@router.get("/{draft_id}/lineage", response_model=Lineage)
async def read_lineage(draft_id: UUID, request: Request, user: CurrentUser) -> Response:
    """The drafts it goes back to, oldest first, and itself as the last."""
    async with kit_of(request).database.reading(user.user_id, user.role) as connection:
        rows = await queries.lineage(connection, draft_id)
    if not rows:
        raise NotFound(_NO_DRAFT)
    return RowsResponse({"items": [dict(row) for row in rows]})


@router.get("/{draft_id}/diff")
async def read_diff(
    draft_id: UUID,
    request: Request,
    user: CurrentUser,
    against: Annotated[
        UUID | None, Query(description="Another draft for the same platform; left out: the one it goes on from.")
    ] = None,
    unit: Annotated[Unit, Query(description="What is compared.")] = "words",
) -> Diff:
    """What changed from one iteration to another."""
    async with kit_of(request).database.reading(user.user_id, user.role) as connection:
        row = await queries.draft(connection, draft_id)
        if row is None:
            raise NotFound(_NO_DRAFT)
        other = against or row["based_on_id"]
        if other is None:
            raise Invalid("This draft goes on from no other; name one as `against`.")
        before = await queries.draft(connection, other)
    if before is None:
        raise NotFound("There is no such draft to compare with; list those of the workflow to see which there are.")
    if (before["workflow_id"], before["platform"]) != (row["workflow_id"], row["platform"]):
        raise Invalid("Compare drafts of one workflow and one platform; these belong to different ones.")
    found = await asyncio.to_thread(difference, before["content"], row["content"], unit)
    return Diff(
        draft_id=draft_id,
        against=other,
        unit=found.unit,
        title_before=before["title"],
        title=row["title"],
        inserted=found.inserted,
        deleted=found.deleted,
        similarity=found.similarity,
        pieces=[DiffPiece(kind=piece.kind, text=piece.text) for piece in found.pieces],
    )
