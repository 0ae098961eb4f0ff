"""Workflows whose drafts await a person, with the services that write and judge played."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.envelope import Event, Meta
from contracts.events.evaluation import DraftEvaluated
from contracts.events.generation import DraftCreated
from shared.eventstore.store import Cause
from shared.ids import derive, new_id
from shared.kit import Kit
from tests.integration.desk import Someone


async def hears(kit: Kit, event: Event, *, key: UUID) -> None:
    """The service reacts to an event of one that does not run here."""
    event.at(Meta(new_id(), event.stream, key, 1, datetime.now(UTC), key))
    unit = kit.unit()
    await unit.follow(kit.reactions.outcomes(event), Cause(key, event.meta.event_id, None, None))
    await unit.commit()
    kit.made(unit)


async def drafted(
    kit: Kit, who: Someone, workflow_id: str, *platforms: str, iteration: int = 1, score: int = 90
) -> None:
    """Drafts for these platforms, good enough for a review."""
    for name in platforms:
        draft_id = derive("draft", workflow_id, name, iteration)
        parts: dict[str, Any] = {"workflow_id": UUID(workflow_id), "user_id": who.user_id, "platform": name}
        parts |= {"draft_id": draft_id, "iteration": iteration}
        await hears(kit, DraftCreated(**parts, content="Bread.", source="ai", engine="offline"), key=draft_id)
        verdict = {"criteria_scores": {"clarity": score}, "feedback": "Good.", "judge": "offline"}
        await hears(kit, DraftEvaluated(**parts, evaluation_id=new_id(), score=score, **verdict), key=new_id())


async def started(kit: Kit, who: Someone, *platforms: str, score: int = 90, **options: Any) -> str:
    """A workflow whose drafts await review."""
    options = {"min_score": 0, **options}
    workflow_id = await who.start("Bread rises because yeast breathes.", platforms=list(platforms), **options)
    await drafted(kit, who, workflow_id, *platforms, score=score)
    return workflow_id


def draft_id(workflow_id: str, platform: str, iteration: int = 1) -> str:
    """The draft that `started` made."""
    return str(derive("draft", workflow_id, platform, iteration))
