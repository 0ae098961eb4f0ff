"""A link by which somebody without an account reads drafts, decides on them and comments, for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.review import (
    ApprovalLinkCreated,
    ApprovalLinkErased,
    ApprovalLinkOpened,
    ApprovalLinkRevoked,
    ApprovalLinkUsed,
)
from shared.decider import Decider, Forbidden, Invalid, NotFound

Use = Literal["accept", "reject", "comment"]


@dataclass(frozen=True, slots=True)
class ApprovalLink:
    workflow_id: UUID | None = None
    user_id: UUID | None = None
    platforms: tuple[str, ...] = ()
    expires_at: datetime | None = None
    opened: bool = False
    revoked: bool = False
    erased: bool = False


@dataclass(frozen=True, slots=True)
class _LinkCommand:
    link_id: UUID
    workflow_id: UUID

    @property
    def correlation_id(self) -> UUID:
        """What is done with a link belongs to its workflow's story."""
        return self.workflow_id


@dataclass(frozen=True, slots=True)
class CreateApprovalLink(_LinkCommand):
    user_id: UUID
    platforms: tuple[str, ...]
    label: str
    expires_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class OpenApprovalLink(_LinkCommand):
    now: datetime


@dataclass(frozen=True, slots=True)
class UseApprovalLink(_LinkCommand):
    use: Use
    platform: str
    draft_id: UUID
    now: datetime


@dataclass(frozen=True, slots=True)
class RevokeApprovalLink(_LinkCommand):
    user_id: UUID


@dataclass(frozen=True, slots=True)
class EraseApprovalLink(_LinkCommand):
    """It goes with its workflow."""


COMMANDS = (CreateApprovalLink, OpenApprovalLink, UseApprovalLink, RevokeApprovalLink, EraseApprovalLink)
Command = CreateApprovalLink | OpenApprovalLink | UseApprovalLink | RevokeApprovalLink | EraseApprovalLink


def decide(command: Command, link: ApprovalLink) -> Sequence[Event]:
    if isinstance(command, CreateApprovalLink):
        return _create(command, link)
    if isinstance(command, EraseApprovalLink) and (link.user_id is None or link.erased):
        return []
    if link.user_id is None or link.erased or link.workflow_id != command.workflow_id:
        raise NotFound("There is no such approval link; list those of the workflow to see which there are.")
    common = {"link_id": command.link_id, "workflow_id": command.workflow_id, "user_id": link.user_id}
    match command:
        case OpenApprovalLink():
            _open(link, command.now)
            return [] if link.opened else [ApprovalLinkOpened(**common)]
        case UseApprovalLink():
            _open(link, command.now)
            if command.platform not in link.platforms:
                raise Forbidden(f"This link does not cover {command.platform}; it is for {', '.join(link.platforms)}.")
            return [ApprovalLinkUsed(**common, use=command.use, platform=command.platform, draft_id=command.draft_id)]
        case RevokeApprovalLink():
            if command.user_id != link.user_id:
                raise NotFound("There is no such approval link; list those of the workflow to see which there are.")
            return [] if link.revoked else [ApprovalLinkRevoked(**common)]
        case EraseApprovalLink():
            return [ApprovalLinkErased(**common)]


def _create(command: CreateApprovalLink, link: ApprovalLink) -> list[Event]:
    if link.user_id is not None:
        return []
    if command.expires_at <= command.now:
        raise Invalid("The link would have expired already; choose a later end.")
    return [
        ApprovalLinkCreated(
            link_id=command.link_id,
            workflow_id=command.workflow_id,
            user_id=command.user_id,
            platforms=command.platforms,
            label=command.label,
            expires_at=command.expires_at,
        )
    ]


def _open(link: ApprovalLink, now: datetime) -> None:
    if link.revoked or link.expires_at is None or link.expires_at <= now:
        raise Forbidden("This link has expired or was withdrawn; ask whoever sent it for a new one.")


def evolve(link: ApprovalLink, event: Event) -> ApprovalLink:
    match event:
        case ApprovalLinkCreated():
            return ApprovalLink(event.workflow_id, event.user_id, event.platforms, event.expires_at)
        case ApprovalLinkOpened():
            return replace(link, opened=True)
        case ApprovalLinkRevoked():
            return replace(link, revoked=True)
        case ApprovalLinkErased():
            return replace(link, erased=True)
        case _:
            return link


decider: Decider[ApprovalLink] = Decider(
    stream="approval_link",
    initial=ApprovalLink(),
    decide=decide,
    evolve=evolve,
    commands=COMMANDS,
    stream_id=lambda command: command.link_id,
    creating=(CreateApprovalLink,),
)
