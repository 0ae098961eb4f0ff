"""What the API answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.media.domain.resource import ResourceType

_ID = "0198c1f0-6a52-7c3e-9f00-0000000000f1"


class FileView(BaseModel):
    """A stored file and what is known of its text."""

    id: UUID = Field(examples=[_ID])
    project_id: UUID | None = Field(None, description="The project it belongs to.")
    name: str = Field(description="What it was called when it was sent.", examples=["compost.md"])
    mime_type: str = Field(description="Found in the bytes.", examples=["text/markdown"])
    size_bytes: int = Field(examples=[5321])
    sha256: str = Field(description="Of the bytes, in hexadecimal.")
    public_url: str | None = Field(None, description="Where anybody may read it; null: only its owner may.")
    text_status: Literal["pending", "extracted", "failed"] = Field(description="How far reading its text has come.")
    title: str | None = Field(None, description="Title of the text.", examples=["Why compost heaps steam"])
    language: str | None = Field(
        None, description="ISO 639-1 code; `und`: cannot be told; empty: not looked for.", examples=["en"]
    )
    characters: int | None = Field(None, description="Length of the text.", examples=[5204])
    error: str | None = Field(None, description="Why there is no text, and what to do.")
    created_at: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> FileView:
        """The view of a row of `files`."""
        return cls.model_validate(dict(row))


class TextView(BaseModel):
    """The text of a file, as Markdown."""

    id: UUID = Field(examples=[_ID])
    title: str = Field(examples=["Why compost heaps steam"])
    language: str = Field(description="ISO 639-1 code; `und`: cannot be told; empty: not looked for.", examples=["en"])
    characters: int = Field(examples=[5204])
    sha256: str = Field(description="Of the text in UTF-8, in hexadecimal.")
    text: str


class ResourceView(BaseModel):
    """A resource for the engines."""

    id: UUID
    type: ResourceType
    content: str
    metadata: dict[str, Any] | None = Field(None, examples=[{"platform": "linkedin", "tags": ["technical"]}])
    created_at: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> ResourceView:
        """The view of a row of `resources`."""
        return cls.model_validate(dict(row))
