"""A post on a platform whose images are kept here: kept once, until it is dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.media import PlatformPostDropped, PlatformPostKept
from shared.decider import Decider


@dataclass(frozen=True, slots=True)
class KeepPost:
    post_id: UUID
    user_id: UUID
    connection_id: UUID
    platform_type: str
    instance_url: str
    platform_post_id: str
    author: str
    url: str
    content: str


@dataclass(frozen=True, slots=True)
class DropPost:
    post_id: UUID


@dataclass(frozen=True, slots=True)
class KeptPost:
    status: Literal["absent", "kept", "dropped"] = "absent"
    user_id: UUID | None = None


Command = KeepPost | DropPost


def decide(command: Command, post: KeptPost) -> Sequence[Event]:
    match command:
        case KeepPost():
            if post.status != "absent":
                return []
            return [
                PlatformPostKept(
                    post_id=command.post_id,
                    user_id=command.user_id,
                    connection_id=command.connection_id,
                    platform_type=command.platform_type,
                    instance_url=command.instance_url,
                    platform_post_id=command.platform_post_id,
                    author=command.author,
                    url=command.url,
                    content=command.content,
                )
            ]
        case DropPost():
            if post.status != "kept" or post.user_id is None:
                return []
            return [PlatformPostDropped(post_id=command.post_id, user_id=post.user_id)]


def evolve(post: KeptPost, event: Event) -> KeptPost:
    match event:
        case PlatformPostKept():
            return KeptPost("kept", event.user_id)
        case PlatformPostDropped():
            return replace(post, status="dropped")
        case _:
            return post


decider: Decider[KeptPost] = Decider(
    stream="kept_post",
    initial=KeptPost(),
    decide=decide,
    evolve=evolve,
    commands=(KeepPost, DropPost),
    stream_id=lambda command: command.post_id,
    creating=(KeepPost,),
)
