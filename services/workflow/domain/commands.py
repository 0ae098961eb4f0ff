"""What can be asked of a workflow, by people and by what other services report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from contracts.events.workflow import AttachedImage, Source, TemplateUse

Action = Literal["accept", "reject", "edit_and_refine", "edit_and_publish"]


@dataclass(frozen=True, slots=True)
class StartWorkflow:
    workflow_id: UUID
    user_id: UUID
    source: Source
    platforms: tuple[str, ...]
    min_score: int = 70
    max_iterations: int = 3
    tone: str = "professional"
    project_id: UUID | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    criteria_weights: Mapping[str, float] = field(default_factory=dict)
    template: TemplateUse | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """How an accepted draft is to go out; without a time at once."""

    job_id: UUID
    scheduled_for: datetime | None = None
    time_zone: str | None = None
    connection_id: UUID | None = None
    media: tuple[AttachedImage, ...] = ()
    next_free_slot: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word on one platform. `draft_id` is the draft they saw; None: whichever is active."""

    platform: str
    action: Action
    draft_id: UUID | None = None
    feedback: str | None = None
    regenerate: bool = False
    content: str | None = None
    human_draft_id: UUID | None = None  # of the draft an edit makes
    publication: Publication | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """One or several decisions, all of them or none. `user_id` None: whoever holds the approval link `link_id`.

    `may_review_all`: the user's role reaches beyond their own workflows.
    """

    workflow_id: UUID
    user_id: UUID | None
    decisions: tuple[Decision, ...]
    may_review_all: bool = False
    link_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ImportPost:
    """A post written elsewhere: a workflow with one draft of a person's, which goes out as said or awaits review."""

    workflow_id: UUID
    user_id: UUID
    platform: str
    source: Source
    content: str
    draft_id: UUID
    publication: Publication | None


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish what was accepted before: platform → how."""

    workflow_id: UUID
    user_id: UUID
    publications: Mapping[str, Publication]


@dataclass(frozen=True, slots=True)
class NoteDraft:
    workflow_id: UUID
    platform: str
    draft_id: UUID
    iteration: int
    source: Literal["ai", "human"]


@dataclass(frozen=True, slots=True)
class NoteDraftFailed:
    workflow_id: UUID
    platform: str
    iteration: int
    reason: str


@dataclass(frozen=True, slots=True)
class NoteVerdict:
    """The judge has spoken; `score` None: no judge could."""

    workflow_id: UUID
    platform: str
    draft_id: UUID
    iteration: int
    score: int | None
    feedback: str


@dataclass(frozen=True, slots=True)
class NotePublished:
    workflow_id: UUID
    platform: str
    job_id: UUID
    draft_id: UUID
    url: str
    platform_post_id: str


@dataclass(frozen=True, slots=True)
class NoteJobFailed:
    workflow_id: UUID
    platform: str
    job_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class NoteJobCancelled:
    workflow_id: UUID
    platform: str
    job_id: UUID


@dataclass(frozen=True, slots=True)
class ArchiveWorkflow:
    """Put it away. `user_id`: the owner who asks; None: nobody touched it for long (only one that has ended goes)."""

    workflow_id: UUID
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RemoveWorkflow:
    workflow_id: UUID
    reason: Literal["project_deleted", "user_erased"]


@dataclass(frozen=True, slots=True)
class CleanCheckpoints:
    """Remove the checkpoints of a workflow that has ended."""

    workflow_id: UUID


COMMANDS = (
    ArchiveWorkflow,
    RemoveWorkflow,
    CleanCheckpoints,
    StartWorkflow,
    ImportPost,
    Review,
    Publish,
    NoteDraft,
    NoteDraftFailed,
    NoteVerdict,
    NotePublished,
    NoteJobFailed,
    NoteJobCancelled,
)
