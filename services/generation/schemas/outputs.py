"""What the outputs API takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from contracts.events.generation import OutputKind
from services.generation.schemas import In, Name, Text
from services.generation.upstream import MOST_FILES

OutputStatus = Literal["queued", "processing", "completed", "failed"]
Network = Literal["linkedin", "x", "instagram"]


class Generate(In):
    """What to write, and of what: of `text`, of these files, or, with neither, of all files of the project."""

    topic: Name | None = Field(None, description="What to keep to.", examples=["Turning the heap"])
    title: Name | None = Field(None, description="A title for the source; its own if left out.")
    tone_of_voice: Name = Field("professional", examples=["friendly"])
    target_length: int | None = Field(
        None, ge=20, le=5000, description="Words, at most; for blog posts and e-mails.", examples=[1500]
    )
    platform: Network | None = Field(None, description="For `social`: where it goes; LinkedIn unless a template says.")
    text: Annotated[Text, Field(min_length=1, max_length=1_000_000)] | None = None
    file_ids: list[UUID] | None = Field(None, min_length=1, max_length=MOST_FILES)
    template_id: UUID | None = Field(None, description="A template whose prompt the engine is given, filled.")
    variables: dict[Name, Annotated[Text, Field(max_length=2000)]] = Field(
        default_factory=dict, max_length=40, description="Values for the template's own placeholders."
    )

    @model_validator(mode="after")
    def one_source(self) -> Self:
        if self.text is not None and self.file_ids is not None:
            raise ValueError("Send `text` or `file_ids`, not both.")
        if self.text is not None and not self.text.strip():
            raise ValueError("The text is empty; send some text to write from.")
        if self.file_ids is not None and len(set(self.file_ids)) != len(self.file_ids):
            raise ValueError("Name each file once.")
        if self.variables and self.template_id is None:
            raise ValueError("`variables` say nothing without `template_id`; send both or neither.")
        return self


class Output(BaseModel):
    """A text made of a project's files or of a given text."""

    id: UUID
    project_id: UUID
    kind: OutputKind
    status: OutputStatus
    request: dict[str, Any] = Field(description="What was asked for.")
    body: str | None = Field(description="The text, once it is completed.")
    metadata: dict[str, Any] = Field(
        description="How it was made: title, word_count, reading_time (minutes), keywords, engine, model, prompt."
    )
    error: str | None = Field(description="Why there is no text, and what to do.")
    archived: bool = Field(description="Whether it was put away; then it stays as it is.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """The view of a row of `outputs` or `outputs_archive`."""
        return cls.model_validate(dict(row) | {"error": row["metadata"].get("error")})


class WatchedOutput(Output):
    """One that is under way, and whose it is."""

    user_id: UUID


class OutputChange(In):
    """Another text."""

    body: Annotated[Text, Field(min_length=1, max_length=60_000)]
