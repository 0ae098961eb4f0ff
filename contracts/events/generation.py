"""Who writes: drafts with their lineage, outputs, templates, captions and summaries, and what models cost."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import Event


class GenerationServiceEvent(Event):
    owner: ClassVar[str] = "generation"


class GenerationEvent(GenerationServiceEvent):
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
    style: dict[str, Any] = {}  # measures of its author's samples that it was held to; empty without samples
    criteria_weights: dict[str, float] = {}  # by which it is to be judged; empty: as the judge has it


class DraftFailed(GenerationEvent):
    """No engine could write this draft; the reason says what to do."""

    reason: str


class DraftErased(GenerationServiceEvent):
    """The draft went with the account or the project it hung on."""

    stream: ClassVar[str] = "draft"
    draft_id: UUID
    user_id: UUID


class SourceErased(GenerationServiceEvent):
    """Generation's copy of what a workflow was about went with the account or the project it hung on."""

    stream: ClassVar[str] = "source"
    source_id: UUID
    workflow_id: UUID
    user_id: UUID


OutputKind = Literal["blog", "social", "email"]


class OutputEvent(GenerationServiceEvent):
    stream: ClassVar[str] = "output"
    output_id: UUID
    project_id: UUID
    user_id: UUID
    requested_at: datetime  # names the row together with the id: outputs are kept by month


class OutputRequested(OutputEvent):
    """A text is wanted: of a given text, or of these files. `prompt` is the template, filled.

    One that is `copied_from` another is wanted of nobody: its text comes with it.
    """

    kind: OutputKind
    platform: str
    request: dict[str, Any] = {}
    text: str | None = None
    file_ids: tuple[UUID, ...] = ()
    prompt: str | None = None
    copied_from: UUID | None = None


class OutputRetried(OutputEvent):
    """A failed output is to be tried again."""

    attempt: int


class OutputStarted(OutputEvent):
    """An engine has it in hand."""

    attempt: int


class OutputProgressed(OutputEvent):
    """So many of the files that it is made of are read."""

    attempt: int
    files_read: int = Field(ge=1)
    files: int = Field(ge=1)


class OutputCompleted(OutputEvent):
    """The text is there."""

    body: str
    metadata: dict[str, Any] = {}


class OutputFailed(OutputEvent):
    """No engine could write it; the reason says what to do."""

    reason: str
    metadata: dict[str, Any] = {}


class OutputEdited(OutputEvent):
    """Its owner changed the text."""

    body: str
    metadata: dict[str, Any] = {}


class OutputArchived(OutputEvent):
    """Put away, with all that is known of it."""

    kind: OutputKind
    status: Literal["completed", "failed"]
    request: dict[str, Any] = {}
    body: str | None = None
    metadata: dict[str, Any] = {}


class OutputDeleted(OutputEvent):
    """Gone, from the archive as well."""


TemplateType = Literal["blog", "linkedin", "twitter", "instagram", "email"]


class TemplateEvent(GenerationServiceEvent):
    stream: ClassVar[str] = "template"
    template_id: UUID
    user_id: UUID


class TemplateCreated(TemplateEvent):
    """A prompt with {placeholders} to write by; the platform's own, for everybody, unless `is_custom`."""

    name: str
    type: TemplateType
    prompt: str
    is_custom: bool = True


class TemplateChanged(TemplateEvent):
    """What it is from now on."""

    name: str
    type: TemplateType
    prompt: str


class TemplateDeleted(TemplateEvent):
    """Outputs that were written by it stay."""


class CaptionTaskEvent(GenerationServiceEvent):
    stream: ClassVar[str] = "caption_task"
    task_id: UUID
    user_id: UUID


class CaptionTaskStarted(CaptionTaskEvent):
    """A user wants the images of an account described; it waits for its turn."""

    connection_id: UUID
    settings: dict[str, Any] = {}


class CaptionTaskProgressed(CaptionTaskEvent):
    """It is at work, and so far."""

    progress_percent: int = Field(ge=0, le=100)
    current_step: str
    started_at: datetime


class CaptionTaskCompleted(CaptionTaskEvent):
    """Done; `results` counts what was done."""

    results: dict[str, Any] = {}
    started_at: datetime
    completed_at: datetime


class CaptionTaskFailed(CaptionTaskEvent):
    """It could not go on; the reason says what to do."""

    reason: str
    completed_at: datetime


class CaptionTaskCancelled(CaptionTaskEvent):
    """Its owner called it off."""

    completed_at: datetime


class CaptionTaskErased(CaptionTaskEvent):
    """The task went with the account it hung on."""


class CaptionSettingsEvent(GenerationServiceEvent):
    stream: ClassVar[str] = "caption_settings"
    caption_settings_id: UUID
    user_id: UUID


class CaptionSettingsChanged(CaptionSettingsEvent):
    """How a user wants images of one account described; all of it, whatever was changed. Lengths in characters."""

    connection_id: UUID
    max_posts_per_run: int = 50
    max_caption_length: int = 500
    optimal_min_length: int = 80
    optimal_max_length: int = 200
    reprocess_existing: bool = False
    processing_delay: float = 1.0  # seconds between two images
    created_at: datetime


class CaptionSettingsErased(CaptionSettingsEvent):
    """The settings went with the account they hung on."""


class TokenUsageEvent(GenerationServiceEvent):
    stream: ClassVar[str] = "token_usage"
    token_usage_id: UUID


class TokensUsed(TokenUsageEvent):
    """A model was asked, for a post or for a user. `cost_usd` is a decimal number, null when no price is known."""

    service: str
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: str | None = None
    post_id: UUID | None = None
    user_id: UUID | None = None


class TokenUsageErased(TokenUsageEvent):
    """The record stays for the day's sum, but says no more whose it was: the account is gone."""


class TokenBudgetEvent(GenerationServiceEvent):
    stream: ClassVar[str] = "token_budget"
    token_budget_id: UUID
    day: date  # in UTC
    user_id: UUID | None = None  # none: everybody's together
    used_tokens: int
    limit_tokens: int


class TokenBudgetNeared(TokenBudgetEvent):
    """Four fifths of the tokens that models may take in a day are used."""


class TokenBudgetExhausted(TokenBudgetEvent):
    """The tokens of the day are used: until it is over the offline engine writes and the offline judge decides."""


class CaptionGenerated(GenerationServiceEvent):
    """An image has a description, for people who cannot see it."""

    stream: ClassVar[str] = "caption"
    image_id: UUID
    user_id: UUID
    caption: str
    prompt_used: str | None = None
    category: str | None = None
    engine: str


class PostSummarised(GenerationServiceEvent):
    """A collected post has its summary in Korean, and what can be learned from it."""

    stream: ClassVar[str] = "summary"
    post_id: UUID
    user_id: UUID
    summary_ko: str
    tags: tuple[str, ...] = ()
    pain_points: tuple[dict[str, Any], ...] = ()  # description, category, severity, frequency
    product_ideas: tuple[
        dict[str, Any], ...
    ] = ()  # title, description, target_pain_point, feasibility, market_potential
    content_hash: str
    engine: str
