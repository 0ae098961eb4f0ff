"""What happens next: projects, and one workflow per piece of content."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.envelope import Event


class WorkflowServiceEvent(Event):
    owner: ClassVar[str] = "workflow"


class ProjectEvent(WorkflowServiceEvent):
    stream: ClassVar[str] = "project"
    project_id: UUID
    user_id: UUID


class ProjectCreated(ProjectEvent):
    """A folder for related work."""

    title: str
    description: str | None = None


class ProjectUpdated(ProjectEvent):
    """The project got another title or description."""

    title: str
    description: str | None = None


class ProjectDeleted(ProjectEvent):
    """The project and what hangs on it is gone."""


class Source(BaseModel):
    """The content a workflow turns into posts: inline, or by reference when it is big."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    title: str = ""
    text: str | None = None
    file_id: UUID | None = None
    sha256: str
    characters: int
    language: str = ""
    url: str | None = None


WorkflowStatus = Literal["running", "awaiting_review", "completed", "failed"]


class WorkflowEvent(WorkflowServiceEvent):
    stream: ClassVar[str] = "workflow"
    workflow_id: UUID
    user_id: UUID
    workflow_status: WorkflowStatus = "running"  # of the whole workflow once this has happened


class WorkflowStarted(WorkflowEvent):
    """A piece of content is to become posts. Version 1 had the bare `source_text` and one bar for all."""

    schema_version: ClassVar[int] = 2
    mode: Literal["manual", "template"] = "manual"
    source: Source
    platforms: tuple[str, ...]
    min_score: int = 70
    max_iterations: int = 3
    tone: str = "professional"
    project_id: UUID | None = None
    options: dict[str, Any] = {}


class PlatformEvent(WorkflowEvent):
    platform: str


class DraftRequested(PlatformEvent):
    """Somebody has to write: the first draft, or a better one with the feedback."""

    iteration: int
    tone: str = "professional"
    feedback: str | None = None
    based_on_id: UUID | None = None
    options: dict[str, Any] = {}


class DraftReceived(PlatformEvent):
    """A draft lies before the judge, or was written by a person."""

    draft_id: UUID
    iteration: int
    source: Literal["ai", "human"]


class PlatformReadyForReview(PlatformEvent):
    """A person has to decide."""

    draft_id: UUID
    iteration: int
    score: int | None = None
    reason: Literal["good_enough", "iterations_used_up", "not_judged"]


class DraftAccepted(PlatformEvent):
    """A person stands behind the draft."""

    draft_id: UUID


class DraftRejected(PlatformEvent):
    """A person does not want the draft; with `regenerate` another one is asked for."""

    draft_id: UUID
    regenerate: bool = False
    feedback: str | None = None


class DraftEdited(PlatformEvent):
    """A person wrote the text themselves. `refine` lets the engine go on from it, `publish` takes it as it is."""

    draft_id: UUID  # of the human draft that generation keeps
    based_on_id: UUID
    iteration: int
    content: str
    purpose: Literal["refine", "publish"]


class PublicationRequested(PlatformEvent):
    """An accepted draft is to be published, now or later."""

    draft_id: UUID
    job_id: UUID
    scheduled_for: datetime | None = None
    time_zone: str | None = None
    connection_id: UUID | None = None


class PlatformPublished(PlatformEvent):
    """The post is out."""

    job_id: UUID
    draft_id: UUID
    url: str
    platform_post_id: str


class PlatformFailed(PlatformEvent):
    """This platform will get no post unless somebody acts; the reason says what to do."""

    reason: str
    stage: Literal["generation", "publication"]


class WorkflowCompleted(WorkflowEvent):
    """Every platform is final."""

    outcomes: dict[str, str]  # platform → published | rejected | failed


class PlatformCancelled(PlatformEvent):
    """The publication was called off by its owner; the draft stays accepted."""

    job_id: UUID


class CaptionReviewed(WorkflowServiceEvent):
    """A person has decided about the caption of an image."""

    stream: ClassVar[str] = "caption"
    image_id: UUID
    user_id: UUID  # whose image it is
    reviewer_id: UUID
    decision: Literal["approve", "reject"]
    caption: str | None = None  # the reviewer's own wording; None: as it was generated
    notes: str | None = None
    reviewed_at: datetime
