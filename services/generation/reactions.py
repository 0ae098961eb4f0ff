"""What generation does about what workflow asks for, and the writing itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from contracts.events.workflow import DraftEdited, DraftRequested
from services.generation.domain.draft import CreateDraft, FailDraft
from services.generation.domain.token_usage import RecordTokens
from services.generation.engines.port import NothingToWrite, Request
from services.generation.paying import paid
from services.generation.queries import drafts as queries
from services.generation.styles import style_of
from services.generation.tools import Tools
from shared.ids import derive
from shared.kit import Kit
from shared.platforms import PLATFORMS
from shared.projection import RowChange, inserted
from shared.reactions import GiveUp, LeasedTask, Task, gave_up, on, work

_TITLE_CHARACTERS = 120
_HEADING = re.compile(r"^#{1,6}\s+")


class Order(BaseModel):
    """The draft that is wanted: what the task carries."""

    workflow_id: UUID
    user_id: UUID
    platform: str
    iteration: int
    tone: str
    feedback: str | None
    based_on_id: UUID | None
    options: dict[str, Any]
    criteria_weights: dict[str, float] = {}
    requested_by: UUID  # the event

    @property
    def draft_id(self) -> UUID:
        """However often it is written, it is the same draft."""
        return derive("draft", self.workflow_id, self.platform, self.iteration)


@on(DraftRequested)
def have_it_written(event: DraftRequested) -> Task:
    order = Order(
        workflow_id=event.workflow_id,
        user_id=event.user_id,
        platform=event.platform,
        iteration=event.iteration,
        tone=event.tone,
        feedback=event.feedback,
        based_on_id=event.based_on_id,
        options=event.options,
        criteria_weights=event.criteria_weights,
        requested_by=event.meta.event_id,
    )
    return Task(derive(event.meta.event_id, "write"), "write", order.model_dump())


@on(DraftEdited)
def keep_the_edit(event: DraftEdited) -> CreateDraft:
    return CreateDraft(
        draft_id=event.draft_id,
        workflow_id=event.workflow_id,
        user_id=event.user_id,
        platform=event.platform,
        iteration=event.iteration,
        title=_title(event.content),
        content=event.content,
        source="human",
        engine="human",
        based_on_id=None if event.based_on_id == event.draft_id else event.based_on_id,  # imported
    )


@work("write", lease=90, attempts=4, concurrency=4, harmless=True)
async def write(task: LeasedTask, kit: Kit) -> list[CreateDraft | RecordTokens]:
    """Read what is to be written about, have the engine write, keep the text."""
    order = Order.model_validate(task.payload)
    tools: Tools = kit.tools
    source = await tools.sources.of(order.workflow_id, task.beside)
    previous = await _content(kit, order.based_on_id, task.beside)
    style = await style_of(kit, order.user_id, order.platform, source) if tools.minds_style else None
    request = Request(
        platform=order.platform,
        source=source,
        iteration=order.iteration,
        feedback=order.feedback,
        previous=previous,
        tone=order.tone,
        options=order.options,
        style=style,
        user_id=order.user_id,
    )
    try:
        written = await tools.engine.write(request)
    except NothingToWrite as nothing:
        raise GiveUp(str(nothing)) from nothing
    except KeyError as unknown:
        if order.platform in PLATFORMS:
            raise
        raise GiveUp(f"No engine writes for {order.platform!r}: choose from {', '.join(PLATFORMS)}.") from unknown
    return [
        CreateDraft(
            draft_id=order.draft_id,
            workflow_id=order.workflow_id,
            user_id=order.user_id,
            platform=order.platform,
            iteration=order.iteration,
            # A model may answer U+0000, which neither events nor rows can hold.
            title=written.title.replace("\x00", ""),
            content=written.content.replace("\x00", ""),
            source="ai",
            engine=written.engine,
            based_on_id=order.based_on_id if previous is not None else None,
            model=written.model,
            language=written.usage.get("language") or source.language,
            tone=order.tone,
            hashtags=written.hashtags,
            usage=written.usage if style is None else {**written.usage, "style_samples": style.texts},
            style={} if style is None else asdict(style),
            criteria_weights=order.criteria_weights,
        ),
        *paid(task, written, order.user_id),
    ]


@gave_up("write")
def say_that_nobody_could(task: LeasedTask, reason: str) -> Sequence[FailDraft]:
    order = Order.model_validate(task.payload)
    return [
        FailDraft(
            draft_id=order.draft_id,
            workflow_id=order.workflow_id,
            user_id=order.user_id,
            platform=order.platform,
            iteration=order.iteration,
            reason=f"{reason.rstrip('.')}. To try again, start a new workflow.",
        )
    ]


async def _content(kit: Kit, draft_id: UUID | None, beside: Sequence[RowChange]) -> str | None:
    if draft_id is None:
        return None
    row = inserted(beside, "drafts", id=draft_id)
    if row is None:
        async with kit.database.reading(None) as connection:
            row = await queries.draft(connection, draft_id)
    return None if row is None else row["content"]


def _title(content: str) -> str:
    """The first line of a text that came without a title, which is its heading where it has one."""
    first = next((line for line in map(str.strip, content.splitlines()) if line), "")
    return _HEADING.sub("", first)[:_TITLE_CHARACTERS]
