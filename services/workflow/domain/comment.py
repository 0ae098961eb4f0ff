"""A comment on a draft: added once, perhaps resolved, perhaps taken back by its author."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.review import CommentDeleted, CommentResolved, DraftCommented
from shared.decider import Decider, Forbidden, Invalid, NotFound


@dataclass(frozen=True, slots=True)
class Comment:
    workflow_id: UUID | None = None
    user_id: UUID | None = None
    author_id: UUID | None = None
    resolved: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class _CommentCommand:
    comment_id: UUID
    workflow_id: UUID

    @property
    def correlation_id(self) -> UUID:
        """What is said about a draft belongs to its workflow's story."""
        return self.workflow_id


@dataclass(frozen=True, slots=True)
class AddComment(_CommentCommand):
    """`user_id` owns the workflow; `author_id` None: whoever holds the approval link `link_id`."""

    user_id: UUID
    platform: str
    draft_id: UUID
    body: str
    author: str
    author_id: UUID | None = None
    link_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ResolveComment(_CommentCommand):
    """`may_review_all`: the user's role reaches beyond their own workflows."""

    user_id: UUID
    may_review_all: bool


@dataclass(frozen=True, slots=True)
class DeleteComment(_CommentCommand):
    user_id: UUID
    may_review_all: bool


@dataclass(frozen=True, slots=True)
class EraseComment(_CommentCommand):
    """It goes with its workflow, or with the account of its author."""

    reason: Literal["workflow_removed", "user_erased"]


COMMANDS = (AddComment, ResolveComment, DeleteComment, EraseComment)
Command = AddComment | ResolveComment | DeleteComment | EraseComment


def decide(command: Command, comment: Comment) -> Sequence[Event]:
    if isinstance(command, AddComment):
        return _add(command, comment)
    if isinstance(command, EraseComment):
        if comment.user_id is None or comment.deleted:
            return []
        return [_deleted(command, comment.user_id, command.reason)]
    concerned = command.may_review_all or command.user_id in (comment.user_id, comment.author_id)
    if comment.user_id is None or comment.workflow_id != command.workflow_id or not concerned:
        raise NotFound("There is no such comment; list those of the workflow to see which there are.")
    match command:
        case ResolveComment():
            if comment.deleted:
                raise NotFound("This comment was deleted; there is nothing left to resolve.")
            if comment.resolved:
                return []
            return [
                CommentResolved(
                    comment_id=command.comment_id,
                    workflow_id=command.workflow_id,
                    user_id=comment.user_id,
                    resolved_by=command.user_id,
                )
            ]
        case DeleteComment():
            if command.user_id != comment.author_id:
                raise Forbidden("Only its author deletes a comment; resolve it instead.")
            return [] if comment.deleted else [_deleted(command, comment.user_id, "author")]


def _add(command: AddComment, comment: Comment) -> list[Event]:
    if comment.user_id is not None:
        return []
    if not command.body.strip():
        raise Invalid("The comment is empty; write what you think of the draft.")
    return [
        DraftCommented(
            comment_id=command.comment_id,
            workflow_id=command.workflow_id,
            user_id=command.user_id,
            platform=command.platform,
            draft_id=command.draft_id,
            body=command.body.strip(),
            author_id=command.author_id,
            link_id=command.link_id,
            author=command.author,
        )
    ]


def _deleted(
    command: DeleteComment | EraseComment, owner: UUID, reason: Literal["author", "workflow_removed", "user_erased"]
) -> CommentDeleted:
    return CommentDeleted(comment_id=command.comment_id, workflow_id=command.workflow_id, user_id=owner, reason=reason)


def evolve(comment: Comment, event: Event) -> Comment:
    match event:
        case DraftCommented():
            return Comment(event.workflow_id, event.user_id, event.author_id)
        case CommentResolved():
            return replace(comment, resolved=True)
        case CommentDeleted():
            return replace(comment, deleted=True)
        case _:
            return comment


decider: Decider[Comment] = Decider(
    stream="comment",
    initial=Comment(),
    decide=decide,
    evolve=evolve,
    commands=COMMANDS,
    stream_id=lambda command: command.comment_id,
    creating=(AddComment,),
)
