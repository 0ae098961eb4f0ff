"""What the workflow API takes and gives."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contracts.events.workflow import Tone
from shared.platforms import PLATFORMS


def _known_platform(name: str) -> str:
    if name not in PLATFORMS:
        raise ValueError(f"Unknown platform {name!r}; choose from: {', '.join(PLATFORMS)}.")
    return name


def distinct(names: list[str]) -> list[str]:
    """The names, each once. Raises ValueError."""
    if len(set(names)) != len(names):
        raise ValueError("Name each platform once.")
    return names


PlatformName = Annotated[
    str,
    AfterValidator(_known_platform),
    Field(examples=["linkedin"], json_schema_extra={"enum": list(PLATFORMS)}),
]
# PostgreSQL's text cannot hold NUL.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300, pattern=r"^[^\x00]*$")]
Placeholder = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00]*$")]
WorkflowStatus = Literal["running", "awaiting_review", "completed", "failed", "archived"]


class In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewProject(In):
    """A folder for related work."""

    title: Title = Field(examples=["Q4 podcast"])
    description: Annotated[Text, Field(max_length=5000)] | None = None


class ProjectChange(In):
    """New values; what is left out stays."""

    title: Title | None = None
    description: Annotated[Text, Field(max_length=5000)] | None = None


class Project(BaseModel):
    id: UUID
    title: str
    description: str | None
    created_at: datetime
    updated_at: datetime


class DayOfProjects(BaseModel):
    """What a day (UTC) saw."""

    day: date
    active_users: int = Field(description="Users who made a project.")
    total_projects: int = Field(description="Projects they made.")


class SourceIn(In):
    """The content: a text, a URL, or a file uploaded before. Exactly one of them."""

    text: Annotated[Text, Field(max_length=1_000_000)] | None = None
    url: Annotated[Text, Field(max_length=2000)] | None = None
    file_id: UUID | None = None
    title: Annotated[Text, Field(max_length=300)] = ""

    @model_validator(mode="after")
    def exactly_one(self) -> SourceIn:
        if sum(each is not None for each in (self.text, self.url, self.file_id)) != 1:
            raise ValueError("Send exactly one of `text`, `url` and `file_id`.")
        if self.text is not None and not self.text.strip():
            raise ValueError("The source is empty; send some text to make posts from.")
        return self


Weight = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class CriteriaWeights(In):
    """How much each criterion of the judge counts, from 0 (not at all) to 1 (nothing else); together 1."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"clarity": 0.5, "engagement": 0.3, "grammar": 0.2}]}
    )

    platform_appropriateness: Weight = 0.0
    style_consistency: Weight = 0.0
    clarity: Weight = 0.0
    engagement: Weight = 0.0
    grammar: Weight = 0.0

    @model_validator(mode="after")
    def together_one(self) -> CriteriaWeights:
        together = sum(self.model_dump().values())
        # Three thirds, written with two digits, are meant as one.
        if not 0.985 <= together <= 1.015:
            raise ValueError(f"The weights of the criteria come to {together:.3g} together; make them come to 1.")
        return self


class TemplateIn(In):
    """A template and the values of its placeholders.

    Filled, it is the text that posts are made of; beside a `source` it tells the writer how to make posts of that.
    """

    template_id: UUID
    variables: dict[Placeholder, Annotated[Text, Field(max_length=20_000)]] = Field(
        default_factory=dict, max_length=40, examples=[{"product": "The quiet oven"}]
    )


class NewWorkflow(In):
    """One piece of content that is to become a post on each platform."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"source": {"text": "Our article …"}, "platforms": ["linkedin", "x", "blog"], "min_score": 75}]
        },
    )

    source: SourceIn | None = Field(None, description="Not needed in mode `template`.")
    platforms: Annotated[list[PlatformName], Field(min_length=1, max_length=10), AfterValidator(distinct)]
    mode: Literal["manual", "template"] = "manual"
    template_input: TemplateIn | None = Field(None, description="For mode `template`.")
    min_score: Annotated[int, Field(ge=0, le=100)] | None = Field(None, description="Default: 70.")
    max_iterations: Annotated[int, Field(ge=1, le=20)] | None = Field(None, description="Default: 3.")
    tone: Tone = Field("professional", description="`GET /api/v1/tones` says what each is.")
    criteria_weights: CriteriaWeights | None = Field(
        None, description="What counts in the score of a draft; left out, as this installation has it."
    )
    project_id: UUID | None = None

    @model_validator(mode="after")
    def of_its_mode(self) -> NewWorkflow:
        if self.mode == "template" and self.template_input is None:
            raise ValueError("Send `template_input` with a `template_id`; mode template needs it.")
        if self.mode == "manual" and self.template_input is not None:
            raise ValueError('`template_input` goes with `"mode": "template"`; send both or neither.')
        if self.mode == "manual" and self.source is None:
            raise ValueError("Send a `source`: a `text`, a `url` or a `file_id`.")
        return self


class ImageIn(In):
    """An image that goes out with the post."""

    file_id: UUID = Field(description="A PNG, JPEG, GIF or WebP file uploaded before.")
    alt_text: Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)] = Field(
        description="What it shows, for people who cannot see it.", examples=["A loaf of bread beside a clock."]
    )


class PublishIn(In):
    """When and through which connection; empty means now, through the default one."""

    scheduled_for: datetime | None = Field(
        None, description="With an offset, or a local time beside `time_zone`.", examples=["2030-05-01T09:00:00"]
    )
    time_zone: Annotated[Text, Field(max_length=64)] | None = Field(
        None, description="IANA name.", examples=["Europe/Berlin"]
    )
    next_free_slot: bool = Field(False, description="At the next free one of your slots, instead of a time.")
    connection_id: UUID | None = None
    media: Annotated[list[ImageIn], Field(max_length=20)] = []


class DecisionIn(In):
    """A person's word on one platform's draft."""

    platform: PlatformName
    action: Literal["accept", "reject", "edit_and_refine", "edit_and_publish"]
    draft_id: UUID | None = Field(None, description="The draft you read; an older one is refused with 409.")
    feedback: Annotated[Text, Field(max_length=5000)] | None = Field(None, description="What to change next time.")
    regenerate: bool = Field(False, description="With reject: ask for another draft.")
    content: Annotated[Text, Field(min_length=1, max_length=50_000)] | None = Field(
        None, description="The edited text; required for the edits, forbidden otherwise."
    )
    publish: PublishIn | None = Field(None, description="With accept: publish it, too.")

    @model_validator(mode="after")
    def consistent(self) -> DecisionIn:
        edits = self.action.startswith("edit_")
        if edits and not (self.content and self.content.strip()):
            raise ValueError(f"Send the edited text as `content`; {self.action} needs it.")
        if not edits and self.content is not None:
            raise ValueError(f"Leave out `content`; {self.action} takes the draft as it is.")
        if self.regenerate and self.action != "reject":
            raise ValueError("`regenerate` goes with reject only.")
        if self.publish is not None and self.action not in ("accept", "edit_and_publish"):
            raise ValueError("`publish` goes with accept and edit_and_publish only.")
        return self


class ReviewIn(In):
    """Decisions on one or several platforms; all take effect or none."""

    decisions: Annotated[list[DecisionIn], Field(min_length=1, max_length=10)]

    @model_validator(mode="after")
    def one_each(self) -> ReviewIn:
        distinct([decision.platform for decision in self.decisions])
        return self


class PublicationIn(PublishIn):
    """An accepted draft that is to go out."""

    platform: PlatformName


class PublishRequest(In):
    """Accepted drafts that are to go out."""

    publications: Annotated[list[PublicationIn], Field(min_length=1, max_length=10)]

    @model_validator(mode="after")
    def one_each(self) -> PublishRequest:
        distinct([publication.platform for publication in self.publications])
        return self


class PlatformState(BaseModel):
    id: UUID
    platform: str
    status: str
    active_draft_id: UUID | None
    iteration: int
    score: int | None
    job_id: UUID | None
    url: str | None
    reason: str | None
    created_at: datetime
    updated_at: datetime


class Workflow(BaseModel):
    id: UUID
    status: WorkflowStatus
    mode: str
    title: str
    source_content: dict[str, Any] | None
    template_input: dict[str, Any] | None
    manual_options: dict[str, Any] | None
    project_id: UUID | None
    created_at: datetime
    updated_at: datetime


class WorkflowWithStates(Workflow):
    states: list[PlatformState]
