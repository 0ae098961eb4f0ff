"""What the API of caption tasks and settings takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator

from services.generation.domain.caption import LONGEST
from services.generation.domain.caption_settings import CaptionChoices
from services.generation.domain.caption_task import STEP_CHARACTERS
from services.generation.schemas import In, Text

TaskStatus = Literal["queued", "running", "completed", "failed", "cancelled"]


class CaptionChoicesIn(In):
    """How images are to be described; what is left out gets the documented value. Lengths in characters."""

    max_posts_per_run: int = Field(50, ge=1, le=500, description="Posts looked at in one run.")
    max_caption_length: int = Field(LONGEST, ge=20, le=LONGEST, description="A caption is never longer.")
    optimal_min_length: int = Field(80, ge=1, le=LONGEST, description="Shorter captions are judged lower.")
    optimal_max_length: int = Field(200, ge=1, le=LONGEST, description="Longer captions are judged lower.")
    reprocess_existing: bool = Field(False, description="Describe images again that have a caption.")
    processing_delay: float = Field(1.0, ge=0, le=60, description="Seconds between two images.")

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if not self.optimal_min_length <= self.optimal_max_length <= self.max_caption_length:
            raise ValueError(
                "`optimal_min_length` is at most `optimal_max_length`, and that at most `max_caption_length`."
            )
        return self

    def choices(self) -> CaptionChoices:
        """The same for the domain."""
        return CaptionChoices(**self.model_dump())


class CaptionSettings(BaseModel):
    """How images of one account are described."""

    connection_id: UUID
    max_posts_per_run: int
    max_caption_length: int
    optimal_min_length: int
    optimal_max_length: int
    reprocess_existing: bool
    processing_delay: float
    created_at: datetime | None = Field(None, description="Null as long as these are the documented values.")
    updated_at: datetime | None = None


class NewCaptionTask(In):
    """Whose images are to be described."""

    connection_id: UUID = Field(description="The account whose posts are looked through.")


class CaptionTask(BaseModel):
    """One run of describing images."""

    id: UUID
    connection_id: UUID
    status: TaskStatus
    settings: dict[str, Any] = Field(description="The settings as they were when it was started.")
    progress_percent: int
    current_step: str | None = Field(examples=["Describing image 3 of 12"])
    results: dict[str, Any] | None = Field(description="What was done, once it is completed.")
    error: str | None = Field(description="Why it could not go on, and what to do.")
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


class ProgressIn(In):
    """How far a task is."""

    progress_percent: int = Field(ge=0, le=100)
    current_step: Annotated[Text, Field(min_length=1, max_length=STEP_CHARACTERS)]


class OutcomeIn(In):
    """How a task ended: with results, or with the reason why not."""

    status: Literal["completed", "failed"]
    results: dict[str, Any] = Field(default_factory=dict)
    reason: Annotated[Text, Field(min_length=1, max_length=2000)] | None = None

    @model_validator(mode="after")
    def reason_of_a_failure(self) -> Self:
        if (self.status == "failed") != (self.reason is not None):
            raise ValueError("A failed task has a `reason`, a completed one has none.")
        return self


class CaptionIn(In):
    """A description of an image."""

    image_id: UUID
    user_id: UUID
    caption: Annotated[Text, Field(min_length=1, max_length=2000)]
    engine: Annotated[str, StringConstraints(pattern=r"^[^\x00]{1,100}$")]
    prompt_used: Annotated[Text, Field(max_length=10_000)] | None = None
    category: Annotated[Text, Field(max_length=50)] | None = None


class PainPoint(In):
    description: Annotated[Text, Field(min_length=1, max_length=2000)]
    category: Annotated[Text, Field(max_length=200)] = ""
    severity: Annotated[Text, Field(max_length=50)] = ""
    frequency: Annotated[Text, Field(max_length=50)] = ""


class ProductIdea(In):
    title: Annotated[Text, Field(min_length=1, max_length=300)]
    description: Annotated[Text, Field(min_length=1, max_length=2000)]
    target_pain_point: Annotated[Text, Field(max_length=2000)] = ""
    feasibility: Annotated[Text, Field(max_length=50)] = ""
    market_potential: Annotated[Text, Field(max_length=50)] = ""


Tag = Annotated[str, StringConstraints(pattern=r"^[^\x00A-Z]{1,50}$", strip_whitespace=True)]


class SummaryIn(In):
    """A collected post, summarised in Korean."""

    post_id: UUID
    user_id: UUID
    summary_ko: Annotated[Text, Field(min_length=1, max_length=20_000)]
    tags: list[Tag] = Field(min_length=3, max_length=5, description="Lower case.")
    pain_points: list[PainPoint] = Field(default_factory=list, max_length=50)
    product_ideas: list[ProductIdea] = Field(default_factory=list, max_length=50)
    content_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    engine: Annotated[str, StringConstraints(pattern=r"^[^\x00]{1,100}$")]
