"""Rows of evaluations."""

from __future__ import annotations

from datetime import datetime

from contracts.events.evaluation import DraftEvaluated
from shared.projection import RowChange, insert, projects


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
        measures=event.measures,
        judge=event.judge,
        model=event.model,
        created_at=at,
    )
