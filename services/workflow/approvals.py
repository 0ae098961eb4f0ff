"""What somebody with an approval link sees and does: one way for the page and for the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from services.workflow import queries, review_queries
from services.workflow.domain import commands as ask
from services.workflow.domain.approval_link import OpenApprovalLink, UseApprovalLink
from services.workflow.domain.comment import AddComment
from services.workflow.schemas import In, PlatformName, Text
from services.workflow.tools import Tools
from shared.counting import Count, count
from shared.decider import Conflict, Forbidden
from shared.http.problem import Problem
from shared.ids import new_id
from shared.kit import Kit
from shared.platforms import PLATFORMS

Name = Annotated[Text, Field(max_length=100, description="How you want to be named.")]
_GUEST = "Guest"


class ApprovalDecisionIn(In):
    """Your word on one draft."""

    platform: PlatformName
    draft_id: UUID = Field(description="The draft you read; an older one is refused with 409.")
    action: Literal["accept", "reject"]
    feedback: Annotated[Text, Field(max_length=5000)] | None = Field(None, description="With reject: what to change.")
    regenerate: bool = Field(False, description="With reject: have another draft written.")

    @model_validator(mode="after")
    def consistent(self) -> ApprovalDecisionIn:
        if self.regenerate and self.action != "reject":
            raise ValueError("`regenerate` goes with reject only.")
        return self


class ApprovalCommentIn(In):
    """What you think of one draft."""

    platform: PlatformName
    draft_id: UUID
    body: Annotated[Text, Field(min_length=1, max_length=5000)]
    name: Name | None = None


class ApprovalPlatform(BaseModel):
    """One platform's draft as it stands."""

    platform: str
    status: str
    decidable: bool = Field(description="Whether it awaits your word.")
    draft_id: UUID | None
    iteration: int
    title: str
    content: str
    language: str
    count: Count | None = Field(description="Its counters; null when there is no draft.")
    url: str | None = Field(description="Where it was published.")


class ApprovalComment(BaseModel):
    """Something said with this link."""

    id: UUID
    platform: str
    draft_id: UUID
    author: str
    body: str
    resolved: bool
    created_at: datetime


class Approval(BaseModel):
    """What the link opens."""

    title: str
    label: str
    expires_at: datetime
    platforms: list[ApprovalPlatform]
    comments: list[ApprovalComment]


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody with a link that holds. `link` is its row."""

    kit: Kit
    link: Mapping[str, Any]

    @property
    def workflow_id(self) -> UUID:
        found: UUID = self.link["workflow_id"]
        return found

    async def look(self) -> Approval:
        """The drafts as they stand, with what was said. Raises Upstream when generation is away."""
        tools: Tools = self.kit.tools
        async with self.kit.database.reading(None) as connection:
            workflow = await queries.workflow(connection, self.workflow_id)
            if workflow is None:
                raise over()
            rows = await review_queries.platforms(connection, self.workflow_id, self.link["platforms"])
            said = await review_queries.said_with_link(connection, self.workflow_id, self.link["id"])
        drafts = await tools.drafts.of(row["active_draft_id"] for row in rows if row["active_draft_id"])
        if self.link["opened_at"] is None:
            await self.kit.handle(OpenApprovalLink(self.link["id"], self.workflow_id, datetime.now(UTC)), actor=None)
        return Approval(
            title=workflow["title"],
            label=self.link["label"],
            expires_at=self.link["expires_at"],
            platforms=[_platform(row, drafts.get(row["active_draft_id"])) for row in rows],
            comments=[ApprovalComment(**row, resolved=row["resolved_at"] is not None) for row in said],
        )

    async def decide(self, body: ApprovalDecisionIn) -> None:
        """Accept or reject, counted, in one transaction. Raises Conflict with the current state, Forbidden."""
        decision = ask.Decision(
            body.platform, body.action, body.draft_id, feedback=body.feedback, regenerate=body.regenerate
        )
        review = ask.Review(self.workflow_id, None, (decision,), link_id=self.link["id"])
        await self.kit.handle(self._use(body.action, body.platform, body.draft_id), actor=None, also=[review])

    async def comment(self, body: ApprovalCommentIn, comment_id: UUID | None = None) -> UUID:
        """Say something about the draft that is shown, counted; the comment's id. Raises Conflict, Forbidden."""
        async with self.kit.database.reading(None) as connection:
            row = await review_queries.platform(connection, self.workflow_id, body.platform)
        if row is None or body.platform not in self.link["platforms"]:
            raise Forbidden(f"This link does not cover {body.platform}.")
        same_draft(row, body.draft_id)
        said = AddComment(
            comment_id=comment_id or new_id(),
            workflow_id=self.workflow_id,
            user_id=self.link["user_id"],
            platform=body.platform,
            draft_id=body.draft_id,
            body=body.body,
            author=(body.name or "").strip() or self.link["label"] or _GUEST,
            link_id=self.link["id"],
        )
        await self.kit.handle(self._use("comment", body.platform, body.draft_id), actor=None, also=[said])
        return said.comment_id

    def _use(self, use: Literal["accept", "reject", "comment"], platform: str, draft_id: UUID) -> UseApprovalLink:
        return UseApprovalLink(self.link["id"], self.workflow_id, use, platform, draft_id, datetime.now(UTC))


async def holder(kit: Kit, token: str) -> Holder:
    """Whoever shows this token. Raises a 404 Problem for one we did not make, a 410 for a link that is over."""
    tools: Tools = kit.tools
    link_id = tools.approval_tokens.read(token)
    if link_id is None:
        detail = "This is no approval link; open it exactly as you received it."
        raise Problem(404, "not-found", "Not found", detail)
    async with kit.database.reading(None) as connection:
        link = await review_queries.link(connection, link_id)
    if link is None or link["revoked_at"] is not None or link["expires_at"] <= datetime.now(UTC):
        raise over()
    return Holder(kit, link)


def over() -> Problem:
    """The 410 of a link that holds no more."""
    detail = "This link has expired or was withdrawn; ask whoever sent it for a new one."
    return Problem(410, "link-over", "The link is over", detail)


def same_draft(row: Mapping[str, Any], draft_id: UUID) -> None:
    """Raises Conflict, with the current state, when the platform's active draft is another."""
    if row["active_draft_id"] == draft_id:
        return
    current = {name: row[name] for name in ("platform", "status", "iteration", "active_draft_id")}
    raise Conflict(f"That is not the active {row['platform']} draft; read that one first.", current=current)


def _platform(row: Mapping[str, Any], draft: Mapping[str, Any] | None) -> ApprovalPlatform:
    content = draft["content"] if draft else ""
    return ApprovalPlatform(
        platform=row["platform"],
        status=row["status"],
        decidable=row["status"] == "awaiting_review" and draft is not None,
        draft_id=row["active_draft_id"],
        iteration=row["iteration"],
        title=draft["title"] if draft else "",
        content=content,
        language=draft["language"] if draft else "",
        count=count(PLATFORMS[row["platform"]], content) if draft else None,
        url=row["url"],
    )
