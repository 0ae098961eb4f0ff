"""Links by which somebody without an account decides on one's drafts: made, listed, withdrawn by their owner."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, Field

from services.workflow import queries, review_queries
from services.workflow.domain.approval_link import CreateApprovalLink, RevokeApprovalLink
from services.workflow.schemas import In, PlatformName, Text, distinct
from services.workflow.tools import Tools
from shared.decider import Conflict, Invalid, NotFound
from shared.http.idempotency import Idempotency
from shared.http.pagination import Page, PageQuery
from shared.http.user import CurrentUser
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1/workflows/{workflow_id}/approval-links", tags=["approvals"])

_NO_WORKFLOW = "There is no such workflow; list your workflows to see which there are."


class NewApprovalLink(In):
    """A link for somebody without an account."""

    platforms: Annotated[list[PlatformName], Field(min_length=1, max_length=10), AfterValidator(distinct)] | None = (
        Field(None, description="Which drafts it opens; left out: all of the workflow.")
    )
    label: Annotated[Text, Field(max_length=100, examples=["Dana, legal"])] = ""
    expires_in_hours: Annotated[int, Field(ge=1, le=2160)] = Field(168, description="At most 90 days.")


class ApprovalLink(BaseModel):
    """Who has its `url` may read, decide and comment until `expires_at`."""

    id: UUID
    workflow_id: UUID
    platforms: list[str]
    label: str
    url: str = Field(description="Give it to nobody else: it is all that is needed.")
    expires_at: datetime
    uses: int = Field(description="Decisions and comments made with it.")
    opened_at: datetime | None = Field(description="When it was looked at first.")
    last_used_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime


@router.post("", status_code=201)
async def create_link(
    workflow_id: UUID, body: NewApprovalLink, request: Request, user: CurrentUser, idempotency: Idempotency
) -> ApprovalLink:
    """Make a link for your workflow. Accepting with it publishes nothing; that stays with you."""
    kit = kit_of(request)
    link_id = idempotency.id()
    if not idempotency.replayed:
        async with kit.database.reading(user.user_id) as connection:
            workflow = await queries.workflow(connection, workflow_id)
        if workflow is None:
            raise NotFound(_NO_WORKFLOW)
        if workflow["status"] == "archived":
            raise Conflict("The workflow is archived; nobody can decide on its drafts any more.")
        there = [state["platform"] for state in workflow["states"]]
        platforms = body.platforms or there
        if unknown := [name for name in platforms if name not in there]:
            raise Invalid(f"This workflow does not write for {', '.join(unknown)}; choose from: {', '.join(there)}.")
        now = datetime.now(UTC)
        command = CreateApprovalLink(
            link_id=link_id,
            workflow_id=workflow_id,
            user_id=user.user_id,
            platforms=tuple(platforms),
            label=body.label.strip(),
            expires_at=now + timedelta(hours=body.expires_in_hours),
            now=now,
        )
        await idempotency.handle(command, actor=user.user_id)
    async with kit.database.reading(user.user_id) as connection:
        row = await review_queries.link(connection, link_id)
    if row is None:
        raise NotFound("The link is gone; make another one.")
    return _shown(row, request)


@router.get("")
async def list_links(workflow_id: UUID, request: Request, user: CurrentUser, page: PageQuery) -> Page[ApprovalLink]:
    """The links of your workflow, newest first, those that are over among them."""
    kit = kit_of(request)
    async with kit.database.reading(user.user_id) as connection:
        if not await queries.is_workflow(connection, workflow_id):
            raise NotFound(_NO_WORKFLOW)
        rows = await review_queries.links(connection, workflow_id, page)
    return page.page(rows, lambda row: _shown(row, request))


@router.delete("/{link_id}", status_code=204)
async def revoke_link(workflow_id: UUID, link_id: UUID, request: Request, user: CurrentUser) -> Response:
    """Withdraw a link at once; what was decided with it stays."""
    kit = kit_of(request)
    await kit.handle(RevokeApprovalLink(link_id, workflow_id, user.user_id), actor=user.user_id)
    return Response(status_code=204)


def _shown(row: Mapping[str, Any], request: Request) -> ApprovalLink:
    tools: Tools = kit_of(request).tools
    token = tools.approval_tokens.issue(row["id"], row["expires_at"])
    return ApprovalLink(**row, url=f"{_base(request, tools)}/approve/{token}")


def _base(request: Request, tools: Tools) -> str:
    """Where people reach the gateway: as configured, else as whoever asks did."""
    if tools.settings.public_url:
        return tools.settings.public_url.rstrip("/")
    host = request.headers.get("x-forwarded-host")
    return f"{request.headers.get('x-forwarded-proto', 'http')}://{host}" if host else str(request.base_url).rstrip("/")
