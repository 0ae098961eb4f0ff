"""What evaluation does about drafts, and the judging itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel, TypeAdapter

from contracts.events.generation import DraftCreated
from services.evaluation.domain.consultation import RecordConsultation
from services.evaluation.domain.evaluation import FailEvaluation, RecordEvaluation
from services.evaluation.judges.port import Submission
from services.evaluation.tools import Tools
from shared.ids import derive
from shared.kit import Kit
from shared.platforms import PLATFORMS
from shared.reactions import GiveUp, LeasedTask, Task, gave_up, on, work
from shared.style import Style

_STYLE = TypeAdapter(Style)


class Judgement(BaseModel):
    """The draft that awaits judgement, text and all: what the task carries."""

    draft_id: UUID
    workflow_id: UUID
    user_id: UUID
    platform: str
    iteration: int
    title: str
    content: str
    language: str
    tone: str
    style: dict[str, Any] = {}
    criteria_weights: dict[str, float] = {}

    @property
    def evaluation_id(self) -> UUID:
        """However often it is judged, it is the same evaluation."""
        return derive("evaluation", self.draft_id)


@on(DraftCreated)
def have_it_judged(event: DraftCreated) -> Task | None:
    if event.source == "human":
        return None  # a person stands behind it already
    asked = Judgement(
        draft_id=event.draft_id,
        workflow_id=event.workflow_id,
        user_id=event.user_id,
        platform=event.platform,
        iteration=event.iteration,
        title=event.title,
        content=event.content,
        language=event.language,
        tone=event.tone,
        style=event.style,
        criteria_weights=event.criteria_weights,
    )
    return Task(derive(event.meta.event_id, "judge"), "judge", asked.model_dump())


@work("judge", lease=90, attempts=4, concurrency=4, harmless=True)
async def judge(task: LeasedTask, kit: Kit) -> list[RecordEvaluation | RecordConsultation]:
    """Show the draft to the judge and keep the verdict."""
    asked = Judgement.model_validate(task.payload)
    tools: Tools = kit.tools
    if asked.platform not in PLATFORMS:
        raise GiveUp(f"No judge knows {asked.platform!r}.")
    submission = Submission(
        platform=asked.platform,
        content=asked.content,
        title=asked.title,
        language=asked.language,
        tone=asked.tone,
        style=_STYLE.validate_python(asked.style) if asked.style else None,
        weights=asked.criteria_weights or None,
        user_id=asked.user_id,
    )
    verdict = await tools.judge.judge(submission)
    return [
        RecordEvaluation(
            evaluation_id=asked.evaluation_id,
            draft_id=asked.draft_id,
            workflow_id=asked.workflow_id,
            user_id=asked.user_id,
            platform=asked.platform,
            iteration=asked.iteration,
            score=verdict.score,
            criteria_scores=verdict.criteria_scores,
            criteria_weights=verdict.weights,
            # A model may answer U+0000, which neither events nor rows can hold.
            feedback=verdict.feedback.replace("\x00", ""),
            judge=verdict.judge,
            model=verdict.model,
            measures=verdict.measures,
        ),
        *(
            RecordConsultation(
                consultation_id=derive("consultation", task.id, task.attempts, number),
                draft_id=asked.draft_id,
                user_id=asked.user_id,
                model=spent.model,
                input_tokens=spent.input_tokens,
                output_tokens=spent.output_tokens,
                cost_usd=spent.cost,
            )
            for number, spent in enumerate(verdict.spent)
        ),
    ]


@gave_up("judge")
def leave_it_to_a_person(task: LeasedTask, reason: str) -> Sequence[FailEvaluation]:
    asked = Judgement.model_validate(task.payload)
    return [
        FailEvaluation(
            evaluation_id=asked.evaluation_id,
            draft_id=asked.draft_id,
            workflow_id=asked.workflow_id,
            user_id=asked.user_id,
            platform=asked.platform,
            iteration=asked.iteration,
            reason=f"{reason.rstrip('.')}. Read the draft and decide without a score.",
        )
    ]
