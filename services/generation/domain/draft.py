"""A draft: a text written once, by an engine or by a person, and never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from contracts.envelope import MAX_EVENT_BYTES, Event
from contracts.events.generation import DraftCreated, DraftErased, DraftFailed
from shared.decider import Decider

_TOO_BIG = "The text of this draft is larger than {most} KB; shorten it, or split it into several posts."


@dataclass(frozen=True, slots=True)
class Draft:
    """Once settled, by a text or by the failure to write one, nothing more happens."""

    settled: bool = False
    erased: bool = False


@dataclass(frozen=True, slots=True)
class CreateDraft:
    """Keep a text. `based_on_id` names the draft it goes on from, `usage` says what it cost."""

    draft_id: UUID
    workflow_id: UUID
    user_id: UUID
    platform: str
    iteration: int
    content: str
    source: Literal["ai", "human"]
    engine: str
    title: str = ""
    based_on_id: UUID | None = None
    model: str | None = None
    language: str = ""
    tone: str = ""
    hashtags: tuple[str, ...] = ()
    usage: Mapping[str, Any] = field(default_factory=dict)
    style: Mapping[str, Any] = field(default_factory=dict)
    criteria_weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailDraft:
    """Nobody could write it; `reason` says what to do."""

    draft_id: UUID
    workflow_id: UUID
    user_id: UUID
    platform: str
    iteration: int
    reason: str


@dataclass(frozen=True, slots=True)
class EraseDraft:
    """It goes with the account or the workflow it hung on."""

    draft_id: UUID
    user_id: UUID


Command = CreateDraft | FailDraft | EraseDraft


def decide(command: Command, draft: Draft) -> Sequence[Event]:
    if isinstance(command, EraseDraft):
        if not draft.settled or draft.erased:
            return []
        return [DraftErased(draft_id=command.draft_id, user_id=command.user_id)]
    if draft.settled:
        return []
    match command:
        case CreateDraft():
            created = _created(command)
            if len(created.public_json()) > MAX_EVENT_BYTES:
                return [_failed(command, _TOO_BIG.format(most=MAX_EVENT_BYTES // 1024))]
            return [created]
        case FailDraft():
            return [_failed(command, command.reason)]


def _created(command: CreateDraft) -> DraftCreated:
    return DraftCreated(
        draft_id=command.draft_id,
        workflow_id=command.workflow_id,
        user_id=command.user_id,
        platform=command.platform,
        iteration=command.iteration,
        title=command.title,
        content=command.content,
        source=command.source,
        based_on_id=command.based_on_id,
        engine=command.engine,
        model=command.model,
        language=command.language,
        tone=command.tone,
        hashtags=command.hashtags,
        usage=dict(command.usage),
        style=dict(command.style),
        criteria_weights=dict(command.criteria_weights),
    )


def _failed(command: CreateDraft | FailDraft, reason: str) -> DraftFailed:
    return DraftFailed(
        draft_id=command.draft_id,
        workflow_id=command.workflow_id,
        user_id=command.user_id,
        platform=command.platform,
        iteration=command.iteration,
        reason=reason,
    )


def evolve(draft: Draft, event: Event) -> Draft:
    match event:
        case DraftCreated() | DraftFailed():
            return Draft(settled=True)
        case DraftErased():
            return Draft(settled=True, erased=True)
        case _:
            return draft


decider: Decider[Draft] = Decider(
    stream="draft",
    initial=Draft(),
    decide=decide,
    evolve=evolve,
    commands=(CreateDraft, FailDraft, EraseDraft),
    stream_id=lambda command: command.draft_id,
    creating=(CreateDraft, FailDraft),
)
