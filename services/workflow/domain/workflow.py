"""One piece of content on its way to several platforms: write, judge, perhaps again, review, publish.

Each platform goes its own way; a person's decision on one touches no other. What other services report late, twice or
out of order changes nothing that has moved on meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from contracts.envelope import Event
from contracts.events.workflow import (
    DraftAccepted,
    DraftEdited,
    DraftReceived,
    DraftRejected,
    DraftRequested,
    PlatformCancelled,
    PlatformFailed,
    PlatformPublished,
    PlatformReadyForReview,
    PublicationRequested,
    WorkflowCompleted,
    WorkflowEvent,
    WorkflowStarted,
)
from services.workflow.domain import commands as ask
from services.workflow.domain import ending
from services.workflow.domain.state import Platform, Workflow, evolve, owned
from shared.decider import Conflict, Decider, Invalid


def decide(command: Any, workflow: Workflow) -> Sequence[Event]:
    match command:
        case ask.ArchiveWorkflow():
            return ending.archive(command, workflow)
        case ask.RemoveWorkflow():
            return ending.remove(command, workflow)
        case ask.CleanCheckpoints():
            return ending.clean(command, workflow)
    if workflow.archived or workflow.removed:
        return ending.put_away(command, workflow)
    decided = _decide(command, workflow)
    return _told(decided, workflow) if decided else []


def _decide(command: Any, workflow: Workflow) -> list[WorkflowEvent]:
    match command:
        case ask.StartWorkflow():
            return _start(command, workflow)
        case ask.Review():
            owned(workflow, command.user_id)
            return [event for decision in command.decisions for event in _review(command, decision, workflow)]
        case ask.Publish():
            owned(workflow, command.user_id)
            asked = command.publications.items()
            return [_publication(command, name, _accepted(workflow, name), how) for name, how in asked]
    platform = workflow.platforms.get(command.platform)
    if platform is None or workflow.user_id is None:
        return []
    common = {"workflow_id": command.workflow_id, "user_id": workflow.user_id, "platform": command.platform}
    match command:
        case ask.NoteDraft(source="ai"):
            return [_received(command, common)] if _awaited(platform, command.iteration, "generating") else []
        case ask.NoteVerdict():
            return _judged(command, platform, workflow, common)
        case ask.NoteDraftFailed():
            if not _awaited(platform, command.iteration, "generating"):
                return []
            return [PlatformFailed(**common, stage="generation", reason=command.reason)]
        case ask.NotePublished():
            if platform.status == "published" or platform.job_id != command.job_id:
                return []
            return [
                PlatformPublished(
                    **common,
                    job_id=command.job_id,
                    draft_id=command.draft_id,
                    url=command.url,
                    platform_post_id=command.platform_post_id,
                )
            ]
        case ask.NoteJobFailed():
            if platform.status != "accepted" or platform.job_id != command.job_id:
                return []
            return [PlatformFailed(**common, stage="publication", reason=command.reason)]
        case ask.NoteJobCancelled():
            if platform.status != "accepted" or platform.job_id != command.job_id:
                return []
            return [PlatformCancelled(**common, job_id=command.job_id)]
        case _:
            return []


def _start(command: ask.StartWorkflow, workflow: Workflow) -> list[WorkflowEvent]:
    if workflow.user_id is not None:
        return []
    common = {"workflow_id": command.workflow_id, "user_id": command.user_id}
    started = WorkflowStarted(
        **common,
        mode=command.mode,
        source=command.source,
        platforms=command.platforms,
        min_score=command.min_score,
        max_iterations=command.max_iterations,
        tone=command.tone,
        project_id=command.project_id,
        options=dict(command.options),
    )
    return [
        started,
        *(
            DraftRequested(**common, platform=name, iteration=1, tone=command.tone, options=dict(command.options))
            for name in command.platforms
        ),
    ]


def _judged(
    command: ask.NoteVerdict, platform: Platform, workflow: Workflow, common: Mapping[str, Any]
) -> list[WorkflowEvent]:
    if not _awaited(platform, command.iteration, "generating", "evaluating"):
        return []
    # The verdict may overtake the draft: they come from different services.
    events: list[WorkflowEvent] = [_received(command, common)] if platform.status == "generating" else []
    tries = command.iteration - platform.round_began + 1
    if command.score is not None and command.score < workflow.min_score and tries < workflow.max_iterations:
        again = DraftRequested(
            **common,
            iteration=command.iteration + 1,
            tone=workflow.tone,
            feedback=command.feedback,
            based_on_id=command.draft_id,
            options=dict(workflow.options),
        )
        return [*events, again]
    if command.score is None:
        reason = "not_judged"
    else:
        reason = "good_enough" if command.score >= workflow.min_score else "iterations_used_up"
    ready = PlatformReadyForReview(
        **common, draft_id=command.draft_id, iteration=command.iteration, score=command.score, reason=reason
    )
    return [*events, ready]


def _review(command: ask.Review, decision: ask.Decision, workflow: Workflow) -> list[WorkflowEvent]:
    platform = _reviewable(workflow, decision)
    common = {"workflow_id": command.workflow_id, "user_id": command.user_id, "platform": decision.platform}
    match decision.action:
        case "accept":
            accepted = DraftAccepted(**common, draft_id=platform.draft_id)
            how = decision.publication
            return [accepted, _publication(command, decision.platform, platform, how)] if how else [accepted]
        case "reject":
            rejected = DraftRejected(
                **common, draft_id=platform.draft_id, regenerate=decision.regenerate, feedback=decision.feedback
            )
            if not decision.regenerate:
                return [rejected]
            return [rejected, _again(workflow, platform, common, platform.iteration + 1, decision.feedback)]
        case "edit_and_refine":
            edited = _edit(decision, platform, common, "refine")
            after = replace(platform, draft_id=edited.draft_id)
            return [edited, _again(workflow, after, common, edited.iteration + 1, decision.feedback)]
        case "edit_and_publish":
            edited = _edit(decision, platform, common, "publish")
            after = replace(platform, draft_id=edited.draft_id)
            how = decision.publication
            if how is None:
                raise Invalid("Say how the edited text is to be published.")
            accepted = DraftAccepted(**common, draft_id=edited.draft_id)
            return [edited, accepted, _publication(command, decision.platform, after, how)]


def _edit(
    decision: ask.Decision, platform: Platform, common: Mapping[str, Any], purpose: Literal["refine", "publish"]
) -> DraftEdited:
    if not decision.content or not decision.content.strip() or decision.human_draft_id is None:
        raise Invalid(f"Send the edited text as `content`; {decision.action} needs it.")
    return DraftEdited(
        **common,
        draft_id=decision.human_draft_id,
        based_on_id=platform.draft_id,
        iteration=platform.iteration + 1,
        content=decision.content,
        purpose=purpose,
    )


def _again(
    workflow: Workflow, platform: Platform, common: Mapping[str, Any], iteration: int, feedback: str | None
) -> DraftRequested:
    return DraftRequested(
        **common,
        iteration=iteration,
        tone=workflow.tone,
        feedback=feedback,
        based_on_id=platform.draft_id,
        options=dict(workflow.options),
    )


def _publication(
    command: ask.Review | ask.Publish, name: str, platform: Platform, how: ask.Publication
) -> PublicationRequested:
    return PublicationRequested(
        workflow_id=command.workflow_id,
        user_id=command.user_id,
        platform=name,
        draft_id=platform.draft_id,
        job_id=how.job_id,
        scheduled_for=how.scheduled_for,
        time_zone=how.time_zone,
        connection_id=how.connection_id,
    )


def _known(workflow: Workflow, name: str) -> Platform:
    platform = workflow.platforms.get(name)
    if platform is None:
        there = ", ".join(workflow.platforms)
        raise Invalid(f"This workflow does not write for {name!r}; choose one of: {there}.")
    return platform


def _reviewable(workflow: Workflow, decision: ask.Decision) -> Platform:
    platform = _known(workflow, decision.platform)
    current = _current(decision.platform, platform)
    # A failed publication may be mended by another decision; a failed generation has no draft to decide on.
    if platform.status != "awaiting_review" and not (platform.status == "failed" and platform.draft_id is not None):
        raise Conflict(
            f"The {decision.platform} draft is {platform.status.replace('_', ' ')}, not awaiting review; "
            "read the workflow again and decide on what it shows.",
            current=current,
        )
    if decision.draft_id is not None and decision.draft_id != platform.draft_id:
        raise Conflict(
            f"You decided on an older {decision.platform} draft; read the active one and decide again.", current=current
        )
    return platform


def _accepted(workflow: Workflow, name: str) -> Platform:
    platform = _known(workflow, name)
    if platform.status != "accepted" or platform.job_id is not None:
        what = "is being published already" if platform.job_id else f"is {platform.status.replace('_', ' ')}"
        raise Conflict(
            f"The {name} draft {what}; only an accepted draft can be published, once.", current=_current(name, platform)
        )
    return platform


def _current(name: str, platform: Platform) -> dict[str, Any]:
    return {
        "platform": name,
        "status": platform.status,
        "iteration": platform.iteration,
        "active_draft_id": str(platform.draft_id) if platform.draft_id else None,
        "job_id": str(platform.job_id) if platform.job_id else None,
    }


def _awaited(platform: Platform, iteration: int, *statuses: str) -> bool:
    return platform.iteration == iteration and platform.status in statuses


def _received(command: ask.NoteDraft | ask.NoteVerdict, common: Mapping[str, Any]) -> DraftReceived:
    return DraftReceived(**common, draft_id=command.draft_id, iteration=command.iteration, source="ai")


def _told(decided: Sequence[WorkflowEvent], workflow: Workflow) -> list[Event]:
    """The events with the workflow's status after each, and its completion when the last platform became final."""
    events: list[Event] = []
    for event in decided:
        workflow = evolve(workflow, event)
        if workflow.status != event.workflow_status:
            event = event.model_copy(update={"workflow_status": workflow.status})
        events.append(event)
    if workflow.status in ("completed", "failed") and not workflow.completed:
        last = decided[-1]
        outcomes = {name: platform.status for name, platform in workflow.platforms.items()}
        events.append(
            WorkflowCompleted(
                workflow_id=last.workflow_id, user_id=last.user_id, workflow_status=workflow.status, outcomes=outcomes
            )
        )
    return events


decider: Decider[Workflow] = Decider(
    stream="workflow",
    initial=Workflow(),
    decide=decide,
    evolve=evolve,
    commands=ask.COMMANDS,
    stream_id=lambda command: command.workflow_id,
    creating=(ask.StartWorkflow,),
)
