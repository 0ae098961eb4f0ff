"""What a workflow allows, and what it makes of what the other services report."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from contracts.events.workflow import (
    CheckpointsCleaned,
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
    Source,
    TemplateUse,
    WorkflowArchived,
    WorkflowCompleted,
    WorkflowRemoved,
    WorkflowStarted,
)
from services.workflow.domain import commands as ask
from services.workflow.domain import project, workflow
from shared.decider import Conflict, Invalid, NotFound
from tests.deciding import Deciding, deciding

given = deciding(workflow.decider).given

ID, USER, STRANGER = UUID(int=1), UUID(int=2), UUID(int=3)
DRAFT, OTHER, JOB, HUMAN = UUID(int=4), UUID(int=5), UUID(int=6), UUID(int=7)
SOURCE = Source(title="On bread", text="Bread rises.", sha256="0" * 64, characters=12)
START = ask.StartWorkflow(ID, USER, SOURCE, ("x",), min_score=70, max_iterations=3)
START_TWO = replace(START, platforms=("x", "blog"))


def started(command: ask.StartWorkflow = START) -> Deciding:
    return given().when(command).then_types(WorkflowStarted, *([DraftRequested] * len(command.platforms)))


def draft(platform: str = "x", iteration: int = 1, draft_id: UUID = DRAFT) -> ask.NoteDraft:
    return ask.NoteDraft(ID, platform, draft_id, iteration, "ai")


def verdict(score: int | None, platform: str = "x", iteration: int = 1, draft_id: UUID = DRAFT) -> ask.NoteVerdict:
    return ask.NoteVerdict(ID, platform, draft_id, iteration, score, "Say it shorter.")


def decision(action: ask.Action, platform: str = "x", **more: object) -> ask.Review:
    return ask.Review(ID, USER, (ask.Decision(platform, action, **more),))  # type: ignore[arg-type]


def in_review() -> Deciding:
    past = started().when(draft()).then_types(DraftReceived)
    return past.when(verdict(90)).then_types(PlatformReadyForReview)


def accepted() -> Deciding:
    accept = decision("accept", publication=ask.Publication(JOB))
    return in_review().when(accept).then_types(DraftAccepted, PublicationRequested)


def last(past: Deciding) -> object:
    return past.history[-1]


def test_starting_asks_for_a_draft_per_platform() -> None:
    past = started(START_TWO)
    assert [event.platform for event in past.history if isinstance(event, DraftRequested)] == ["x", "blog"]


def test_the_weights_of_the_criteria_go_with_every_draft_that_is_asked_for() -> None:
    weights = {"clarity": 0.75, "grammar": 0.25}
    past = started(replace(START, criteria_weights=weights)).when(draft()).then_types(DraftReceived)
    past = past.when(verdict(10)).then_types(DraftRequested).when(draft(iteration=2)).then_types(DraftReceived)
    past = past.when(verdict(90, iteration=2)).then_types(PlatformReadyForReview)
    refine = decision("edit_and_refine", content="Mine.", human_draft_id=HUMAN)
    past = past.when(refine).then_types(DraftEdited, DraftRequested)
    asked = [event.criteria_weights for event in past.history if isinstance(event, DraftRequested)]
    assert asked == [weights] * 3


def test_a_workflow_by_a_template_says_which_and_tells_every_writer_of_it() -> None:
    use = TemplateUse(template_id=OTHER, name="Launch", variables={"product": "an oven"})
    past = started(replace(START_TWO, template=use, options={"brief": "Praise an oven."}))
    first = past.history[0]
    assert isinstance(first, WorkflowStarted)
    assert (first.mode, first.template) == ("template", use)
    assert [each.options for each in past.history[1:] if isinstance(each, DraftRequested)] == [
        {"brief": "Praise an oven."}
    ] * 2


def test_starting_twice_is_starting_once() -> None:
    started().when(START).then_nothing()


def test_a_good_draft_goes_to_review() -> None:
    ready = last(in_review())
    assert isinstance(ready, PlatformReadyForReview)
    assert (ready.score, ready.reason, ready.workflow_status) == (90, "good_enough", "awaiting_review")


def test_a_draft_at_the_bar_is_good_enough() -> None:
    past = started().when(draft()).then_types(DraftReceived)
    past.when(verdict(70)).then_types(PlatformReadyForReview)


def test_a_weak_draft_is_asked_for_again_with_the_feedback() -> None:
    past = started().when(draft()).then_types(DraftReceived)
    again = last(past.when(verdict(69)).then_types(DraftRequested))
    assert isinstance(again, DraftRequested)
    assert (again.iteration, again.feedback, again.based_on_id) == (2, "Say it shorter.", DRAFT)


def test_after_the_last_try_a_person_decides_whatever_the_score() -> None:
    past = started()
    for iteration in (1, 2):
        past = past.when(draft(iteration=iteration)).then_types(DraftReceived)
        past = past.when(verdict(10, iteration=iteration)).then_types(DraftRequested)
    past = past.when(draft(iteration=3)).then_types(DraftReceived)
    ready = last(past.when(verdict(10, iteration=3)).then_types(PlatformReadyForReview))
    assert isinstance(ready, PlatformReadyForReview)
    assert ready.reason == "iterations_used_up"


def test_a_verdict_that_overtakes_its_draft_counts_and_the_draft_changes_nothing_later() -> None:
    past = started().when(verdict(90)).then_types(DraftReceived, PlatformReadyForReview)
    past.when(draft()).then_nothing()


@pytest.mark.parametrize("late", [draft(iteration=2), verdict(90, iteration=2), verdict(90, platform="blog")])
def test_what_nobody_waits_for_changes_nothing(late: object) -> None:
    started().when(late).then_nothing()


def test_hearing_a_verdict_twice_changes_nothing() -> None:
    in_review().when(verdict(90)).then_nothing()


def test_without_a_judge_a_person_decides() -> None:
    past = started().when(draft()).then_types(DraftReceived)
    ready = last(past.when(verdict(None)).then_types(PlatformReadyForReview))
    assert isinstance(ready, PlatformReadyForReview)
    assert (ready.score, ready.reason) == (None, "not_judged")


def test_a_draft_nobody_could_write_fails_its_platform_only() -> None:
    failed = ask.NoteDraftFailed(ID, "x", 1, "The source holds no sentence.")
    past = started(START_TWO).when(failed).then_types(PlatformFailed)
    past.when(draft("blog")).then_types(DraftReceived)


def test_when_every_platform_failed_the_workflow_failed() -> None:
    failed = ask.NoteDraftFailed(ID, "x", 1, "The source holds no sentence.")
    completed = last(started().when(failed).then_types(PlatformFailed, WorkflowCompleted))
    assert isinstance(completed, WorkflowCompleted)
    assert (completed.outcomes, completed.workflow_status) == ({"x": "failed"}, "failed")


def test_accepting_without_publishing_leaves_the_publication_for_later() -> None:
    past = in_review().when(decision("accept")).then_types(DraftAccepted)
    publish = ask.Publish(ID, USER, {"x": ask.Publication(JOB)})
    past = past.when(publish).then_types(PublicationRequested)
    past.when(publish).then_refused(Conflict, "being published already")


def test_accepting_twice_is_refused_with_the_present_state() -> None:
    refused = accepted().when(decision("accept")).then_refused(Conflict, "not awaiting review")
    assert refused.extra["current"]["status"] == "accepted"


def test_deciding_on_an_older_draft_is_refused() -> None:
    in_review().when(decision("accept", draft_id=OTHER)).then_refused(Conflict, "older x draft")


def test_a_stranger_finds_no_workflow() -> None:
    review = ask.Review(ID, STRANGER, (ask.Decision("x", "accept"),))
    in_review().when(review).then_refused(NotFound)


def test_a_platform_the_workflow_does_not_write_for_is_refused() -> None:
    in_review().when(decision("accept", platform="linkedin")).then_refused(Invalid, "choose one of: x")


def test_decisions_take_effect_together_or_not_at_all() -> None:
    past = started(START_TWO).when(draft()).then_types(DraftReceived)
    past = past.when(verdict(90)).then_types(PlatformReadyForReview)
    both = ask.Review(ID, USER, (ask.Decision("x", "accept"), ask.Decision("blog", "accept")))
    past.when(both).then_refused(Conflict, "blog draft is generating")


def test_a_rejection_is_final() -> None:
    past = in_review().when(decision("reject")).then_types(DraftRejected, WorkflowCompleted)
    past.when(decision("accept")).then_refused(Conflict)


def test_a_rejection_may_ask_for_another_draft_and_gives_the_engine_all_its_tries_again() -> None:
    past = (
        in_review()
        .when(decision("reject", regenerate=True, feedback="Warmer."))
        .then_types(DraftRejected, DraftRequested)
    )
    again = last(past)
    assert isinstance(again, DraftRequested)
    assert (again.iteration, again.feedback, again.workflow_status) == (2, "Warmer.", "running")
    for iteration in (2, 3):
        past = past.when(draft(iteration=iteration)).then_types(DraftReceived)
        past = past.when(verdict(10, iteration=iteration)).then_types(DraftRequested)
    past = past.when(draft(iteration=4)).then_types(DraftReceived)
    past.when(verdict(10, iteration=4)).then_types(PlatformReadyForReview)


def test_an_edit_to_refine_keeps_the_persons_text_and_lets_the_engine_go_on_from_it() -> None:
    edit = decision("edit_and_refine", content="My words.", human_draft_id=HUMAN, feedback="More like this.")
    past = in_review().when(edit).then_types(DraftEdited, DraftRequested)
    edited, again = past.history[-2:]
    assert isinstance(edited, DraftEdited)
    assert isinstance(again, DraftRequested)
    assert (edited.draft_id, edited.based_on_id, edited.iteration) == (HUMAN, DRAFT, 2)
    assert (again.based_on_id, again.iteration) == (HUMAN, 3)


def test_an_edit_to_publish_is_accepted_as_it_is() -> None:
    edit = decision("edit_and_publish", content="My words.", human_draft_id=HUMAN, publication=ask.Publication(JOB))
    past = in_review().when(edit).then_types(DraftEdited, DraftAccepted, PublicationRequested)
    wanted = last(past)
    assert isinstance(wanted, PublicationRequested)
    assert (wanted.draft_id, wanted.job_id) == (HUMAN, JOB)


def test_an_edit_without_a_text_is_refused() -> None:
    in_review().when(decision("edit_and_refine", content="  ", human_draft_id=HUMAN)).then_refused(
        Invalid, "edited text"
    )


def published(job_id: UUID = JOB) -> ask.NotePublished:
    return ask.NotePublished(ID, "x", job_id, DRAFT, "https://x.com/i/1", "1")


def test_the_last_published_platform_completes_the_workflow_once() -> None:
    past = accepted().when(published()).then_types(PlatformPublished, WorkflowCompleted)
    past.when(published()).then_nothing()
    completed = last(past)
    assert isinstance(completed, WorkflowCompleted)
    assert (completed.outcomes, completed.workflow_status) == ({"x": "published"}, "completed")


def test_a_job_that_is_not_the_present_one_changes_nothing() -> None:
    accepted().when(published(OTHER)).then_nothing()
    accepted().when(ask.NoteJobFailed(ID, "x", OTHER, "No.")).then_nothing()


def test_a_failed_publication_can_be_retried_to_the_end() -> None:
    past = (
        accepted().when(ask.NoteJobFailed(ID, "x", JOB, "Check X first.")).then_types(PlatformFailed, WorkflowCompleted)
    )
    completed = last(past.when(published()).then_types(PlatformPublished, WorkflowCompleted))
    assert isinstance(completed, WorkflowCompleted)
    assert completed.workflow_status == "completed"


def test_a_failed_publication_can_be_mended_by_an_edit() -> None:
    past = accepted().when(ask.NoteJobFailed(ID, "x", JOB, "Too long.")).then_types(PlatformFailed, WorkflowCompleted)
    edit = decision("edit_and_publish", content="Short.", human_draft_id=HUMAN, publication=ask.Publication(OTHER))
    past.when(edit).then_types(DraftEdited, DraftAccepted, PublicationRequested)


def test_a_cancelled_publication_leaves_the_draft_accepted() -> None:
    past = accepted().when(ask.NoteJobCancelled(ID, "x", JOB)).then_types(PlatformCancelled)
    past.when(ask.Publish(ID, USER, {"x": ask.Publication(OTHER)})).then_types(PublicationRequested)


def test_one_platforms_review_touches_no_other() -> None:
    past = started(START_TWO).when(draft()).then_types(DraftReceived)
    past = past.when(verdict(90)).then_types(PlatformReadyForReview)
    before = past.state.platforms["blog"]
    after = past.when(decision("reject")).then_types(DraftRejected)
    assert after.state.platforms["blog"] == before


of_project = deciding(project.decider).given


def test_a_project_is_made_once_changed_and_removed_by_its_owner() -> None:
    past = of_project().when(project.CreateProject(ID, USER, "Bread")).then_types(project.ProjectCreated)
    past.when(project.CreateProject(ID, USER, "Bread")).then_nothing()
    past.when(project.UpdateProject(ID, USER, "Bread")).then_nothing()
    past.when(project.UpdateProject(ID, STRANGER, "Mine")).then_refused(NotFound)
    past = past.when(project.DeleteProject(ID, USER)).then_types(project.ProjectDeleted)
    past.when(project.DeleteProject(ID, USER)).then_nothing()
    past.when(project.UpdateProject(ID, USER, "Back")).then_refused(NotFound)


def ended() -> Deciding:
    return in_review().when(decision("reject")).then_types(DraftRejected, WorkflowCompleted)


def test_an_ended_workflow_is_archived_by_its_owner_or_after_a_long_time() -> None:
    for command, reason in ((ask.ArchiveWorkflow(ID, USER), "owner"), (ask.ArchiveWorkflow(ID), "inactive")):
        ended().when(command).then(
            WorkflowArchived(workflow_id=ID, user_id=USER, workflow_status="completed", reason=reason)
        )
        ended().when(command).then_types(WorkflowArchived).when(command).then_nothing()
    ended().when(ask.ArchiveWorkflow(ID, STRANGER)).then_refused(NotFound)


def test_what_has_not_ended_is_archived_by_its_owner_alone_and_only_while_nothing_is_under_way() -> None:
    in_review().when(ask.ArchiveWorkflow(ID)).then_nothing()
    in_review().when(ask.ArchiveWorkflow(ID, USER)).then_types(WorkflowArchived)
    started().when(ask.ArchiveWorkflow(ID, USER)).then_refused(Conflict, "Work for x is under way")
    accepted().when(ask.ArchiveWorkflow(ID, USER)).then_refused(Conflict, "cancel its job")


def test_nothing_happens_in_an_archived_workflow() -> None:
    archived = in_review().when(ask.ArchiveWorkflow(ID, USER)).then_types(WorkflowArchived)
    archived.when(decision("accept")).then_refused(Conflict, "archived", current={"status": "archived"})
    archived.when(replace(decision("accept"), user_id=STRANGER)).then_refused(NotFound)
    archived.when(draft(iteration=2)).then_nothing()


def test_a_removed_workflow_exists_for_nobody() -> None:
    gone = started().when(ask.RemoveWorkflow(ID, "project_deleted")).then_types(WorkflowRemoved)
    gone.when(ask.RemoveWorkflow(ID, "user_erased")).then_nothing()
    gone.when(decision("accept")).then_refused(NotFound)
    gone.when(ask.ArchiveWorkflow(ID, USER)).then_refused(NotFound)
    gone.when(draft()).then_nothing()
    given().when(ask.RemoveWorkflow(ID, "user_erased")).then_nothing()


def test_checkpoints_are_cleaned_once_a_workflow_has_ended() -> None:
    in_review().when(ask.CleanCheckpoints(ID)).then_nothing()
    cleaned = ended().when(ask.CleanCheckpoints(ID)).then_types(CheckpointsCleaned)
    cleaned.when(ask.CleanCheckpoints(ID)).then_nothing()
    archived = cleaned.when(ask.ArchiveWorkflow(ID)).then_types(WorkflowArchived)
    archived.when(ask.CleanCheckpoints(ID)).then_types(CheckpointsCleaned)


def test_an_imported_post_goes_out_as_said_or_awaits_review_and_is_imported_once() -> None:
    plain = ask.ImportPost(START.workflow_id, START.user_id, "x", START.source, "Bread rises.", DRAFT, None)
    kinds = (WorkflowStarted, DraftEdited)
    waiting = deciding(workflow.decider).when(plain).then_types(*kinds, PlatformReadyForReview)
    assert waiting.state.platforms["x"].status == "awaiting_review"
    waiting.when(plain).then_nothing()
    planned = replace(plain, publication=ask.Publication(DRAFT))
    accepted = deciding(workflow.decider).when(planned).then_types(*kinds, DraftAccepted, PublicationRequested)
    assert accepted.state.platforms["x"].status == "accepted"
    accepted.when(verdict(90)).then_nothing()
