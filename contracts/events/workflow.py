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


class TemplateUse(BaseModel):
    """A template that a user's values were put into."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    template_id: UUID
    name: str
    variables: dict[str, str] = {}


Tone = Literal["professional", "casual", "friendly", "formal", "enthusiastic", "direct", "storytelling", "educational"]
WorkflowStatus = Literal["running", "awaiting_review", "completed", "failed"]


class WorkflowEvent(WorkflowServiceEvent):
    stream: ClassVar[str] = "workflow"
    workflow_id: UUID
    user_id: UUID
    workflow_status: WorkflowStatus = "running"  # of the whole workflow once this has happened


class WorkflowStarted(WorkflowEvent):
    """A piece of content is to become posts. Version 1 had the bare `source_text` and one bar for all.

    In mode `template` a filled `template` is the source, or, where there is another one, the brief among the options.
    """

    schema_version: ClassVar[int] = 2
    mode: Literal["manual", "template"] = "manual"
    source: Source
    platforms: tuple[str, ...]
    min_score: int = 70
    max_iterations: int = 3
    tone: str = "professional"
    project_id: UUID | None = None
    options: dict[str, Any] = {}
    criteria_weights: dict[str, float] = {}  # how much each criterion counts; empty: as the judge has it
    template: TemplateUse | None = None


class PlatformEvent(WorkflowEvent):
    platform: str


class DraftRequested(PlatformEvent):
    """Somebody has to write: the first draft, or a better one with the feedback."""

    iteration: int
    tone: str = "professional"
    feedback: str | None = None
    based_on_id: UUID | None = None
    options: dict[str, Any] = {}
    criteria_weights: dict[str, float] = {}


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
    """A person stands behind the draft: its owner, unless a reviewer or an approval link is named."""

    draft_id: UUID
    reviewer_id: UUID | None = None
    link_id: UUID | None = None


class DraftRejected(PlatformEvent):
    """A person does not want the draft; with `regenerate` another one is asked for."""

    draft_id: UUID
    regenerate: bool = False
    feedback: str | None = None
    reviewer_id: UUID | None = None  # who decided, when it was not the owner
    link_id: UUID | None = None  # the approval link it was decided with


class DraftEdited(PlatformEvent):
    """A person wrote the text themselves. `refine` lets the engine go on from it, `publish` takes it as it is."""

    draft_id: UUID  # of the human draft that generation keeps
    based_on_id: UUID
    iteration: int
    content: str
    purpose: Literal["refine", "publish"]


class AttachedImage(BaseModel):
    """An image that goes out with a post, and what it shows for those who cannot see it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    file_id: UUID
    alt_text: str


class PublicationRequested(PlatformEvent):
    """An accepted draft is to be published, now or later."""

    draft_id: UUID
    job_id: UUID
    scheduled_for: datetime | None = None
    time_zone: str | None = None
    connection_id: UUID | None = None
    media: tuple[AttachedImage, ...] = ()
    next_free_slot: bool = False  # publishing gives it a time


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


class WorkflowArchived(WorkflowEvent):
    """Put away: nothing is written, reviewed or published from it any more; all of it can still be read."""

    reason: Literal["owner", "inactive"]


class WorkflowRemoved(WorkflowEvent):
    """The workflow is gone, because its project or its owner is; so is what other services keep of it."""

    reason: Literal["project_deleted", "user_erased"]


class CheckpointsCleaned(WorkflowEvent):
    """The checkpoints of all earlier events of this workflow are removed; the events stay."""


class PlannedStep(BaseModel):
    """One step of a plan, numbered from 1."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: int
    name: str
    description: str


InputType = Literal["pdf", "code", "url", "youtube", "text"]


class ExecutionEvent(WorkflowServiceEvent):
    stream: ClassVar[str] = "execution"
    execution_id: UUID
    user_id: UUID


class ExecutionPlanned(ExecutionEvent):
    """Somebody gave an input, and the steps to take are known."""

    input_type: InputType
    input_value: str
    input_file_id: UUID | None = None
    input_file_url: str | None = None
    steps: tuple[PlannedStep, ...]
    auto_correct: bool = True
    max_retries: int = 3
    metadata: dict[str, Any] = {}


class StepEvent(ExecutionEvent):
    step: int  # its number in the plan, from 1
    step_attempt: int  # from 1


class StepStarted(StepEvent):
    """A step is being worked on."""

    step_name: str


class StepCompleted(StepEvent):
    """The step gave something, which is to be validated."""

    step_output: Any = None
    duration_ms: int


class StepFailed(StepEvent):
    """The step gave nothing; it is corrected and run again, or the execution ends."""

    reason: str
    duration_ms: int


class StepValidated(StepEvent):
    """What the step gave was judged."""

    passed: bool
    validation_score: float  # 0 to 1
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class StepCorrected(StepEvent):
    """Why the step failed was found out; it may run again with other parameters."""

    root_cause: str
    strategy: str
    action: str
    confidence: float  # 0 to 1
    adjusted_parameters: dict[str, Any] = {}


class ArtifactProduced(ExecutionEvent):
    """Something to keep came out: data inline, or a file by its address."""

    artifact_id: UUID
    artifact_type: Literal["summary", "analysis", "documentation", "visualization", "data_export"]
    name: str | None = None
    data: dict[str, Any] | None = None
    file_url: str | None = None
    file_size_bytes: int | None = None
    mime_type: str | None = None
    verified: bool = False


class ExecutionCompleted(ExecutionEvent):
    """The last step passed."""


class ExecutionFailed(ExecutionEvent):
    """A step failed for good."""

    step: int
    reason: str


class ExecutionCancelled(ExecutionEvent):
    """Its owner called it off."""


class ExecutionRemoved(ExecutionEvent):
    """The execution, its logs and its artifacts are gone."""

    reason: Literal["expired", "user_erased"]


class ExecutionLogsRemoved(WorkflowServiceEvent):
    """What executions logged before this moment was too old and is gone; the executions may still be there."""

    stream: ClassVar[str] = "execution_log"
    execution_log_id: UUID  # of all logs together
    before: datetime


class RunEvent(WorkflowServiceEvent):
    stream: ClassVar[str] = "run"
    run_id: UUID
    user_id: UUID


class ProcessingRunStarted(RunEvent):
    """A batch of posts is gone through for images without captions."""

    batch_id: str | None = None
    connection_id: UUID | None = None
    platform_type: str | None = None
    instance_url: str | None = None


class ProcessingRunProgressed(RunEvent):
    """How far the batch has come, counted from its start."""

    posts_processed: int = 0
    images_processed: int = 0
    captions_generated: int = 0
    errors_count: int = 0
    retry_attempts: int = 0
    retry_successes: int = 0
    retry_failures: int = 0
    retry_total_time: int = 0  # seconds
    retry_stats: dict[str, Any] | None = None


class ProcessingRunFinished(RunEvent):
    """The batch is over."""

    run_status: Literal["completed", "failed", "cancelled"]


class ProcessingRunRemoved(RunEvent):
    """The record of the batch is gone."""

    reason: Literal["expired", "user_erased"]


class CaptionEvent(WorkflowServiceEvent):
    stream: ClassVar[str] = "caption"
    image_id: UUID
    user_id: UUID  # whose image it is


class CaptionReadyForReview(CaptionEvent):
    """A caption was written; a person has to decide on it."""

    caption: str


class CaptionReviewed(CaptionEvent):
    """A person approved the caption, perhaps in other words, or rejected it."""

    reviewer_id: UUID
    decision: Literal["approve", "reject"]
    caption: str | None = None  # the words that were approved
    notes: str | None = None
    reviewed_at: datetime
