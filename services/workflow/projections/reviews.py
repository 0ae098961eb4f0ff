"""Rows of draft_comments and approval_links."""

from __future__ import annotations

from datetime import datetime

from contracts.events.review import (
    ApprovalLinkCreated,
    ApprovalLinkErased,
    ApprovalLinkOpened,
    ApprovalLinkRevoked,
    ApprovalLinkUsed,
    CommentDeleted,
    CommentResolved,
    DraftCommented,
)
from shared.projection import RowChange, add, delete, insert, projects, update


@projects(DraftCommented)
def add_comment(event: DraftCommented, at: datetime) -> RowChange:
    return insert(
        "draft_comments",
        id=event.comment_id,
        workflow_id=event.workflow_id,
        user_id=event.user_id,
        platform=event.platform,
        draft_id=event.draft_id,
        author_id=event.author_id,
        link_id=event.link_id,
        author=event.author or "",
        body=event.body,
        created_at=at,
    )


@projects(CommentResolved)
def resolve_comment(event: CommentResolved, at: datetime) -> RowChange:
    return update("draft_comments", {"id": event.comment_id}, resolved_at=at, resolved_by=event.resolved_by)


@projects(CommentDeleted)
def delete_comment(event: CommentDeleted, at: datetime) -> RowChange:
    return delete("draft_comments", id=event.comment_id)


@projects(ApprovalLinkCreated)
def add_link(event: ApprovalLinkCreated, at: datetime) -> RowChange:
    return insert(
        "approval_links",
        id=event.link_id,
        workflow_id=event.workflow_id,
        user_id=event.user_id,
        platforms=event.platforms,
        label=event.label or "",
        expires_at=event.expires_at,
        uses=0,
        created_at=at,
    )


@projects(ApprovalLinkOpened)
def note_the_first_look(event: ApprovalLinkOpened, at: datetime) -> RowChange:
    return update("approval_links", {"id": event.link_id}, opened_at=at)


@projects(ApprovalLinkUsed)
def count_the_use(event: ApprovalLinkUsed, at: datetime) -> list[RowChange]:
    key = {"id": event.link_id}
    return [add("approval_links", key, uses=1), update("approval_links", key, last_used_at=at)]


@projects(ApprovalLinkRevoked)
def revoke_link(event: ApprovalLinkRevoked, at: datetime) -> RowChange:
    return update("approval_links", {"id": event.link_id}, revoked_at=at)


@projects(ApprovalLinkErased)
def erase_link(event: ApprovalLinkErased, at: datetime) -> RowChange:
    return delete("approval_links", id=event.link_id)
