"""What an evaluation allows, and what evaluation makes of drafts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from contracts.envelope import Meta
from contracts.events.evaluation import DraftEvaluated, EvaluationFailed
from contracts.events.generation import DraftCreated
from services.evaluation import reactions
from services.evaluation.domain import evaluation
from services.evaluation.domain.evaluation import FailEvaluation, RecordEvaluation
from services.evaluation.settings import EvaluationSettings
from shared.ids import derive
from shared.reactions import LeasedTask, Reactions, Task
from tests.deciding import deciding

given = deciding(evaluation.decider).given

EVALUATION, DRAFT, WORKFLOW, USER, EVENT = (UUID(int=n) for n in range(1, 6))
WHO = {
    "evaluation_id": EVALUATION,
    "draft_id": DRAFT,
    "workflow_id": WORKFLOW,
    "user_id": USER,
    "platform": "x",
    "iteration": 2,
}
VERDICT = {
    "score": 81,
    "criteria_scores": {"clarity": 81},
    "criteria_weights": {"clarity": 1.0},
    "feedback": "Ask something.",
    "judge": "model",
    "model": "mini",
    "measures": {"length": 12},
}
RECORD = RecordEvaluation(**WHO, **VERDICT)
RECORDED = DraftEvaluated(**WHO, **VERDICT)
FAIL = FailEvaluation(**WHO, reason="It took too long.")
FAILED = EvaluationFailed(**WHO, reason="It took too long.")


def created(**changes: Any) -> DraftCreated:
    """A draft as it arrives from generation."""
    event = DraftCreated(
        draft_id=DRAFT,
        workflow_id=WORKFLOW,
        user_id=USER,
        platform="x",
        iteration=2,
        title="On bread",
        content="Bread rises. 🥖",
        source="ai",
        engine="offline",
        language="en",
        tone="casual",
    )
    meta = Meta(EVENT, "draft", DRAFT, 1, datetime(2026, 1, 31, tzinfo=UTC), WORKFLOW)
    return event.model_copy(update=changes).at(meta)


def leased(task: Task) -> LeasedTask:
    return LeasedTask(task.id, task.kind, task.lane, task.payload, 1, UUID(int=9), WORKFLOW, EVENT, USER, None)


def test_a_verdict_is_kept_with_everything_known_of_it() -> None:
    given().when(RECORD).then(RECORDED)


def test_a_draft_judged_twice_is_judged_once_whatever_the_second_says() -> None:
    given(RECORDED).when(RECORD).then_nothing()
    given(RECORDED).when(replace(RECORD, score=1)).then_nothing()


def test_a_failure_is_said_once() -> None:
    given().when(FAIL).then(FAILED)
    given(FAILED).when(FAIL).then_nothing()


def test_a_verdict_that_comes_after_the_failure_and_a_failure_after_the_verdict_change_nothing() -> None:
    given(FAILED).when(RECORD).then_nothing()
    given(RECORDED).when(FAIL).then_nothing()


@pytest.mark.parametrize("score", [-1, 101])
def test_no_verdict_lies_outside_the_scale(score: int) -> None:
    with pytest.raises(ValidationError, match="score"):
        given().when(replace(RECORD, score=score))


def test_a_draft_becomes_one_task_however_often_it_is_heard() -> None:
    first, again = (Reactions(reactions).outcomes(created()) for _ in range(2))
    assert first == again
    (task,) = first
    assert (task.id, task.kind) == (derive(EVENT, "judge"), "judge")
    asked = reactions.Judgement.model_validate(task.payload)
    assert (asked.content, asked.title, asked.language, asked.tone) == ("Bread rises. 🥖", "On bread", "en", "casual")
    assert asked.evaluation_id == derive("evaluation", DRAFT)


def test_a_persons_draft_is_not_judged() -> None:
    assert Reactions(reactions).outcomes(created(source="human")) == []


def test_giving_up_leaves_it_to_a_person() -> None:
    task = reactions.have_it_judged(created())
    assert task is not None
    (command,) = reactions.leave_it_to_a_person(leased(task), "It took too long.")
    (failed,) = given().when(command).events
    assert isinstance(failed, EvaluationFailed)
    assert failed.reason == "It took too long. Read the draft and decide without a score."
    assert (failed.evaluation_id, failed.draft_id) == (derive("evaluation", DRAFT), DRAFT)


def test_the_judge_decides_how_many_drafts_are_in_hand_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(judge: str) -> int:
        settings = EvaluationSettings(judge=judge, model_name="any", model_base_url="http://127.0.0.1/v1")  # type: ignore[arg-type]
        return Reactions(reactions, concurrency=settings.concurrency()).workers["judge"].concurrency

    assert at_once("offline") == 4
    assert at_once("offline") < at_once("model") < at_once("instant")
    monkeypatch.setenv("PRESSWORK_WORK_CONCURRENCY", '{"judge": 2}')
    assert at_once("instant") == 2


def test_the_environment_chooses_the_judge_and_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = '{"platform_appropriateness": 1, "style_consistency": 1, "clarity": 6, "engagement": 1, "grammar": 1}'
    monkeypatch.setenv("PRESSWORK_JUDGE", "instant")
    monkeypatch.setenv("PRESSWORK_JUDGE_WEIGHTS", weights)
    settings = EvaluationSettings()
    assert (settings.judge, settings.judge_weights["clarity"], settings.model_timeout) == ("instant", 6, 30)
    monkeypatch.setenv("PRESSWORK_JUDGE", "model")
    with pytest.raises(ValidationError, match="PRESSWORK_MODEL_BASE_URL"):
        EvaluationSettings()
    monkeypatch.setenv("PRESSWORK_JUDGE", "crystal ball")
    with pytest.raises(ValidationError, match="judge"):
        EvaluationSettings()
