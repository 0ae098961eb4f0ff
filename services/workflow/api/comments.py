"""Comments on drafts: the owner's, and those of reviewers while a draft awaits them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.workflow import queries, review_queries
from services.workflow.approvals import same_draft
from services.workflow.domain.comment import AddComment, DeleteComment, ResolveComment
from services.workflow.schemas import In, PlatformName, Text
from shared.decider import NotFound
from shared.http.idempotency import Idempotency
from shared.http.pagination import Page, PageQuery
from shared.http.user import CurrentUser
from shared.kit import kit_of
from shared.roles import may

router = APIRouter(prefix="/api/v1/workflows/{workflow_id}/comments", tags=["workflows"])


class NewComment(In):
    """What you think of a platform's active draft."""

    platform: PlatformName
    draft_id: UUID = Field(description="The draft you read; 409 when another one is active.")
    body: Annotated[Text, Field(min_length=1, max_length=5000)]


class Comment(BaseModel):
    """Something said about a draft, by a user or with an approval link."""

    id: UUID
    workflow_id: UUID
    platform: str
    draft_id: UUID
    author_id: UUID | None
    link_id: UUID | None = Field(description="The approval link it came by.")
    author: str
    body: str
    resolved_at: datetime | None
    resolved_by: UUID | None
    created_at: datetime


@router.post("", status_code=201)
async def add_comment(
    workflow_id: UUID, body: NewComment, request: Request, user: CurrentUser, idempotency: Idempotency
) -> Comment:
    """Say something about a draft: of your own, and from the role of a reviewer on anybody's that awaits review."""
    kit = kit_of(request)
    comment_id = idempotency.id()
    if not idempotency.replayed:
        async with kit.database.reading(user.user_id, user.role) as connection:
            row = await review_queries.platform(connection, workflow_id, body.platform)
        if row is None:
            raise NotFound("There is no such draft to comment on; read the workflow to see which there are.")
        same_draft(row, body.draft_id)
        command = AddComment(
            comment_id=comment_id,
            workflow_id=workflow_id,
            user_id=row["user_id"],
            platform=body.platform,
            draft_id=body.draft_id,
            body=body.body,
            author=user.username,
            author_id=user.user_id,
        )
        await idempotency.handle(command, actor=user.user_id)
    return await _comment(request, comment_id)


@router.get("")
async def list_comments(
    workflow_id: UUID,
    request: Request,
    user: CurrentUser,
    page: PageQuery,
    platform: Annotated[PlatformName | None, Query()] = None,
    draft_id: Annotated[UUID | None, Query(description="Only those on this draft.")] = None,
    resolved: Annotated[bool | None, Query(description="Only those that were, or were not, seen to.")] = None,
) -> Page[Comment]:
    """What was said about the drafts of a workflow, newest first."""
    kit = kit_of(request)
    async with kit.database.reading(user.user_id, user.role) as connection:
        if not await queries.is_workflow(connection, workflow_id):
            raise NotFound("There is no such workflow; list your workflows to see which there are.")
        rows = await review_queries.comments(connection, workflow_id, page, platform, draft_id, resolved)
    return page.page(rows, lambda row: Comment(**row))


@router.post("/{comment_id}/resolve")
async def resolve_comment(workflow_id: UUID, comment_id: UUID, request: Request, user: CurrentUser) -> Comment:
    """Say that a comment was seen to: the owner, its author, or a reviewer."""
    kit = kit_of(request)
    command = ResolveComment(comment_id, workflow_id, user.user_id, may(user.role, "reviewer"))
    await kit.handle(command, actor=user.user_id)
    return await _comment(request, comment_id)


@router.delete("/{comment_id}", status_code=204)
async def delete_comment(workflow_id: UUID, comment_id: UUID, request: Request, user: CurrentUser) -> Response:
    """Take back what you said."""
    kit = kit_of(request)
    command = DeleteComment(comment_id, workflow_id, user.user_id, may(user.role, "reviewer"))
    await kit.handle(command, actor=user.user_id)
    return Response(status_code=204)


async def _comment(request: Request, comment_id: UUID) -> Comment:
    """As the service sees it: who was let act on it may read it, also when the draft was decided on meanwhile."""
    kit = kit_of(request)
    async with kit.database.reading(None) as connection:
        row = await review_queries.comment(connection, comment_id)
    if row is None:
        raise NotFound("This comment was deleted meanwhile.")
    return Comment(**row)
