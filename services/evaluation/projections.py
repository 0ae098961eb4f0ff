"""Rows of evaluations, of drafts and of captions."""

from __future__ import annotations

from datetime import datetime

from contracts.events.evaluation import CaptionEvaluated, CaptionEvaluationErased, DraftEvaluated, EvaluationErased
from shared.projection import RowChange, delete, insert, projects


@projects(DraftEvaluated)
def add_evaluation(event: DraftEvaluated, at: datetime) -> RowChange:
    return insert(
        "evaluations",
        id=event.evaluation_id,
        draft_id=event.draft_id,
        workflow_id=event.workflow_id,
        user_id=event.user_id,
        platform=event.platform,
        iteration=event.iteration,
        score=event.score,
        feedback=event.feedback,
        criteria_scores=event.criteria_scores,
        criteria_weights=event.criteria_weights,
        measures=event.measures,
        judge=event.judge,
        model=event.model,
        created_at=at,
    )


@projects(EvaluationErased)
def drop_evaluation(event: EvaluationErased, at: datetime) -> RowChange:
    return delete("evaluations", id=event.evaluation_id)


@projects(CaptionEvaluated)
def add_caption_evaluation(event: CaptionEvaluated, at: datetime) -> RowChange:
    return insert(
        "caption_evaluations",
        id=event.caption_evaluation_id,
        image_id=event.image_id,
        user_id=event.user_id,
        score=event.score,
        level=event.level,
        needs_special_review=event.needs_special_review,
        criteria_scores=event.criteria_scores,
        feedback=event.feedback,
        created_at=at,
    )


@projects(CaptionEvaluationErased)
def drop_caption_evaluation(event: CaptionEvaluationErased, at: datetime) -> RowChange:
    return delete("caption_evaluations", id=event.caption_evaluation_id)
