"""Somebody's executions and processing runs, in every state there is, told to the workflow service itself."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from uuid import UUID

from services.workflow.domain.caption import NoteCaption, ReviewCaption
from services.workflow.domain.execution import (
    CancelExecution,
    CompleteStep,
    CorrectStep,
    Execution,
    FailStep,
    PlanExecution,
    ProduceArtifact,
    RemoveExecution,
    StartStep,
    ValidateStep,
)
from services.workflow.domain.run import FinishRun, Progress, RemoveRun, ReportProgress, StartRun
from shared.ids import new_id
from shared.kit import Kit

AT = datetime(2026, 3, 5, 8, tzinfo=UTC)


async def execute(kit: Kit, user_id: UUID, chance: random.Random) -> None:
    """An execution that goes as chance will have it, and perhaps is removed in the end."""
    execution_id = new_id()
    plan = PlanExecution(
        execution_id,
        user_id,
        chance.choice(["pdf", "code", "url", "youtube", "text"]),
        "Grüße 🌱",
        auto_correct=chance.random() < 0.8,
        max_retries=1,
        metadata={"n": 1},
    )
    state: Execution = await kit.handle(plan, actor=user_id)
    for step in range(1, len(state.steps) + 1):
        for attempt in (1, 2):
            if not await _attempt(kit, execution_id, step, attempt, chance):
                break
    if chance.random() < 0.8:
        artifact = ProduceArtifact(
            execution_id, new_id(), "summary", name="S", data={"text": "x"}, file_size_bytes=2**40
        )
        if await _open(kit, execution_id):
            await kit.handle(artifact, actor=None)
    if chance.random() < 0.2:
        await kit.handle(RemoveExecution(execution_id, "expired"), actor=None)


async def _open(kit: Kit, execution_id: UUID) -> bool:
    await kit.store.load([execution_id])
    known = kit.store.cached(execution_id)
    return known is not None and known.state.status not in ("failed", "cancelled")


async def _attempt(kit: Kit, execution_id: UUID, step: int, attempt: int, chance: random.Random) -> bool:
    """Whether the step is to be tried again."""
    if not await _open(kit, execution_id):
        return False
    if chance.random() < 0.05:
        owner = kit.store.cached(execution_id).state.user_id  # type: ignore[union-attr]
        await kit.handle(CancelExecution(execution_id, owner), actor=owner)
        return False
    await kit.handle(StartStep(execution_id, step, attempt), actor=None)
    if chance.random() < 0.2:
        await kit.handle(FailStep(execution_id, step, attempt, "Too slow.", 9), actor=None)
    else:
        await kit.handle(CompleteStep(execution_id, step, attempt, {"text": "“ä”", "n": [1, None]}, 7), actor=None)
        passed = chance.random() < 0.7
        errors = () if passed else ("Dull.",)
        await kit.handle(ValidateStep(execution_id, step, attempt, passed, 0.5, errors, ("w",)), actor=None)
        if passed:
            return False
    if await _open(kit, execution_id):
        correction = CorrectStep(execution_id, step, attempt, "dull", "format", "Again", 0.5, {"k": 1})
        await kit.handle(correction, actor=None)
    return True


async def run_a_batch(kit: Kit, user_id: UUID, chance: random.Random) -> None:
    """A processing run, running or ended, perhaps removed."""
    run_id = new_id()
    await kit.handle(StartRun(run_id, user_id, f"b-{run_id}", new_id(), "mastodon", "https://m.example"), actor=user_id)
    for posts in range(1, chance.randint(1, 4)):
        progress = Progress(posts_processed=posts, retry_stats={"n": posts} if posts > 1 else None)
        await kit.handle(ReportProgress(run_id, progress), actor=None)
    if chance.random() < 0.7:
        await kit.handle(FinishRun(run_id, chance.choice(["completed", "failed", "cancelled"])), actor=None)
        if chance.random() < 0.3:
            await kit.handle(RemoveRun(run_id, "expired"), actor=None)


async def review_a_caption(kit: Kit, user_id: UUID, chance: random.Random) -> None:
    """A caption that somebody approves."""
    image_id = new_id()
    await kit.handle(NoteCaption(image_id, user_id, "A heap steams."), actor=None)
    if chance.random() < 0.7:
        review = ReviewCaption(image_id, user_id, False, "approve", "A heap.", None, AT)
        await kit.handle(review, actor=user_id)
