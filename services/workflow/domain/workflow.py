"""One piece of content on its way to several platforms: write, judge, perhaps again, review, publish.

Each platform goes its own way; a person's decision on one touches no other. What other services report late, twice or
out of order changes nothing that has moved on meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.envelope import Event
from contracts.events.workflow import (
    DraftAccepted,
    DraftEdited,
    DraftReceived,
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
from services.workflow.domain import ending, reviewing
from services.workflow.domain.state import Platform, Workflow, evolve
from shared.decider import Decider


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
        case ask.ImportPost():
            return _import(command, workflow)
        case ask.Review():
            return reviewing.review(command, workflow)
        case ask.Publish():
            return reviewing.publish(command, workflow)
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
        mode="manual" if command.template is None else "template",
        source=command.source,
        platforms=command.platforms,
        min_score=command.min_score,
        max_iterations=command.max_iterations,
        tone=command.tone,
        project_id=command.project_id,
        options=dict(command.options),
        criteria_weights=dict(command.criteria_weights),
        template=command.template,
    )
    return [
        started,
        *(
            DraftRequested(
                **common,
                platform=name,
                iteration=1,
                tone=command.tone,
                options=dict(command.options),
                criteria_weights=dict(command.criteria_weights),
            )
            for name in command.platforms
        ),
    ]


def _import(command: ask.ImportPost, workflow: Workflow) -> list[WorkflowEvent]:
    if workflow.user_id is not None:
        return []
    common = {"workflow_id": command.workflow_id, "user_id": command.user_id}
    draft = {"platform": command.platform, "draft_id": command.draft_id}
    events: list[WorkflowEvent] = [
        WorkflowStarted(**common, source=command.source, platforms=(command.platform,)),
        # It is based on nothing but itself.
        DraftEdited(
            **common, **draft, based_on_id=command.draft_id, iteration=1, content=command.content, purpose="publish"
        ),
    ]
    if (how := command.publication) is None:
        return [*events, PlatformReadyForReview(**common, **draft, iteration=1, reason="not_judged")]
    asked = PublicationRequested(
        **common,
        **draft,
        job_id=how.job_id,
        scheduled_for=how.scheduled_for,
        time_zone=how.time_zone,
        connection_id=how.connection_id,
    )
    return [*events, DraftAccepted(**common, **draft), asked]


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
            criteria_weights=dict(workflow.criteria_weights),
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
    creating=(ask.StartWorkflow, ask.ImportPost),
)
