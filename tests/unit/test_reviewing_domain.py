"""Who decides on drafts beside their owner, and what comes of a decision on what has moved on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from contracts.events.workflow import (
    DraftAccepted,
    DraftReceived,
    DraftRejected,
    DraftRequested,
    PlatformReadyForReview,
    PublicationRequested,
    Source,
    WorkflowArchived,
    WorkflowCompleted,
    WorkflowStarted,
)
from services.workflow.domain import commands as ask
from services.workflow.domain import workflow
from shared.decider import Conflict, Forbidden, NotFound
from tests.deciding import Deciding, deciding

ID, OWNER, REVIEWER, LINK = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
DRAFT, OLDER, JOB = UUID(int=5), UUID(int=6), UUID(int=7)
START = ask.StartWorkflow(ID, OWNER, Source(text="Bread rises.", sha256="0" * 64, characters=12), ("x",))
ACCEPT, REJECT = ask.Decision("x", "accept", DRAFT), ask.Decision("x", "reject", DRAFT, feedback="Shorter.")


def in_review() -> Deciding:
    past = deciding(workflow.decider).given().when(START).then_types(WorkflowStarted, DraftRequested)
    past = past.when(ask.NoteDraft(ID, "x", DRAFT, 1, "ai")).then_types(DraftReceived)
    return past.when(ask.NoteVerdict(ID, "x", DRAFT, 1, 90, "Good.")).then_types(PlatformReadyForReview)


def by_reviewer(decision: ask.Decision) -> ask.Review:
    return ask.Review(ID, REVIEWER, (decision,), may_review_all=True)


def by_link(decision: ask.Decision) -> ask.Review:
    return ask.Review(ID, None, (decision,), link_id=LINK)


@pytest.mark.parametrize(("command", "by"), [(by_reviewer(ACCEPT), (REVIEWER, None)), (by_link(ACCEPT), (None, LINK))])
def test_others_accept_in_the_owners_name(command: ask.Review, by: tuple[UUID | None, UUID | None]) -> None:
    accepted = in_review().when(command).then_types(DraftAccepted).history[-1]
    assert isinstance(accepted, DraftAccepted)
    assert (accepted.user_id, accepted.reviewer_id, accepted.link_id) == (OWNER, *by)


def test_a_reviewer_of_their_own_draft_is_its_owner() -> None:
    own = replace(by_reviewer(ACCEPT), user_id=OWNER)
    accepted = in_review().when(own).then_types(DraftAccepted).history[-1]
    assert isinstance(accepted, DraftAccepted)
    assert accepted.reviewer_id is None


@pytest.mark.parametrize("by", [by_reviewer, by_link])
def test_others_reject_and_ask_for_another_draft(by: Callable[[ask.Decision], ask.Review]) -> None:
    past = in_review()
    past.when(by(replace(REJECT, regenerate=True))).then_types(DraftRejected, DraftRequested)
    past.when(by(REJECT)).then_types(DraftRejected, WorkflowCompleted)


@pytest.mark.parametrize(
    "decision",
    [
        replace(ACCEPT, publication=ask.Publication(JOB)),
        replace(ACCEPT, action="edit_and_refine", content="Mine.", human_draft_id=OLDER),
        replace(ACCEPT, action="edit_and_publish", content="Mine.", human_draft_id=OLDER),
    ],
)
def test_only_the_owner_edits_and_publishes(decision: ask.Decision) -> None:
    in_review().when(by_reviewer(decision)).then_refused(Forbidden, "Only the owner")
    in_review().when(by_link(decision)).then_refused(Forbidden, "Only the owner")


def test_a_stranger_finds_nothing_to_decide_on() -> None:
    in_review().when(ask.Review(ID, REVIEWER, (ACCEPT,))).then_refused(NotFound)
    deciding(workflow.decider).given().when(by_reviewer(ACCEPT)).then_refused(NotFound)


def test_a_decision_on_an_older_draft_is_told_which_one_is_active() -> None:
    refusal = in_review().when(by_reviewer(replace(ACCEPT, draft_id=OLDER))).then_refused(Conflict, "older x draft")
    assert refusal.extra["current"] == {
        "platform": "x",
        "status": "awaiting_review",
        "iteration": 1,
        "active_draft_id": str(DRAFT),
        "job_id": None,
    }


def test_who_comes_second_is_told_what_was_decided() -> None:
    accepted = in_review().when(ask.Review(ID, OWNER, (ACCEPT,))).then_types(DraftAccepted)
    refusal = accepted.when(by_link(REJECT)).then_refused(Conflict, "is accepted, not awaiting review")
    assert refusal.extra["current"]["status"] == "accepted"


def test_a_failed_publication_is_for_its_owner_to_mend() -> None:
    publish = replace(ACCEPT, publication=ask.Publication(JOB))
    past = in_review().when(ask.Review(ID, OWNER, (publish,))).then_types(DraftAccepted, PublicationRequested)
    failed = past.given(*past.when(ask.NoteJobFailed(ID, "x", JOB, "Too long.")).events)
    failed.when(by_reviewer(ACCEPT)).then_refused(Conflict)
    failed.when(ask.Review(ID, OWNER, (ACCEPT,))).then_types(DraftAccepted)


def test_an_archived_workflow_takes_nobodys_decision() -> None:
    past = in_review().when(ask.ArchiveWorkflow(ID, OWNER)).then_types(WorkflowArchived)
    for command in (by_reviewer(ACCEPT), by_link(ACCEPT), ask.Review(ID, OWNER, (ACCEPT,))):
        past.when(command).then_refused(Conflict, "archived")
    past.when(ask.Review(ID, REVIEWER, (ACCEPT,))).then_refused(NotFound)
