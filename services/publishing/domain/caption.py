"""The caption of an image on its way to the platform: the newest approved one counts, and each is put up once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.publishing import CaptionPosted, CaptionPostFailed, CaptionPostRequested
from shared.decider import Decider


@dataclass(frozen=True, slots=True)
class PostCaption:
    """A person has approved this caption."""

    image_id: UUID
    user_id: UUID
    post_id: UUID
    caption: str


@dataclass(frozen=True, slots=True)
class RecordCaptionPosted:
    image_id: UUID
    turn: int
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class RecordCaptionFailed:
    image_id: UUID
    turn: int
    reason: str


@dataclass(frozen=True, slots=True)
class Caption:
    status: Literal["none", "requested", "posted", "failed"] = "none"
    user_id: UUID | None = None
    text: str = ""
    turn: int = 0


def decide(command: Any, caption: Caption) -> Sequence[Event]:
    match command:
        case PostCaption():
            if caption.text == command.caption and caption.status in ("requested", "posted"):
                return []
            return [
                CaptionPostRequested(
                    image_id=command.image_id,
                    user_id=command.user_id,
                    post_id=command.post_id,
                    caption=command.caption,
                    turn=caption.turn + 1,
                )
            ]
        case RecordCaptionPosted() | RecordCaptionFailed():
            return _outcome(command, caption)
        case _:
            return []


def _outcome(command: RecordCaptionPosted | RecordCaptionFailed, caption: Caption) -> list[Event]:
    """Of an older caption nobody wants to know any more: the newer one is put up after it."""
    if caption.status != "requested" or command.turn != caption.turn or caption.user_id is None:
        return []
    if isinstance(command, RecordCaptionPosted):
        return [CaptionPosted(image_id=command.image_id, user_id=caption.user_id, posted_at=command.posted_at)]
    return [CaptionPostFailed(image_id=command.image_id, user_id=caption.user_id, reason=command.reason)]


def evolve(caption: Caption, event: Event) -> Caption:
    match event:
        case CaptionPostRequested():
            return Caption("requested", event.user_id, event.caption, event.turn)
        case CaptionPosted():
            return replace(caption, status="posted")
        case CaptionPostFailed():
            return replace(caption, status="failed")
        case _:
            return caption


decider: Decider[Caption] = Decider(
    stream="image_caption",
    initial=Caption(),
    decide=decide,
    evolve=evolve,
    commands=(PostCaption, RecordCaptionPosted, RecordCaptionFailed),
    stream_id=lambda command: command.image_id,
)
