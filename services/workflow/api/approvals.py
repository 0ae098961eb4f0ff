"""The approval link as an API: what the page shows and does, as JSON."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel

from services.workflow.approval_tokens import MAX_TOKEN_CHARACTERS
from services.workflow.approvals import Approval, ApprovalCommentIn, ApprovalDecisionIn, holder
from shared.kit import kit_of

router = APIRouter(prefix="/api/v1/approvals", tags=["approvals"])

Token = Annotated[str, Path(max_length=MAX_TOKEN_CHARACTERS, description="The last part of the link.")]


class Said(BaseModel):
    """The comment that was made."""

    id: UUID


@router.get("/{token}")
async def read_approval(token: Token, request: Request, response: Response) -> Approval:
    """The drafts the link is for, as they stand. Without an account; 410 when the link is over."""
    response.headers["Cache-Control"] = "no-store"
    return await (await holder(kit_of(request), token)).look()


@router.post("/{token}/decisions")
async def decide(token: Token, body: ApprovalDecisionIn, request: Request) -> Approval:
    """Accept or reject a draft. 409 with the current state when it is not what awaits a decision any more."""
    found = await holder(kit_of(request), token)
    await found.decide(body)
    return await found.look()


@router.post("/{token}/comments", status_code=201)
async def comment(token: Token, body: ApprovalCommentIn, request: Request) -> Said:
    """Say something about a draft to its owner."""
    found = await holder(kit_of(request), token)
    return Said(id=await found.comment(body))
