"""Who writes: drafts with their lineage."""

from __future__ import annotations

from typing import Any, ClassVar, Literal
from uuid import UUID

from contracts.envelope import Event


class GenerationEvent(Event):
    owner: ClassVar[str] = "generation"
    stream: ClassVar[str] = "draft"
    draft_id: UUID
    workflow_id: UUID
    user_id: UUID
    platform: str
    iteration: int


class DraftCreated(GenerationEvent):
    """A text exists, written by an engine or by a person; it never changes."""

    title: str = ""
    content: str
    source: Literal["ai", "human"]
    based_on_id: UUID | None = None
    engine: str
    model: str | None = None
    language: str = ""
    tone: str = "professional"
    hashtags: tuple[str, ...] = ()
    usage: dict[str, Any] = {}


class DraftFailed(GenerationEvent):
    """No engine could write this draft; the reason says what to do."""

    reason: str
