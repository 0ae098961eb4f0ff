"""A person's word on drafts: the owner's, a reviewer's, or that of whoever holds an approval link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

from contracts.events.workflow import (
    DraftAccepted,
    DraftEdited,
    DraftRejected,
    DraftRequested,
    PublicationRequested,
    WorkflowEvent,
)
from services.workflow.domain import commands as ask
from services.workflow.domain.state import Platform, Workflow, owned, there
from shared.decider import Conflict, Forbidden, Invalid


def review(command: ask.Review, workflow: Workflow) -> list[WorkflowEvent]:
    """Raises NotFound, Forbidden, Invalid, and Conflict for a decision on what has moved on meanwhile."""
    decides_for(command, workflow)
    return [event for decision in command.decisions for event in _review(command, decision, workflow)]


def publish(command: ask.Publish, workflow: Workflow) -> list[WorkflowEvent]:
    """What was accepted before goes out, once. Raises NotFound, Invalid, Conflict."""
    owner = owned(workflow, command.user_id)
    asked = command.publications.items()
    return [_publication(command.workflow_id, owner, name, _accepted(workflow, name), how) for name, how in asked]


def decides_for(command: ask.Review, workflow: Workflow) -> UUID:
    """The owner, in whose name is decided. Raises NotFound for whoever may not."""
    if command.link_id is not None or command.may_review_all:
        return there(workflow)
    return owned(workflow, command.user_id)


def _review(command: ask.Review, decision: ask.Decision, workflow: Workflow) -> list[WorkflowEvent]:
    owner = decides_for(command, workflow)
    for_another = command.user_id != owner
    if for_another and (decision.publication is not None or decision.action not in ("accept", "reject")):
        raise Forbidden("Only the owner edits and publishes; accept the draft, or reject it and say what to change.")
    platform = _reviewable(workflow, decision, mending=not for_another)
    common = {"workflow_id": command.workflow_id, "user_id": owner, "platform": decision.platform}
    by = {"reviewer_id": command.user_id, "link_id": command.link_id} if for_another else {}
    match decision.action:
        case "accept":
            accepted = DraftAccepted(**common, **by, draft_id=platform.draft_id)
            how = decision.publication
            if how is None:
                return [accepted]
            return [accepted, _publication(command.workflow_id, owner, decision.platform, platform, how)]
        case "reject":
            rejected = DraftRejected(
                **common, **by, draft_id=platform.draft_id, regenerate=decision.regenerate, feedback=decision.feedback
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
            published = _publication(command.workflow_id, owner, decision.platform, after, how)
            return [edited, accepted, published]


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
        criteria_weights=dict(workflow.criteria_weights),
    )


def _publication(
    workflow_id: UUID, owner: UUID, name: str, platform: Platform, how: ask.Publication
) -> PublicationRequested:
    assert platform.draft_id is not None
    return PublicationRequested(
        workflow_id=workflow_id,
        user_id=owner,
        platform=name,
        draft_id=platform.draft_id,
        job_id=how.job_id,
        scheduled_for=how.scheduled_for,
        time_zone=how.time_zone,
        connection_id=how.connection_id,
        media=how.media,
        next_free_slot=how.next_free_slot,
    )


def _known(workflow: Workflow, name: str) -> Platform:
    platform = workflow.platforms.get(name)
    if platform is None:
        names = ", ".join(workflow.platforms)
        raise Invalid(f"This workflow does not write for {name!r}; choose one of: {names}.")
    return platform


def _reviewable(workflow: Workflow, decision: ask.Decision, *, mending: bool) -> Platform:
    platform = _known(workflow, decision.platform)
    current = _current(decision.platform, platform)
    # Its owner may mend a failed publication by another decision; a failed generation has no draft to decide on.
    mendable = mending and platform.status == "failed" and platform.draft_id is not None
    if platform.status != "awaiting_review" and not mendable:
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
