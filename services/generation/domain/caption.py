"""An image's description, and a collected post's summary: kept each time they say something new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from contracts.envelope import Event
from contracts.events.generation import CaptionGenerated, PostSummarised
from shared.decider import Decider, Invalid

LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """The last one, None when there was none."""

    last: Event | None = None


@dataclass(frozen=True, slots=True)
class RecordCaption:
    image_id: UUID
    user_id: UUID
    caption: str
    engine: str
    prompt_used: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class RecordSummary:
    """`content_hash` says of which content; `tags` are lower case."""

    post_id: UUID
    user_id: UUID
    summary_ko: str
    content_hash: str
    engine: str
    tags: Sequence[str] = ()
    pain_points: Sequence[Mapping[str, Any]] = ()
    product_ideas: Sequence[Mapping[str, Any]] = ()


def decide_caption(command: RecordCaption, kept: Kept) -> Sequence[Event]:
    caption = command.caption.strip()
    if not caption:
        raise Invalid("The caption is empty; describe the image in a sentence or two.")
    if len(caption) > LONGEST:
        raise Invalid(f"The caption has {len(caption)} characters; at most {LONGEST} are allowed. Shorten it.")
    made = CaptionGenerated(
        image_id=command.image_id,
        user_id=command.user_id,
        caption=caption,
        prompt_used=command.prompt_used,
        category=command.category,
        engine=command.engine,
    )
    return [] if made == kept.last else [made]


def decide_summary(command: RecordSummary, kept: Kept) -> Sequence[Event]:
    made = PostSummarised(
        post_id=command.post_id,
        user_id=command.user_id,
        summary_ko=command.summary_ko.strip(),
        tags=tuple(command.tags),
        pain_points=tuple(dict(point) for point in command.pain_points),
        product_ideas=tuple(dict(idea) for idea in command.product_ideas),
        content_hash=command.content_hash,
        engine=command.engine,
    )
    return [] if made == kept.last else [made]


def evolve(kept: Kept, event: Event) -> Kept:
    return Kept(event) if isinstance(event, CaptionGenerated | PostSummarised) else kept


captions: Decider[Kept] = Decider(
    stream="caption",
    initial=Kept(),
    decide=decide_caption,
    evolve=evolve,
    commands=(RecordCaption,),
    stream_id=lambda command: command.image_id,
)

summaries: Decider[Kept] = Decider(
    stream="summary",
    initial=Kept(),
    decide=decide_summary,
    evolve=evolve,
    commands=(RecordSummary,),
    stream_id=lambda command: command.post_id,
)
