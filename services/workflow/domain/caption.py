"""A caption awaiting a person's word: its owner's, or a reviewer's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.workflow import CaptionReadyForReview, CaptionReviewed
from shared.decider import Conflict, Decider, Invalid, NotFound

MAX_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Caption:
    user_id: UUID | None = None
    text: str = ""
    reviewed: CaptionReviewed | None = None


@dataclass(frozen=True, slots=True)
class NoteCaption:
    image_id: UUID
    user_id: UUID
    caption: str


@dataclass(frozen=True, slots=True)
class ReviewCaption:
    """`caption`: other words, with approve. `may_review_all`: the reviewer's role reaches beyond their own images."""

    image_id: UUID
    reviewer_id: UUID
    may_review_all: bool
    decision: Literal["approve", "reject"]
    caption: str | None
    notes: str | None
    reviewed_at: datetime


def decide(command: NoteCaption | ReviewCaption, caption: Caption) -> Sequence[Event]:
    if isinstance(command, NoteCaption):
        if caption.user_id is not None and caption.reviewed is None and caption.text == command.caption:
            return []
        return [CaptionReadyForReview(image_id=command.image_id, user_id=command.user_id, caption=command.caption)]
    if caption.user_id is None or not (command.may_review_all or command.reviewer_id == caption.user_id):
        raise NotFound("There is no caption to review for this image; list images to see which await a review.")
    text = caption.text if command.caption is None else command.caption.strip()
    if command.decision == "reject":
        if command.caption is not None:
            raise Invalid("Leave out `caption` when you reject; say in `notes` what is wrong.")
        if not (command.notes and command.notes.strip()):
            raise Invalid("Say in `notes` why the caption is rejected.")
    elif not text:
        raise Invalid("The caption is empty; write what the image shows, or reject it.")
    elif len(text) > MAX_CHARACTERS:
        raise Invalid(f"The caption has {len(text)} characters; shorten it to at most {MAX_CHARACTERS}.")
    decided = CaptionReviewed(
        image_id=command.image_id,
        user_id=caption.user_id,
        reviewer_id=command.reviewer_id,
        decision=command.decision,
        caption=text if command.decision == "approve" else None,
        notes=command.notes,
        reviewed_at=command.reviewed_at,
    )
    if caption.reviewed is None:
        return [decided]
    before = caption.reviewed
    if (before.decision, before.caption, before.reviewer_id) == (
        decided.decision,
        decided.caption,
        decided.reviewer_id,
    ):
        return []
    what = "approved" if before.decision == "approve" else "rejected"
    raise Conflict(
        f"The caption was {what} already; only a newer caption can be reviewed.",
        current={"decision": before.decision, "caption": before.caption},
    )


def evolve(caption: Caption, event: Event) -> Caption:
    match event:
        case CaptionReadyForReview():
            return Caption(user_id=event.user_id, text=event.caption)
        case CaptionReviewed():
            return replace(caption, reviewed=event)
        case _:
            return caption


decider: Decider[Caption] = Decider(
    stream="caption",
    initial=Caption(),
    decide=decide,
    evolve=evolve,
    commands=(NoteCaption, ReviewCaption),
    stream_id=lambda command: command.image_id,
    creating=(NoteCaption,),
)
