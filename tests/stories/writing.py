"""The part of the story that is told at generation's desk: outputs, templates, captions, and what models took."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

from contracts.envelope import Event
from contracts.events import evaluation, generation
from shared.ids import new_id
from tests.stories.posts import AT, Ground


async def write(on: Ground, user_id: UUID, chance: random.Random) -> None:
    """One user keeps templates, has texts written and images described, changes their mind, and pays for models."""
    for number in range(3):
        await _template(on, user_id, number, chance)
    for _ in range(6):
        await _output(on, user_id, chance)
    for number in range(3):
        await _caption_task(on, user_id, last=number == 2, chance=chance)
    await _caption_settings(on, user_id, chance)
    await _tokens(on, user_id, chance)
    await _judged_captions(on, user_id, chance)


async def _template(on: Ground, user_id: UUID, number: int, chance: random.Random) -> None:
    template = {"template_id": new_id(), "user_id": user_id}
    key = template["template_id"]
    what = {"name": f"Number {number}", "type": chance.choice(["blog", "email"]), "prompt": "About {topic} 🌱"}
    await on.play(generation.TemplateCreated(**template, **what), key=key)
    if chance.random() < 0.5:
        await on.play(generation.TemplateChanged(**template, **(what | {"prompt": "On {topic}"})), key=key)
    if number == 2 and chance.random() < 0.5:
        await on.play(generation.TemplateDeleted(**template), key=key)


async def _output(on: Ground, user_id: UUID, chance: random.Random) -> None:
    # Months of long ago and to come lie in the default partition, this one's in a partition of its own.
    asked_at = chance.choice([AT, AT - timedelta(days=400), datetime.now(UTC), AT + timedelta(days=4000)])
    output = {"output_id": new_id(), "project_id": new_id(), "user_id": user_id, "requested_at": asked_at}
    key = output["output_id"]
    asked = {"kind": "email", "platform": "email", "request": {"topic": "Wärme 🌱"}, "text": "Heaps steam."}
    await on.play(generation.OutputRequested(**output, **asked), key=key)
    if chance.random() < 0.8:
        await on.play(generation.OutputStarted(**output, attempt=1), key=key)
        await on.play(generation.OutputProgressed(**output, attempt=1, files_read=1, files=2), key=key)
    if chance.random() < 0.4:
        failed = generation.OutputFailed(**output, reason="Gone.", metadata={"error": "Gone."})
        await on.play(failed, key=key)
        if chance.random() < 0.5:
            await on.play(generation.OutputRetried(**output, attempt=2), key=key)
            return
    done = {"body": "Heaps steam.", "metadata": {"word_count": 2}}
    await on.play(generation.OutputCompleted(**output, **done), key=key)
    if chance.random() < 0.3:
        await on.play(generation.OutputEdited(**output, **(done | {"body": "They do."})), key=key)
    if chance.random() < 0.5:
        away = generation.OutputArchived(**output, kind="email", status="completed", request={"a": 1}, **done)
        await on.play(away, key=key)
    if chance.random() < 0.2:
        await on.play(generation.OutputDeleted(**output), key=key)


async def _caption_task(on: Ground, user_id: UUID, *, last: bool, chance: random.Random) -> None:
    task = {"task_id": new_id(), "user_id": user_id}
    key = task["task_id"]
    await on.play(generation.CaptionTaskStarted(**task, connection_id=new_id(), settings={"b": 1, "a": [2]}), key=key)
    moved = generation.CaptionTaskProgressed(**task, progress_percent=40, current_step="2 of 5", started_at=AT)
    if chance.random() < 0.7:
        await on.play(moved, key=key)
    if last:
        return
    ends: list[Event] = [
        generation.CaptionTaskCompleted(**task, results={"captions": 5}, started_at=AT, completed_at=AT),
        generation.CaptionTaskFailed(**task, reason="Connect again.", completed_at=AT),
        generation.CaptionTaskCancelled(**task, completed_at=AT),
    ]
    await on.play(chance.choice(ends), key=key)
    if chance.random() < 0.2:
        await on.play(generation.CaptionTaskErased(**task), key=key)


async def _caption_settings(on: Ground, user_id: UUID, chance: random.Random) -> None:
    for _ in range(2):
        settings = {"caption_settings_id": new_id(), "user_id": user_id}
        key = settings["caption_settings_id"]
        chosen = settings | {"connection_id": new_id(), "created_at": AT}
        await on.play(generation.CaptionSettingsChanged(**chosen, max_posts_per_run=5), key=key)
        if chance.random() < 0.5:
            await on.play(generation.CaptionSettingsChanged(**chosen, processing_delay=0.25), key=key)
        if chance.random() < 0.3:
            await on.play(generation.CaptionSettingsErased(**settings), key=key)


async def _tokens(on: Ground, user_id: UUID, chance: random.Random) -> None:
    for cost in ("0.000150", None, "1.5"):
        usage = {"token_usage_id": new_id()}
        key = usage["token_usage_id"]
        used = {"service": "generation", "model": "small", "input_tokens": 100, "output_tokens": 10, "cost_usd": cost}
        await on.play(generation.TokensUsed(**usage, **used, user_id=user_id, post_id=new_id()), key=key)
        if chance.random() < 0.2:
            await on.play(generation.TokenUsageErased(**usage), key=key)


async def _judged_captions(on: Ground, user_id: UUID, chance: random.Random) -> None:
    key = new_id()
    for score in (91, 55, 30):
        judged = {"caption_evaluation_id": new_id(), "image_id": key, "user_id": user_id}
        verdict = {"score": score, "level": "fair", "needs_special_review": score < 70, "feedback": "Kürzer."}
        await on.play(evaluation.CaptionEvaluated(**judged, **verdict, criteria_scores={"length": 20}), key=key)
        if chance.random() < 0.3:
            await on.play(evaluation.CaptionEvaluationErased(**judged), key=key)
