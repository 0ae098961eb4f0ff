"""What an execution, a processing run and a caption's review allow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

import pytest

from contracts.events.workflow import (
    ArtifactProduced,
    CaptionReadyForReview,
    CaptionReviewed,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionPlanned,
    ExecutionRemoved,
    InputType,
    ProcessingRunFinished,
    ProcessingRunProgressed,
    ProcessingRunRemoved,
    ProcessingRunStarted,
    StepCompleted,
    StepCorrected,
    StepFailed,
    StepStarted,
    StepValidated,
)
from services.workflow.domain import caption, execution, run
from services.workflow.domain.execution import (
    CancelExecution,
    CompleteStep,
    CorrectStep,
    FailStep,
    PlanExecution,
    ProduceArtifact,
    RemoveExecution,
    StartStep,
    ValidateStep,
    as_plan,
)
from services.workflow.domain.plan import plan
from services.workflow.domain.run import FinishRun, Progress, RemoveRun, ReportProgress, StartRun
from shared.decider import Conflict, Invalid, NotFound
from tests.deciding import Deciding, deciding

ID, USER, STRANGER, IMAGE = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
PLAN = PlanExecution(ID, USER, "text", "Bread rises.", max_retries=1)
AT = datetime(2026, 3, 5, tzinfo=UTC)


def planned(command: PlanExecution = PLAN) -> Deciding:
    return deciding(execution.decider).when(command).then_types(ExecutionPlanned)


def started(past: Deciding, step: int = 1, attempt: int = 1) -> Deciding:
    return past.when(StartStep(ID, step, attempt)).then_types(StepStarted)


def completed(past: Deciding, step: int = 1, attempt: int = 1) -> Deciding:
    return started(past, step, attempt).when(CompleteStep(ID, step, attempt, {"n": step}, 5)).then_types(StepCompleted)


def passed(past: Deciding, step: int) -> Deciding:
    return completed(past, step).when(ValidateStep(ID, step, 1, True, 0.9)).then_types(StepValidated)


CORRECT = CorrectStep(ID, 1, 1, "cut off", "incomplete", "Ask again", 0.8, {"limit": 2})


@pytest.mark.parametrize("input_type", get_args(InputType))
def test_a_plan_has_four_to_six_numbered_steps(input_type: Any) -> None:
    steps = plan(input_type)
    assert 4 <= len(steps) <= 6
    assert [step.id for step in steps] == list(range(1, len(steps) + 1))


def test_every_step_passes_and_the_last_completes_it() -> None:
    past = planned()
    for step in (1, 2, 3):
        past = passed(past, step)
    end = completed(past, 4).when(ValidateStep(ID, 4, 1, True, 1.0)).then_types(StepValidated, ExecutionCompleted)
    assert end.state.status == "completed"
    assert [step["status"] for step in as_plan(end.state)["steps"]] == ["completed"] * 4
    end.when(ValidateStep(ID, 4, 1, True, 1.0)).then_nothing()
    end.when(StartStep(ID, 4, 2)).then_refused(Conflict, "completed")


def test_a_plan_is_made_once() -> None:
    planned().when(replace(PLAN, input_type="code")).then_nothing()


@pytest.mark.parametrize(
    "report",
    [StartStep(ID, 1, 1), CompleteStep(ID, 1, 1, {"n": 1}, 5), FailStep(ID, 1, 1, "late", 5)],
)
def test_what_was_told_before_changes_nothing(report: Any) -> None:
    completed(planned()).when(report).then_nothing()


@pytest.mark.parametrize(
    "report",
    [
        StartStep(ID, 2, 1),
        StartStep(ID, 1, 2),
        CompleteStep(ID, 1, 1, None, 5),
        ValidateStep(ID, 1, 1, True, 1.0),
        CORRECT,
    ],
)
def test_a_report_out_of_turn_is_refused_with_the_state(report: Any) -> None:
    current = {"status": "planned", "current_step": 0}
    planned().when(report).then_refused(Conflict, "read the execution again", current=current)


def test_a_step_beyond_the_plan_is_refused() -> None:
    planned().when(StartStep(ID, 5, 1)).then_refused(Invalid, "steps 1 to 4")


def test_what_does_not_pass_is_corrected_and_run_again() -> None:
    bad = ValidateStep(ID, 1, 1, False, 0.2, ("No end.",))
    past = completed(planned()).when(bad).then_types(StepValidated)
    assert past.state.status == "correcting"
    past.when(StartStep(ID, 1, 2)).then_refused(Conflict)
    past = past.when(CORRECT).then_types(StepCorrected)
    past.when(CORRECT).then_nothing()
    past = completed(past, 1, 2).when(ValidateStep(ID, 1, 2, True, 0.8)).then_types(StepValidated)
    steps = as_plan(past.state)
    assert steps["corrections_applied"] == 1
    assert steps["steps"][0] == {
        **steps["steps"][0], "status": "completed", "attempts": 2, "output": {"n": 1}, "duration_ms": 5
    }  # fmt: skip


def test_when_the_retries_are_used_up_it_fails() -> None:
    past = started(planned()).when(FailStep(ID, 1, 1, "Too slow.", 9)).then_types(StepFailed)
    past = past.when(CORRECT).then_types(StepCorrected)
    end = started(past, 1, 2).when(FailStep(ID, 1, 2, "Too slow.", 9)).then_types(StepFailed, ExecutionFailed)
    assert end.history[-1].reason == "Read the text: Too slow."  # type: ignore[attr-defined]
    assert end.state.status == "failed"
    end.when(CorrectStep(ID, 1, 2, "x", "x", "x", 0.1)).then_refused(Conflict, "failed")


def test_without_correction_the_first_failure_is_the_last() -> None:
    past = completed(planned(replace(PLAN, auto_correct=False)))
    past.when(ValidateStep(ID, 1, 1, False, 0.2)).then_types(StepValidated, ExecutionFailed)


def test_it_can_be_cancelled_by_its_owner_until_it_ends() -> None:
    past = started(planned())
    past.when(CancelExecution(ID, STRANGER)).then_refused(NotFound)
    end = past.when(CancelExecution(ID, USER)).then_types(ExecutionCancelled)
    end.when(CancelExecution(ID, USER)).then_nothing()
    end.when(CompleteStep(ID, 1, 1, None, 1)).then_refused(Conflict, "cancelled")
    failed = started(planned(replace(PLAN, auto_correct=False)))
    failed = failed.when(FailStep(ID, 1, 1, "x", 1)).then_types(StepFailed, ExecutionFailed)
    failed.when(CancelExecution(ID, USER)).then_refused(
        Conflict, "failed", current={"status": "failed", "current_step": 1}
    )


def test_an_artifact_is_kept_once_and_holds_something() -> None:
    artifact = ProduceArtifact(ID, UUID(int=9), "summary", data={"text": "Short."})
    past = started(planned()).when(artifact).then_types(ArtifactProduced)
    past.when(artifact).then_nothing()
    past.when(ProduceArtifact(ID, UUID(int=10), "summary")).then_refused(Invalid, "file_url")
    past.when(CancelExecution(ID, USER)).then_types(ExecutionCancelled).when(
        replace(artifact, artifact_id=UUID(int=11))
    ).then_refused(Conflict, "no artifacts")


def test_retention_leaves_what_is_in_use_and_erasure_does_not() -> None:
    running = started(planned())
    running.when(RemoveExecution(ID, "expired")).then_nothing()
    gone = running.when(RemoveExecution(ID, "user_erased")).then_types(ExecutionRemoved)
    gone.when(RemoveExecution(ID, "user_erased")).then_nothing()
    gone.when(CompleteStep(ID, 1, 1, None, 1)).then_refused(NotFound)
    ended = running.when(CancelExecution(ID, USER)).then_types(ExecutionCancelled)
    ended.when(RemoveExecution(ID, "expired")).then_types(ExecutionRemoved)
    deciding(execution.decider).when(RemoveExecution(ID, "expired")).then_nothing()


def running_run() -> Deciding:
    return deciding(run.decider).when(StartRun(ID, USER, "b1")).then_types(ProcessingRunStarted)


def test_a_run_counts_up_until_it_ends() -> None:
    running_run().when(StartRun(ID, USER, "b1")).then_nothing()
    report = ReportProgress(ID, Progress(posts_processed=3, images_processed=5))
    past = running_run().when(report).then_types(ProcessingRunProgressed)
    past.when(report).then_nothing()
    past.when(ReportProgress(ID, Progress(posts_processed=2))).then_refused(Invalid, "never become less")
    end = past.when(FinishRun(ID, "completed")).then_types(ProcessingRunFinished)
    end.when(FinishRun(ID, "completed")).then_nothing()
    end.when(FinishRun(ID, "cancelled", USER)).then_refused(Conflict, "completed")
    end.when(ReportProgress(ID, Progress(posts_processed=9))).then_refused(Conflict, "completed")


def test_a_run_is_cancelled_and_removed_by_whom_it_concerns() -> None:
    past = running_run()
    past.when(FinishRun(ID, "cancelled", STRANGER)).then_refused(NotFound)
    past.when(RemoveRun(ID, "expired")).then_nothing()
    gone = past.when(RemoveRun(ID, "user_erased")).then_types(ProcessingRunRemoved)
    gone.when(FinishRun(ID, "completed")).then_refused(NotFound)
    gone.when(RemoveRun(ID, "user_erased")).then_nothing()
    deciding(run.decider).when(FinishRun(ID, "completed")).then_refused(NotFound)


def review(**changes: Any) -> caption.ReviewCaption:
    return replace(caption.ReviewCaption(IMAGE, USER, False, "approve", None, None, AT), **changes)


def ready() -> Deciding:
    noted = caption.NoteCaption(IMAGE, USER, "A heap steams.")
    return deciding(caption.decider).when(noted).then_types(CaptionReadyForReview)


def test_a_caption_is_approved_as_it_is_or_in_other_words() -> None:
    common = {"image_id": IMAGE, "user_id": USER, "reviewer_id": USER, "decision": "approve", "reviewed_at": AT}
    ready().when(review()).then(CaptionReviewed(**common, caption="A heap steams."))
    ready().when(review(caption="  A compost heap. ")).then(CaptionReviewed(**common, caption="A compost heap."))


def test_a_reviewer_decides_on_anybodys_caption_and_a_stranger_on_none() -> None:
    ready().when(review(reviewer_id=STRANGER)).then_refused(NotFound)
    past = ready().when(review(reviewer_id=STRANGER, may_review_all=True)).then_types(CaptionReviewed)
    assert past.state.reviewed.user_id == USER
    deciding(caption.decider).when(review(may_review_all=True)).then_refused(NotFound)


@pytest.mark.parametrize(
    ("changes", "saying"),
    [
        ({"decision": "reject"}, "notes"),
        ({"decision": "reject", "notes": "No.", "caption": "x"}, "Leave out"),
        ({"caption": "   "}, "empty"),
        ({"caption": "x" * 501}, "501 characters"),
    ],
)
def test_a_review_that_says_too_little_or_too_much_is_refused(changes: dict[str, Any], saying: str) -> None:
    ready().when(review(**changes)).then_refused(Invalid, saying)


def test_a_caption_is_decided_on_once_until_there_is_a_new_one() -> None:
    past = ready().when(review(decision="reject", notes="Blurred.")).then_types(CaptionReviewed)
    past.when(review(decision="reject", notes="Blurred.")).then_nothing()
    past.when(review()).then_refused(Conflict, "rejected already", current={"decision": "reject", "caption": None})
    again = past.when(caption.NoteCaption(IMAGE, USER, "A heap.")).then_types(CaptionReadyForReview)
    again.when(caption.NoteCaption(IMAGE, USER, "A heap.")).then_nothing()
    again.when(review()).then_types(CaptionReviewed)
