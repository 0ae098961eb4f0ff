"""What evaluation does about descriptions of images: it judges each as it hears of it."""

from __future__ import annotations

from uuid import UUID

from contracts.events.generation import CaptionGenerated
from services.evaluation.domain.caption_evaluation import RecordCaptionEvaluation
from services.evaluation.judges.captions import judge
from shared.ids import derive
from shared.reactions import on


@on(CaptionGenerated)
def judge_the_caption(event: CaptionGenerated) -> RecordCaptionEvaluation:
    return judged(derive("caption_evaluation", event.meta.event_id), event.image_id, event.user_id, event.caption)


def judged(caption_evaluation_id: UUID, image_id: UUID, user_id: UUID, caption: str) -> RecordCaptionEvaluation:
    """The verdict on a description, to be kept under this id."""
    verdict = judge(caption)
    return RecordCaptionEvaluation(
        caption_evaluation_id=caption_evaluation_id,
        image_id=image_id,
        user_id=user_id,
        caption=caption,
        score=verdict.score,
        level=verdict.level,
        needs_special_review=verdict.needs_special_review,
        feedback=verdict.feedback,
        criteria_scores=verdict.criteria,
    )
