"""What the workflow does about what the other services report."""

from __future__ import annotations

from contracts.events.evaluation import DraftEvaluated, EvaluationFailed
from contracts.events.generation import CaptionGenerated, DraftCreated, DraftFailed
from contracts.events.publishing import JobCancelled, JobFailed, JobPublished
from services.workflow.domain.caption import NoteCaption
from services.workflow.domain.commands import (
    NoteDraft,
    NoteDraftFailed,
    NoteJobCancelled,
    NoteJobFailed,
    NotePublished,
    NoteVerdict,
)
from shared.reactions import on


@on(DraftCreated)
def note_the_draft(event: DraftCreated) -> NoteDraft:
    return NoteDraft(event.workflow_id, event.platform, event.draft_id, event.iteration, event.source)


@on(DraftFailed)
def note_that_nobody_could_write(event: DraftFailed) -> NoteDraftFailed:
    return NoteDraftFailed(event.workflow_id, event.platform, event.iteration, event.reason)


@on(DraftEvaluated)
def ready_or_again(event: DraftEvaluated) -> NoteVerdict:
    return NoteVerdict(event.workflow_id, event.platform, event.draft_id, event.iteration, event.score, event.feedback)


@on(EvaluationFailed)
def leave_it_to_a_person(event: EvaluationFailed) -> NoteVerdict:
    return NoteVerdict(event.workflow_id, event.platform, event.draft_id, event.iteration, None, event.reason)


@on(JobPublished)
def note_that_it_is_out(event: JobPublished) -> NotePublished:
    return NotePublished(
        event.workflow_id, event.platform, event.job_id, event.draft_id, event.url, event.platform_post_id
    )


@on(JobFailed)
def note_that_it_is_not_out(event: JobFailed) -> NoteJobFailed:
    return NoteJobFailed(event.workflow_id, event.platform, event.job_id, event.reason)


@on(JobCancelled)
def note_that_it_was_called_off(event: JobCancelled) -> NoteJobCancelled:
    return NoteJobCancelled(event.workflow_id, event.platform, event.job_id)


@on(CaptionGenerated)
def ask_a_person(event: CaptionGenerated) -> NoteCaption:
    return NoteCaption(event.image_id, event.user_id, event.caption)
