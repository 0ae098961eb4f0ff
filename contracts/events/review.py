"""What people say about drafts: comments, and links by which somebody without an account decides."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from contracts.envelope import Private
from contracts.events.workflow import WorkflowServiceEvent


class CommentEvent(WorkflowServiceEvent):
    stream: ClassVar[str] = "comment"
    comment_id: UUID
    workflow_id: UUID
    user_id: UUID  # whose workflow it is


class DraftCommented(CommentEvent):
    """Somebody said something about a draft: a user, or whoever holds an approval link."""

    platform: str
    draft_id: UUID
    body: str
    author_id: UUID | None = None
    link_id: UUID | None = None
    author: Private[str] = None  # the name they are shown by


class CommentResolved(CommentEvent):
    """What was said has been seen to."""

    resolved_by: UUID


class CommentDeleted(CommentEvent):
    """The comment is gone."""

    reason: Literal["author", "workflow_removed", "user_erased"]


class ApprovalLinkEvent(WorkflowServiceEvent):
    stream: ClassVar[str] = "approval_link"
    link_id: UUID
    workflow_id: UUID
    user_id: UUID  # whose workflow it is


class ApprovalLinkCreated(ApprovalLinkEvent):
    """Whoever holds the link may read the drafts for these platforms, decide on them and comment, until it expires."""

    platforms: tuple[str, ...]
    expires_at: datetime
    label: Private[str] = None  # for whom it is


class ApprovalLinkOpened(ApprovalLinkEvent):
    """Somebody looked for the first time."""


class ApprovalLinkUsed(ApprovalLinkEvent):
    """Something was done with it."""

    use: Literal["accept", "reject", "comment"]
    platform: str
    draft_id: UUID


class ApprovalLinkRevoked(ApprovalLinkEvent):
    """Its owner closed it before its time."""


class ApprovalLinkErased(ApprovalLinkEvent):
    """It went with its workflow."""
