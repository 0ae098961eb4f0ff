"""What the drafts API gives."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class DiffPiece(BaseModel):
    """A stretch of text that stayed, stood only before, or stands only now."""

    kind: Literal["equal", "delete", "insert"]
    text: str


class Diff(BaseModel):
    """What became of one draft in another. Without the inserted pieces it is the text of `against`, without the deleted
    ones that of `draft_id`."""

    draft_id: UUID
    against: UUID
    unit: Literal["words", "lines"] = Field(description="What was compared: lines where the texts repeat themselves.")
    title_before: str
    title: str
    inserted: int = Field(description="Words or lines that came.")
    deleted: int = Field(description="Words or lines that went.")
    similarity: float = Field(description="0 to 1.")
    pieces: list[DiffPiece]


class Draft(BaseModel):
    """One version of a post. It never changes: a better one is another draft that names this one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c0de-0000-5000-8000-000000000001",
                    "workflow_id": "0198c0de-0000-7000-8000-000000000002",
                    "platform": "x",
                    "iteration": 2,
                    "title": "Why we moved to events",
                    "content": "Events are facts: they happened, and nothing can change that. #events #architecture",
                    "source": "ai",
                    "based_on_id": "0198c0de-0000-5000-8000-000000000003",
                    "engine": "offline",
                    "model": "all-MiniLM-L6-v2",
                    "language": "en",
                    "tone": "professional",
                    "hashtags": ["#events", "#architecture"],
                    "usage": {"sentences": 48},
                    "created_at": "2026-01-31T12:00:00Z",
                }
            ]
        }
    )

    id: UUID
    workflow_id: UUID
    platform: str = Field(description="Where it is meant to be published.")
    iteration: int = Field(description="1 for the first draft of this platform, one more for each later one.")
    title: str
    content: str = Field(description="The whole post, as it would be published.")
    source: Literal["ai", "human"] = Field(description="Whether an engine wrote it or a person.")
    based_on_id: UUID | None = Field(description="The draft it goes on from.")
    engine: str = Field(description="What wrote it: offline, model, instant, human, or offline-fallback.")
    model: str | None = Field(description="The model the engine used.")
    language: str = Field(description="ISO 639-1 code; empty when it is not known.")
    tone: str = Field(description="The tone that was asked for; empty for a person's text.")
    hashtags: list[str]
    usage: dict[str, Any] = Field(
        description="What writing it took: tokens, requests, US dollars, sentences read. Where the wanted model did "
        "not write, `fallback_from` is its name, `fallback_reason` says why in a word and `fallback_detail` what to do."
    )
    created_at: datetime


class Lineage(BaseModel):
    """How a draft came to be."""

    items: list[Draft] = Field(description="From the first draft to the one asked for, each based on the one before.")
