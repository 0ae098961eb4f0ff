"""The score of an image's description: the documented points, always the same, with advice that says what to change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from contracts.envelope import Meta
from contracts.events.evaluation import CaptionEvaluated, CaptionEvaluationErased, DraftEvaluated, EvaluationErased
from contracts.events.generation import CaptionGenerated
from services.evaluation.captions import judge_the_caption
from services.evaluation.domain import caption_evaluation, evaluation
from services.evaluation.domain.caption_evaluation import EraseCaptionEvaluation, RecordCaptionEvaluation
from services.evaluation.domain.evaluation import EraseEvaluation, RecordEvaluation
from services.evaluation.judges.captions import judge
from tests.deciding import deciding

GOOD = "A large compost heap with white steam above it stands behind a wooden fence on a cold, sunny morning."
EVALUATION, IMAGE, ADA, OTHER = (UUID(int=n) for n in range(1, 5))


def test_a_good_description_is_excellent_and_nothing_is_to_be_changed() -> None:
    verdict = judge(GOOD)
    assert verdict.criteria == {"length": 100, "content": 90, "clarity": 90}
    assert (verdict.score, verdict.level, verdict.needs_special_review) == (93, "excellent", False)
    assert verdict.feedback == "Nothing to change was found."


@pytest.mark.parametrize(
    ("characters", "points"), [(19, 20), (20, 60), (79, 60), (80, 100), (200, 100), (201, 80), (500, 80), (501, 40)]
)
def test_the_length_counts_by_bands(characters: int, points: int) -> None:
    text = ("Green leaf and " * 40)[: characters - 1] + "."
    assert len(text) == characters
    assert judge(text).criteria["length"] == points


@pytest.mark.parametrize(
    ("text", "content", "advice"),
    [
        (GOOD.replace("stands", "maybe stands"), 50, "without 'maybe'"),
        (f"A picture of a heap: {GOOD}", 60, "Leave 'a picture' out"),
        ("A red heap.", 45, "Write a whole sentence."),
        ("Somewhere there is a heap of leaves to be had.", 50, "Name colours, sizes"),
        ("It is a red heap of leaves and that is all.", 70, ""),
        ("Maybe an image.", 0, "Name colours"),
    ],
)
def test_content_loses_points_for_what_says_little(text: str, content: int, advice: str) -> None:
    verdict = judge(text)
    assert verdict.criteria["content"] == content, verdict
    assert advice in verdict.feedback


@pytest.mark.parametrize(
    ("text", "clarity", "advice"),
    [
        (GOOD.replace("wooden fence", "thing"), 60, "Name what 'thing' stands for."),
        (GOOD[0].lower() + GOOD[1:], 80, "Begin with a capital letter."),
        (f"{GOOD} And more", 80, "End with a full stop."),
        (GOOD.removesuffix("."), 70, "Write at least one sentence."),
        (GOOD.replace("with", "with with"), 65, "Say 'with' less often."),
        ("Steam, steam and steam over it.", 65, "Say 'steam' less often."),
        ("", 60, "Begin with a capital letter."),
    ],
)
def test_clarity_loses_points_for_what_is_hard_to_follow(text: str, clarity: int, advice: str) -> None:
    verdict = judge(text)
    assert verdict.criteria["clarity"] == clarity, verdict
    assert advice in verdict.feedback


@pytest.mark.parametrize(
    "text", ["", "🌱", "maybe something", "추운 아침, 나무 울타리 뒤 퇴비 더미에서 하얀 김이 난다."]
)
def test_below_seventy_a_person_looks_closely(text: str) -> None:
    verdict = judge(text)
    assert verdict.needs_special_review == (verdict.score < 70)
    assert verdict.level in ("fair", "poor", "good")


@for_all(st.text(max_size=600))
def test_any_text_has_a_score_and_always_the_same(text: str) -> None:
    verdict = judge(text)
    assert 0 <= verdict.score <= 100
    assert verdict == judge(text)
    assert verdict.feedback


given = deciding(caption_evaluation.decider).given
RECORD = RecordCaptionEvaluation(EVALUATION, IMAGE, ADA, GOOD, 93, "excellent", False, "Fine.", {"length": 100})
WHO = {"caption_evaluation_id": EVALUATION, "image_id": IMAGE, "user_id": ADA}
EVALUATED = CaptionEvaluated(
    **WHO,
    score=93,
    level="excellent",
    needs_special_review=False,
    feedback="Fine.",
    criteria_scores={"length": 100},
    caption=GOOD,
)


def test_a_verdict_is_kept_once_and_erased_once() -> None:
    given().when(RECORD).then(EVALUATED)
    given(EVALUATED).when(RECORD).then_nothing()
    later = EVALUATED.model_copy(update={"caption_evaluation_id": OTHER})
    given(EVALUATED).when(replace(RECORD, caption_evaluation_id=OTHER)).then(later)
    erased = CaptionEvaluationErased(**WHO)
    given(EVALUATED, later).when(EraseCaptionEvaluation(**WHO)).then(erased)
    given(EVALUATED, later, erased).when(EraseCaptionEvaluation(**WHO)).then_nothing()


def test_a_caption_that_is_heard_is_judged() -> None:
    event = CaptionGenerated(image_id=IMAGE, user_id=ADA, caption=GOOD, engine="offline")
    heard = event.at(Meta(OTHER, "caption", IMAGE, 1, datetime(2026, 3, 5, tzinfo=UTC), IMAGE))
    command = judge_the_caption(heard)
    assert (command.image_id, command.user_id, command.caption) == (IMAGE, ADA, GOOD)
    assert (command.score, command.level) == (93, "excellent")
    assert command == judge_the_caption(heard)


def test_an_evaluation_is_erased_once_and_never_judged_again() -> None:
    parts = {"draft_id": OTHER, "workflow_id": OTHER, "user_id": ADA, "platform": "x", "iteration": 1}
    judged = {"score": 80, "criteria_scores": {"clarity": 80}, "feedback": "Fine.", "judge": "offline"}
    evaluated = DraftEvaluated(evaluation_id=EVALUATION, **parts, **judged)
    erased = EvaluationErased(evaluation_id=EVALUATION, user_id=ADA)
    drafts = deciding(evaluation.decider).given
    drafts(evaluated).when(EraseEvaluation(EVALUATION, ADA)).then(erased)
    drafts(evaluated, erased).when(EraseEvaluation(EVALUATION, ADA)).then_nothing()
    drafts().when(EraseEvaluation(EVALUATION, ADA)).then_nothing()
    drafts(evaluated, erased).when(RecordEvaluation(evaluation_id=EVALUATION, **parts, **judged)).then_nothing()
